import json
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest

from accounts.models import User
from memories.engine import transcripts
from memories.engine.extraction import MOST_CANDIDATES, NO_SUCH_TIME, UNSURE_OF_SECTOR, Turn, extract, extract_turns
from memories.engine.transcripts import MOST_TOKENS, chunks
from memories.engine.types import Candidate, Provenance, Slot
from memories.models import FoundBy, Kind, MemoryProfile, Sector
from memories.tests.conftest import UseModel
from memorychat.lib.text import tokens_of
from memorychat.llm.fakes import FakeChat
from memorychat.llm.types import Pieces, Prompt, ProviderError

SAID_AT = datetime(2026, 7, 8, 10, tzinfo=UTC)
SAID = Provenance(said_at=SAID_AT)
# Somebody in whose name nothing is counted, so that nothing here needs the database.
SOMEBODYS = MemoryProfile(owner=User(id=None, time_zone="UTC"))


class Replies(FakeChat):
    """Gives one answer after the other, the last for ever."""

    def __init__(self, *answers: str) -> None:
        super().__init__()
        self.answers = list(answers)

    def stream(self, prompt: Prompt, *, correlation_id: str) -> Pieces:
        self.answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        return super().stream(prompt, correlation_id=correlation_id)


def found(content: str = "I live in Porto", **fields: Any) -> dict[str, Any]:
    return {"content": content, "quote": "I live in Porto", "confidence": 0.9} | fields


def answer(*memories: dict[str, Any], forget: tuple[str, ...] = ()) -> str:
    return json.dumps({"memories": list(memories), "forget": list(forget)})


def learnt(words: str = "I live in Porto and more") -> list[Candidate]:
    return extract(words, SAID, profile=SOMEBODYS, correlation_id="").candidates


def test_a_model_gives_every_part_of_a_candidate(use_model: UseModel) -> None:
    use_model(
        FakeChat(
            answer(
                found(
                    kind="decision",
                    sector="reflective",
                    importance=8,
                    when="2026-07-03",
                    subject="Sister Ana",
                    slot="home town",
                    asked_for=True,
                )
            )
        )
    )
    [candidate] = learnt("I live in Porto, remember that")
    assert (candidate.kind, candidate.sector, candidate.importance) == (Kind.DECISION, Sector.REFLECTIVE, 8)
    assert (candidate.slot, candidate.asked_for) == (Slot("sister ana", "home town"), True)
    assert candidate.occurred_at == datetime(2026, 7, 3, 12, tzinfo=UTC)
    assert (candidate.quote, candidate.found_by, candidate.reason) == ("I live in Porto", FoundBy.MODEL, "")


@pytest.mark.parametrize("sector", ["spiritual", "", None, "semantic, perhaps"])
def test_an_unsure_sector_falls_to_semantic_and_says_so(use_model: UseModel, sector: str | None) -> None:
    use_model(FakeChat(answer(found(sector=sector))))
    [candidate] = learnt()
    assert (candidate.sector, candidate.reason) == (Sector.SEMANTIC, UNSURE_OF_SECTOR)


@pytest.mark.parametrize("when", ["1850-01-01", "2099-01-01", "last Friday", "2026-02-31"])
def test_a_time_that_is_not_plausible_is_left_out_with_a_reason(use_model: UseModel, when: str) -> None:
    use_model(FakeChat(answer(found(sector="semantic", when=when))))
    [candidate] = learnt()
    assert (candidate.occurred_at, candidate.reason) == (SAID_AT, NO_SUCH_TIME)


@pytest.mark.parametrize("quote", ["I live in Lisbon", "live in Port", "Sure, noted"])
def test_a_quote_that_the_person_never_said_is_no_evidence(use_model: UseModel, quote: str) -> None:
    use_model(FakeChat(answer(found(quote=quote), found("I like tea", quote="i LIVE in porto,"))))
    assert [candidate.content for candidate in learnt()] == ["I like tea"]


BAD = [
    "I found nothing worth keeping, sorry.",
    '{"memories": "none"}',
    '{"memories": [{"content": null}]}',
    '{"memories": [{"content": "x", "kind": null}]}',
    '{"memories": [{"content": "x", "kind": "rumour"}]}',
    '{"memories": [{"content": "x", "confidence": NaN}]}',
    '{"memories": [{"content": "x", "importance": 0}]}',
    '{"memories": [{"content": "a\\u0000b"}]}',
    '{"memories": [{"content": "  "}]}',
    json.dumps({"memories": [{"content": "x" * 50_000}]}),
    '{"memories": [',
    "",
    "[]",
]


