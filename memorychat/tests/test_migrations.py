"""Migrations lead back as well as forth, and say all that the models say."""

from collections.abc import Iterator

import pytest
from django.apps import apps
from django.core.management import call_command
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

from memorychat.lib.environment import ROOT

OUR_APPS = [config.label for config in apps.get_app_configs() if (ROOT / config.name / "migrations").exists()]

# Whatever a migration may make: tables with their columns, constraints and storage settings, indexes, sequences,
# functions, triggers. What belongs to an extension or to the queue's package is theirs.
SCHEMA = """
SELECT 'column', attrelid::regclass || '.' || attname, format_type(atttypid, atttypmod) || attnotnull::text
  FROM pg_attribute JOIN pg_class ON pg_class.oid = attrelid
 WHERE relnamespace = 'public'::regnamespace AND relkind = 'r' AND attnum > 0 AND NOT attisdropped
UNION ALL
SELECT 'constraint', conrelid::regclass || '.' || conname, pg_get_constraintdef(oid)
  FROM pg_constraint WHERE connamespace = 'public'::regnamespace AND conrelid <> 0
UNION ALL
SELECT 'index', tablename || '.' || indexname, indexdef FROM pg_indexes WHERE schemaname = 'public'
UNION ALL
SELECT 'setting', relname, reloptions::text
  FROM pg_class WHERE relnamespace = 'public'::regnamespace AND reloptions IS NOT NULL
UNION ALL
SELECT 'sequence', relname, '' FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'S'
UNION ALL
SELECT 'function', proname, prosrc FROM pg_proc
 WHERE pronamespace = 'public'::regnamespace
   AND NOT EXISTS (SELECT FROM pg_depend WHERE objid = pg_proc.oid AND deptype = 'e')
UNION ALL
SELECT 'trigger', tgrelid::regclass || '.' || tgname, pg_get_triggerdef(oid) FROM pg_trigger WHERE NOT tgisinternal
"""


def schema() -> set[tuple[str, str, str]]:
    with connection.cursor() as cursor:
        cursor.execute(SCHEMA)
        return set(cursor.fetchall())


def migrate_all() -> None:
    executor = MigrationExecutor(connection)
    executor.migrate(executor.loader.graph.leaf_nodes())


@pytest.fixture
def migrated_again(transactional_db: None) -> Iterator[None]:
    """Whatever becomes of the test, the next one finds every table."""
    yield
    migrate_all()


def test_every_migration_leads_back_to_nothing_and_forth_to_the_same(migrated_again: None) -> None:
    before = schema()

    MigrationExecutor(connection).migrate([(app, None) for app in OUR_APPS])
    left = [row for row in schema() if not row[1].startswith(("procrastinate_", "django_", "auth_"))]
    assert left == []

    migrate_all()
    assert schema() == before


@pytest.mark.django_db
def test_the_migrations_say_all_that_the_models_say() -> None:
    call_command("makemigrations", check=True, dry_run=True, verbosity=0)
