"""How much of what a question needs is recalled: LoCoMo (Maharana et al., 2024), without any language model.

Every turn is a memory, written by the write gate with the place where it was said; every question is a query. The
baselines go through the same statement: the cosine of the question as it stands, and BM25, each alone; mem0, where it
is installed, has our embedder, and the speaker in front of each text, as its makers measure it.
"""

import json
import math
import re
import uuid
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from accounts.models import User
from memories import profiles
from memories.access import MemoryAccess
from memories.engine import candidates, index, links, writing
from memories.engine.candidates import Candidate as Found
from memories.engine.candidates import Narrowing
from memories.engine.questions import ProfileFacts, Question
from memories.engine.recall import recall
from memories.engine.types import Candidate, Provenance
from memorychat.bench import mem0
from memorychat.bench.report import line

DEPTHS = (1, 5, 10, 20)
COUNTED = {1: "several hops", 2: "time", 3: "open domain", 4: "single hop"}
APART = {5: "adversarial"}
GOAL = 0.78
AT_ONCE = 200


class DatasetError(Exception):
    """The file is not one of LoCoMo's; the message says what is wrong with it."""


@dataclass(frozen=True)
class Turn:
    name: str
    session: str
    position: int
    speaker: str
    text: str
    said_at: datetime


@dataclass(frozen=True)
class Asked:
    """A question, and the names of the turns that answer it."""

    text: str
    category: int
    evidence: frozenset[str]


@dataclass(frozen=True)
class Conversation:
    name: str
    turns: Sequence[Turn]
    questions: Sequence[Asked]


# The names of turns, best first.
Retriever = Callable[[str], list[str]]
# Of one question: what was measured → value.
Measured = dict[str, float]


def read(path: Path) -> list[Conversation]:
    """Raises DatasetError."""
    try:
        return [_conversation(sample) for sample in json.loads(path.read_text(encoding="utf-8"))]
    except OSError as error:
        raise DatasetError(f"{path} cannot be read: {error.strerror}.") from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise DatasetError(f"{path} is not a file of LoCoMo conversations ({type(error).__name__}).") from error


def _conversation(sample: dict[str, Any]) -> Conversation:
    told = sample["conversation"]
    sessions = sorted(
        (key for key in told if re.fullmatch(r"session_\d+", key)), key=lambda key: int(key.removeprefix("session_"))
    )
    turns = [turn for session in sessions for turn in _turns(told, session)]
    names = {turn.name for turn in turns}
    asked = [
        Asked(question["question"], question["category"], frozenset(_evidence(question)) & names)
        for question in sample["qa"]
    ]
    return Conversation(sample["sample_id"], turns, [question for question in asked if question.evidence])


def _turns(told: dict[str, Any], session: str) -> Iterator[Turn]:
    said_at = datetime.strptime(told[f"{session}_date_time"], "%I:%M %p on %d %B, %Y").replace(tzinfo=UTC)
    for position, turn in enumerate(told[session]):
        if turn["text"].strip():
            yield Turn(turn["dia_id"], session, position, turn["speaker"], turn["text"], said_at)


def _evidence(question: dict[str, Any]) -> Iterator[str]:
    """Some are written together: "D8:6; D9:17"."""
    for name in question.get("evidence", []):
        yield from re.findall(r"D\d+:\d+", name)


def run(conversations: Sequence[Conversation]) -> Iterator[str]:
    """Fills the database that Django is connected to: give it a scratch one."""
    turns, questions = (sum(len(getattr(each, name)) for each in conversations) for name in ("turns", "questions"))
    yield f"Recall of {len(conversations)} conversations: {turns:,} turns, {questions:,} questions with evidence"
    yield line("beside us", mem0.how_it_takes_part())
    found: dict[str, dict[int, list[Measured]]] = defaultdict(lambda: defaultdict(list))
    for conversation in conversations:
        shares = []
        for question, name, measured in _measure(conversation):
            found[name][question.category].append(measured)
            if name == OURS and question.category in COUNTED:
                shares.append(measured["recall@10"])
        yield line(f"{conversation.name}, recall@10", f"{mean(shares):.3f}")
    yield from _report(found)


OURS, COSINE, BM25, MEM0 = "MemoryChat", "cosine alone", "BM25 alone", "mem0"


def _measure(conversation: Conversation) -> Iterator[tuple[Asked, str, Measured]]:
    access, names = _remember(conversation)
    retrievers = _retrievers(access, names)
    with TemporaryDirectory() as folder:
        if mem0.is_installed():
            retrievers[MEM0] = _mem0(conversation, access, Path(folder))
        for question in conversation.questions:
            for name, retrieve in retrievers.items():
                yield question, name, measures(retrieve(question.text), question.evidence)


