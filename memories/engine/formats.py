"""Files of memories, read: our own, plain lines, and what ChatGPT, Claude and mem0 give out. Pure: bytes to statements.

A list of memories is taken as it is given. Of conversations only what the person wrote is handed on, for extraction:
not the assistant's words, not a tool's, no hidden message, and nothing of a branch that was left. Nothing is dropped
without a word: what cannot be taken stands among the skipped, with its reason.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from memories.engine.portability import FORMAT, VERSION, OwnMemory, read_own
from memories.engine.types import CONTENT_LIMIT, Candidate, Provenance
from memories.models import FoundBy
from memorychat.lib import text

MOST_BYTES = 50 * 2**20
MOST_LINES = 100_000
SHOWN = 80
SAID_LIMIT = 32_000
METADATA_BYTES = 4_096


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


def beginning_of(words: object) -> str:
    """How an entry begins, of what can be shown and stored alone."""
    shown = str(words).replace("\x00", "").encode(errors="replace").decode().strip()
    return shown if len(shown) <= SHOWN else f"{shown[:SHOWN]}…"


# "- ", "* ", "1. ", "[2024-05-03] - ", and dates as lists that were copied have them.
BULLET = re.compile(r"^\s*(?:[-*•–]|\d{1,4}[.)])\s+")
DATED = re.compile(r"^\[(?P<date>[^\]\n]{1,40})\]\s*[-–—:]?\s*(?P<rest>\S.*)$")
A_HEADING = "A heading is no memory."
A_FENCE = "It only opens or closes a block."
NO_MEMORY = "There is no memory in it."
NO_OWN_WORDS = "There are no words of the person in it."
NOT_OF_WORDS = "This message is not of words."
FENCE = re.compile(r"^\s*(```|~~~)")


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
        yield _given(number, *_undated(BULLET.sub("", line).strip()))


def _undated(line: str) -> tuple[str, datetime | None]:
    dated = DATED.match(line)
    at = _moment(dated["date"]) if dated else None
    if dated and (at or "unknown" in dated["date"].lower() or "no date" in dated["date"].lower()):
        return BULLET.sub("", dated["rest"]), at
    return line, None


def _given(line: int, content: str, at: datetime | None = None, **columns: Any) -> Entry:
    candidate = Candidate(
        content, occurred_at=at, found_by=FoundBy.IMPORT, provenance=Provenance(said_at=at) if at else Provenance()
    )
    return Entry(line, replace(candidate, **columns))


def _said(line: int, words: str, at: datetime | None, thread: str, position: int) -> Entry:
    provenance = Provenance(thread=thread[:255], position=position, said_at=at)
    return Entry(line, Candidate(words, occurred_at=at, provenance=provenance), is_said=True)


def _moment(value: object) -> datetime | None:
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


# Our own


def _is_own(value: Any) -> bool:
    return isinstance(value, dict) and value.get("format") == FORMAT


def _own(value: dict[str, Any]) -> Iterator[Entry | Skipped]:
    if value.get("version") != VERSION:
        raise BadFile(f"The file is of version {beginning_of(value.get('version'))}, and only {VERSION} is known.")
    profiles = value.get("profiles")
    rows = [_dict(profile).get("memories") for profile in profiles] if isinstance(profiles, list) else [None]
    if not all(isinstance(each, list) for each in rows):
        raise BadFile("The file lacks its profiles, each with its memories.")
    for line, row in enumerate((row for each in rows for row in each or []), start=1):
        memory, reason = read_own(row)
        content = _dict(row).get("content")
        if memory is None:
            yield Skipped(line, beginning_of(content), reason)
        elif wrong := _wrong_inside(memory):
            yield Skipped(line, beginning_of(content), wrong)
        else:
            yield replace(_given(line, memory.content, memory.occurred_at), own=memory)


def _wrong_inside(memory: OwnMemory) -> str:
    """What is wrong with the words besides its content; empty when nothing is."""
    if memory.occurred_at and _moment(memory.occurred_at) is None:
        return "Its time does not lie between the years 1900 and 2100."
    if memory.metadata is not None and (wrong := _wrong_metadata(memory.metadata)):
        return wrong
    words = [word for source in memory.sources for word in (source.quote, source.speaker)]
    slot = [memory.slot.subject, memory.slot.attribute] if memory.slot else []
    return "" if _is_storable([*words, *slot]) else "It holds characters that cannot be stored."


# ChatGPT


def _is_chatgpt(value: Any) -> bool:
    return isinstance(value, list) and any(isinstance(each, dict) and "mapping" in each for each in value)


def _chatgpt(conversations: list[Any]) -> Iterator[Entry | Skipped]:
    for line, conversation in enumerate(conversations, start=1):
        mapping = conversation.get("mapping") if isinstance(conversation, dict) else None
        if not isinstance(mapping, dict):
            yield Skipped(line, beginning_of(conversation), "This is no conversation.")
            continue
        thread = f"chatgpt {conversation.get('conversation_id') or conversation.get('id') or line}"
        messages = enumerate(_branch(mapping, conversation.get("current_node")))
        found = [each for position, message in messages for each in _of_chatgpt(line, message, thread, position)]
        yield from found or [Skipped(line, beginning_of(conversation.get("title") or ""), NO_OWN_WORDS)]


def _branch(mapping: dict[str, Any], leaf: object) -> list[dict[str, Any]]:
    """The messages that led to the end that the person saw, oldest first; all of them where no end is named."""
    if leaf not in mapping:
        nodes = list(mapping.values())
    else:
        nodes, seen = [], set()
        while leaf in mapping and leaf not in seen:
            seen.add(leaf)
            nodes.append(mapping[leaf])
            leaf = mapping[leaf].get("parent") if isinstance(mapping[leaf], dict) else None
        nodes.reverse()
    messages = [node.get("message") for node in nodes if isinstance(node, dict)]
    return [message for message in messages if isinstance(message, dict)]


def _of_chatgpt(line: int, message: dict[str, Any], thread: str, position: int) -> Iterator[Entry | Skipped]:
    """The person's own words alone."""
    author, content, metadata = (_dict(message.get(name)) for name in ("author", "content", "metadata"))
    if author.get("role") != "user" or metadata.get("is_visually_hidden_from_conversation"):
        return
    words = "\n".join(_words_of_chatgpt(content.get("parts")))
    if words.strip() and content.get("content_type") in ("text", "multimodal_text"):
        yield _said(line, words, _moment(message.get("create_time")), thread, position)
    else:
        yield Skipped(line, beginning_of(content.get("content_type") or ""), NOT_OF_WORDS)


