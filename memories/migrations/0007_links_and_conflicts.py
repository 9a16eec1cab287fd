import django.db.models.deletion
import django.utils.timezone
from django.db import migrations, models

import memorychat.lib.identifiers


def of_memory(*, index: bool = True) -> models.ForeignKey:
    return models.ForeignKey(
        db_index=index, on_delete=django.db.models.deletion.CASCADE, related_name="+", to="memories.memory"
    )


def of_profile(name: str) -> models.ForeignKey:
    return models.ForeignKey(
        db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name=name, to="memories.memoryprofile"
    )


class Migration(migrations.Migration):
    dependencies = [("memories", "0006_ledger_is_looked_at")]
    operations = [
        migrations.CreateModel(
            name="MemoryLink",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("weight", models.FloatField(help_text="Their similarity on the common scale, 0–1.")),
                ("one", of_memory(index=False)),
                ("other", of_memory(index=False)),
                ("profile", of_profile("links")),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(fields=("one", "other"), include=("weight",), name="link_one_a_pair"),
                    models.CheckConstraint(condition=models.Q(("one__lt", models.F("other"))), name="link_in_order"),
                ],
                "indexes": [models.Index(fields=["other"], include=("one", "weight"), name="link_other")],
            },
        ),
        migrations.CreateModel(
            name="Conflict",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=memorychat.lib.identifiers.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("created_at", models.DateTimeField(default=django.utils.timezone.now)),
                ("resolved_at", models.DateTimeField(null=True)),
                ("one", of_memory()),
                ("other", of_memory()),
                ("profile", of_profile("conflicts")),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(fields=("one", "other"), name="conflict_one_a_pair"),
                    models.CheckConstraint(
                        condition=models.Q(("one__lt", models.F("other"))), name="conflict_in_order"
                    ),
                ],
                "indexes": [
                    models.Index(condition=models.Q(("resolved_at", None)), fields=["profile"], name="conflict_open")
                ],
            },
        ),
    ]