def _mem0(conversation: Conversation, access: MemoryAccess, folder: Path) -> Retriever:
    other = mem0.Mem0(folder, access.profile)
    for turn in conversation.turns:
        other.remember(f"{turn.speaker}: {turn.text}", turn.name)
    return partial(other.recall, limit=max(DEPTHS))


def _remember(conversation: Conversation) -> tuple[MemoryAccess, dict[uuid.UUID, str]]:
    owner = User.objects.create_user(f"{conversation.name}@example.com")
    access = profiles.by_hand(owner, profiles.default_for(owner))
    names: dict[uuid.UUID, str] = {}
    for start in range(0, len(conversation.turns), AT_ONCE):
        turns = conversation.turns[start : start + AT_ONCE]
        written = writing.remember_all(access, [_candidate(turn) for turn in turns], as_given=True)
        # As the worker does after it.
        links.connect_all_of(written[0].change_id or uuid.uuid4())
        names |= {each.memory_id: turn.name for each, turn in zip(written, turns, strict=True) if each.memory_id}
    return access, names


def _candidate(turn: Turn) -> Candidate:
    place = Provenance(thread=turn.session, position=turn.position, speaker=turn.speaker)
    return Candidate(turn.text, occurred_at=turn.said_at, provenance=place)


def _retrievers(access: MemoryAccess, names: dict[uuid.UUID, str]) -> dict[str, Retriever]:
    deepest = max(DEPTHS)
    facts = candidates.facts_of(access.profile)

    def ours(query: str) -> list[str]:
        return [names[hit.memory_id] for hit in recall(access, query, limit=deepest).hits]

    def by_cosine(query: str) -> list[str]:
        found = [each for each in _found(access, facts, query, by_vector=True) if each.similarity is not None]
        return [names[each.memory_id] for each in sorted(found, key=lambda each: -(each.similarity or 0))][:deepest]

    def by_words(query: str) -> list[str]:
        found = _found(access, facts, query, by_vector=False)
        return [names[each.memory_id] for each in sorted(found, key=lambda each: -(each.keywords or 0))][:deepest]

    return {OURS: ours, COSINE: by_cosine, BM25: by_words}


def _found(access: MemoryAccess, facts: ProfileFacts, query: str, *, by_vector: bool) -> list[Found]:
    terms, words = index.asked_terms(access.profile, query, facts.languages)
    question = Question(query, terms, words, slots=[], periods=(), speaker=None)
    vector = index.embed([query], access.profile)[0] if by_vector else None
    return candidates.find(access.profile, facts, question, vector, Narrowing())


def measures(ranked: Sequence[str], evidence: frozenset[str]) -> Measured:
    """Of one question. The reciprocal rank is that of the first hit among the deepest, 0 without one."""
    places = [at for at, name in enumerate(ranked, start=1) if name in evidence]
    gain = sum(1 / math.log2(1 + at) for at in places if at <= 10)
    best = sum(1 / math.log2(1 + at) for at in range(1, min(len(evidence), 10) + 1))
    shares = {f"recall@{depth}": sum(at <= depth for at in places) / len(evidence) for depth in DEPTHS}
    return shares | {"MRR": 1 / places[0] if places else 0.0, "nDCG@10": gain / best}


def mean(values: Sequence[float]) -> float:
    return sum(values) / len(values) if values else 0.0


def _report(found: dict[str, dict[int, list[Measured]]]) -> Iterator[str]:
    columns = [*(f"recall@{depth}" for depth in DEPTHS), "MRR", "nDCG@10"]
    for name, by_category in found.items():
        counted = [measured for category in COUNTED for measured in by_category[category]]
        yield ""
        yield f"  {name:<24}{'':>9}" + "".join(f"{column:>11}" for column in columns)
        yield _row("categories 1–4", counted, columns)
        for category, meaning in (COUNTED | APART).items():
            yield _row(f"{category} {meaning}", by_category[category], columns)
    ours = mean([measured["recall@10"] for category in COUNTED for measured in found[OURS][category]])
    yield ""
    yield line("recall@10", f"{ours:.3f}   (goal ≥ {GOAL:g}: {'met' if ours >= GOAL else 'MISSED'})")


def _row(name: str, measured: Sequence[Measured], columns: Sequence[str]) -> str:
    values = "".join(f"{mean([each[column] for each in measured]):>11.3f}" for column in columns)
    return f"    {name:<22}{len(measured):>9}{values}"
