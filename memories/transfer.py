"""The pages by which memories come in from a file and are taken out.

No file is kept: what was found in it travels in the page that shows it, sealed under the profile's key, and comes back
with the yes. So no row and no session ever holds its words. While it arrives, the web server holds what is larger than
100 KB in a temporary file without a name, before any line of this is reached (docs/portability.md).
"""

import base64
import binascii
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.files.uploadhandler import MemoryFileUploadHandler
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt, csrf_protect
from django.views.decorators.http import require_http_methods, require_POST
from pydantic import TypeAdapter

from accounts.requests import PersonRequest, posted
from memories import profiles
from memories.access import MemoryAccess
from memories.engine import importing, portability
from memories.engine.formats import MOST_BYTES, read
from memories.engine.formats_entries import BadFile, Contents, Entry, Skipped
from memories.engine.importing import Report, Verdict
from memories.forms import ExportForm, ImportForm
from memories.models import MemoryEvent, MemoryProfile, Origin
from memorychat.jobs import TooEarly
from memorychat.lib.crypto import Sealed, SealedError, seal, unlock, unseal
from memorychat.lib.identifiers import uuid7
from memorychat.llm.providers import has_language_model
from memorychat.llm.types import ProviderError

INVALID = 422
# What a person can look at, and wait for; the command takes more.
MOST_AT_ONCE = 500
MOST_CONVERSATIONS = 20
LARGEST_SEALED = 2_000_000
TOO_MANY = (
    "The file holds {count:,} statements, and this page takes {most:,} at once. Give a smaller part of it, or have it"
    " imported by the command import_memories, which takes 100,000."
)
NO_ANSWER = "The language model that is to read the conversations does not answer. Try again later."
STALE = "What was shown is not known any more. Choose the file again."

VERDICTS = {
    Verdict.NEW: "New",
    Verdict.CONFLICT: "Contradicts",
    Verdict.WAITS: "Will wait",
    Verdict.DUPLICATE: "Known already",
    Verdict.SKIPPED: "Left out",
}

View = Callable[..., HttpResponse]


@dataclass(frozen=True)
class Package:
    """What was found in a file, on its way to the page and back. `reference` is the change that will undo it."""

    reference: uuid.UUID
    statements: list[Entry]


_package: TypeAdapter[Package] = TypeAdapter(Package)


class InMemory(MemoryFileUploadHandler):
    """Taken out of the request, a file of any size stays in memory; of one that is too large no more than shows it."""

    def handle_raw_input(self, *arguments: Any, **options: Any) -> None:
        self.activated = True

    def receive_data_chunk(self, raw_data: bytes, start: int) -> None:
        self.file.write(raw_data[: max(0, MOST_BYTES + 1 - self.file.tell())])


def _keeps_files_in_memory(view: View) -> View:
    """The handler must be chosen before anything reads the request, and so before the check of its token."""

    @csrf_exempt
    @wraps(view)
    def choosing(request: HttpRequest, *arguments: Any, **options: Any) -> HttpResponse:
        request.upload_handlers = [InMemory(request)]
        return csrf_protect(view)(request, *arguments, **options)

    return choosing


@_keeps_files_in_memory
@login_required
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def memory_import(request: PersonRequest) -> HttpResponse:
    """Takes a file, and shows what would become of each of its lines."""
    form = ImportForm(posted(request), request.FILES or None, profiles=_profiles(request))
    if form.is_valid():
        access = _access(request, form.cleaned_data["profile"])
        try:
            statements, skipped = _found(access.profile, read(form.body()))
            return _show(request, access, statements, skipped)
        except BadFile as error:
            form.add_error("file", str(error))
        except ProviderError as error:
            form.add_error("file", str(error) if isinstance(error, TooEarly) else NO_ANSWER)
    return render(request, "memories/import.html", {"form": form}, status=INVALID if form.errors else 200)