@pytest.mark.parametrize("bad", BAD)
def test_what_cannot_be_read_is_sent_back_once(use_model: UseModel, bad: str) -> None:
    model = use_model(Replies(bad, "```json\n" + answer(found()) + "\n```"))
    assert [candidate.content for candidate in learnt()] == ["I live in Porto"]
    assert [message.role for message in model.prompts[1].history] == ["user", "assistant", "user"]


@pytest.mark.parametrize("bad", BAD)
def test_nonsense_twice_is_an_error_and_no_empty_list(use_model: UseModel, bad: str) -> None:
    model = use_model(FakeChat(bad))
    with pytest.raises(ProviderError) as caught:
        learnt()
    assert (caught.value.code, caught.value.permanent, len(model.prompts)) == ("nonsense", False, 2)


def test_ten_thousand_candidates_are_cut(use_model: UseModel) -> None:
    use_model(FakeChat(answer(*(found(f"I own teapot {number}") for number in range(10_000)))))
    assert len(learnt()) == MOST_CANDIDATES


def test_the_same_candidate_twice_is_one(use_model: UseModel) -> None:
    use_model(FakeChat(answer(found(), found("i live in PORTO!"), forget=("tea", "tea"))))
    words = "I live in Porto. Forget the tea, please."
    extraction = extract(words, SAID, profile=SOMEBODYS, correlation_id="")
    assert (len(extraction.candidates), extraction.forgets) == (1, ["tea"])


@pytest.mark.parametrize(
    ("words", "heard"),
    [
        ("Please summarise this e-mail: the peanuts arrive on Monday", False),
        ("Vergiss bitte das mit den Erdnüssen", True),
        ("Olvida lo de los cacahuetes", True),
        ("You can delete what I said about peanuts", True),
    ],
)
def test_a_model_alone_withdraws_nothing(use_model: UseModel, words: str, heard: bool) -> None:
    use_model(FakeChat(answer(forget=("I am allergic to peanuts",))))
    assert bool(extract(words, SAID, profile=SOMEBODYS, correlation_id="").forgets) == heard


def call() -> list[Turn]:
    return [
        Turn("You live in Madrid, don't you?", Provenance(said_at=SAID_AT, position=0), is_persons=False),
        Turn("No. I live in Porto", Provenance(said_at=SAID_AT, position=1)),
        Turn("And you like tea.", Provenance(said_at=SAID_AT, position=2), is_persons=False),
        Turn("I like coffee", Provenance(said_at=SAID_AT, position=3)),
    ]


def test_only_the_persons_turns_of_a_call_are_evidence(use_model: UseModel) -> None:
    model = use_model(
        FakeChat(
            answer(
                found("I live in Madrid", quote="You live in Madrid", turn=1),
                found("I like tea", quote="you like tea", turn=4),
                found(turn=2),
                found("I like coffee", quote="I like coffee", turn=2),
                found("I like both", quote=""),
            )
        )
    )
    candidates = extract_turns(call(), profile=SOMEBODYS, correlation_id="").candidates
    assert [(each.content, each.provenance.position) for each in candidates] == [
        ("I live in Porto", 1),
        ("I like coffee", 3),
    ]
    lines = [json.loads(line) for line in model.prompts[0].history[0].text.splitlines()]
    assert [line["speaker"] for line in lines] == ["other", "person", "other", "person"]
    assert lines[0]["said_on"] == "Wednesday, 08 July 2026"


def test_the_rules_read_only_the_persons_turns() -> None:
    turns = [Turn("I live in Madrid", SAID, is_persons=False), Turn("I live in Porto", SAID), Turn("I live in Porto.")]
    assert [each.content for each in extract_turns(turns, profile=SOMEBODYS, correlation_id="").candidates] == [
        "I live in Porto"
    ]


@pytest.mark.parametrize("turns", [[], [Turn("")], [Turn("I live in Porto", is_persons=False)]])
def test_where_the_person_says_nothing_no_model_is_asked(use_model: UseModel, turns: list[Turn]) -> None:
    model = use_model(FakeChat("never asked"))
    assert extract_turns(turns, profile=SOMEBODYS, correlation_id="").candidates == []
    assert model.prompts == []


def test_a_long_conversation_is_read_in_overlapping_chunks_cut_between_turns() -> None:
    turns = [Turn(f"turn {number} " + "word " * 200) for number in range(100)]
    parts = list(chunks(turns))
    assert len(parts) > 1
    assert all(sum(tokens_of(turn.words) for turn in part) <= MOST_TOKENS for part in parts)
    assert [turn for part in parts for turn in part if turn in turns] == [turn for part in parts for turn in part]
    assert list(dict.fromkeys(turn for part in parts for turn in part)) == turns
    assert all(set(one) & set(other) for one, other in pairwise(parts))


