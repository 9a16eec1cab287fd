from django.db import migrations

TABLES = ("memories_memoryembedding", "memories_memoryterm")


def per_table(action: str) -> str:
    return ";".join(f"ALTER TABLE {table} {action}" for table in TABLES)


class Migration(migrations.Migration):
    """Recall reads indexes alone, which holds for pages that a vacuum has seen: so it comes early and often."""

    dependencies = [("memories", "0002_memory_event_append_only")]
    operations = [
        migrations.RunSQL(
            per_table(
                "SET (autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_insert_scale_factor = 0.02,"
                " autovacuum_analyze_scale_factor = 0.02)"
            ),
            per_table(
                "RESET (autovacuum_vacuum_scale_factor, autovacuum_vacuum_insert_scale_factor,"
                " autovacuum_analyze_scale_factor)"
            ),
        )
    ]
