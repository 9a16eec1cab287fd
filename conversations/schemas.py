"""What programs send and get about conversations."""

import uuid
from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field

from conversations.models import Conversation, Message, MessageStatus, Role
from conversations.overview import overview_of
from conversations.turns import MESSAGE_LIMIT
from memories.models import PrivacyMode
from memorychat.lib.problems import Problem
from memorychat.lib.shapes import Body, Words
from memorychat.llm.types import ChatMessage

HISTORY_LIMIT = 40

Text = Annotated[str, Words(MESSAGE_LIMIT, "message")]


class ConversationOut(BaseModel):
    id: uuid.UUID
    profile_id: uuid.UUID
    title: str
    mode: PrivacyMode
    created_at: datetime
    last_at: datetime

    @classmethod
    def of(cls, conversation: Conversation) -> "ConversationOut":
        return cls(
            id=conversation.pk,
            profile_id=conversation.profile_id,
            title=conversation.title,
            mode=PrivacyMode(conversation.mode),
            created_at=conversation.created_at,
            last_at=conversation.last_at,
        )


class SummaryOut(BaseModel):
    summary: str = Field(description="The episode that was written of the conversation; empty while there is none.")
    messages: int
    own_messages: int = Field(description="Those that the person said.")
    memories_written: int = Field(description="Memories that its messages brought.")
    memories_used: int = Field(description="Distinct memories that its answers were given.")
    started_at: datetime
    last_at: datetime
    modes: list[PrivacyMode] = Field(description="Those of its messages.")

    @classmethod
    def of(cls, conversation: Conversation) -> "SummaryOut":
        overview = overview_of(conversation)
        return cls(
            summary=overview.summary,
            messages=overview.messages,
            own_messages=overview.own_messages,
            memories_written=overview.written,
            memories_used=overview.used,
            started_at=conversation.created_at,
            last_at=conversation.last_at,
            modes=overview.modes,
        )


class MessageOut(BaseModel):
    id: uuid.UUID
    role: Role
    content: str
    mode: PrivacyMode
    status: MessageStatus = Field(description="Only a complete answer is one.")
    answers: uuid.UUID | None = Field(description="The message that this one answers.")
    created_at: datetime

    @classmethod
    def of(cls, message: Message) -> "MessageOut":
        return cls(
            id=message.pk,
            role=Role(message.role),
            content=message.text,
            mode=PrivacyMode(message.mode),
            status=MessageStatus(message.status),
            answers=message.parent_id if message.is_answer else None,
            created_at=message.created_at,
        )


class HistoryItem(Body):
    role: Literal["user", "assistant"]
    content: Text

    def message(self) -> ChatMessage:
        return ChatMessage(self.role, self.content)


class ChatIn(Body):
    message: Text
    conversation_id: uuid.UUID | None = Field(None, description="A new conversation unless given.")
    profile_id: uuid.UUID | None = Field(None, description="Of a new conversation; the default profile unless given.")
    privacy_mode: PrivacyMode | None = Field(None, description="As the conversation, or the profile, has it.")
    history: list[HistoryItem] | None = Field(
        None, max_length=HISTORY_LIMIT, description="Of an incognito conversation, which is stored nowhere."
    )
    stream: bool = Field(False, strict=True, description="Server-sent events, under the names of the socket's frames.")

    def check(self, mode: PrivacyMode) -> None:
        """Raises a Problem for fields that mean nothing together."""
        if self.conversation_id and not mode.keeps_words:
            raise _meaningless("conversation_id", "Incognito has no conversation id: send its own history instead.")
        if self.conversation_id and self.profile_id:
            raise _meaningless("profile_id", "A conversation keeps the profile it began with: send one of the two ids.")
        if self.history is not None and mode.keeps_words:
            raise _meaningless("history", "Only incognito sends its own history: this conversation is stored.")


def _meaningless(field: str, message: str) -> Problem:
    return Problem(422, "invalid", message, fields={field: message})


class ChatOut(BaseModel):
    conversation_id: uuid.UUID | None = Field(description="Null for incognito, of which nothing is stored.")
    message_id: uuid.UUID | None = Field(description="Of the stored answer.")
    reply: str
    receipt: dict[str, Any] | None = Field(description="What stood behind the answer: ids and numbers.")
