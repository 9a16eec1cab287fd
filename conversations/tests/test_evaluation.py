import json
from collections.abc import Iterator
from contextlib import contextmanager
from io import StringIO
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from django.core.management import CommandError, call_command

from conversations.evaluation import cases, guarding, reports, runner
from conversations.evaluation.cases import BadDataset, Case, Expected
from conversations.evaluation.judge import Row, judge, occurs
from conversations.management.commands import evaluate_memory
from conversations.tests.conftest import UseModel
from memories.models import Memory
from memorychat.llm.fakes import FakeChat
from memorychat.llm.types import ProviderError

FAMILIES = {
    "facts",
    "preferences",
    "decisions",
    "trivia",
    "corrections",
    "deletions",
    "duplicates",
    "low confidence",
    "several facts",
    "third persons",
    "dates",
    "negation",
    "sarcasm",
    "secrets",
    "instructions",
    "other languages",
    "calls",
}


def row(content: str, **columns: Any) -> Row:
    given: dict[str, Any] = {
        "status": "active",
        "kind": "fact",
        "slots": (),
        "on": "2026-07-08",
        "is_new": True,
        "times_said": 1,
    }
    return Row(content=content, **(given | columns))


def a_case(**fields: Any) -> Case:
    return Case.model_validate({"id": "a", "family": "f", "turns": [{"speaker": "person", "text": "x"}]} | fields)


def never(one: str, other: str) -> bool:
    return False


LISBON = {"says": "I live in Lisbon", "words": ["lisbon", "live|moved"]}


def test_the_golden_set_is_whole() -> None:
    dataset = cases.load()
    assert len(dataset.cases) >= 80
    assert {case.family for case in dataset.cases} >= FAMILIES
    assert all(
        case.expected or case.forbidden or case.family in ("trivia", "deletions", "sarcasm", "third persons", "calls")
        for case in dataset.cases
    )


@pytest.mark.parametrize(
    ("rows", "hits", "missed", "false"),
    [
        ([row("I moved to Lisbon")], 1, 0, 0),
        ([row("I moved to Porto")], 0, 1, 1),
        ([row("I moved to Lisbon", status="pending")], 0, 1, 0),
        ([row("I moved to Lisbon", is_new=False)], 0, 1, 0),
        ([row("I live in Lisbon"), row("I moved to Lisbon")], 1, 0, 1),
        ([row("I live in Lisbon, my card is 4111")], 0, 1, 1),
        ([row("I live in Lisbon"), row("Old", status="forgotten", is_new=False)], 1, 0, 1),
        ([row("I live in Lisbon"), row("Old news is no news")], 1, 0, 0),
        ([], 0, 1, 0),
    ],
)
def test_the_judge_counts_what_is_right_missing_and_wrong(rows: list[Row], hits: int, missed: int, false: int) -> None:
    case = a_case(expected=[LISBON], forbidden=["4111"], allowed=["old news"])
    found = judge(case, rows, never)
    assert (found.hits, len(found.missed), len(found.false)) == (hits, missed, false)


def test_what_should_be_gone_and_still_holds_is_false() -> None:
    case = a_case(gone=["I live in Porto"], forgotten=["I like tea"])
    kept = [row("I live in Porto", is_new=False), row("I like tea", is_new=False)]
    gone = [
        row("I live in Porto", is_new=False, status="superseded"),
        row("I like tea", is_new=False, status="forgotten"),
    ]
    assert (judge(case, kept, never).passed, judge(case, gone, never).passed) == (False, True)
    assert judge(case, gone, never).hits == 1


def test_what_is_heard_again_must_be_reinforced_and_not_written_anew() -> None:
    case = a_case(expected=[LISBON | {"reinforced": True}])
    assert judge(case, [row("I live in Lisbon", is_new=False, times_said=2)], never).passed
    assert not judge(case, [row("I live in Lisbon", is_new=False)], never).passed
    assert not judge(case, [row("I live in Lisbon", is_new=False), row("I live in Lisbon now")], never).passed


def test_a_day_kinds_and_slots_are_looked_at() -> None:
    case = a_case(expected=[LISBON | {"on": "2026-07-05", "kind": "fact", "slot": "home town"}])
    assert judge(case, [row("I live in Lisbon")], never).missed
    found = judge(case, [row("I live in Lisbon", on="2026-07-05", kind="note", slots=("home town",))], never)
    assert (found.passed, found.details_right, found.details) == (True, 1, 2)


@pytest.mark.parametrize(
    ("words", "content", "is_there"),
    [
        ("live", "He lives", True),
        ("art", "a part", False),
        ("pärt", "Arvo Part", True),
        ("上海", "我住在上海", True),
        ("n't", "don't", True),
    ],
)
def test_words_occur_from_the_beginning_of_a_word(words: str, content: str, is_there: bool) -> None:
    assert occurs(words, content) == is_there


def test_the_guard_is_measured_on_its_corpus() -> None:
    figures = guarding.measure()
    assert figures.alarm_rate <= 0.01
    assert figures.miss_rate <= 0.05
    assert "harmless texts raised an alarm" in figures.as_sentence()


