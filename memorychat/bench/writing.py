"""The write gate: single writes, a list of a thousand, its undo, and the memory of the process that does it."""

import itertools
import random
import resource
import time
import uuid
from collections.abc import Iterator

from django.utils import timezone

from accounts.models import User
from memories import profiles
from memories.access import MemoryAccess
from memories.engine import undoing, writing
from memories.engine.types import Candidate, Provenance
from memories.models import Memory, Origin
from memorychat.bench.report import in_turn, line
from memorychat.lib.crypto import key_ring
from memorychat.llm.minilm import MiniLM

SINGLE, LIST = 300, 1_000
VOCABULARY = [f"word{number}" for number in range(2_000)]


def run() -> Iterator[str]:
    yield f"Writing: into a profile that grows to {SINGLE + LIST:,} memories; the embedder apart where it is said"
    random.seed(5)
    with key_ring():
        owner = User.objects.create_user("bench-writing@example.com")
        access = profiles.by_hand(owner, profiles.default_for(owner))
        yield from _single(access)
        yield from _list(access)
    yield line(
        "memory of this process, at most", f"{resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:6.0f} MB"
    )


def _single(access: MemoryAccess) -> Iterator[str]:
    contents = [_statement() for _ in range(SINGLE)]
    for content in contents:
        # One at a time, so that each is found in the cache when it is written.
        MiniLM().embed([content])
    following = iter(contents)
    gate, bare = in_turn(
        lambda: writing.remember(access, Candidate(next(following))),
        lambda: _bare_row(access),
        runs=SINGLE,
    )
    yield line("one memory by the gate, embedding apart", gate)
    yield line("one bare row of the same table (baseline)", bare)
    yield line("writes a second by the gate | bare", f"{1000 / gate.p50:.0f} | {1000 / bare.p50:.0f}")


def _list(access: MemoryAccess) -> Iterator[str]:
    thread = itertools.count()
    candidates = [
        Candidate(_statement(), provenance=Provenance(thread="bench", position=next(thread), speaker="Ana"))
        for _ in range(LIST)
    ]
    started = time.perf_counter()
    MiniLM().embed([candidate.content for candidate in candidates])
    embedded = time.perf_counter()
    written = writing.remember_all(access, candidates, as_given=True)
    done = time.perf_counter()
    yield line("embedding a list of 1,000", f"{embedded - started:6.2f} s")
    yield line("writing it, embedding included", f"{done - embedded:6.2f} s")
    change_id = written[0].change_id or uuid.uuid4()
    started = time.perf_counter()
    undoing.undo(access, change_id)
    yield line("undoing it as one change", f"{time.perf_counter() - started:6.2f} s")


def _statement() -> str:
    return " ".join(random.choices(VOCABULARY, k=11))


def _bare_row(access: MemoryAccess) -> Memory:
    now = timezone.now()
    memory = Memory(
        owner=access.profile.owner,
        profile=access.profile,
        content="A statement of about as many words as people use",
        origin=Origin.SYSTEM,
        status="archived",
        occurred_at=now,
        digest=uuid.uuid4().bytes,
    )
    memory.save(force_insert=True)
    return memory
