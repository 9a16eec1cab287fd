from datetime import timedelta

import pytest
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from memories.engine import scoring
from memories.engine.scoring import Signals
from memories.models import Memory, MemoryProfile, Origin, Sector
from memorychat.llm.minilm import MiniLM

shares = st.floats(0, 1)
days = st.floats(0, 10_000)
ALONE = Signals(own=0, sitting=0, answered=0, speaker=0, period=0, length=0)


def relevance(
    similarity: float | None,
    keywords: float,
    memories: int = 1_000,
    *,
    has_asked_slot: bool = False,
    others: dict[str, float] | None = None,
) -> float:
    """Of a memory that was said alone, in no thread, unless `others` tell otherwise."""
    rarest = scoring.rarest_word_weight(memories)
    own = scoring.own(
        MiniLM.calibration.background if similarity is None else similarity,
        keywords,
        rarest=rarest,
        has_asked_slot=has_asked_slot,
        calibration=MiniLM.calibration,
    )
    signals = ALONE._replace(own=own, sitting=own)._replace(**(others or {}))
    return scoring.relevance(signals, memories=memories, calibration=MiniLM.calibration)


@given(salience=shares, sector=st.sampled_from(Sector), earlier=days, later=days)
def test_salience_only_falls_and_stays_between_0_and_1(
    salience: float, sector: Sector, earlier: float, later: float
) -> None:
    first, second = sorted([earlier, later])
    then = scoring.salience_now(salience, sector, first)
    after = scoring.salience_now(salience, sector, second)
    assert 0 <= after <= then <= salience


@pytest.mark.django_db
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(salience=st.just(0.0) | st.floats(1e-6, 1), sector=st.sampled_from(Sector), age=st.floats(-10, 40_000))
def test_salience_in_a_statement_is_that_of_the_code(
    profile: MemoryProfile, salience: float, sector: Sector, age: float
) -> None:
    now = timezone.now()
    memory = Memory.objects.create(
        owner=profile.owner,
        profile=profile,
        content="I like tea",
        sector=sector,
        salience=salience,
        salience_at=now - timedelta(days=age),
        origin=Origin.CHAT,
        occurred_at=now,
        digest=b"",
    )
    [in_sql] = Memory.objects.filter(pk=memory.pk).values_list(scoring.salience_in_sql(now), flat=True)
    assert in_sql == pytest.approx(scoring.salience_of(memory, now), abs=1e-12)


@pytest.mark.django_db
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(age=st.floats(-10, 40_000))
def test_recency_in_a_statement_is_that_of_the_code(profile: MemoryProfile, age: float) -> None:
    now = timezone.now()
    memory = Memory.objects.create(
        owner=profile.owner,
        profile=profile,
        content="I like tea",
        last_said_at=now - timedelta(days=age),
        origin=Origin.CHAT,
        occurred_at=now,
        digest=b"",
    )
    [in_sql] = Memory.objects.filter(pk=memory.pk).values_list(scoring.recency_in_sql(now), flat=True)
    assert in_sql == pytest.approx(scoring.recency(age), abs=1e-9)


def test_what_came_by_a_link_has_its_score_in_parts_that_keep_their_shares() -> None:
    hit = scoring.parts(0.9, 0.5, 0.3, 0.85)
    linked = scoring.parts_by_link(hit, 0.9)
    assert linked.total == pytest.approx(0.8 * hit.total + 0.2 * 0.9)
    for name in ("relevance", "salience", "recency", "links"):
        assert 0 <= getattr(linked, name) <= getattr(scoring.WEIGHTS, name)


def test_the_shorter_a_period_the_more_it_says() -> None:
    assert scoring.period_signal(1) > scoring.period_signal(30) > scoring.period_signal(365) > 0


def test_recency_halves_in_thirty_days() -> None:
    assert scoring.recency(0) == 1
    assert scoring.recency(30) == pytest.approx(0.5)
    assert scoring.recency(-5) == 1


@given(value=shares)
def test_hearing_it_again_raises_and_never_passes_1(value: float) -> None:
    assert value <= scoring.reinforced(value) <= 1


@given(similarity=st.floats(-1, 1), keywords=st.floats(0, 50), memories=st.integers(0, 1_000_000))
def test_relevance_is_a_share_that_rises_with_each_of_its_signals(
    similarity: float, keywords: float, memories: int
) -> None:
    value = relevance(similarity, keywords, memories)
    assert 0 <= value <= 1
    assert relevance(min(similarity + 0.1, 1), keywords, memories) >= value
    assert relevance(similarity, keywords + 1, memories) >= value
    assert relevance(similarity, keywords, memories, has_asked_slot=True) >= value
    for name in ("answered", "speaker", "period", "length"):
        assert relevance(similarity, keywords, memories, others={name: 40.0}) >= value
    assert relevance(similarity, keywords, memories + 1_000) <= value + 1e-9


def test_without_a_vector_keywords_alone_decide() -> None:
    assert relevance(None, 10) > relevance(None, 1) > relevance(None, 0)


def test_the_weights_are_the_whole() -> None:
    assert scoring.WEIGHTS.total == pytest.approx(1)
    assert scoring.parts(1, 1, 1, 1).total == scoring.score(1, 1, 1, 1) == pytest.approx(1)
