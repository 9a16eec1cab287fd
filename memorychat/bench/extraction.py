"""What learning from a call adds to the model's own time: chunks, prompt, reading the answer, guard, vectors, the gate.

The model answers at once; the baseline is the same prompt put to it and nothing done with the answer.
"""

import json
import random
import uuid
from collections.abc import Iterator
from itertools import count

from django.conf import settings
from django.utils import timezone

from memories.access import MemoryAccess
from memories.engine import writing
from memories.engine.extraction import Turn, extract_turns
from memories.engine.types import Provenance
from memories.models import Origin, PrivacyMode
from memorychat.bench.recall import fill
from memorychat.bench.report import goal, in_turn, line
from memorychat.lib.text import tokens
from memorychat.llm.fakes import FakeChat
from memorychat.llm.providers import CHAT_MODELS, Nobody, complete, forget_models
from memorychat.llm.types import ChatMessage, Prompt

WORDS, TURNS, FOUND, RUNS = 2_000, 200, 10, 20
# Words as people use them: made-up ones fall into many pieces, and cost an embedder several times as much.
ORDINARY = tokens(
    "the a my our on in with at and for of to house garden sister brother train ticket coffee river winter summer book"
    " green old small blue kitchen dog cat walk ride cook paint teach work live move visit friend school office window"
    " bread water city village lake music piano morning evening early late often never always every Monday Friday like"
)


def run() -> Iterator[str]:
    """Fills the database that Django is connected to: give it a scratch one."""
    yield f"Learning from a call of {WORDS:,} words and {FOUND} statements, 1,000 memories in the profile"
    owner = fill(people=5)
    access = MemoryAccess(owner.profile, PrivacyMode.NORMAL, actor=None, door=Origin.VOICE)
    model = FakeChat()
    CHAT_MODELS["bench"] = lambda: model
    settings.LLM_PROVIDERS = ["bench"]
    forget_models()
    numbers = count()

    def learn() -> None:
        turns, model.answer = _call(next(numbers))
        found = extract_turns(turns, profile=access.profile, correlation_id="bench")
        if len(writing.remember_all(access, found.candidates)) != FOUND:
            raise RuntimeError("Not all statements came to the gate.")

    def ask() -> None:
        turns, model.answer = _call(next(numbers))
        said = ChatMessage("user", " ".join(turn.words for turn in turns))
        complete(model, Prompt("Extract.", history=[said]), keeper=Nobody(), correlation_id="bench")

    learn()  # Patterns are compiled and weights are read once in a process.
    learnt, asked = in_turn(learn, ask, runs=RUNS)
    yield goal("learning from a call without the model, p95", learnt.p95 - asked.p50, most=300)
    yield line("learning from a call", learnt)
    yield line("the model alone (baseline)", asked)


def _call(number: int) -> tuple[list[Turn], str]:
    """A call that was not heard before, half of it the person's, and the model's answer about it."""
    random.seed(number)
    said = [" ".join(random.choices(ORDINARY, k=WORDS // TURNS)) for _ in range(TURNS)]
    thread = uuid.uuid4().hex
    turns = [
        Turn(words, Provenance(thread=thread, position=at, said_at=timezone.now()), is_persons=at % 2 == 0)
        for at, words in enumerate(said)
    ]
    found = [
        {"content": f"I {turns[at].words}", "quote": turns[at].words, "turn": at + 1, "confidence": 0.9}
        for at in range(0, 2 * FOUND, 2)
    ]
    return turns, json.dumps({"memories": found, "forget": [], "verdicts": []})
