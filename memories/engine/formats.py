"""Files of memories, read: our own, plain lines, and what ChatGPT, Claude and mem0 give out. Pure: bytes to statements.

A list of memories is taken as it is given. Of conversations only what the person wrote is handed on, for extraction:
not the assistant's words, not a tool's, no hidden message, and nothing of a branch that was left. Nothing is dropped
without a word: what cannot be taken stands among the skipped, with its reason.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from typing import Any

from memories.engine.formats_chats import chatgpt, claude, claude_memory, is_chatgpt, is_claude, is_claude_memory
from memories.engine.formats_entries import (
    A_FENCE,
    A_HEADING,
    BULLET,
    FENCE,
    NO_MEMORY,
    SHOWN,
    BadFile,
    Contents,
    Entry,
    Format,
    Skipped,
    beginning_of,
    dict_of,
    given,
    is_storable,
    moment,
    wrong_metadata,
)
from memories.engine.portability import FORMAT, VERSION, OwnMemory, read_own
from memories.engine.types import CONTENT_LIMIT
from memorychat.lib import text

MOST_BYTES = 50 * 2**20
MOST_LINES = 100_000
SAID_LIMIT = 32_000


def read(body: bytes) -> Contents:
    """Raises BadFile with what is wrong with the whole; what is wrong with one entry is told of that entry."""
    if len(body) > MOST_BYTES:
        raise BadFile(f"The file is too large: {len(body) / 2**20:,.0f} MB, and at most 50 MB are allowed.")
    try:
        words = body.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise BadFile("The file is not a text in UTF-8.") from error
    if not words.strip():
        raise BadFile("The file is empty.")
    contents = _read_json(words) if words.lstrip().startswith(("{", "[{", "[\n", "[]", "[ ", "[\r")) else _lines(words)
    if len(contents.entries) + len(contents.skipped) > MOST_LINES:
        raise BadFile(f"The file has too many entries: at most {MOST_LINES:,} are allowed.")
    return contents


def _read_json(words: str) -> Contents:
    try:
        value = json.loads(words)
    except RecursionError as error:
        raise BadFile("The file is nested too deeply.") from error
    except ValueError as error:
        # A copied list may well begin with a bracket: "[2024-05-03] - I moved to Porto".
        if words.lstrip().startswith("[") and isinstance(error, json.JSONDecodeError) and error.pos < SHOWN:
            return _lines(words)
        raise BadFile(f"The file is not JSON: {_where(error)}.") from error
    for is_it, format_, entries in KNOWN:
        if is_it(value):
            return _collected(format_, entries(value))
    raise BadFile(
        "The form of this file is not known. It can be MemoryChat's own, plain lines, conversations.json of ChatGPT or"
        " Claude, memories.json of Claude, or mem0's JSON."
    )


def _where(error: ValueError) -> str:
    return f"line {error.lineno}, column {error.colno}" if isinstance(error, json.JSONDecodeError) else "a bad number"


def _collected(format_: Format, found: Iterator[Entry | Skipped]) -> Contents:
    entries: list[Entry] = []
    skipped: list[Skipped] = []
    for each in found:
        if isinstance(each, Skipped):
            skipped.append(each)
        else:
            try:
                content = text.clean(each.candidate.content, limit=_limit(each), name="memory")
                entries.append(replace(each, candidate=replace(each.candidate, content=content)))
            except text.TextError as error:
                skipped.append(Skipped(each.line, beginning_of(each.candidate.content), str(error)))
    return Contents(format_, entries, skipped)


def _limit(entry: Entry) -> int:
    return SAID_LIMIT if entry.is_said else CONTENT_LIMIT


DATED = re.compile(r"^\[(?P<date>[^\]\n]{1,40})\]\s*[-–—:]?\s*(?P<rest>\S.*)$")


def _lines(words: str) -> Contents:
    return _collected(Format.LINES, _each_line(words))


def _each_line(words: str) -> Iterator[Entry | Skipped]:
    for number, line in enumerate(words.splitlines(), start=1):
        if not line.strip():
            continue
        if FENCE.match(line):
            yield Skipped(number, beginning_of(line), A_FENCE)
            continue
        if line.lstrip().startswith("#"):
            yield Skipped(number, beginning_of(line), A_HEADING)
            continue
        yield given(number, *_undated(BULLET.sub("", line).strip()))


def _undated(line: str) -> tuple[str, datetime | None]:
    dated = DATED.match(line)
    at = moment(dated["date"]) if dated else None
    if dated and (at or "unknown" in dated["date"].lower() or "no date" in dated["date"].lower()):
        return BULLET.sub("", dated["rest"]), at
    return line, None


# Our own


def _is_own(value: Any) -> bool:
    return isinstance(value, dict) and value.get("format") == FORMAT


def _own(value: dict[str, Any]) -> Iterator[Entry | Skipped]:
    if value.get("version") != VERSION:
        raise BadFile(f"The file is of version {beginning_of(value.get('version'))}, and only {VERSION} is known.")
    profiles = value.get("profiles")
    rows = [dict_of(profile).get("memories") for profile in profiles] if isinstance(profiles, list) else [None]
    if not all(isinstance(each, list) for each in rows):
        raise BadFile("The file lacks its profiles, each with its memories.")
    for line, row in enumerate((row for each in rows for row in each or []), start=1):
        memory, reason = read_own(row)
        content = dict_of(row).get("content")
        if memory is None:
            yield Skipped(line, beginning_of(content), reason)
        elif wrong := _wrong_inside(memory):
            yield Skipped(line, beginning_of(content), wrong)
        else:
            yield replace(given(line, memory.content, memory.occurred_at), own=memory)


def _wrong_inside(memory: OwnMemory) -> str:
    """What is wrong with the words besides its content; empty when nothing is."""
    if memory.occurred_at and moment(memory.occurred_at) is None:
        return "Its time does not lie between the years 1900 and 2100."
    if memory.metadata is not None and (wrong := wrong_metadata(memory.metadata)):
        return wrong
    words = [word for source in memory.sources for word in (source.quote, source.speaker)]
    slot = [memory.slot.subject, memory.slot.attribute] if memory.slot else []
    return "" if is_storable([*words, *slot]) else "It holds characters that cannot be stored."


# mem0


def _rows_of_mem0(value: Any) -> Any:
    return value.get("results", value.get("memories")) if isinstance(value, dict) else value


def _is_mem0(value: Any) -> bool:
    rows = _rows_of_mem0(value)
    return isinstance(rows, list) and (not rows or any(isinstance(row, dict) and "memory" in row for row in rows))


def _mem0(value: Any) -> Iterator[Entry | Skipped]:
    for line, row in enumerate(_rows_of_mem0(value), start=1):
        memory = dict_of(row).get("memory")
        if not isinstance(memory, str):
            yield Skipped(line, beginning_of(row), NO_MEMORY)
            continue
        metadata = dict_of(row.get("metadata")) or None
        if wrong := wrong_metadata(metadata or {}):
            yield Skipped(line, beginning_of(memory), wrong)
            continue
        yield given(line, memory, moment(row.get("updated_at") or row.get("created_at")), metadata=metadata)


KNOWN = (
    (_is_own, Format.OWN, _own),
    (is_chatgpt, Format.CHATGPT, chatgpt),
    (is_claude, Format.CLAUDE, claude),
    (is_claude_memory, Format.CLAUDE_MEMORY, claude_memory),
    (_is_mem0, Format.MEM0, _mem0),
)
