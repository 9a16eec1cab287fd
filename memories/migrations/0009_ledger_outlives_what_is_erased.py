import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


def plain_reference(to: str, *, name: str = "+", null: bool = False) -> models.ForeignKey:
    return models.ForeignKey(
        db_constraint=False, null=null, on_delete=django.db.models.deletion.DO_NOTHING, related_name=name, to=to
    )


# The erasure path says so in its own transaction, and may then empty texts; nothing may delete an event.
FORWARDS = """
CREATE OR REPLACE FUNCTION memory_event_refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'UPDATE' AND current_setting('memorychat.erasing', true) = 'on'
       AND NEW.before IS NULL AND NEW.reason = ''::bytea AND NEW.after = ''::bytea
       AND (NEW.id, NEW.number, NEW.memory_id, NEW.change_id, NEW.action, NEW.created_at)
         = (OLD.id, OLD.number, OLD.memory_id, OLD.change_id, OLD.action, OLD.created_at) THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION 'the ledger is append-only: % of an event is refused', TG_OP USING ERRCODE = 'restrict_violation';
END $$;
"""
BACKWARDS = """
CREATE OR REPLACE FUNCTION memory_event_refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the ledger is append-only: % of an event is refused', TG_OP USING ERRCODE = 'restrict_violation';
END $$;
"""


class Migration(migrations.Migration):
    dependencies = [
        ("memories", "0008_profile_learning_and_summary"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]
    operations = [
        migrations.AlterField("memoryevent", "actor", plain_reference(settings.AUTH_USER_MODEL, null=True)),
        migrations.AlterField("memoryevent", "owner", plain_reference(settings.AUTH_USER_MODEL)),
        migrations.AlterField(
            "memoryevent", "batch", plain_reference("memories.memorybatch", name="events", null=True)
        ),
        migrations.AlterField("memoryevent", "memory", plain_reference("memories.memory", name="events")),
        migrations.AlterField("memoryevent", "profile", plain_reference("memories.memoryprofile")),
        migrations.AddField(
            "memoryevent",
            "outcome",
            models.CharField(default="", help_text="What the write gate decided.", max_length=16),
        ),
        migrations.AddField(
            "memoryevent",
            "conversation_id",
            models.UUIDField(help_text="The conversation or call of that message.", null=True),
        ),
        migrations.AlterField(
            "memoryevent",
            "action",
            models.CharField(
                choices=[
                    ("created", "Remembered"),
                    ("reinforced", "Heard again"),
                    ("revised", "Corrected"),
                    ("adjusted", "Adjusted"),
                    ("confirmed", "Confirmed"),
                    ("superseded", "Superseded"),
                    ("forgotten", "Forgotten"),
                    ("restored", "Restored"),
                    ("undone", "Undone"),
                    ("used", "Used in an answer"),
                    ("archived", "Archived"),
                    ("consolidated", "Joined with others"),
                    ("erased", "Erased"),
                ],
                max_length=16,
            ),
        ),
        migrations.AddIndex(
            "memoryevent",
            models.Index(
                condition=models.Q(("conversation_id__isnull", False)),
                fields=["conversation_id"],
                name="event_conversation",
            ),
        ),
        migrations.RunSQL(FORWARDS, BACKWARDS),
    ]
