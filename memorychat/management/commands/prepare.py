from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

from accounts.data_keys import verify_key_file
from memorychat.lib.crypto import KeysError
from memorychat.lib.environment import refuse
from memorychat.lib.launcher import say


class Command(BaseCommand):
    help = "Bring tables, keys and static files up to date; make run does this before it starts."

    def handle(self, *args: Any, **options: Any) -> None:
        _migrate()
        _verify_keys()
        say("keys", str(settings.KEYS_FILE))
        _collect_static_files()


def _migrate() -> None:
    executor = MigrationExecutor(connection)
    plan = executor.migration_plan(executor.loader.graph.leaf_nodes())
    if plan:
        call_command("migrate", interactive=False, verbosity=0)
    say("migrations", f"{len(plan)} applied" if plan else "up to date")


def _verify_keys() -> None:
    try:
        verify_key_file()
    except KeysError as error:
        refuse(str(error))


def _collect_static_files() -> None:
    call_command("collectstatic", interactive=False, verbosity=0)
    say("static files", str(settings.STATIC_ROOT))
