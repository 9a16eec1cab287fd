"""Sample people for a first look. They say their lines through the verbs of everybody, and are answered and learnt from
like everybody; so it does not matter how often, or how far, they were loaded before."""

import asyncio
import uuid
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from accounts.models import User
from accounts.people import enrol
from conversations import learning, replies, turns
from conversations.models import Message
from conversations.turns import AlreadySent, Said
from memories import profiles
from memories.engine import writing
from memories.engine.types import Candidate
from memories.models import Kind, MemoryBatch, PrivacyMode, Sector

PASSWORD = "memory in the margin"  # noqa: S105  # of people who do not exist


class NotASample(Exception):
    """The address belongs to somebody else; the message says so."""


class NotAnswered(Exception):
    """The model did not answer; the message is what the chat would say."""


@dataclass(frozen=True)
class Line:
    text: str
    mode: PrivacyMode = PrivacyMode.NORMAL


@dataclass(frozen=True)
class SamplePerson:
    """Known by `id`, which nobody else can have. `notes` are what they wrote down by hand."""

    id: uuid.UUID
    email: str
    time_zone: str
    language: str
    talks: tuple[tuple[Line, ...], ...]
    notes: tuple[Candidate, ...] = ()


SAMPLE_PEOPLE = (
    SamplePerson(
        id=uuid.UUID("01970000-0000-7000-8000-000000000001"),
        email="ana@demo.example",
        time_zone="Europe/Lisbon",
        language="en",
        talks=(
            (
                Line("Hello, I'm Ana. I live in Porto and work as a nurse."),
                Line("I'm vegetarian, and I'm allergic to peanuts."),
                Line("We have a dog called Bruno. My sister is called Inês."),
                Line("I'd rather have tea than coffee."),
            ),
            (
                Line("What could I cook tonight?"),
                Line("I've decided to learn the cello this winter."),
                Line("Which instrument am I taking up?"),
                Line("My landlady wants to sell the flat.", PrivacyMode.PAUSED),
            ),
            (
                Line("I moved to Lisbon last week."),
                Line("Where do I live?"),
                Line("What do you remember about me?"),
            ),
        ),
        notes=(
            Candidate("My birthday is on the 14th of March", importance=7),
            Candidate("I want short answers in the morning", kind=Kind.PREFERENCE, sector=Sector.PROCEDURAL),
            # Not said clearly enough to stand without being asked about.
            Candidate("I might spend Christmas in Coimbra", kind=Kind.NOTE, sector=Sector.EPISODIC, confidence=0.6),
        ),
    ),
    SamplePerson(
        id=uuid.UUID("01970000-0000-7000-8000-000000000002"),
        email="tomasz@demo.example",
        time_zone="Europe/Warsaw",
        language="en",
        talks=(
            (
                Line("I'm Tomasz. I work as a carpenter in Kraków."),
                Line("I am learning Portuguese. My favourite colour is green."),
                Line("Please forget that my favourite colour is green."),
                Line("What do I do for a living?"),
            ),
        ),
    ),
    SamplePerson(
        id=uuid.UUID("01970000-0000-7000-8000-000000000003"),
        email="hanna@demo.example",
        time_zone="Europe/Berlin",
        language="de",
        talks=(),
        notes=(
            Candidate("Ich wohne mit zwei Katzen in Bremen", importance=7),
            Candidate("Ich fahre jeden Tag mit dem Rad zur Schule, an der ich unterrichte"),
            Candidate("Ich trinke meinen Kaffee schwarz", kind=Kind.PREFERENCE),
        ),
    ),
)


def check() -> None:
    """Raises NotASample, before anything was loaded."""
    for person in SAMPLE_PEOPLE:
        if User.objects.filter(email__iexact=person.email).exclude(pk=person.id).exists():
            raise NotASample(f"There is an account {person.email} that is no sample, so nothing was loaded.")


def load(person: SamplePerson) -> User:
    """Raises NotAnswered and, from learning, ProviderError; loaded again, it goes on where it was."""
    user = _enrolled(person)
    access = profiles.by_hand(user, profiles.default_for(user))
    with suppress(writing.AlreadyWritten):
        writing.remember_all(access, person.notes, batch=writing.Batch(MemoryBatch.Purpose.API, person.id))
    for number, lines in enumerate(person.talks, start=1):
        _talk(user, f"demo {number}", lines)
    return user


def _enrolled(person: SamplePerson) -> User:
    user = User.objects.filter(pk=person.id).first()
    if user is None:
        return enrol(person.email, PASSWORD, id=person.id, time_zone=person.time_zone, language=person.language)
    if not user.check_password(PASSWORD):
        user.set_password(PASSWORD)
        user.save(update_fields=["password"])
    return user


def _talk(user: User, key: str, lines: tuple[Line, ...]) -> None:
    keys = [f"{key}.{number}" for number in range(1, len(lines) + 1)]
    begun = Message.objects.for_user(user).filter(client_message_id__in=keys)
    conversation_id = begun.values_list("conversation", flat=True).first()
    for line, message_key in zip(lines, keys, strict=True):
        said = Said(line.text, line.mode, conversation_id=conversation_id, client_message_id=message_key)
        conversation_id = _say(user, said)


def _say(user: User, said: Said) -> uuid.UUID | None:
    """The conversation in which it was said."""
    try:
        turn = turns.begin(user, said)
    except AlreadySent as sent:
        learning.learn(sent.turn_id)
        return sent.conversation_id
    asyncio.run(_answer(turn))
    learning.learn(turn.id)
    return turn.conversation_id


async def _answer(turn: turns.Turn) -> None:
    reply = replies.start(turn, _unheard)
    await reply.task
    if reply.last_frame and reply.last_frame["type"] == "reply.failed":
        raise NotAnswered(reply.last_frame["message"])


async def _unheard(frame: dict[str, Any]) -> None:
    """No page listens."""
