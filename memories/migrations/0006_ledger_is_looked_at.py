from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [
        ("memories", "0005_event_undoes_index"),
    ]

    operations = [
        migrations.AlterModelOptions(
            name="memoryevent",
            options={
                "default_permissions": ("view",),
                "verbose_name": "event of the ledger",
                "verbose_name_plural": "events of the ledger",
            },
        ),
    ]
