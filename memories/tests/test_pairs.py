"""What the write gate makes of two statements, for every pair of the table and every embedder."""

from collections.abc import Iterator, Sequence

import pytest
from django.utils import timezone

from accounts.tests.programs import Program
from memories.access import MemoryAccess
from memories.engine import writing
from memories.engine.extraction import extract
from memories.engine.sameness import differ
from memories.engine.types import Candidate, Outcome, Provenance
from memories.models import Memory, Status
from memories.tests.pairs import CORRECTIONS, ENDINGS, PARAPHRASES, TRAPS, UNRELATED
from memorychat.llm import providers
from memorychat.llm.fakes import FakeEmbedder
from memorychat.llm.minilm import MiniLM
from memorychat.llm.types import Embedder, Vector

pytestmark = pytest.mark.django_db

CORRECTED = [(family, *pair) for family, pairs in CORRECTIONS.items() for pair in pairs]
NEAR, LINKED, SAME = 0.85, 0.80, 0.92


class SeesNoDifference(FakeEmbedder):
    """The worst case: to it all texts are the same, so that the rules alone can tell."""

    def embed(self, texts: Sequence[str]) -> list[Vector]:
        return super().embed(["the same"] * len(texts))


@pytest.fixture(params=[MiniLM, FakeEmbedder, SeesNoDifference], ids=lambda made: made.__name__)
def embedder(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Embedder]:
    made = request.param()
    monkeypatch.setattr(providers, "EMBEDDERS", [lambda: made])
    providers.forget_models()
    yield made
    providers.forget_models()


@pytest.mark.parametrize(("family", "one", "other"), CORRECTED)
def test_a_correction_is_never_taken_for_the_same(family: str, one: str, other: str) -> None:
    assert differ(one, other)
    assert differ(other, one)


@pytest.mark.parametrize("family", CORRECTIONS)
def test_no_correction_reinforces_what_it_corrects(access: MemoryAccess, embedder: Embedder, family: str) -> None:
    wrong = [
        (one, other)
        for one, other in CORRECTIONS[family]
        if _second_of(access, one, other) in (Outcome.REINFORCED, Outcome.CONFLICT)
    ]
    assert wrong == []


def test_nothing_that_only_names_the_same_thing_is_superseded_or_reinforced(
    access: MemoryAccess, embedder: Embedder
) -> None:
    assert len(TRAPS) >= 40
    victims = [(one, other) for one, other in TRAPS if _touches(access, one, other)]
    assert victims == []


@pytest.mark.parametrize(("one", "other"), ENDINGS)
def test_what_is_over_takes_the_place_of_what_it_ends(access: MemoryAccess, one: str, other: str) -> None:
    for words in (one, other):
        _tell(access, words)

    former, now = Memory.objects.order_by("pk")
    assert (former.status, former.superseded_by, now.status) == (Status.SUPERSEDED, now, Status.ACTIVE)


def test_what_ended_gives_way_to_what_holds_now(access: MemoryAccess) -> None:
    for words in ("I work at Acme", "I quit my job at Acme", "I work at Bosch"):
        _tell(access, words)

    assert Memory.objects.get(status=Status.ACTIVE).content == "I work at Bosch"


def test_what_a_program_says_is_over_is_over(program: Program) -> None:
    for words in ("I work at Acme", "I quit my job at Acme"):
        assert program.call("POST", "/memories", {"content": words}).status_code == 201

    assert Memory.objects.get(status=Status.ACTIVE).content == "I quit my job at Acme"


def test_what_differs_in_nothing_that_matters_reinforces(access: MemoryAccess) -> None:
    again = [(one, other) for one, other in PARAPHRASES if not differ(one, other) and _position(one, other) >= SAME]
    assert len(again) >= 5
    for one, other in again:
        assert _second_of(access, one, other) is Outcome.REINFORCED


def test_the_common_scale_of_the_built_in_embedder_holds_what_it_promises() -> None:
    """Paraphrases are near enough to be asked about, unrelated statements too far to be linked."""

    same, unrelated = [[_position(*pair) for pair in pairs] for pairs in (PARAPHRASES, UNRELATED)]
    assert sum(position >= NEAR for position in same) >= 0.9 * len(same)
    assert all(position < LINKED for position in unrelated)


def _position(*pair: str) -> float:
    one, other = MiniLM().embed(pair)
    return MiniLM.calibration.position(float(one @ other))


def _tell(access: MemoryAccess, words: str) -> None:
    """As it is learnt in a conversation without a model; what no rule understands is written by hand."""
    found = extract(words, Provenance(said_at=timezone.now()), profile=access.profile, correlation_id="").candidates
    writing.remember_all(access, found or [Candidate(words)])


def _touches(access: MemoryAccess, one: str, other: str) -> bool:
    """Whether the second does anything to the first."""
    writing.forget_all(access)
    before = set(Memory.objects.values_list("pk", flat=True))
    _tell(access, one)
    _tell(access, other)
    told = Memory.objects.exclude(pk__in=before)
    return told.filter(status=Status.SUPERSEDED).exists() or told.filter(times_said__gt=1).exists()


def _second_of(access: MemoryAccess, one: str, other: str) -> Outcome:
    writing.forget_all(access)
    writing.remember(access, Candidate(one))
    return writing.remember(access, Candidate(other)).outcome
