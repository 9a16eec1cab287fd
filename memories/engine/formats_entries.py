"""What is read from a file of memories, whatever its format: entries, what is skipped, and times as files tell them."""

import json
import re
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from memories.engine.portability import OwnMemory
from memories.engine.types import Candidate, Provenance
from memories.models import FoundBy

SHOWN = 80
METADATA_BYTES = 4_096
# "- ", "* ", "1. ", "[2024-05-03] - ", and dates as lists that were copied have them.
BULLET = re.compile(r"^\s*(?:[-*•–]|\d{1,4}[.)])\s+")
A_HEADING = "A heading is no memory."
A_FENCE = "It only opens or closes a block."
NO_MEMORY = "There is no memory in it."
NO_OWN_WORDS = "There are no words of the person in it."
NOT_OF_WORDS = "This message is not of words."
FENCE = re.compile(r"^\s*(```|~~~)")


class Format(StrEnum):
    OWN = "memorychat"
    LINES = "lines"
    CHATGPT = "chatgpt"
    CLAUDE = "claude"
    CLAUDE_MEMORY = "claude_memory"
    MEM0 = "mem0"


class BadFile(ValueError):
    """A file that cannot be taken; the message is a sentence for the person."""


@dataclass(frozen=True)
class Skipped:
    """What of a file cannot be taken. `line` counts its entries from 1; `beginning` is how it begins."""

    line: int
    beginning: str
    reason: str


@dataclass(frozen=True)
class Entry:
    """A statement as it is given, or with `is_said` what a person said, from which statements are still to be taken.

    `own` is a memory of our own format, which knows more of it than a candidate does.
    """

    line: int
    candidate: Candidate
    is_said: bool = False
    own: OwnMemory | None = None


@dataclass(frozen=True)
class Contents:
    format: Format
    entries: list[Entry]
    skipped: list[Skipped]


def beginning_of(words: object) -> str:
    """How an entry begins, of what can be shown and stored alone."""
    shown = str(words).replace("\x00", "").encode(errors="replace").decode().strip()
    return shown if len(shown) <= SHOWN else f"{shown[:SHOWN]}…"


def given(line: int, content: str, at: datetime | None = None, **columns: Any) -> Entry:
    candidate = Candidate(
        content, occurred_at=at, found_by=FoundBy.IMPORT, provenance=Provenance(said_at=at) if at else Provenance()
    )
    return Entry(line, replace(candidate, **columns))


def said(line: int, words: str, at: datetime | None, thread: str, position: int) -> Entry:
    provenance = Provenance(thread=thread[:255], position=position, said_at=at)
    return Entry(line, Candidate(words, occurred_at=at, provenance=provenance), is_said=True)


def moment(value: object) -> datetime | None:
    """Of seconds since 1970 or of ISO 8601; None for what makes no sense, and for times that no memory can have."""
    try:
        if isinstance(value, int | float) and not isinstance(value, bool):
            moment = datetime.fromtimestamp(value, UTC)
        else:
            moment = datetime.fromisoformat(str(value).strip())
    except (ValueError, OverflowError, OSError):
        return None
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return moment if 1900 < moment.year < 2100 else None


def wrong_metadata(metadata: dict[str, Any]) -> str:
    """What is wrong with them; empty when nothing is."""
    if not is_storable(metadata):
        return "Its metadata hold characters that cannot be stored."
    is_long = len(json.dumps(metadata, ensure_ascii=False).encode()) > METADATA_BYTES
    return f"Its metadata are longer than {METADATA_BYTES:,} bytes." if is_long else ""


def is_storable(value: Any) -> bool:
    try:
        plain = json.dumps(value, allow_nan=False)
        return "\\u0000" not in plain and bool(json.dumps(value, ensure_ascii=False).encode())
    except ValueError:
        return False


def dict_of(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}
