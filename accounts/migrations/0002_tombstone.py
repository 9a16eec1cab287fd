import django.contrib.postgres.fields
import django.utils.timezone
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("accounts", "0001_initial")]
    operations = [
        migrations.CreateModel(
            name="Tombstone",
            fields=[
                ("person_id", models.UUIDField(primary_key=True, serialize=False)),
                (
                    "key_ids",
                    django.contrib.postgres.fields.ArrayField(base_field=models.UUIDField(), default=list, size=None),
                ),
                ("begun_at", models.DateTimeField(default=django.utils.timezone.now)),
                ("erased_at", models.DateTimeField(help_text="When no row of theirs was left.", null=True)),
                (
                    "completed_at",
                    models.DateTimeField(help_text="When it was looked for what might be left.", null=True),
                ),
                ("certificate", models.JSONField(default=dict)),
            ],
        ),
    ]