def _words_of_chatgpt(parts: object) -> Iterator[str]:
    """What was written, and of what was spoken its transcription."""
    for part in parts if isinstance(parts, list) else []:
        is_spoken = _dict(part).get("content_type") == "audio_transcription"
        words = part["text"] if is_spoken and "text" in part else part
        if isinstance(words, str):
            yield words


# Claude


def _is_claude(value: Any) -> bool:
    return isinstance(value, list) and any(isinstance(each, dict) and "chat_messages" in each for each in value)


def _claude(conversations: list[Any]) -> Iterator[Entry | Skipped]:
    for line, conversation in enumerate(conversations, start=1):
        messages = conversation.get("chat_messages") if isinstance(conversation, dict) else None
        if not isinstance(messages, list):
            yield Skipped(line, beginning_of(conversation), "This is no conversation.")
            continue
        thread = f"claude {conversation.get('uuid') or line}"
        found = [each for at, message in enumerate(messages) for each in _of_claude(line, _dict(message), thread, at)]
        yield from found or [Skipped(line, beginning_of(conversation.get("name") or ""), NO_OWN_WORDS)]


def _of_claude(line: int, message: dict[str, Any], thread: str, position: int) -> Iterator[Entry | Skipped]:
    """The person's own words alone."""
    if message.get("sender") not in ("human", "user"):
        return
    words = _words_of_claude(message)
    if words.strip():
        yield _said(line, words, _moment(message.get("created_at")), thread, position)
    else:
        yield Skipped(line, "", NOT_OF_WORDS)


