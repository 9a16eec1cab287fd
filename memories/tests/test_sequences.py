"""Whatever is written and taken back, in whatever order: the ledger tells it all, and what recall reads is in step.

`make sequences` tries thousands; `SEQUENCES` says how many.
"""

import json
import os
import uuid
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import pytest
from django.db import transaction
from django.db.models import F, Q
from django.utils import timezone
from hypothesis import HealthCheck, assume, example, given, settings
from hypothesis import strategies as st

from accounts.models import User
from memories import profiles
from memories.access import MemoryAccess
from memories.engine import conflicts, consolidation, history, ledger, undoing, writing
from memories.engine.conflicts import Decision
from memories.engine.errands import link
from memories.engine.judging import Verdict
from memories.engine.types import Candidate, Provenance, Slot, StaleChange, UnknownMemory
from memories.models import (
    Conflict,
    FoundBy,
    Kind,
    Memory,
    MemoryBatch,
    MemoryEmbedding,
    MemoryEvent,
    MemoryLink,
    MemoryTerm,
    Origin,
    Sector,
    Status,
)
from memories.tests.conftest import UseModel
from memorychat.lib.identifiers import uuid7
from memorychat.llm import providers
from memorychat.llm.fakes import FakeChat, FakeEmbedder

pytestmark = pytest.mark.django_db

ASKED = os.environ.get("SEQUENCES")
MANY = int(ASKED or 200)
# Steps of a sequence: longer ones find more, and take longer.
FEWEST, MOST = (6, 12) if ASKED else (4, 7)


def tried(examples: int) -> settings:
    """The suite tries the same each time; who asks for more wants others."""
    return settings(
        max_examples=examples,
        derandomize=ASKED is None,
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )


HOME = Slot("person", "home town")
STATEMENTS = [
    Candidate("I live in Porto", slot=HOME),
    Candidate("I live in Lisbon", slot=HOME),
    Candidate("I moved to Faro", slot=HOME),
    Candidate("I like tea"),
    Candidate("I really like tea"),
    Candidate("I do not like tea"),
    Candidate("I like green tea in the morning"),
    Candidate("I rowed to Vigo", sector=Sector.EPISODIC),
]


@dataclass(frozen=True)
class Step:
    """A verb of `Told`, and numbers that say of what and how."""

    verb: str
    which: int
    what: int
    how: int


