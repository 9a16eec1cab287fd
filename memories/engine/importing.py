"""Importing a file of memories: first a rehearsal, which says of every line what would become of it, then the write.

The rehearsal is the write itself, of all its parts in one transaction that is taken back, so the two differ only where
the profile changed in between. What is known in equal words is left alone, so that importing twice writes nothing new.
An import is one batch in parts, undone as a whole.
"""

import uuid
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from enum import StrEnum
from itertools import islice
from typing import NoReturn, TypeVar

from django.db.models import Q
from django.utils import timezone

from memories.access import MemoryAccess
from memories.engine import carrying, changes, index, weighing
from memories.engine.carrying import Carried, Coming
from memories.engine.changes import AlreadyWritten, Batch
from memories.engine.extraction import Turn, extract_turns
from memories.engine.formats_entries import Contents, Entry, Skipped, beginning_of
from memories.engine.gathering import Gathering
from memories.engine.ledger import Act
from memories.engine.limits import Allowance
from memories.engine.rules import find
from memories.engine.types import Outcome, Written
from memories.engine.weighing import Placing, Weighed
from memories.models import Memory, MemoryBatch, MemoryProfile, Status
from memorychat.jobs import correlation_id
from memorychat.llm.types import Vector

T = TypeVar("T")

AT_ONCE = 500
REASON = "Imported."
NOT_AT_ONCE = "Only the newest conversations are read at once."
NOTHING_TO_REMEMBER = "There is nothing to remember in it."


class Verdict(StrEnum):
    """What becomes of a line. A conflict is written too: it takes the place of what it contradicts, or waits."""

    NEW = "new"
    DUPLICATE = "duplicate"
    CONFLICT = "conflict"
    WAITS = "waits"
    SKIPPED = "skipped"


VERDICTS = {
    Outcome.CREATED: Verdict.NEW,
    Outcome.REINFORCED: Verdict.DUPLICATE,
    Outcome.SUPERSEDED: Verdict.CONFLICT,
    Outcome.CONFLICT: Verdict.CONFLICT,
    Outcome.PENDING: Verdict.WAITS,
    Outcome.RATE_LIMITED: Verdict.WAITS,
    Outcome.QUARANTINED: Verdict.WAITS,
    Outcome.DISCARDED: Verdict.SKIPPED,
    Outcome.NOT_ALLOWED: Verdict.SKIPPED,
}


# Where the gate gives none; the words of the other follow.
REASONS = {
    Outcome.SUPERSEDED: "It takes the place of:",
    Outcome.CONFLICT: "Both are kept until you decide:",
    Outcome.REINFORCED: "It is known as:",
}


@dataclass(frozen=True)
class Line:
    """What becomes, or became, of a line of the file. `other` are the words of what it contradicts or repeats."""

    line: int
    content: str
    verdict: Verdict
    reason: str = ""
    other: str = ""


@dataclass(frozen=True)
class Report:
    lines: list[Line]

    @property
    def counts(self) -> dict[str, int]:
        counted = Counter(line.verdict for line in self.lines)
        return {str(verdict): counted[verdict] for verdict in Verdict}

    @property
    def writes(self) -> int:
        return sum(line.verdict in (Verdict.NEW, Verdict.CONFLICT, Verdict.WAITS) for line in self.lines)


class _Rehearsed(Exception):
    """Takes the transaction back, with what it would have done."""

    def __init__(self, lines: list[Line]) -> None:
        super().__init__()
        self.lines = lines


def statements_of(
    profile: MemoryProfile, contents: Contents, *, most_conversations: int | None = None
) -> tuple[list[Entry], list[Skipped]]:
    """The statements of a file, those that are still to be taken from what a person said included.

    That asks the model, where there is one, for each conversation: of so many of the newest at most.
    Raises ProviderError.
    """
    statements = [_understood(entry) for entry in contents.entries if not entry.is_said]
    skipped = list(contents.skipped)
    newest_first = sorted(_conversations(contents), key=_latest, reverse=True)
    for number, said in enumerate(newest_first):
        if most_conversations is not None and number >= most_conversations:
            skipped.append(_left_out(said[0], NOT_AT_ONCE))
            continue
        found = _taken_from(profile, said)
        statements += found
        skipped += [] if found else [_left_out(said[0], NOTHING_TO_REMEMBER)]
    return sorted(statements, key=lambda entry: entry.line), skipped


def rehearse(access: MemoryAccess, statements: Sequence[Entry], skipped: Iterable[Skipped] = ()) -> Report:
    """What `write` would do, without a trace. Raises NotAllowed."""
    changes.must_write(access)
    lines = [Line(each.line, each.beginning, Verdict.SKIPPED, each.reason) for each in skipped]
    try:
        _run_and_take_back(access, _steps(access, statements))
    except _Rehearsed as rehearsed:
        lines += rehearsed.lines
    return Report(sorted(lines, key=lambda line: line.line))


