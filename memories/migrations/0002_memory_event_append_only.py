from django.db import migrations

FORWARDS = """
CREATE FUNCTION memory_event_refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the ledger is append-only: % of an event is refused', TG_OP USING ERRCODE = 'restrict_violation';
END $$;
CREATE TRIGGER memory_event_append_only BEFORE UPDATE OR DELETE ON memories_memoryevent
    FOR EACH ROW EXECUTE FUNCTION memory_event_refuse();
"""
BACKWARDS = """
DROP TRIGGER memory_event_append_only ON memories_memoryevent;
DROP FUNCTION memory_event_refuse();
"""


class Migration(migrations.Migration):
    dependencies = [("memories", "0001_initial")]
    operations = [migrations.RunSQL(FORWARDS, BACKWARDS)]
