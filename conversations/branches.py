"""The branches of a conversation: an edited message, or another answer to it, goes on beside what was said before.

A conversation is a tree of messages, and one way through it, from its beginning to its leaf, is shown and goes on.
"""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from conversations.models import Conversation, Message, Role


class UnknownMessage(Exception):
    """No such message of this person: a foreign one and a missing one are the same."""


@dataclass(frozen=True)
class Place:
    """Where one message stands in the tree."""

    id: uuid.UUID
    parent: uuid.UUID | None
    role: str


class Tree:
    """All messages of one conversation by their places, oldest first; one query, and none of their words."""

    def __init__(self, places: Sequence[Place]) -> None:
        self._places = {place.id: place for place in places}

    @classmethod
    def of(cls, conversation: Conversation) -> "Tree":
        rows = conversation.messages.order_by("pk").values_list("pk", "parent_id", "role")
        return cls([Place(*row) for row in rows])

    def branch(self, leaf: uuid.UUID | None) -> list[Place]:
        """From the beginning to this leaf."""
        found: list[Place] = []
        while leaf and (place := self._places.get(leaf)):
            found.append(place)
            leaf = place.parent
        return found[::-1]

    def versions(self, place: Place) -> list[uuid.UUID]:
        """The message and those that stand in its place in other branches, oldest first."""
        return [other.id for other in self._children.get(place.parent, []) if other.role == place.role]

    def end_of(self, message_id: uuid.UUID) -> uuid.UUID:
        """The leaf that is reached from here by taking the newest branch each time. Raises UnknownMessage."""
        if message_id not in self._places:
            raise UnknownMessage
        while following := self._children.get(message_id):
            message_id = following[-1].id
        return message_id

    def end_after(self, message_id: uuid.UUID | None) -> uuid.UUID | None:
        """The leaf that is reached from a message, or from the beginning; None where nothing is said."""
        following = self._children.get(message_id)
        return self.end_of(following[-1].id) if following else message_id

    def turn(self, question_id: uuid.UUID) -> list[uuid.UUID]:
        """A message of the person with all answers to it. Raises UnknownMessage."""
        place = self._places.get(question_id)
        if place is None or place.role != Role.USER:
            raise UnknownMessage
        answers = [child.id for child in self._children.get(question_id, []) if child.role == Role.ASSISTANT]
        return [question_id, *answers]

    @cached_property
    def _children(self) -> dict[uuid.UUID | None, list[Place]]:
        found: dict[uuid.UUID | None, list[Place]] = {}
        for place in self._places.values():
            found.setdefault(place.parent, []).append(place)
        return found


def answer_in(branch: Sequence[Place], question_id: uuid.UUID) -> uuid.UUID | None:
    """The answer that this branch gives to a message."""
    given = (place.id for place in branch if place.parent == question_id and place.role == Role.ASSISTANT)
    return next(given, None)


def newest_answers(question_ids: Sequence[uuid.UUID]) -> dict[uuid.UUID, Message]:
    """Question → the answer that it was given last."""
    answers = Message.objects.filter(parent__in=question_ids, role=Role.ASSISTANT).order_by("pk")
    return {answer.parent_id: answer for answer in answers.select_related("receipt", "owner") if answer.parent_id}
