"""Whether MemoryChat is well, for probes, balancers and the people who run it; and what a page says when it fails."""

import shutil
from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpRequest, JsonResponse

from accounts.data_keys import verify_key_file
from memorychat import jobs
from memorychat.lib import crypto

OLD_QUEUE_SECONDS = 300
LOST_WORKER_SECONDS = 30
LOW_DISK_BYTES = 500_000_000

# A part of the whole: whether it is well, and what staff may know of it.
Part = tuple[bool, dict[str, Any]]


def live(request: HttpRequest) -> JsonResponse:
    """The process lives; nothing else is asked."""
    return JsonResponse({"status": "ok"})


def ready(request: HttpRequest) -> JsonResponse:
    """Requests can be served: the database answers, its tables are up to date and its words can be read."""
    missing = _first_missing()
    if missing:
        return JsonResponse({"status": "not ready", "missing": missing}, status=503)
    return JsonResponse({"status": "ok"})


def health(request: HttpRequest) -> JsonResponse:
    parts = {name: check() for name, check in _PARTS.items()}
    well = all(fine for fine, _ in parts.values())
    shown: dict[str, Any] = {name: {"status": "ok" if fine else "failing"} for name, (fine, _) in parts.items()}
    if parts["database"][0] and request.user.is_staff:
        for name, (_, details) in parts.items():
            shown[name] |= details
    return JsonResponse({"status": "ok" if well else "failing", "parts": shown}, status=200 if well else 503)


def _first_missing() -> str | None:
    try:
        connection.ensure_connection()
        if _unapplied():
            return "migrations"
        verify_key_file()
    except DatabaseError:
        return "database"
    except crypto.KeysError:
        return "keys"
    return None


def _unapplied() -> int:
    executor = MigrationExecutor(connection)
    return len(executor.migration_plan(executor.loader.graph.leaf_nodes()))


def _database() -> Part:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except DatabaseError as error:
        return False, {"error": type(error).__name__}
    return True, {"vendor": connection.vendor}


def _queue() -> Part:
    try:
        state = jobs.queue_state()
    except DatabaseError:
        return False, {}
    return (state.oldest_due or 0) < OLD_QUEUE_SECONDS, {
        "oldest_due_seconds": state.oldest_due,
        "failed": state.failed,
    }


def _worker() -> Part:
    try:
        last = jobs.queue_state().last_heartbeat
    except DatabaseError:
        return False, {}
    return last is not None and last < LOST_WORKER_SECONDS, {"last_heartbeat_seconds": last}


def _providers() -> Part:
    return True, {"configured": settings.LLM_PROVIDERS}


def _disk() -> Part:
    free = shutil.disk_usage(settings.DATA_DIR).free
    return free > LOW_DISK_BYTES, {"free_bytes": free}


_PARTS: dict[str, Callable[[], Part]] = {
    "database": _database,
    "queue": _queue,
    "worker": _worker,
    "providers": _providers,
    "disk": _disk,
}
