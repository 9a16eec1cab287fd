from django.db import migrations, models

import memorychat.lib.fields


class Migration(migrations.Migration):
    dependencies = [("memories", "0007_links_and_conflicts")]
    operations = [
        migrations.AddField(
            model_name="memoryprofile",
            name="learning",
            field=models.CharField(
                choices=[("automatic", "Remember by itself"), ("ask", "Ask me first"), ("never", "Never learn")],
                default="automatic",
                max_length=16,
            ),
        ),
        migrations.AddField(
            model_name="memoryprofile",
            name="local_only",
            field=models.BooleanField(
                default=False, help_text="Its words reach the built-in embedder and local providers alone."
            ),
        ),
        migrations.AddField(
            model_name="memoryprofile", name="summary", field=memorychat.lib.fields.EncryptedTextField(null=True)
        ),
        migrations.AddField(
            model_name="memoryprofile",
            name="summarised_through",
            field=models.BigIntegerField(
                default=0, help_text="The number of the newest event that the summary knows of."
            ),
        ),
        migrations.AlterField(
            model_name="memory",
            name="status",
            field=models.CharField(
                choices=[
                    ("active", "Active"),
                    ("pending", "Waiting for a decision"),
                    ("superseded", "Superseded"),
                    ("forgotten", "Forgotten"),
                    ("archived", "Archived"),
                    ("quarantined", "Held back"),
                    ("hidden", "Hidden by a moderator"),
                ],
                default="active",
                max_length=16,
            ),
        ),
        migrations.AlterField(
            model_name="memorybatch",
            name="purpose",
            field=models.CharField(
                choices=[
                    ("turn", "Turn of a conversation"),
                    ("api", "List by API"),
                    ("conversation", "Whole conversation"),
                    ("call", "Call"),
                    ("import", "Import"),
                    ("copy", "Copy of a profile"),
                    ("episode", "Episode of a conversation"),
                    ("consolidation", "Consolidation"),
                ],
                max_length=16,
            ),
        ),
    ]
