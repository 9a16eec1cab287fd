"""Whether MemoryChat is well, for probes, balancers and the people who run it; and what a page says when it fails."""

import shutil
from typing import Any

from django.conf import settings
from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.http import require_safe

from accounts.data_keys import verify_key_file
from memorychat import jobs, readings
from memorychat.lib import crypto
from memorychat.lib.metrics import CONTENT_TYPE, REFUSAL, may_read
from memorychat.lib.proxies import came_directly
from memorychat.llm import outcomes
from memorychat.llm.providers import Nobody, get_chat_model

OLD_QUEUE_SECONDS = 300
LOST_WORKER_SECONDS = 30
# A failure longer ago is forgiven: nobody has asked since.
FRESH_OUTCOME_SECONDS = 300
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
    parts = _parts()
    well = all(fine for fine, _ in parts.values())
    shown: dict[str, Any] = {name: {"status": "ok" if fine else "failing"} for name, (fine, _) in parts.items()}
    if parts["database"][0] and request.user.is_staff:
        for name, (_, details) in parts.items():
            shown[name] |= details
    return JsonResponse({"status": "ok" if well else "failing", "parts": shown}, status=200 if well else 503)


@require_safe
def metrics(request: HttpRequest) -> HttpResponse:
    """The numbers of this process, for this machine and for whoever brings the token."""
    address = request.META.get("REMOTE_ADDR", "") if came_directly(request) else ""
    if may_read(address, request.headers.get("Authorization", ""), token=settings.METRICS_TOKEN):
        return HttpResponse(readings.text(), content_type=CONTENT_TYPE)
    return HttpResponse(REFUSAL, status=403, content_type="text/plain; charset=utf-8")


def _parts() -> dict[str, Part]:
    state = _queue_state()
    return {
        "database": _database(),
        "queue": _queue(state),
        "worker": _worker(state),
        "providers": _providers(),
        "disk": _disk(),
    }


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


def _queue_state() -> jobs.QueueState | None:
    try:
        return jobs.queue_state()
    except DatabaseError:
        return None


def _queue(state: jobs.QueueState | None) -> Part:
    if state is None:
        return False, {}
    return (state.oldest_due or 0) < OLD_QUEUE_SECONDS, {
        "oldest_due_seconds": state.oldest_due,
        "failed": state.failed,
    }


def _worker(state: jobs.QueueState | None) -> Part:
    if state is None:
        return False, {}
    last = state.last_heartbeat
    return last is not None and last < LOST_WORKER_SECONDS, {"last_heartbeat_seconds": last}


def _providers() -> Part:
    """How the model in use did when this process last asked it; nothing is asked for the sake of knowing."""
    provider = get_chat_model(Nobody()).provider
    details: dict[str, Any] = {"configured": settings.LLM_PROVIDERS, "provider": provider}
    outcome = outcomes.last.get(provider)
    if outcome is None:
        return True, details
    details |= {"code": outcome.code or "ok", "seconds_ago": round(outcome.seconds_ago)}
    return not outcome.code or outcome.seconds_ago > FRESH_OUTCOME_SECONDS, details


def _disk() -> Part:
    free = shutil.disk_usage(settings.DATA_DIR).free
    return free > LOW_DISK_BYTES, {"free_bytes": free}