@contextmanager
def this_database(name: str) -> Iterator[None]:
    yield


@pytest.fixture
def evaluate(db: None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Any:
    """Runs the command in the database of the test, and gives what it said."""
    monkeypatch.setattr(evaluate_memory, "scratch_database", this_database)

    def run(*arguments: str) -> str:
        out = StringIO()
        call_command("evaluate_memory", "--report", str(tmp_path / "report"), *arguments, stdout=out)
        return out.getvalue()

    return run


def dataset_of(tmp_path: Path, *given: dict[str, Any]) -> str:
    path = tmp_path / "cases.json"
    rows = [{"id": str(number), "family": "f", "rules": True} | case for number, case in enumerate(given)]
    path.write_text(json.dumps({"said_at": "2026-07-08T10:00:00+01:00", "cases": rows}))
    return str(path)


def said(text: str, speaker: str = "person") -> dict[str, str]:
    return {"speaker": speaker, "text": text}


GOOD = {"turns": [said("I live in Lisbon")], "expected": [LISBON | {"slot": "home town"}]}


@pytest.mark.django_db(transaction=True)
def test_a_run_goes_through_the_gate_and_writes_three_reports(evaluate: Any, tmp_path: Path) -> None:
    told = evaluate("--dataset", dataset_of(tmp_path, GOOD, {"turns": [said("Thanks!")]}), "--verbose")
    assert "passed  0" in told
    assert Memory.objects.get().content == "I live in Lisbon"
    folder = tmp_path / "report"
    assert json.loads((folder / "evaluation.json").read_text())["whole"]["precision"] == 1.0
    assert "| f | 2 | 2 | 1.00 | 1.00 |" in (folder / "evaluation.md").read_text()
    suite = ET.parse(folder / "evaluation.xml").getroot()[0]  # noqa: S314 - our own file
    assert (suite.get("tests"), suite.get("failures")) == ("2", "0")


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("case", [{"turns": [said("I live in Porto")]}, {"turns": [said("Hm.")], "expected": [LISBON]}])
def test_a_run_that_is_not_good_enough_fails_and_its_reports_say_why(
    evaluate: Any, tmp_path: Path, case: dict[str, Any]
) -> None:
    with pytest.raises(CommandError) as caught:
        evaluate("--dataset", dataset_of(tmp_path, case))
    assert caught.value.returncode == 1
    assert ET.parse(tmp_path / "report" / "evaluation.xml").find(".//failure") is not None  # noqa: S314


@pytest.mark.django_db(transaction=True)
def test_a_call_is_learnt_from_the_persons_own_turns(evaluate: Any, tmp_path: Path) -> None:
    call = GOOD | {"call": True, "turns": [said("You live in Rome.", "agent"), said("I live in Lisbon")]}
    evaluate("--dataset", dataset_of(tmp_path, call))
    assert [memory.content for memory in Memory.objects.all()] == ["I live in Lisbon"]


@pytest.mark.django_db(transaction=True)
def test_a_model_that_fails_fails_the_case_with_its_code(use_model: UseModel, tmp_path: Path) -> None:
    use_model(FakeChat(error=ProviderError("down", code="unreachable")))
    dataset = cases.load(Path(dataset_of(tmp_path, GOOD)))
    [result] = runner.run(dataset, list(dataset.cases))
    assert (result.passed, result.error.split(":")[0]) == (False, "unreachable")
    assert "unreachable" in reports.as_markdown(reports.Report("fake", "x", [result], guarding.measure()))


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--provider", "oracle"], "There is no provider 'oracle'"),
        (["--provider", "openai"], "is not configured"),
        (["--only", "poetry"], "There is no family 'poetry'"),
        (["--only", "other languages"], "None of these cases is for the built-in rules"),
        (["--dataset", "/nowhere/cases.json"], "cannot be read"),
        (["--report", "/proc/nowhere"], "cannot be written"),
    ],
)
def test_a_bad_argument_is_one_clear_line_and_status_2(evaluate: Any, arguments: list[str], says: str) -> None:
    with pytest.raises(CommandError, match=says) as caught:
        evaluate(*arguments)
    assert caught.value.returncode == 2
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{",
        "{}",
        '{"said_at": "now", "cases": []}',
        '{"said_at": "2026-07-08T10:00:00Z", "cases": [{"id": "a"}]}',
        "\x00",
    ],
)
def test_a_file_that_is_no_dataset_is_refused_in_one_line(tmp_path: Path, text: str) -> None:
    path = tmp_path / "cases.json"
    path.write_text(text)
    with pytest.raises(BadDataset) as caught:
        cases.load(path)
    assert "\n" not in str(caught.value)


def test_two_cases_with_one_id_are_refused(tmp_path: Path) -> None:
    with pytest.raises(BadDataset, match="same id"):
        cases.load(Path(dataset_of(tmp_path, GOOD | {"id": "a"}, GOOD | {"id": "a"})))


def test_an_expected_memory_names_its_words() -> None:
    assert Expected(says="x", words=("a",)).status == "active"
