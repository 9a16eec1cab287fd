import json
import uuid
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from accounts import people
from memories import profiles
from memories.access import MemoryAccess
from memories.engine import importing
from memories.engine.formats import MOST_BYTES, read
from memories.engine.formats_entries import BadFile
from memories.engine.importing import Report
from memories.engine.types import NotAllowed
from memories.models import MemoryProfile, Origin
from memorychat.lib.identifiers import uuid7
from memorychat.llm.types import ProviderError


class Command(BaseCommand):
    help = "Import a file of memories: what becomes of each line, then the counts and the change that undoes all of it."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("email")
        parser.add_argument("file", type=Path)
        parser.add_argument("--profile", metavar="ID", help="the default profile unless given")
        parser.add_argument("--dry-run", action="store_true", help="write nothing")
        parser.add_argument("--limit", type=int, metavar="N", help="read the N newest conversations at most")

    def handle(
        self,
        *args: Any,
        email: str,
        file: Path,
        profile: str | None,
        dry_run: bool,
        limit: int | None,
        **options: Any,
    ) -> None:
        access = _access(email, profile)
        try:
            contents = read(_body(file))
            statements, skipped = importing.statements_of(access.profile, contents, most_conversations=limit)
            report, reference = importing.rehearse(access, [], skipped), uuid7()
            run = importing.rehearse(access, statements) if dry_run else importing.write(access, statements, reference)
        except (BadFile, NotAllowed, ProviderError) as error:
            raise CommandError(str(error), returncode=2) from error
        self._tell(Report([*report.lines, *run.lines]), contents.format, None if dry_run else reference)

    def _tell(self, report: Report, format_: str, change_id: uuid.UUID | None) -> None:
        for line in report.lines:
            told = " ".join(filter(None, [line.reason, line.other]))
            self.stdout.write(f"{line.line}\t{line.verdict}\t{line.content}\t{told}".rstrip())
        self.stdout.write(json.dumps({"format": format_, **report.counts, "change_id": change_id and str(change_id)}))


def _access(email: str, profile_id: str | None) -> MemoryAccess:
    """As the person's own hand, by a file. Raises CommandError."""
    user = people.find(email)
    if user is None:
        raise CommandError(f"There is no account with the address {email}.", returncode=2)
    try:
        profile = profiles.get(user, uuid.UUID(profile_id) if profile_id else None)
    except (MemoryProfile.DoesNotExist, ValueError) as error:
        raise CommandError("This person has no profile by this id.", returncode=2) from error
    return profiles.by_hand(user, profile, door=Origin.IMPORT)


def _body(file: Path) -> bytes:
    try:
        with file.open("rb") as opened:
            return opened.read(MOST_BYTES + 1)
    except OSError as error:
        raise CommandError(f"The file {file} cannot be read: {error.strerror}.", returncode=2) from error
