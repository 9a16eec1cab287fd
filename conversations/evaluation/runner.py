"""Has each case said by a person of its own, and reads the table afterwards.

Turns are learnt from as in the chat, calls as calls are: nothing here writes a memory but by the write gate.
"""

import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass

from accounts.models import User
from conversations import learning, turns
from conversations.evaluation.cases import PERSON, Case, Dataset
from conversations.evaluation.judge import Judgement, Row, judge
from conversations.models import Message, MessageStatus
from conversations.turns import Said
from memories import profiles
from memories.access import MemoryAccess
from memories.engine import dates, index, writing
from memories.engine.extraction import Extraction, Turn, extract_turns
from memories.engine.sameness import differ
from memories.engine.types import Candidate, Provenance, Slot
from memories.models import Memory, MemoryProfile, Origin, PrivacyMode
from memorychat.lib.identifiers import uuid7
from memorychat.llm.providers import Nobody, get_embedder
from memorychat.llm.types import ProviderError

SAME_FROM = 0.92


@dataclass(frozen=True)
class Result:
    case: Case
    judgement: Judgement
    took_ms: float
    error: str = ""

    @property
    def passed(self) -> bool:
        return self.judgement.passed and not self.error


def run(dataset: Dataset, cases: list[Case]) -> Iterator[Result]:
    """Writes into the database that Django is connected to: give it a scratch one."""
    for case in cases:
        profile = _person_of(dataset, case)
        known = {_know(dataset, case, profile, number) for number in range(len(case.known))}
        started, error = time.perf_counter(), ""
        try:
            (_call if case.call else _talk)(dataset, case, profile)
        except ProviderError as failure:
            error = f"{failure.code}: {failure}"
        took_ms = (time.perf_counter() - started) * 1000
        yield Result(case, judge(case, list(_rows(dataset, case, profile, known)), _same), took_ms, error)


def _person_of(dataset: Dataset, case: Case) -> MemoryProfile:
    user = User.objects.create_user(f"{case.id}-{uuid.uuid4().hex[:8]}@evaluation.example")
    user.time_zone = dataset.zone(case)
    user.save(update_fields=["time_zone"])
    return profiles.default_for(user)


def _know(dataset: Dataset, case: Case, profile: MemoryProfile, number: int) -> uuid.UUID | None:
    known = case.known[number]
    slot = Slot("person", known.slot) if known.slot else None
    before = dataset.begun_at(case).replace(year=dataset.begun_at(case).year - 1)
    candidate = Candidate(known.content, slot=slot, occurred_at=before, provenance=Provenance(said_at=before))
    return writing.remember(profiles.by_hand(profile.owner, profile), candidate).memory_id


def _talk(dataset: Dataset, case: Case, profile: MemoryProfile) -> None:
    conversation_id = None
    for turn, said_at in zip(case.turns, dataset.times(case), strict=True):
        if turn.speaker != PERSON:
            continue
        said = Said(turn.text, PrivacyMode.NORMAL, conversation_id=conversation_id)
        begun = turns.begin(profile.owner, said)
        turns.finish(begun, "Noted.", MessageStatus.COMPLETE, None)
        Message.objects.filter(pk=begun.id).update(created_at=said_at)
        learning.learn(begun.id)
        conversation_id = begun.conversation_id


def _call(dataset: Dataset, case: Case, profile: MemoryProfile) -> None:
    access = MemoryAccess(profile, PrivacyMode.NORMAL, actor=None, door=Origin.VOICE)
    heard = [
        Turn(
            turn.text,
            Provenance(thread=case.id, position=number, speaker=turn.speaker, said_at=said_at),
            is_persons=turn.speaker == PERSON,
        )
        for number, (turn, said_at) in enumerate(zip(case.turns, dataset.times(case), strict=True))
    ]
    found: Extraction = extract_turns(heard, profile=profile, correlation_id=str(uuid7()))
    writing.remember_all(access, found.candidates)


def _rows(dataset: Dataset, case: Case, profile: MemoryProfile, known: set[uuid.UUID | None]) -> Iterator[Row]:
    asked = {expected.slot for expected in case.expected if expected.slot}
    keys = {attribute: index.slot_key(profile, Slot("person", attribute)) for attribute in asked}
    zone = dates.zone_of(dataset.zone(case))
    for memory in Memory.objects.filter(profile=profile).order_by("pk"):
        yield Row(
            content=memory.content,
            status=memory.status,
            kind=memory.kind,
            slots=tuple(name for name, key in keys.items() if memory.slot and bytes(memory.slot) == key),
            on=memory.occurred_at.astimezone(zone).date().isoformat(),
            is_new=memory.pk not in known,
            times_said=memory.times_said,
        )


def _same(one: str, other: str) -> bool:
    embedder = get_embedder(Nobody())
    first, second = embedder.embed([one, other])
    return embedder.calibration.position(float(first @ second)) >= SAME_FROM and not differ(one, other)