@login_required
@require_POST
def memory_import_write(request: PersonRequest) -> HttpResponse:
    """Writes what was shown, once, however often it is sent."""
    form = ImportForm(request.POST, profiles=_profiles(request), needs_words=False)
    package = None
    if form.is_valid():
        access = _access(request, form.cleaned_data["profile"])
        package = _opened(access.profile, request.POST.get("package", ""))
    if package is None:
        form = ImportForm(None, profiles=_profiles(request))
        return render(request, "memories/import.html", {"form": form, "trouble": STALE}, status=INVALID)
    importing.write(access, package.statements, package.reference)
    if not MemoryEvent.objects.for_user(request.user).filter(change_id=package.reference).exists():
        messages.success(request, "Nothing was new, so nothing was written.")
        return redirect("memory-list")
    return redirect("change-done", package.reference)


@login_required
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def memory_export(request: PersonRequest) -> HttpResponse:
    form = ExportForm(posted(request), profiles=_profiles(request))
    if not form.is_valid():
        return render(request, "memories/export.html", {"form": form}, status=INVALID if form.errors else 200)
    chosen = form.cleaned_data["profile"]
    wanted = [profile for profile in _profiles(request) if not chosen or str(profile.pk) == chosen]
    accesses = [profiles.by_hand(request.user, profile) for profile in wanted]
    is_json = form.cleaned_data["format"] == ExportForm.JSON
    parts = portability.export_json(accesses) if is_json else portability.export_markdown(accesses)
    name = f"memorychat-{timezone.now():%Y-%m-%d}.{'json' if is_json else 'md'}"
    return HttpResponse(
        "".join(parts),
        content_type="application/json" if is_json else "text/markdown; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )


def _profiles(request: PersonRequest) -> list[MemoryProfile]:
    profiles.default_for(request.user)
    rows = MemoryProfile.objects.for_user(request.user).active().select_related("owner").order_by("-is_default", "pk")
    unlock(rows)
    return list(rows)


def _access(request: PersonRequest, profile_id: str) -> MemoryAccess:
    profile = profiles.get(request.user, uuid.UUID(profile_id))
    return profiles.by_hand(request.user, profile, door=Origin.IMPORT)


def _found(profile: MemoryProfile, contents: Contents) -> tuple[list[Entry], list[Skipped]]:
    """Raises BadFile for more than the page can show, ProviderError."""
    most = MOST_CONVERSATIONS if has_language_model(profile) else None
    statements, skipped = importing.statements_of(profile, contents, most_conversations=most)
    if len(statements) > MOST_AT_ONCE:
        raise BadFile(TOO_MANY.format(count=len(statements), most=MOST_AT_ONCE))
    if not statements and not skipped:
        raise BadFile("There is nothing to remember in this file.")
    return statements, skipped


def _show(
    request: PersonRequest, access: MemoryAccess, statements: list[Entry], skipped: list[Skipped]
) -> HttpResponse:
    package = _sealed(access.profile, Package(uuid7(), statements))
    if len(package) > LARGEST_SEALED:
        raise BadFile(TOO_MANY.format(count=len(statements), most=MOST_AT_ONCE))
    report = importing.rehearse(access, statements, skipped)
    context = {
        "profile": access.profile,
        "package": package,
        "report": report,
        "counts": _counts(report),
        "rows": [(line, VERDICTS[line.verdict]) for line in report.lines[:MOST_AT_ONCE]],
        "more": max(0, len(report.lines) - MOST_AT_ONCE),
    }
    return render(request, "memories/import_preview.html", context)


def _counts(report: Report) -> list[tuple[str, int]]:
    return [(label, report.counts[verdict]) for verdict, label in VERDICTS.items() if report.counts[verdict]]


def _context(profile: MemoryProfile) -> bytes:
    return b"memories.import:" + profile.pk.bytes


def _sealed(profile: MemoryProfile, package: Package) -> str:
    sealed = seal(_package.dump_json(package).decode(), key_id=profile.data_key_id, context=_context(profile))
    return base64.b64encode(sealed).decode()


def _opened(profile: MemoryProfile, text: str) -> Package | None:
    """None for what this page did not seal for this profile."""
    try:
        sealed = Sealed(base64.b64decode(text, validate=True))
        if len(sealed) < len(profile.pk.bytes) or sealed.key_id != profile.data_key_id:
            return None
        return _package.validate_json(unseal(sealed, context=_context(profile)))
    except (binascii.Error, SealedError, ValueError):
        return None