def _words_of_claude(message: dict[str, Any]) -> str:
    blocks = message.get("content")
    texts = [_dict(block).get("text") for block in blocks if _dict(block).get("type") == "text"] if blocks else []
    return "\n".join(each for each in texts if isinstance(each, str)) or str(message.get("text") or "")


def _is_claude_memory(value: Any) -> bool:
    rows = value if isinstance(value, list) else [value]
    return any(isinstance(row, dict) and ("conversations_memory" in row or "project_memories" in row) for row in rows)


def _claude_memory(value: Any) -> Iterator[Entry | Skipped]:
    """Paragraphs that Claude wrote down of a person, each sentence a statement as it is given."""
    rows = value if isinstance(value, list) else [value]
    blocks = (block for row in rows for block in _blocks_of_claude(_dict(row)))
    lines = (each for words in blocks for each in _sentences(words))
    for line, (sentence, reason) in enumerate(lines, start=1):
        yield Skipped(line, beginning_of(sentence), reason) if reason else _given(line, sentence)


def _blocks_of_claude(memories: dict[str, Any]) -> Iterator[object]:
    """One that is there and says nothing is told too."""
    if "conversations_memory" in memories or "project_memories" not in memories:
        yield memories.get("conversations_memory")
    projects = memories.get("project_memories", {})
    yield from projects.values() if isinstance(projects, dict) else [projects]


HEADING = re.compile(r"^\s*(?:#+\s.*|\*\*[^*]+\*\*:?)\s*$")
SENTENCE_END = re.compile(r"(?<=[.!?])\s+(?=[A-ZÀ-Þ0-9“\"'])")


def _sentences(words: object) -> Iterator[tuple[str, str]]:
    """Each with the reason why it is no statement, which is empty for one that is."""
    if not isinstance(words, str) or not words.strip():
        yield ("" if words is None else str(words)), NO_MEMORY
        return
    for paragraph in filter(str.strip, words.splitlines()):
        if HEADING.match(paragraph):
            yield paragraph, A_HEADING
        elif FENCE.match(paragraph):
            yield paragraph, A_FENCE
        else:
            sentences = filter(None, map(str.strip, SENTENCE_END.split(BULLET.sub("", paragraph))))
            yield from [(sentence, "") for sentence in sentences] or [(paragraph, NO_MEMORY)]


# mem0


def _rows_of_mem0(value: Any) -> Any:
    return value.get("results", value.get("memories")) if isinstance(value, dict) else value


def _is_mem0(value: Any) -> bool:
    rows = _rows_of_mem0(value)
    return isinstance(rows, list) and (not rows or any(isinstance(row, dict) and "memory" in row for row in rows))


def _mem0(value: Any) -> Iterator[Entry | Skipped]:
    for line, row in enumerate(_rows_of_mem0(value), start=1):
        memory = _dict(row).get("memory")
        if not isinstance(memory, str):
            yield Skipped(line, beginning_of(row), NO_MEMORY)
            continue
        metadata = _dict(row.get("metadata")) or None
        if wrong := _wrong_metadata(metadata or {}):
            yield Skipped(line, beginning_of(memory), wrong)
            continue
        yield _given(line, memory, _moment(row.get("updated_at") or row.get("created_at")), metadata=metadata)


def _wrong_metadata(metadata: dict[str, Any]) -> str:
    """What is wrong with them; empty when nothing is."""
    if not _is_storable(metadata):
        return "Its metadata hold characters that cannot be stored."
    is_long = len(json.dumps(metadata, ensure_ascii=False).encode()) > METADATA_BYTES
    return f"Its metadata are longer than {METADATA_BYTES:,} bytes." if is_long else ""


def _is_storable(value: Any) -> bool:
    try:
        plain = json.dumps(value, allow_nan=False)
        return "\\u0000" not in plain and bool(json.dumps(value, ensure_ascii=False).encode())
    except ValueError:
        return False


def _dict(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


KNOWN = (
    (_is_own, Format.OWN, _own),
    (_is_chatgpt, Format.CHATGPT, _chatgpt),
    (_is_claude, Format.CLAUDE, _claude),
    (_is_claude_memory, Format.CLAUDE_MEMORY, _claude_memory),
    (_is_mem0, Format.MEM0, _mem0),
)
