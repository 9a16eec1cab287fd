"""The whole prompt of one answer, put together again from its receipt, which holds ids and numbers alone."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from conversations import colophon
from conversations.models import Conversation, Message, Receipt, Role
from conversations.notes import KnewNote, knew_of
from conversations.prompting import files_in_use, instructions_on
from memories import tools
from memories.models import PrivacyMode
from memorychat.lib.crypto import unlock

TITLES = {
    "instructions": "Instructions",
    "tools": "Tools",
    "memories": "Memories",
    "summary": "Summary of what was said before",
    "history": "Earlier messages",
    "message": "Your message",
}


@dataclass(frozen=True)
class Earlier:
    """A message that the model was given again; no words where it was deleted since."""

    who: str
    text: str


@dataclass(frozen=True)
class Section:
    """One part of the prompt, with about how many tokens it had, and where it stands on a bar 100 units long."""

    name: str
    title: str
    tokens: int
    start: float
    width: float


@dataclass(frozen=True)
class Seen:
    """What a model was given for one answer.

    `is_exact` says that the files of instructions are still those that were used. `steps` are the tools that it called,
    with what came of it.
    """

    receipt: Receipt
    answered_by: str
    seen_by: list[str]
    sections: list[Section]
    is_exact: bool
    instructions: str
    tool_words: str
    memories: list[KnewNote]
    lost_memories: int
    summary: str
    history: list[Earlier]
    question: str
    steps: list[dict[str, str]]

    @property
    def tokens(self) -> int:
        return sum(section.tokens for section in self.sections)


def seen_for(answer: Message) -> Seen | None:
    """None of an answer that has no receipt. The answer comes with its receipt, question and conversation."""
    receipt, question = getattr(answer, "receipt", None), answer.parent
    if receipt is None or question is None:
        return None
    prompt, conversation = receipt.prompt, answer.conversation
    unlock([question, conversation])
    memories = knew_of(question, answer)
    return Seen(
        receipt=receipt,
        answered_by=colophon.name_of(receipt.provider, receipt.model),
        seen_by=colophon.told_of(receipt.seen_by),
        sections=_sections(prompt.get("tokens", {})),
        is_exact=prompt.get("files") == files_in_use(),
        instructions=_instructions(PrivacyMode(answer.mode), prompt),
        tool_words=tools.instructions(prompt.get("tools", [])),
        memories=memories,
        lost_memories=len(receipt.recalled) - len(memories),
        summary=_summary(conversation, prompt),
        history=_history(conversation, prompt.get("history", [])),
        question=question.text,
        steps=prompt.get("steps", []),
    )


def _sections(tokens: dict[str, int]) -> list[Section]:
    total, start, sections = sum(tokens.values()) or 1, 0.0, []
    for name, title in TITLES.items():
        if count := tokens.get(name, 0):
            width = 100 * count / total
            sections.append(Section(name, title, count, round(start, 2), round(width, 2)))
            start += width
    return sections


def _instructions(mode: PrivacyMode, prompt: dict[str, Any]) -> str:
    """As today's files have them, with the day of then; none of a receipt that does not say what was in the prompt."""
    return instructions_on(date.fromisoformat(prompt["on"]), mode) if "on" in prompt else ""


def _summary(conversation: Conversation, prompt: dict[str, Any]) -> str:
    return (conversation.summary or "") if prompt.get("summarised") else ""


def _history(conversation: Conversation, message_ids: Sequence[str]) -> list[Earlier]:
    rows = list(conversation.messages.filter(pk__in=message_ids).select_related("owner"))
    unlock(rows)
    found = {str(row.pk): row for row in rows}
    return [_earlier(found.get(message_id)) for message_id in message_ids]


def _earlier(message: Message | None) -> Earlier:
    if message is None:
        return Earlier("Deleted since", "")
    return Earlier("You" if message.role == Role.USER else "MemoryChat", message.text)
