import django.db.models.deletion
from django.db import migrations, models


def profile(related_name: str) -> models.ForeignKey:
    return models.ForeignKey(
        db_constraint=False,
        db_index=False,
        on_delete=django.db.models.deletion.CASCADE,
        related_name=related_name,
        to="memories.memoryprofile",
    )


class Migration(migrations.Migration):
    dependencies = [
        ("memories", "0011_profile_providers"),
    ]

    operations = [
        migrations.AlterField("memoryembedding", "profile", profile("+")),
        migrations.AlterField("memoryterm", "profile", profile("+")),
        migrations.AlterField("memorylink", "profile", profile("links")),
        migrations.AlterField("conflict", "profile", profile("conflicts")),
    ]
