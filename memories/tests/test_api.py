"""Memories and profiles through the door of programs; what every route must do is in memorychat/tests/test_api.py."""

import uuid
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.http import HttpResponse
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from accounts.models import IdempotencyRecord, User
from accounts.tests.programs import Program, error_of
from memories import profiles
from memories.access import MemoryAccess
from memories.engine import writing
from memories.engine.types import Candidate
from memories.models import Action, Memory, MemoryBatch, MemoryEvent, MemoryProfile, MemorySource, Origin, Status
from memorychat.llm import providers
from memorychat.llm.fakes import FakeEmbedder
from memorychat.llm.types import ProviderError

pytestmark = pytest.mark.django_db

Remember = Callable[..., dict[str, Any]]


@pytest.fixture
def remember(program: Program) -> Remember:
    """Has Alice's program remember something."""

    def remember(content: str, **fields: object) -> dict[str, Any]:
        return told(program.call("POST", "/memories", {"content": content, **fields}))

    return remember


@pytest.fixture
def pending(access: MemoryAccess) -> uuid.UUID:
    written = writing.remember(access, Candidate("I like tea", confidence=0.6))
    assert written.memory_id
    return written.memory_id


@pytest.fixture
def broken_embedder(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    down = FakeEmbedder(error=ProviderError("It is down.", code="unreachable"))
    with monkeypatch.context() as context:
        context.setattr(providers, "EMBEDDERS", [lambda: down])
        providers.forget_models()
        yield
    providers.forget_models()


def told(response: HttpResponse) -> dict[str, Any]:
    assert response.status_code in (200, 201), response.content
    answer: dict[str, Any] = response.json()  # type: ignore[attr-defined]  # of the test client
    return answer


def contents(response: HttpResponse) -> list[str]:
    return [each["content"] for each in told(response)["results"]]


def test_the_default_profile_is_there_before_anything_was_said(program: Program) -> None:
    [profile] = told(program.call("GET", "/profiles"))["results"]

    assert (profile["name"], profile["is_default"], profile["memory_count"]) == ("Personal", True, 0)


def test_a_profile_is_made_changed_chosen_and_deleted(program: Program) -> None:
    first = told(program.call("GET", "/profiles"))["results"][0]
    made = told(program.call("POST", "/profiles", {"name": " Work ", "default_mode": "pause_memories"}))
    address = f"/profiles/{made['id']}"

    changed = told(program.call("PATCH", address, {"description": "What is said at work"}))
    chosen = told(program.call("POST", f"{address}/default"))
    deleted = program.call("DELETE", f"/profiles/{first['id']}")

    assert (made["name"], made["is_default"], made["default_mode"]) == ("Work", False, "pause_memories")
    assert changed == made | {"description": "What is said at work"}
    assert chosen["is_default"]
    assert deleted.status_code == 204
    assert [each["id"] for each in told(program.call("GET", "/profiles"))["results"]] == [made["id"]]
    assert program.call("GET", f"/profiles/{first['id']}").status_code == 404


def test_the_default_profile_is_not_deleted(program: Program, profile: MemoryProfile) -> None:
    response = program.call("DELETE", f"/profiles/{profile.pk}")

    assert response.status_code == 409
    assert error_of(response)["message"] == (
        "The default profile cannot be deleted. Make another one the default first."
    )


@pytest.mark.parametrize(
    ("fields", "limit"), [({"name": "x" * 101}, "100"), ({"name": "Work", "description": "x" * 501}, "500")]
)
def test_a_profile_s_words_have_their_lengths(program: Program, fields: dict[str, str], limit: str) -> None:
    response = program.call("POST", "/profiles", fields)

    assert response.status_code == 422
    assert limit in error_of(response)["message"]


@pytest.mark.parametrize("preview", ["?preview", "?preview=true", "?preview=1"])
def test_forgetting_a_profile_s_memories_can_be_looked_at_first(
    program: Program, remember: Remember, profile: MemoryProfile, preview: str
) -> None:
    remember("I live in Porto")
    remember("I own a boat")

    seen = told(program.call("DELETE", f"/profiles/{profile.pk}/memories{preview}"))

    assert seen == {"count": 2, "preview": True, "change_id": None}
    assert Memory.objects.active().count() == 2


def test_a_profile_s_memories_are_forgotten_and_brought_back_as_one(
    program: Program, remember: Remember, profile: MemoryProfile
) -> None:
    remember("I live in Porto")
    remember("I own a boat")

    done = told(program.call("DELETE", f"/profiles/{profile.pk}/memories"))
    after = contents(program.call("GET", "/memories"))
    told(program.call("POST", f"/memories/changes/{done['change_id']}/undo"))

    assert (done["count"], after) == (2, [])
    assert sorted(contents(program.call("GET", "/memories"))) == ["I live in Porto", "I own a boat"]


def test_a_memory_is_answered_whole(program: Program, remember: Remember, profile: MemoryProfile) -> None:
    made = remember(
        "  I take my tea without sugar ",
        kind="preference",
        sector="procedural",
        importance=8,
        occurred_at="2024-05-01T10:00:00+02:00",
        metadata={"from": {"form": [1, None, "ü"]}},
    )

    assert made == told(program.call("GET", f"/memories/{made['id']}"))
    assert (made["content"], made["kind"], made["sector"]) == (
        "I take my tea without sugar",
        "preference",
        "procedural",
    )
    assert (made["importance"], made["salience"], made["confidence"]) == (8, 0.8, 1.0)
    assert (made["status"], made["origin"], made["pinned"]) == ("active", "api", False)
    assert made["occurred_at"] == "2024-05-01T08:00:00Z"
    assert made["metadata"] == {"from": {"form": [1, None, "ü"]}}
    assert (made["profile_id"], made["superseded_by"], made["times_said"]) == (str(profile.pk), None, 1)


def test_a_null_is_as_good_as_nothing(program: Program) -> None:
    body = dict.fromkeys(["kind", "sector", "importance", "occurred_at", "metadata", "source", "profile_id"])
    made = told(program.call("POST", "/memories", {"content": "I own a boat"} | body))

    assert (made["kind"], made["sector"], made["importance"]) == ("fact", "semantic", 5)


def test_what_is_known_is_reinforced_and_says_so(program: Program, remember: Remember) -> None:
    first = remember("I own a boat")
    again = program.call("POST", "/memories", {"content": "i own a boat!"})

    assert again.status_code == 200
    assert (told(again)["id"], told(again)["times_said"]) == (first["id"], 2)


def test_a_newer_statement_supersedes_the_older_one(program: Program, remember: Remember) -> None:
    former = remember("I live in Porto")
    newer = remember("I live in Lisbon")

    seen = told(program.call("GET", f"/memories/{former['id']}"))
    assert (seen["status"], seen["superseded_by"]) == ("superseded", newer["id"])


@pytest.mark.parametrize(
    ("given", "kept"), [(1, 1), (10, 10), (0.8, 8), (0.1, 1), (0.04, 1), (0.99, 10), (1.0, 1), (7.0, 7)]
)
def test_an_importance_below_one_is_read_as_tenths(remember: Remember, given: float, kept: int) -> None:
    assert remember("I own a boat", importance=given)["importance"] == kept


@pytest.mark.parametrize(
    ("fields", "named"),
    [
        ({"content": "x" * 2_001}, "2,000"),
        ({"content": "a\x00b"}, "NUL"),
        ({"content": 5}, "content"),
        ({"importance": 0}, "importance"),
        ({"importance": 0.0}, "importance"),
        ({"importance": 11}, "importance"),
        ({"importance": 7.5}, "importance"),
        ({"importance": -0.5}, "importance"),
        ({"importance": True}, "importance"),
        ({"importance": "5"}, "importance"),
        ({"importance": 10**30}, "importance"),
        ({"kind": "opinion"}, "kind"),
        ({"sector": "fact"}, "sector"),
        ({"occurred_at": "yesterday"}, "occurred_at"),
        ({"occurred_at": "0001-01-01T00:00:00+14:00"}, "1000"),
        ({"occurred_at": "9999-12-31T23:59:59-12:00"}, "3000"),
        ({"occurred_at": 10**300}, "occurred_at"),
        ({"metadata": "x"}, "metadata"),
        ({"metadata": {"a": "x" * 4_096}}, "4,096"),
        ({"metadata": {"a": "ü" * 2_048}}, "4,096"),
        ({"source": {"thread": ""}}, "source.thread"),
        ({"source": {"thread": "t", "position": -1}}, "source.position"),
        ({"source": {"thread": "t", "position": 2**31}}, "source.position"),
        ({"source": {"position": 1}}, "source.thread"),
        ({"profile_id": "mine"}, "profile_id"),
        ({"kinds": ["fact"]}, "kinds"),
    ],
)
def test_what_cannot_be_a_memory_is_refused_by_name(program: Program, fields: dict[str, object], named: str) -> None:
    response = program.call("POST", "/memories", {"content": "I own a boat"} | fields)

    assert response.status_code == 422
    assert named in error_of(response)["message"]
    assert not Memory.objects.exists()


def test_a_correction_and_an_adjustment_are_two_events_of_the_ledger(program: Program, remember: Remember) -> None:
    made = remember("I live in Porto", metadata={"a": 1})
    changes = {"content": "I live in Lisbon", "importance": 0.9, "kind": "note", "pinned": True, "metadata": None}

    changed = told(program.call("PATCH", f"/memories/{made['id']}", changes))

    assert (changed["content"], changed["importance"], changed["salience"]) == ("I live in Lisbon", 9, 0.9)
    assert (changed["kind"], changed["pinned"], changed["metadata"]) == ("note", True, None)
    history = told(program.call("GET", f"/memories/{made['id']}/history"))["results"]
    assert [event["action"] for event in history] == ["created", "revised", "adjusted"]
    assert history[1]["before"]["content"] == "I live in Porto"
    assert history[2]["before"]["metadata"] == {"a": 1}
    assert {event["door"] for event in history} == {"api"}
    assert "slot" not in history[0]["after"]
    assert history[0]["after"]["superseded_by"] is None


def test_a_change_to_what_is_already_so_changes_nothing(program: Program, remember: Remember) -> None:
    made = remember("I live in Porto")

    assert (
        told(program.call("PATCH", f"/memories/{made['id']}", {"content": "I live in Porto", "pinned": False})) == made
    )
    assert told(program.call("PATCH", f"/memories/{made['id']}", {})) == made
    assert MemoryEvent.objects.count() == 1


@pytest.mark.parametrize("change", [{"content": ""}, {"pinned": 1}, {"importance": 0}, {"status": "active"}])
def test_a_change_that_makes_no_sense_is_refused(program: Program, remember: Remember, change: object) -> None:
    made = remember("I live in Porto")

    assert program.call("PATCH", f"/memories/{made['id']}", change).status_code == 422


def test_what_is_forgotten_can_be_restored(program: Program, remember: Remember) -> None:
    made = remember("I live in Porto")
    address = f"/memories/{made['id']}"

    assert [program.call("DELETE", address).status_code for _ in range(2)] == [204, 204]
    assert told(program.call("GET", address))["status"] == "forgotten"
    assert told(program.call("POST", f"{address}/restore"))["status"] == "active"
    assert program.call("POST", f"{address}/restore").status_code == 409


def test_what_waits_is_confirmed(program: Program, pending: uuid.UUID) -> None:
    assert contents(program.call("GET", "/memories?status=pending")) == ["I like tea"]

    confirmed = told(program.call("POST", f"/memories/{pending}/confirm"))

    assert (confirmed["status"], confirmed["confidence"]) == ("active", 1.0)
    assert program.call("POST", f"/memories/{pending}/reject").status_code == 409


def test_what_waits_is_rejected(program: Program, pending: uuid.UUID) -> None:
    assert program.call("POST", f"/memories/{pending}/restore").status_code == 409

    assert told(program.call("POST", f"/memories/{pending}/reject"))["status"] == "forgotten"


def test_a_change_is_undone_unless_a_later_one_built_on_it(program: Program, remember: Remember) -> None:
    made = remember("I live in Porto")
    created = MemoryEvent.objects.get().change_id
    told(program.call("PATCH", f"/memories/{made['id']}", {"content": "I live in Lisbon"}))
    revised = MemoryEvent.objects.oldest_first().last()
    assert revised

    refused = program.call("POST", f"/memories/changes/{created}/undo")
    told(program.call("POST", f"/memories/changes/{revised.change_id}/undo"))

    assert refused.status_code == 409
    assert told(program.call("GET", f"/memories/{made['id']}"))["content"] == "I live in Porto"


def test_nothing_is_reached_in_a_deleted_profile(program: Program, alice: User) -> None:
    work = profiles.create(alice, "Work")
    made = told(program.call("POST", "/memories", {"content": "I own a boat", "profile_id": str(work.pk)}))
    profiles.delete(work)

    for method, path in [("GET", ""), ("PATCH", ""), ("DELETE", ""), ("GET", "/history"), ("POST", "/restore")]:
        assert program.call(method, f"/memories/{made['id']}{path}", {}).status_code == 404
    assert contents(program.call("GET", "/memories")) == []


def test_a_list_is_walked_to_its_end_newest_first(program: Program, access: MemoryAccess) -> None:
    writing.remember_all(access, [Candidate(f"Box {number}") for number in range(5)], as_given=True)
    everything = contents(program.call("GET", "/memories"))

    part = told(program.call("GET", "/memories?limit=2"))
    walked = [part["results"]]
    while part["next"]:
        part = told(program.call("GET", f"/memories?limit=2&cursor={part['next']}"))
        walked.append(part["results"])

    assert [len(part) for part in walked] == [2, 2, 1]
    assert [memory["content"] for part in walked for memory in part] == everything


def test_a_list_holds_what_is_asked_for(program: Program, remember: Remember, alice: User) -> None:
    work = profiles.create(alice, "Work")
    remember("Porto", kind="note", occurred_at="2024-05-01T00:00:00Z")
    remember("Tea", sector="procedural", occurred_at="2024-06-01T00:00:00Z")
    remember("Boat", profile_id=str(work.pk), occurred_at="2024-07-01T00:00:00Z")
    writing.remember(profiles.by_hand(alice, work), Candidate("Hat", occurred_at=datetime(2024, 8, 1, tzinfo=UTC)))
    forgotten = remember("Glove", occurred_at="2024-09-01T00:00:00Z")
    program.call("DELETE", f"/memories/{forgotten['id']}")

    def listed(query: str) -> set[str]:
        return set(contents(program.call("GET", f"/memories?{query}")))

    assert listed("") == {"Porto", "Tea", "Boat", "Hat"}
    assert listed("status=forgotten") == {"Glove"}
    assert listed("kind=note") == {"Porto"}
    assert listed("sector=procedural") == {"Tea"}
    assert listed("origin=api") == {"Porto", "Tea", "Boat"}
    assert listed(f"profile_id={work.pk}") == {"Boat", "Hat"}
    assert listed("since=2024-06-01T00:00:00Z") == {"Tea", "Boat", "Hat"}
    assert listed("until=2024-06-01") == {"Porto"}
    assert listed("since=2024-06-01&until=2024-07-02&sector=semantic") == {"Boat"}


@pytest.mark.parametrize(
    "query", ["status=gone", "kind=x", "sector=", "origin=me", "since=now", "until=9999-12-31T23:59:59-12:00"]
)
def test_a_filter_that_makes_no_sense_is_refused(program: Program, query: str) -> None:
    assert program.call("GET", f"/memories?{query}").status_code == 422


def test_a_longer_list_costs_no_more_queries(
    program: Program, access: MemoryAccess, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    writing.remember_all(access, [Candidate(f"Box {number}") for number in range(60)], as_given=True)
    program.call("GET", "/memories")

    # The key, the memories with their profiles, the data keys.
    for limit in (1, 60):
        with django_assert_num_queries(3):
            assert len(contents(program.call("GET", f"/memories?limit={limit}"))) == limit


def test_a_history_is_walked_in_order(program: Program, remember: Remember) -> None:
    made = remember("I live in Porto")
    for town in ("Braga", "Faro"):
        program.call("PATCH", f"/memories/{made['id']}", {"content": f"I live in {town}"})

    first = told(program.call("GET", f"/memories/{made['id']}/history?limit=2"))
    second = told(program.call("GET", f"/memories/{made['id']}/history?cursor={first['next']}"))

    walked = [event["after"].get("content") for event in first["results"] + second["results"]]
    assert walked == ["I live in Porto", "I live in Braga", "I live in Faro"]
    assert second["next"] is None


def test_a_list_is_stored_as_given_and_bad_items_are_answered_in_their_places(program: Program) -> None:
    place = {"thread": "letters", "position": 1, "speaker": "Alice"}
    items = [
        {"content": "I live in Porto", "source": place},
        {"content": ""},
        {"content": "I live in Lisbon", "metadata": {"n": 1}},
        "nonsense",
        {"content": "I live in Porto", "source": place | {"position": 2}},
        {"content": "I live in Porto", "source": place},
        {"content": "I own a boat", "colour": "red"},
    ]

    answer = told(program.call("POST", "/memories/batch", {"items": items}))

    results = answer["results"]
    assert [result.get("action", "error") for result in results] == [
        *("created", "error", "created", "error", "created", "reinforced", "error")
    ]
    assert results[1]["error"]["message"] == "content: The memory is empty."
    assert results[6]["error"]["fields"].keys() == {"colour"}
    assert results[5]["id"] == results[0]["id"]
    assert Memory.objects.active().count() == 3
    assert {memory.origin for memory in Memory.objects.all()} == {Origin.API}
    source = MemorySource.objects.get(memory=results[4]["id"])
    assert (source.position, source.speaker) == (2, "Alice")
    assert MemoryBatch.objects.get().purpose == MemoryBatch.Purpose.API


def test_a_list_is_undone_at_once(program: Program) -> None:
    items = [{"content": "I live in Porto"}, {"content": "I own a boat"}]
    answer = told(program.call("POST", "/memories/batch", {"items": items}))

    told(program.call("POST", f"/memories/changes/{answer['change_id']}/undo"))

    assert not Memory.objects.active().exists()
    assert MemoryEvent.objects.filter(action=Action.UNDONE).count() == 2


def test_when_a_thing_was_said_is_when_it_happened(program: Program) -> None:
    said = "2024-05-01T10:00:00Z"
    item = {"content": "I own a boat", "occurred_at": said, "source": {"thread": "t", "position": 1}}
    told(program.call("POST", "/memories/batch", {"items": [item]}))

    assert MemorySource.objects.get().said_at == Memory.objects.get().occurred_at == datetime.fromisoformat(said)


def test_an_empty_list_is_answered_with_one(program: Program) -> None:
    assert told(program.call("POST", "/memories/batch", {"items": []})) == {"results": [], "change_id": None}


def test_a_list_of_a_thousand_is_the_longest(program: Program) -> None:
    refused = program.call("POST", "/memories/batch", {"items": [{"content": "x"}] * 1_001})

    assert refused.status_code == 422
    assert "1000" in error_of(refused)["message"]
    assert not Memory.objects.exists()


def test_a_list_whose_answer_was_lost_is_written_once_and_answered_again(program: Program) -> None:
    body = {"items": [{"content": "I live in Porto"}, {"content": ""}, {"content": "I own a boat"}]}
    first = program.call("POST", "/memories/batch", body, Idempotency_Key="k")
    # As if the process had died between the commit and the answer.
    IdempotencyRecord.objects.update(status=None, created_at=timezone.now() - timedelta(minutes=2))
    second = program.call("POST", "/memories/batch", body, Idempotency_Key="k")

    assert first.content == second.content
    assert Memory.objects.count() == 2


def test_a_search_takes_its_scores_apart(program: Program, remember: Remember) -> None:
    remember("I live in Porto", metadata={"n": 1})
    remember("I own a boat")

    answer = told(program.call("POST", "/memories/search", {"query": "Where do I live?"}))

    best = answer["results"][0]
    assert set(best) == {
        *("id", "content", "kind", "sector", "importance", "score", "parts"),
        *("similarity", "keywords", "occurred_at", "created_at", "metadata"),
    }
    assert (best["content"], best["metadata"]) == ("I live in Porto", {"n": 1})
    assert best["score"] == pytest.approx(sum(best["parts"].values()))
    limits = {"relevance": 0.6, "salience": 0.2, "recency": 0.1, "links": 0.1}
    assert all(0 <= best["parts"][name] <= limit for name, limit in limits.items())
    assert answer["took_ms"] > 0
    assert answer["degraded"] == []


def test_a_search_is_narrowed(program: Program, remember: Remember, alice: User) -> None:
    work = profiles.create(alice, "Work")
    remember("I own a red boat", kind="note")
    remember("I own a green boat", sector="procedural")
    remember("I own a blue boat", profile_id=str(work.pk))

    def found(**fields: object) -> set[str]:
        return {
            content.split()[3]
            for content in contents(program.call("POST", "/memories/search", {"query": "boat"} | fields))
        }

    assert found() == {"red", "green"}
    assert found(kinds=["note"]) == {"red"}
    assert found(sectors=["procedural", "reflective"]) == {"green"}
    assert found(kinds=["note"], sectors=["procedural"]) == set()
    assert found(kinds=[]) == found(sectors=[]) == set()
    assert found(profile_id=str(work.pk)) == {"blue"}
    assert found(threshold=1.0) == set()
    assert len(found(limit=1)) == 1


@pytest.mark.parametrize(
    ("fields", "named"),
    [
        ({"query": "x" * 1_001}, "1,000"),
        ({"query": "a\x00b"}, "NUL"),
        ({"limit": 0}, "limit"),
        ({"limit": 101}, "100"),
        ({"limit": 5.5}, "limit"),
        ({"limit": True}, "limit"),
        ({"threshold": 1.5}, "threshold"),
        ({"threshold": -1}, "threshold"),
        ({"threshold": "0"}, "threshold"),
        ({"kinds": "note"}, "kinds"),
        ({"kinds": ["opinion"]}, "kinds"),
        ({"sectors": {}}, "sectors"),
    ],
)
def test_a_search_that_makes_no_sense_is_refused_by_name(
    program: Program, fields: dict[str, object], named: str
) -> None:
    response = program.call("POST", "/memories/search", {"query": "boat"} | fields)

    assert response.status_code == 422
    assert named in error_of(response)["message"]


def test_a_search_without_its_embedder_says_that_it_went_by_words(
    program: Program, access: MemoryAccess, request: pytest.FixtureRequest
) -> None:
    writing.remember(access, Candidate("I own a boat"))
    request.getfixturevalue("broken_embedder")

    answer = told(program.call("POST", "/memories/search", {"query": "boat"}))

    assert answer["degraded"] == ["vectors"]
    assert answer["results"][0]["similarity"] is None


def test_a_search_among_more_memories_costs_no_more_queries(
    program: Program, access: MemoryAccess, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    writing.remember_all(access, [Candidate(f"Box {number} holds a hat") for number in range(40)], as_given=True)
    program.call("POST", "/memories/search", {"query": "hat"})

    for limit in (1, 40):
        # The key, the default profile, its counts, its data key, the recall, what stands beside it, the memories.
        with django_assert_num_queries(7):
            found = told(program.call("POST", "/memories/search", {"query": "hat", "limit": limit}))["results"]
        assert len(found) == limit


def test_what_is_not_active_is_not_found(program: Program, remember: Remember, pending: uuid.UUID) -> None:
    made = remember("I own a boat")
    program.call("DELETE", f"/memories/{made['id']}")

    assert contents(program.call("POST", "/memories/search", {"query": "tea on a boat"})) == []
    assert Memory.objects.filter(status=Status.PENDING).exists()


def test_undoing_what_others_built_on_is_shown_first_and_asks(program: Program, remember: Remember) -> None:
    memory_id = remember("I own a boat")["id"]
    [made] = told(program.call("GET", f"/memories/{memory_id}/history"))["results"]
    told(program.call("PATCH", f"/memories/{memory_id}", {"content": "I own a ship"}))
    address = f"/memories/changes/{made['change_id']}/undo"

    shown = told(program.call("POST", f"{address}?preview"))
    for unseen in (address, f"{address}?with_later", f"{address}?with_later=1"):
        assert program.call("POST", unseen).status_code == 409
    told(program.call("POST", f"{address}?with_later={shown['seen']}"))

    assert len(shown["follows"]) == 1
    assert shown["differences"] == [
        {
            "memory_id": memory_id,
            "words_now": "I own a ship",
            "words_then": "I own a boat",
            "status_now": "active",
            "status_then": "forgotten",
        }
    ]
    assert told(program.call("GET", f"/memories/{memory_id}"))["status"] == "forgotten"


def test_what_left_no_trace_is_told_in_its_place_when_a_list_is_read_again(
    program: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    def wrote_before(*_: object, **__: object) -> None:
        raise writing.AlreadyWritten

    monkeypatch.setattr(writing, "remember_all", wrote_before)
    [result] = told(program.call("POST", "/memories/batch", {"items": [{"content": "I own a boat"}]}))["results"]
    assert result["error"]["message"] == "It was not written."
    assert program.call("POST", "/memories", {"content": "I own a boat"}).status_code == 409


def test_a_program_may_say_who_sees_the_words_of_a_profile(program: Program) -> None:
    made = told(program.call("POST", "/profiles", {"name": "Work", "own_providers": ["anthropic"]}))
    assert made["own_providers"] == ["anthropic"]
    address = f"/profiles/{made['id']}"
    assert told(program.call("PATCH", address, {"name": "Office"}))["own_providers"] == ["anthropic"]
    assert told(program.call("PATCH", address, {"own_providers": []}))["own_providers"] == []
    assert told(program.call("PATCH", address, {"own_providers": None}))["own_providers"] is None
    assert program.call("PATCH", address, {"own_providers": ["somebody"]}).status_code == 422
