"""Incognito stretches: what was said since the mode was chosen. They live in a page and in this process alone."""

import uuid
from dataclasses import dataclass, replace

from conversations.replies import Reply
from memorychat.llm.types import ChatMessage

# Of an incognito stretch so many messages stay in the model's sight.
STRETCH_MESSAGES = 40


@dataclass(frozen=True)
class Stretch:
    """What was said incognito since the mode was chosen. It lives in the page and here, and is stored nowhere.

    `last_turn` is the turn by whose id a page that lost its socket finds it again.
    """

    owner_id: uuid.UUID
    messages: tuple[ChatMessage, ...] = ()
    last_turn: uuid.UUID | None = None

    def with_reply(self, reply: Reply) -> "Stretch":
        if reply.turn.id == self.last_turn or not reply.text:
            return self
        said = (ChatMessage("user", reply.turn.question), ChatMessage("assistant", reply.text))
        return replace(self, messages=(*self.messages, *said)[-STRETCH_MESSAGES:], last_turn=reply.turn.id)


# Stretches of pages whose socket was lost, by their last turn, for as long as `replies.KEPT_SECONDS`.
lost_stretches: dict[uuid.UUID, Stretch] = {}