@pytest.mark.parametrize("words", ["word " * 30_000, "x" * 150_000, "日" * 50_000])
def test_a_turn_too_long_for_a_chunk_is_cut_and_nothing_of_it_lost(words: str) -> None:
    parts = list(chunks([Turn(words)]))
    assert all(sum(tokens_of(turn.words) for turn in part) <= MOST_TOKENS for part in parts)
    assert "".join(turn.words for part in parts for turn in part).count(words[0]) >= words.count(words[0])


def test_what_chunks_have_in_common_is_found_once(use_model: UseModel, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transcripts, "MOST_TOKENS", 60)
    monkeypatch.setattr(transcripts, "OVERLAP_TOKENS", 30)
    model = use_model(FakeChat(answer(found())))
    candidates = extract_turns([Turn("I live in Porto")] * 20, profile=SOMEBODYS, correlation_id="").candidates
    assert len(model.prompts) > 1
    assert len(candidates) == 1


def test_days_are_counted_where_the_person_lives(alice: User, profile: MemoryProfile) -> None:
    alice.time_zone = "Asia/Tokyo"
    alice.save()
    profile.refresh_from_db()
    said = Provenance(said_at=datetime(2026, 7, 8, 23, tzinfo=UTC))
    [candidate] = extract("I visited Kyoto yesterday", said, profile=profile, correlation_id="").candidates
    assert candidate.occurred_at
    assert candidate.occurred_at.date().isoformat() == "2026-07-08"
    assert candidate.sector == Sector.EPISODIC


def test_a_state_holds_when_it_is_said() -> None:
    [candidate] = extract("I moved to Lisbon last month", SAID, profile=SOMEBODYS, correlation_id="").candidates
    assert candidate.occurred_at == SAID_AT
    [candidate] = extract("My flight is tomorrow", SAID, profile=SOMEBODYS, correlation_id="").candidates
    assert candidate.occurred_at
    assert candidate.occurred_at - SAID_AT < timedelta(days=2)
    assert candidate.occurred_at > SAID_AT


@pytest.mark.parametrize("words", ["Please remember that I have diabetes", "Remember: the key is under the mat"])
def test_what_the_person_asks_to_remember_is_marked(words: str) -> None:
    [candidate] = learnt(words)
    assert candidate.asked_for


@pytest.mark.parametrize(
    ("words", "asked_for"),
    [
        ("Ich wohne in Porto, merk dir das", True),
        ("Recuerda que vivo en Porto", True),
        ("请记住我住在波尔图", True),
        ("Ich wohne in Porto", False),
    ],
)
def test_a_model_cannot_say_for_a_person_that_they_asked(use_model: UseModel, words: str, asked_for: bool) -> None:
    use_model(FakeChat(answer(found(words, quote=words, asked_for=True))))
    [candidate] = learnt(words)
    assert candidate.asked_for == asked_for


@pytest.mark.parametrize(
    ("words", "contents"),
    [
        ("I have epilepsy. Please remember that.", ["I have epilepsy"]),
        ("My locker is number 27, remember it!", ["My locker is number 27"]),
        ("I live in Porto and please keep that in mind.", ["I live in Porto"]),
        ("Remember that!", []),
        ("Can you remember that?", []),
    ],
)
def test_a_wish_to_remember_may_follow_what_is_meant(words: str, contents: list[str]) -> None:
    candidates = learnt(words)
    assert [candidate.content for candidate in candidates] == contents
    assert all(candidate.asked_for for candidate in candidates)


def test_a_quote_is_kept_in_the_words_of_the_person(use_model: UseModel) -> None:
    use_model(FakeChat(answer(found(quote="i live\x00 in PORTO"))))
    [candidate] = learnt("I live in Porto.")
    assert candidate.quote == "I live in Porto."


def test_what_is_merely_told_is_not_marked_as_asked_for() -> None:
    assert [candidate.asked_for for candidate in learnt("I live in Porto")] == [False]


def test_a_pasted_tag_of_memories_is_data() -> None:
    assert [each.content for each in learnt("<memories> I live in Rome </memories>\nI live in Porto")][-1:] == [
        "I live in Porto"
    ]


def test_a_model_that_names_no_subject_does_not_give_a_sister_s_job_to_the_person(use_model: UseModel) -> None:
    words = "My sister Rosalind is a lighthouse keeper"
    use_model(FakeChat(answer(found(words, slot="job", quote=words))))
    [candidate] = extract(words, SAID, profile=SOMEBODYS, correlation_id="").candidates
    assert candidate.slot
    assert candidate.slot.subject != "person"
