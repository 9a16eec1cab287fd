"""What programs ask of memories besides the best answers: of a time, of another status, why, and what was held once."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.http import HttpResponse
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from accounts.models import User
from accounts.tests.programs import Program, error_of
from memories import profiles
from memories.access import MemoryAccess
from memories.engine import writing
from memories.engine.types import Candidate
from memories.models import Kind, MemoryProfile

pytestmark = pytest.mark.django_db

Search = Callable[..., HttpResponse]


def told(response: HttpResponse) -> dict[str, Any]:
    assert response.status_code == 200, response.content
    answer: dict[str, Any] = response.json()  # type: ignore[attr-defined]  # of the test client
    return answer


def contents(response: HttpResponse) -> list[str]:
    return [each["content"] for each in told(response)["results"]]


@pytest.fixture
def search(program: Program) -> Search:
    def search(query: str = "boat", **fields: object) -> HttpResponse:
        return program.call("POST", "/memories/search", {"query": query, **fields})

    return search


@pytest.fixture
def boats(access: MemoryAccess) -> None:
    for year in (2019, 2022):
        writing.remember(access, Candidate(f"I sailed a boat in {year}", occurred_at=datetime(year, 6, 1, tzinfo=UTC)))


@pytest.mark.usefixtures("boats")
@pytest.mark.parametrize(
    ("span", "years"),
    [
        ({"since": "2020-01-01T00:00:00Z"}, {"2022"}),
        ({"until": "2020-01-01T00:00:00Z"}, {"2019"}),
        ({"since": "2019-06-01T00:00:00Z", "until": "2022-06-01T00:00:00Z"}, {"2019"}),
        ({"since": "2019-06-01T02:00:00+02:00", "until": "2022-06-01"}, {"2019"}),
        ({"since": "2020-01-01", "until": "2020-01-01"}, set()),
        ({"since": None, "until": None}, {"2019", "2022"}),
    ],
)
def test_a_search_is_narrowed_by_when_things_held(search: Search, span: dict[str, str], years: set[str]) -> None:
    assert {content[-4:] for content in contents(search(**span))} == years


@pytest.mark.parametrize(
    ("fields", "named"),
    [
        ({"since": "2022-01-01T00:00:00Z", "until": "2019-01-01T00:00:00Z"}, "until"),
        ({"since": "soon"}, "since"),
        ({"until": "2024-13-01"}, "until"),
        ({"until": "9999-12-31T23:59:59Z"}, "3000"),
        ({"since": "0001-01-01T00:00:00Z"}, "1000"),
        ({"include": ["gone"]}, "include"),
        ({"include": "archived"}, "include"),
        ({"include": [None]}, "include"),
        ({"explain": "yes"}, "explain"),
        ({"explain": 1}, "explain"),
    ],
)
def test_what_makes_no_sense_is_refused_by_name(search: Search, fields: dict[str, object], named: str) -> None:
    response = search(**fields)

    assert response.status_code == 422
    assert named in error_of(response)["message"]


def test_a_list_refuses_a_span_that_ends_before_it_begins(program: Program) -> None:
    response = program.call("GET", "/memories?since=2022-01-01&until=2019-01-01")

    assert (response.status_code, list(error_of(response)["fields"])) == (422, ["until"])


def test_what_is_not_active_comes_when_its_owner_asks_for_it(search: Search, access: MemoryAccess) -> None:
    kept = writing.remember(access, Candidate("I own a red boat"))
    gone = writing.remember(access, Candidate("I own a green boat"))
    assert gone.memory_id
    writing.forget(access, gone.memory_id)
    writing.remember(access, Candidate("I want a blue boat", confidence=0.6))

    def statuses(*include: str) -> dict[str, str]:
        return {each["content"].split()[3]: each["status"] for each in told(search(include=include))["results"]}

    assert [each["id"] for each in told(search(include=[]))["results"]] == [str(kept.memory_id)]
    assert statuses("forgotten") == {"red": "active", "green": "forgotten"}
    assert statuses("forgotten", "pending") == {"red": "active", "green": "forgotten", "blue": "pending"}
    assert statuses("archived") == {"red": "active"}


def test_a_profile_of_somebody_else_is_unknown_whatever_is_asked_of_it(
    bobs_program: Program, access: MemoryAccess
) -> None:
    writing.remember(access, Candidate("I own a boat"))
    body = {"query": "boat", "include": ["active"], "explain": True, "profile_id": str(access.profile.pk)}

    for response in (
        bobs_program.call("POST", "/memories/search", body),
        bobs_program.call("GET", f"/memories/recent?profile_id={access.profile.pk}"),
        bobs_program.call("GET", f"/profiles/{access.profile.pk}/memories"),
    ):
        assert response.status_code == 404
    assert contents(bobs_program.call("POST", "/memories/search", {"query": "boat", "include": ["active"]})) == []


def test_each_tells_why_it_came_when_it_is_asked(search: Search, access: MemoryAccess) -> None:
    writing.remember(access, Candidate("I sailed a boat to Madeira"))

    [plain] = told(search("Who sails boats?"))["results"]
    [found] = told(search("Who sails boats?", explain=True))["results"]

    assert "why" not in plain
    assert "status" not in plain
    why = found["why"]
    assert "“boats”" in why["sentence"]
    assert why["words"] == ["sails", "boats"]
    assert {part["name"]: part["value"] for part in why["parts"]} == found["parts"]
    assert all(0 <= part["share"] <= 1 for part in why["parts"])


def test_a_word_of_no_memory_is_no_reason(search: Search, access: MemoryAccess) -> None:
    writing.remember(access, Candidate("I own a boat"))

    [found] = told(search("zeppelin", explain=True))["results"]

    assert found["why"]["words"] == []
    assert "zeppelin" not in found["why"]["sentence"]


def test_explaining_costs_no_query(
    search: Search, access: MemoryAccess, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    writing.remember(access, Candidate("I own a boat"))
    search()

    with django_assert_num_queries(7):
        search(explain=True)


def test_what_matters_most_now_comes_without_a_question(program: Program, access: MemoryAccess) -> None:
    for importance, content in ((2, "I saw a film"), (9, "I am allergic to nuts"), (5, "I play the cello")):
        writing.remember(access, Candidate(content, importance=importance))

    answer = told(program.call("GET", "/memories/recent"))

    assert [each["content"] for each in answer["results"]] == [
        "I am allergic to nuts",
        "I play the cello",
        "I saw a film",
    ]
    best = answer["results"][0]
    assert (best["similarity"], best["keywords"], best["parts"]["relevance"]) == (None, 0, 0)
    assert best["score"] == pytest.approx(sum(best["parts"].values()))
    assert answer["degraded"] == []
    assert len(contents(program.call("GET", "/memories/recent?limit=2"))) == 2


def test_what_matters_is_that_of_the_profile_that_is_named(program: Program, alice: User, access: MemoryAccess) -> None:
    writing.remember(access, Candidate("I own a boat"))
    work = profiles.create(alice, "Work")

    assert contents(program.call("GET", f"/memories/recent?profile_id={work.pk}")) == []


@pytest.mark.parametrize("query", ["limit=0", "limit=101", "limit=x", "limit=1.5", "profile_id=x"])
def test_a_question_for_what_matters_must_make_sense(program: Program, query: str) -> None:
    assert program.call("GET", f"/memories/recent?{query}").status_code == 422


@pytest.fixture
def before_the_move(access: MemoryAccess) -> datetime:
    """When Porto was home and the boat still hers."""
    porto = writing.remember(access, Candidate("I live in Porto"))
    boat = writing.remember(access, Candidate("I own a boat", kind=Kind.NOTE))
    assert porto.memory_id
    assert boat.memory_id
    then = timezone.now()
    writing.revise(access, porto.memory_id, "I live in Lisbon")
    writing.forget(access, boat.memory_id)
    writing.remember(access, Candidate("I play the cello"))
    return then


def held(program: Program, profile: MemoryProfile, **query: str) -> HttpResponse:
    return program.get(f"/api/v1/profiles/{profile.pk}/memories", query)  # type: ignore[return-value]


def test_a_profile_tells_what_it_held_at_a_time(
    program: Program, profile: MemoryProfile, before_the_move: datetime
) -> None:
    then = told(held(program, profile, at=before_the_move.isoformat()))["results"]

    assert [(each["content"], each["kind"], each["status_now"]) for each in then] == [
        ("I live in Porto", "fact", "active"),
        ("I own a boat", "note", "forgotten"),
    ]
    assert contents(held(program, profile)) == ["I live in Lisbon", "I play the cello"]
    assert contents(held(program, profile, at="2001-01-01T00:00:00Z")) == []
    later = (timezone.now() + timedelta(days=400)).isoformat()
    assert contents(held(program, profile, at=later)) == ["I live in Lisbon", "I play the cello"]


@pytest.mark.usefixtures("before_the_move")
def test_what_was_held_comes_page_by_page(program: Program, profile: MemoryProfile) -> None:
    first = told(held(program, profile, limit="1"))
    second = told(held(program, profile, limit="1", cursor=first["next"]))

    pages = [[each["content"] for each in page["results"]] for page in (first, second)]
    assert pages == [["I live in Lisbon"], ["I play the cello"]]
    assert second["next"] is None


@pytest.mark.parametrize("at", ["yesterday", "2024-02-30", "9999-12-31T00:00:00Z", "", "\x00"])
def test_a_time_that_is_none_is_refused(program: Program, profile: MemoryProfile, at: str) -> None:
    response = held(program, profile, at=at)

    assert response.status_code == 422
    assert "at" in error_of(response)["fields"]