@dataclass(frozen=True)
class Told:
    """One person with a model that gives one verdict on all pairs."""

    access: MemoryAccess
    model: FakeChat

    def take(self, step: Step) -> None:
        verbs: dict[str, Callable[[Step], object]] = {
            "remember": self.remember,
            "remember several": self.remember_several,
            "give a list": self.give,
            "tell in an episode": self.tell,
            "revise": lambda step: writing.revise(self.access, self.memory(step), self.words(step).content),
            "adjust": self.adjust,
            "forget": lambda step: writing.forget(self.access, self.memory(step)),
            "forget all": lambda step: writing.forget_all(self.access),
            "restore": lambda step: writing.restore(self.access, self.memory(step)),
            "confirm": lambda step: writing.confirm(self.access, self.memory(step)),
            "reject": lambda step: writing.reject(self.access, self.memory(step)),
            "revive": self.revive,
            "decide": self.decide,
            "consolidate": lambda step: consolidation.consolidate(self.access.profile),
            "undo": lambda step: undoing.undo(self.access, self.change(step)),
            "undo with what follows": lambda step: self.undo_as_seen([self.change(step)]),
            "undo a conversation": self.undo_conversation,
            "undo a batch": self.undo_batch,
        }
        # What cannot be done must change nothing, and that is looked at, too.
        with suppress(StaleChange, UnknownMemory, writing.AlreadyWritten):
            verbs[step.verb](step)

    def words(self, step: Step) -> Candidate:
        """Said by hand or found by the model, surely or not, on one of four days."""
        candidate = STATEMENTS[step.what % len(STATEMENTS)]
        found_by = FoundBy.MODEL if step.how % 2 else FoundBy.SAID
        confidence = (0.95, 0.95, 0.72, 0.6)[step.how % 4]
        at = timezone.now() - timedelta(days=step.which % 4)
        place = Provenance(conversation_id=self.conversation(step))
        return replace(candidate, found_by=found_by, confidence=confidence, occurred_at=at, provenance=place)

    def remember(self, step: Step) -> None:
        verdict = list(Verdict)[step.which % len(Verdict)]
        judged = [{"pair": number, "verdict": verdict} for number in range(1, 20)]
        joint = {"say_one_thing": [1, 2, 3, 4], "statement": "I like tea very much"}
        self.model.answer = json.dumps({"verdicts": judged, **joint})
        writing.remember(replace(self.access, door=Origin.CHAT), self.words(step))

    def remember_several(self, step: Step) -> None:
        several = [self.words(replace(step, what=step.what + number, which=number)) for number in range(3)]
        writing.remember_all(self.access, several, batch=self.batch(step))

    def give(self, step: Step) -> None:
        places = [Provenance(thread=f"letter {step.how}", position=number) for number in range(4)]
        items = [replace(STATEMENTS[step.what % 2 + 3], confidence=1.0, provenance=place) for place in places]
        given = writing.remember_all(replace(self.access, door=Origin.API), items, as_given=True)
        for change_id in {each.change_id for each in given if each.change_id}:
            link(change_id=change_id)

    def tell(self, step: Step) -> None:
        conversation_id = self.conversation(step)
        episode = Candidate(
            "I talked about tea",
            kind=Kind.EPISODE,
            sector=Sector.EPISODIC,
            found_by=FoundBy.RULES,
            provenance=Provenance(conversation_id=conversation_id),
        )
        once = writing.Batch(MemoryBatch.Purpose.EPISODE, conversation_id)
        writing.remember_all(replace(self.access, door=Origin.SYSTEM), [episode], batch=once, as_given=True)

    def adjust(self, step: Step) -> None:
        writing.adjust(self.access, self.memory(step), importance=step.how + 1, pinned=bool(step.what % 2))

    def revive(self, step: Step) -> None:
        memory_id = self.memory(step)
        with suppress(StaleChange):
            writing.revive(self.access, [memory_id])

    def decide(self, step: Step) -> None:
        waiting = Conflict.objects.filter(profile=self.access.profile).open().first()
        if waiting:
            conflicts.decide(self.access, waiting.pk, list(Decision)[step.how % len(Decision)])

    def undo_as_seen(self, change_ids: list[uuid.UUID]) -> None:
        undoing.undo_all(self.access, change_ids, seen=undoing.preview(self.access, change_ids).seen)

    def undo_conversation(self, step: Step) -> None:
        if step.how > 1:
            self.undo_as_seen(undoing.changes_of_conversation(self.access, self.conversation(step)))
        else:
            undoing.undo_conversation(self.access, self.conversation(step))

    def undo_batch(self, step: Step) -> None:
        if step.how > 1:
            self.undo_as_seen(undoing.changes_of_batch(self.access, self.batch(step)))
        else:
            undoing.undo_batch(self.access, self.batch(step))

    def memory(self, step: Step) -> uuid.UUID:
        return self._chosen("memory_id", step)

    def change(self, step: Step) -> uuid.UUID:
        return self._chosen("change_id", step)

    def batch(self, step: Step) -> writing.Batch:
        """Batches are unique among all people."""
        reference = uuid.uuid5(self.access.profile.pk, str(step.which % 3))
        return writing.Batch(MemoryBatch.Purpose.CONVERSATION, reference)

    def conversation(self, step: Step) -> uuid.UUID:
        return uuid.uuid5(self.access.profile.pk, f"conversation {step.which % 2}")

    def _chosen(self, column: str, step: Step) -> uuid.UUID:
        """Counted from the newest."""
        events = MemoryEvent.objects.filter(owner=self.access.profile.owner_id).order_by("-number")
        newest_first = list(dict.fromkeys(events.values_list(column, flat=True)))
        return newest_first[step.which % len(newest_first)] if newest_first else uuid7()

    def states(self) -> dict[uuid.UUID, dict[str, Any]]:
        rows = Memory.objects.filter(owner=self.access.profile.owner_id)
        return {row.pk: ledger.column_values(ledger.snapshot(row)) for row in rows}

    def changes_made(self) -> list[uuid.UUID]:
        events = MemoryEvent.objects.filter(owner=self.access.profile.owner_id).order_by("number")
        return list(dict.fromkeys(events.values_list("change_id", flat=True)))


VERBS = [
    *["remember several", "give a list", "revise", "adjust", "forget", "restore", "confirm", "reject"],
    *["tell in an episode", "forget all", "revive", "decide", "consolidate"],
]
UNDOS = ["undo", "undo with what follows", "undo a batch", "undo a conversation"]

