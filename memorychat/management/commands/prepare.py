from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

from memorychat.lib import crypto
from memorychat.lib.launcher import say


class Command(BaseCommand):
    help = "Bring tables, keys and static files up to date; make run does this before it starts."

    def handle(self, *args: Any, **options: Any) -> None:
        _migrate()
        crypto.master_keys()
        say("keys", str(settings.KEYS_FILE))
        _collect_static_files()


def _migrate() -> None:
    executor = MigrationExecutor(connection)
    plan = executor.migration_plan(executor.loader.graph.leaf_nodes())
    if plan:
        call_command("migrate", interactive=False, verbosity=0)
    say("migrations", f"{len(plan)} applied" if plan else "up to date")


def _collect_static_files() -> None:
    call_command("collectstatic", interactive=False, verbosity=0)
    say("static files", str(settings.STATIC_ROOT))
