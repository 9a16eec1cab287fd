from django.db import migrations

# Until now each message followed the one before it.
PARENTS = """
UPDATE conversations_message message SET parent_id = (
    SELECT earlier.id FROM conversations_message earlier
     WHERE earlier.conversation_id = message.conversation_id AND earlier.id < message.id
     ORDER BY earlier.id DESC LIMIT 1)
 WHERE role = 'user'"""
LEAVES = """
UPDATE conversations_conversation conversation SET leaf_id = (
    SELECT id FROM conversations_message WHERE conversation_id = conversation.id ORDER BY id DESC LIMIT 1)"""


class Migration(migrations.Migration):
    dependencies = [("conversations", "0003_branches_receipts_usage")]

    operations = [
        migrations.RunSQL(PARENTS, migrations.RunSQL.noop),
        migrations.RunSQL(LEAVES, migrations.RunSQL.noop),
    ]