# What once broke, or would where a part of the gate is taken away.
SLOT_TAKEN_MEANWHILE = [
    Step("remember", which=0, what=0, how=0),
    Step("forget", which=0, what=0, how=0),
    Step("remember", which=0, what=1, how=0),
    Step("undo", which=1, what=0, how=0),
]
EPISODE_WITHDRAWN_TWICE = [
    Step("remember", which=0, what=0, how=0),
    Step("tell in an episode", which=0, what=0, how=0),
    Step("forget all", which=0, what=0, how=0),
]
WORDS_COME_BACK_WITH_WHAT_FOLLOWS = [
    Step("remember", which=0, what=3, how=0),
    Step("adjust", which=0, what=0, how=0),
    Step("revise", which=0, what=0, how=0),
    Step("undo with what follows", which=1, what=0, how=0),
]


@st.composite
def sequences(draw: st.DrawFn) -> list[Step]:
    """Few verbs and few statements in each, so that they meet."""
    chosen = draw(st.lists(st.sampled_from(VERBS), min_size=1, max_size=3, unique=True))
    verbs = ["remember", *chosen, draw(st.sampled_from(UNDOS))]
    statements = draw(st.sampled_from([range(3), range(3, 7), range(len(STATEMENTS))]))
    step = st.builds(
        Step,
        verb=st.sampled_from(verbs),
        which=st.integers(0, 4),
        what=st.sampled_from(statements),
        how=st.integers(0, 3),
    )
    return draw(st.lists(step, min_size=FEWEST, max_size=MOST))


@pytest.fixture
def begin(use_model: UseModel, monkeypatch: pytest.MonkeyPatch) -> Callable[[], Told]:
    """A person of one's own each time, as if there had been no other."""
    monkeypatch.setattr(providers, "EMBEDDERS", [FakeEmbedder])
    model = use_model(FakeChat())
    providers.forget_models()
    nobody = transaction.savepoint()

    def begin() -> Told:
        transaction.savepoint_rollback(nobody)
        model.answer = json.dumps({"verdicts": [], "say_one_thing": []})
        user = User.objects.create_user("alice@example.com", "a long enough password")
        return Told(profiles.by_hand(user, profiles.default_for(user)), model)

    return begin


def look(told: Told) -> None:
    """That everything fits together."""
    profile = told.access.profile
    assert history.verify(profile.owner).differences == []
    held = {each.memory_id: each.content for each in history.held_at(told.access, timezone.now())}
    active = Memory.objects.filter(profile=profile).active()
    assert held == {memory.pk: memory.content for memory in active}
    profile.refresh_from_db()
    lengths = dict(MemoryTerm.objects.filter(memory__in=active).values_list("memory", "length"))
    assert (profile.memory_count, profile.term_count) == (len(active), sum(lengths.values()))
    for derived in (MemoryTerm, MemoryEmbedding):
        out_of_step = Q(recallable=True) ^ Q(memory__status=Status.ACTIVE)
        assert not derived.objects.filter(out_of_step, profile=profile).exists()
    assert MemoryEmbedding.objects.filter(memory__in=active).count() == len(active)
    links = MemoryLink.objects.filter(profile=profile)
    assert not links.exclude(one__status=Status.ACTIVE, other__status=Status.ACTIVE).exists()
    assert not links.exclude(one__profile=F("other__profile")).exists()
    assert not active.exclude(superseded_by=None).exists()
    slots = [bytes(memory.slot) for memory in active if memory.slot]
    assert len(slots) == len(set(slots))


@tried(MANY)
@given(steps=sequences())
@example(steps=SLOT_TAKEN_MEANWHILE)
@example(steps=EPISODE_WITHDRAWN_TWICE)
@example(steps=WORDS_COME_BACK_WITH_WHAT_FOLLOWS)
def test_the_ledger_rebuilds_the_table_after_any_sequence(begin: Callable[[], Told], steps: list[Step]) -> None:
    told = begin()
    for step in steps:
        told.take(step)
    look(told)


@tried(MANY // 4)
@given(steps=sequences())
def test_what_is_done_last_is_taken_back_exactly(begin: Callable[[], Told], steps: list[Step]) -> None:
    told, last = begin(), steps[-1]
    assume("undo" not in last.verb)
    for step in steps[:-1]:
        told.take(step)
    before, made_before = told.states(), told.changes_made()
    told.take(last)
    made = [change for change in told.changes_made() if change not in made_before]
    if not made:
        assert told.states() == before
        return
    undoing.undo_all(told.access, made)
    after = told.states()
    # An episode of the conversation is withdrawn with what it tells of.
    kept = {key for key, state in before.items() if state["kind"] != Kind.EPISODE}
    assert {key: after[key] for key in kept} == {key: before[key] for key in kept}
    assert {after[key]["status"] for key in after.keys() - before.keys()} <= {Status.FORGOTTEN}
    look(told)