def write(access: MemoryAccess, statements: Sequence[Entry], reference: uuid.UUID) -> Report:
    """Once: what a run that died has written is not written again. `reference` is the change that undoes all of it."""
    changes.must_write(access)
    lines: list[Line] = []
    for number, part in enumerate(_parts(_steps(access, statements))):
        with suppress(AlreadyWritten):
            lines += _run(access, part, _Import(reference, number))
    return Report(lines)


@dataclass(frozen=True)
class _Import:
    """A part of an import; the first bears the reference of the whole."""

    reference: uuid.UUID
    number: int

    @property
    def batch(self) -> Batch:
        reference = uuid.uuid5(self.reference, str(self.number)) if self.number else self.reference
        return Batch(MemoryBatch.Purpose.IMPORT, reference)


@dataclass(frozen=True)
class _Placing(Placing):
    """As the gate places, but a list that is imported twice was not said twice."""

    def _reinforce(self, memory: Memory) -> Written:
        return Written(Outcome.REINFORCED, memory.pk)


Way = Weighed | Written | Carried


@dataclass(frozen=True)
class _Following:
    """The digests of what a list says after one place in it; `last` is where it says each for the last time."""

    last: Mapping[bytes, int]
    number: int

    def __contains__(self, digest: object) -> bool:
        return isinstance(digest, bytes) and self.last.get(digest, -1) > self.number


@dataclass(frozen=True)
class _Step:
    """A statement as far as it comes before the lock."""

    entry: Entry
    digest: bytes
    vector: Vector | None
    way: Way
    followed_by: _Following

    @property
    def coming(self) -> Coming:
        if isinstance(self.way, Carried) and self.entry.own:
            return Coming(
                self.digest, self.entry.own.occurred_at, Status(self.way.status), self.followed_by, self.way.places
            )
        candidate = self.way.candidate if isinstance(self.way, Weighed) else self.entry.candidate
        is_timed = candidate.occurred_at or candidate.provenance.said_at
        return Coming(self.digest, weighing.event_time(candidate) if is_timed else None, followed_by=self.followed_by)


def _steps(access: MemoryAccess, statements: Sequence[Entry]) -> list[_Step]:
    """What is slow, for all parts, before any of them is written: the guard, the vectors, the model's verdicts."""
    settled = _settled_digests(access.profile)
    ways = [each for part in _parts(statements) for each in _ways(access, part, settled)]
    digests = [
        index.digest_of(access.profile, _content(entry, way)) for entry, (_, way) in zip(statements, ways, strict=True)
    ]
    last = {digest: number for number, digest in enumerate(digests)}
    return [
        _Step(entry, digest, vector, way, _Following(last, number))
        for number, (entry, digest, (vector, way)) in enumerate(zip(statements, digests, ways, strict=True))
    ]


def _content(entry: Entry, way: Way) -> str:
    """Without secrets, as it is kept."""
    if isinstance(way, Carried):
        return way.content
    return way.candidate.content if isinstance(way, Weighed) else entry.candidate.content


def _ways(access: MemoryAccess, part: Sequence[Entry], settled: set[bytes]) -> Iterator[tuple[Vector | None, Way]]:
    """Of what is known whatever the rest of the file says nothing is asked."""
    fresh = [entry for entry in part if not _is_settled(access.profile, entry, settled)]
    ways = iter(_fresh_ways(access, fresh))
    for entry in part:
        is_settled = _is_settled(access.profile, entry, settled)
        yield (None, Written(Outcome.DISCARDED, reason=carrying.KNOWN)) if is_settled else next(ways)


def _is_settled(profile: MemoryProfile, entry: Entry, settled: set[bytes]) -> bool:
    return index.digest_of(profile, entry.candidate.content) in settled


def _fresh_ways(access: MemoryAccess, fresh: Sequence[Entry]) -> list[tuple[Vector | None, Way]]:
    if any(entry.own for entry in fresh):
        now = timezone.now()
        carried = [carrying.guarded(entry.own.carried(entry.candidate.content, now)) for entry in fresh if entry.own]
        return list(zip(changes.embed([each.content for each in carried], access.profile), carried, strict=True))
    weighed = weighing.weigh(access, [entry.candidate for entry in fresh], as_given=False)
    return [(each.vector if isinstance(each, Weighed) else None, each) for each in weighed]


def _run(access: MemoryAccess, part: Sequence[_Step], run: _Import) -> list[Line]:
    with changes.locked(access) as profile:
        batch = changes.open_batch(profile, run.batch)
        changes.embed_later(step.vector for step in part if not isinstance(step.way, Written))
        return _place_all(Act(access, batch=batch, reason=REASON, change_id=run.reference), profile, part)


