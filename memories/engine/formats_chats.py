"""What ChatGPT and Claude give out: of conversations what the person wrote, and what Claude remembers of them."""

import re
from collections.abc import Iterator
from typing import Any

from memories.engine.formats_entries import (
    A_FENCE,
    A_HEADING,
    BULLET,
    FENCE,
    NO_MEMORY,
    NO_OWN_WORDS,
    NOT_OF_WORDS,
    Entry,
    Skipped,
    beginning_of,
    dict_of,
    given,
    moment,
    said,
)

# ChatGPT


def is_chatgpt(value: Any) -> bool:
    return isinstance(value, list) and any(isinstance(each, dict) and "mapping" in each for each in value)


def chatgpt(conversations: list[Any]) -> Iterator[Entry | Skipped]:
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
    author, content, metadata = (dict_of(message.get(name)) for name in ("author", "content", "metadata"))
    if author.get("role") != "user" or metadata.get("is_visually_hidden_from_conversation"):
        return
    words = "\n".join(_words_of_chatgpt(content.get("parts")))
    if words.strip() and content.get("content_type") in ("text", "multimodal_text"):
        yield said(line, words, moment(message.get("create_time")), thread, position)
    else:
        yield Skipped(line, beginning_of(content.get("content_type") or ""), NOT_OF_WORDS)


def _words_of_chatgpt(parts: object) -> Iterator[str]:
    """What was written, and of what was spoken its transcription."""
    for part in parts if isinstance(parts, list) else []:
        is_spoken = dict_of(part).get("content_type") == "audio_transcription"
        words = part["text"] if is_spoken and "text" in part else part
        if isinstance(words, str):
            yield words


# Claude


def is_claude(value: Any) -> bool:
    return isinstance(value, list) and any(isinstance(each, dict) and "chat_messages" in each for each in value)


def claude(conversations: list[Any]) -> Iterator[Entry | Skipped]:
    for line, conversation in enumerate(conversations, start=1):
        messages = conversation.get("chat_messages") if isinstance(conversation, dict) else None
        if not isinstance(messages, list):
            yield Skipped(line, beginning_of(conversation), "This is no conversation.")
            continue
        thread = f"claude {conversation.get('uuid') or line}"
        found = [each for at, message in enumerate(messages) for each in _of_claude(line, dict_of(message), thread, at)]
        yield from found or [Skipped(line, beginning_of(conversation.get("name") or ""), NO_OWN_WORDS)]


def _of_claude(line: int, message: dict[str, Any], thread: str, position: int) -> Iterator[Entry | Skipped]:
    """The person's own words alone."""
    if message.get("sender") not in ("human", "user"):
        return
    words = _words_of_claude(message)
    if words.strip():
        yield said(line, words, moment(message.get("created_at")), thread, position)
    else:
        yield Skipped(line, "", NOT_OF_WORDS)


def _words_of_claude(message: dict[str, Any]) -> str:
    blocks = message.get("content")
    texts = [dict_of(block).get("text") for block in blocks if dict_of(block).get("type") == "text"] if blocks else []
    return "\n".join(each for each in texts if isinstance(each, str)) or str(message.get("text") or "")


def is_claude_memory(value: Any) -> bool:
    rows = value if isinstance(value, list) else [value]
    return any(isinstance(row, dict) and ("conversations_memory" in row or "project_memories" in row) for row in rows)


def claude_memory(value: Any) -> Iterator[Entry | Skipped]:
    """Paragraphs that Claude wrote down of a person, each sentence a statement as it is given."""
    rows = value if isinstance(value, list) else [value]
    blocks = (block for row in rows for block in _blocks_of_claude(dict_of(row)))
    lines = (each for words in blocks for each in _sentences(words))
    for line, (sentence, reason) in enumerate(lines, start=1):
        yield Skipped(line, beginning_of(sentence), reason) if reason else given(line, sentence)


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
