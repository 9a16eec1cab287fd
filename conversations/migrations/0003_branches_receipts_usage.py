import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

import memorychat.lib.fields


class Migration(migrations.Migration):
    dependencies = [
        ("conversations", "0002_message_unlearnt_until_learnt"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.RenameField("message", "answers", "parent"),
        migrations.AlterField(
            "message",
            "parent",
            models.ForeignKey(
                null=True,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="children",
                to="conversations.message",
            ),
        ),
        migrations.AddField("message", "wishes", memorychat.lib.fields.EncryptedJSONField(null=True)),
        migrations.AddField("message", "offered", models.JSONField(default=list)),
        migrations.AddField(
            "conversation",
            "is_renamed",
            models.BooleanField(default=False, help_text="By its owner: no model names it any more."),
        ),
        migrations.AddField("conversation", "summary", memorychat.lib.fields.EncryptedTextField(null=True)),
        migrations.AddField("conversation", "summary_through", models.UUIDField(null=True)),
        migrations.AddField("conversation", "pinned_at", models.DateTimeField(null=True)),
        migrations.AddField("conversation", "archived_at", models.DateTimeField(null=True)),
        migrations.AddField("conversation", "leaf_id", models.UUIDField(null=True)),
        migrations.AddField("receipt", "seen_by", models.JSONField(default=list)),
        migrations.AddField("receipt", "prompt", models.JSONField(default=dict)),
        migrations.AddField(
            "receipt", "cost", models.FloatField(help_text="US dollars, where the prices are known.", null=True)
        ),
        migrations.CreateModel(
            name="Usage",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("day", models.DateField()),
                ("provider", models.CharField(max_length=64)),
                ("model", models.CharField(max_length=128)),
                ("answers", models.PositiveIntegerField(default=0)),
                ("input_tokens", models.PositiveBigIntegerField(default=0)),
                ("output_tokens", models.PositiveBigIntegerField(default=0)),
                (
                    "cost",
                    models.FloatField(default=0, help_text="US dollars, as far as the prices are known."),
                ),
                (
                    "owner",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="usage",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        fields=("owner", "day", "provider", "model"), name="usage_one_a_day_and_model"
                    )
                ]
            },
        ),
    ]