def _run_and_take_back(access: MemoryAccess, steps: Sequence[_Step]) -> NoReturn:
    with changes.locked(access) as profile:
        act = Act(access, reason=REASON)
        raise _Rehearsed([line for part in _parts(steps) for line in _place_all(act, profile, part)])


def _place_all(act: Act, profile: MemoryProfile, part: Sequence[_Step]) -> list[Line]:
    allowance, held, gathering = Allowance(act.access), _held_digests(profile), Gathering(profile)
    lines: list[Line] = []
    for step in part:
        written = _gathered(act, step, gathering) if step.digest not in held else None
        if written is None:
            # It is compared with what stands, and so with what came before it in the list.
            gathering.write()
            is_known = step.digest in held and carrying.is_known(act, profile, step.coming)
            known = Written(Outcome.DISCARDED, reason=carrying.KNOWN)
            written = known if is_known else _place(act, profile, step, allowance)
        lines.append(_told(profile, step.entry, written))
        held.add(step.digest)
    gathering.write()
    return lines


def _gathered(act: Act, step: _Step, gathering: Gathering) -> Written | None:
    return gathering.take(_act_of(act, step.way), step.way) if isinstance(step.way, Weighed) else None


def _act_of(act: Act, way: Weighed) -> Act:
    return replace(act, candidate=way.candidate, reason=way.candidate.reason or act.reason)


def _place(act: Act, profile: MemoryProfile, step: _Step, allowance: Allowance) -> Written:
    way = step.way
    if isinstance(way, Written):
        return way
    if isinstance(way, Carried):
        return carrying.place(act, profile, way, step.vector)
    return _Placing(_act_of(act, way), profile, way, allowance).place()


def _told(profile: MemoryProfile, entry: Entry, written: Written) -> Line:
    verdict = Verdict.DUPLICATE if written.reason == carrying.KNOWN else VERDICTS[written.outcome]
    reason = REASONS.get(written.outcome, "") if written.reason in ("", REASON) else written.reason
    return Line(entry.line, entry.candidate.content, verdict, reason, _other(profile, entry, written))


def _other(profile: MemoryProfile, entry: Entry, written: Written) -> str:
    """The words of what a line takes the place of, gives way to, or repeats."""
    if written.memory_id is None or VERDICTS[written.outcome] not in (Verdict.CONFLICT, Verdict.DUPLICATE):
        return ""
    related = Q(superseded_by=written.memory_id) | Q(supersedes=written.memory_id)
    if written.outcome is Outcome.REINFORCED:
        related = Q(pk=written.memory_id)
    other = changes.of_profile(profile).filter(related).first()
    return other.content if other else ""


def _parts(steps: Sequence[T]) -> Iterator[list[T]]:
    following = iter(steps)
    while part := list(islice(following, AT_ONCE)):
        yield part


def _understood(entry: Entry) -> Entry:
    """A statement as it is given, with the kind and the slot that the rules see in it."""
    found = find(entry.candidate.content) if entry.own is None else []
    if len(found) != 1:
        return entry
    [finding] = found
    seen = replace(entry.candidate, kind=finding.kind, sector=finding.sector, slot=finding.slot)
    return replace(entry, candidate=replace(seen, importance=finding.importance, ends=finding.ends))


def _conversations(contents: Contents) -> list[list[Entry]]:
    said: dict[int, list[Entry]] = {}
    for entry in contents.entries:
        if entry.is_said:
            said.setdefault(entry.line, []).append(entry)
    return list(said.values())


def _latest(said: Sequence[Entry]) -> datetime:
    return max(entry.candidate.occurred_at or datetime.min.replace(tzinfo=UTC) for entry in said)


def _taken_from(profile: MemoryProfile, said: Sequence[Entry]) -> list[Entry]:
    turns = [Turn(entry.candidate.content, entry.candidate.provenance) for entry in said]
    found = extract_turns(turns, profile=profile, correlation_id=correlation_id())
    return [Entry(said[0].line, candidate) for candidate in found.candidates]


def _left_out(entry: Entry, reason: str) -> Skipped:
    return Skipped(entry.line, beginning_of(entry.candidate.content), reason)


def _held_digests(profile: MemoryProfile) -> set[bytes]:
    rows = Memory.objects.filter(profile=profile).exclude(status=Status.FORGOTTEN)
    return {bytes(digest) for digest in rows.values_list("digest", flat=True)}


def _settled_digests(profile: MemoryProfile) -> set[bytes]:
    """Of what is known and holds no slot, so that nothing in a file can take its place."""
    gone = (Status.FORGOTTEN, Status.ARCHIVED, Status.SUPERSEDED)
    rows = Memory.objects.filter(profile=profile, slot=None).exclude(status__in=gone)
    return {bytes(digest) for digest in rows.values_list("digest", flat=True)}
