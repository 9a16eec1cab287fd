"""The tables of docs/recall.md are those of the code."""

import re
from pathlib import Path

import pytest

from memories.engine import scoring
from memories.models import Status

PAPER = (Path(__file__).resolve().parents[2] / "docs" / "recall.md").read_text(encoding="utf-8")


def weights_of(heading: str) -> dict[str, float]:
    table = PAPER.split(f"| {heading} | weight | what |\n|---|---|---|\n", 1)[1].split("\n\n", 1)[0]
    rows = ([cell.strip() for cell in line.strip("|").split("|")] for line in table.splitlines())
    return {name: float(weight) for name, weight, _ in rows}


@pytest.mark.parametrize(
    ("heading", "weights"),
    [
        ("part", {name: getattr(scoring.WEIGHTS, name) for name in ("relevance", "salience", "recency", "links")}),
        ("signal", scoring.SIGNAL_WEIGHTS._asdict()),
        ("of `own`", scoring.OWN_WEIGHTS._asdict()),
    ],
)
def test_the_paper_quotes_the_weights_of_the_code(heading: str, weights: dict[str, float]) -> None:
    assert weights_of(heading) == weights


def test_the_paper_tells_what_a_named_period_is_worth() -> None:
    told = re.search(r"a year ([\d.]+), a month ([\d.]+), a day ([\d.]+)", PAPER)
    assert told is not None
    assert [float(each) for each in told.groups()] == [round(scoring.period_signal(days), 1) for days in (365, 30, 1)]


def test_the_paper_names_every_status_that_never_comes() -> None:
    [sentence] = re.findall(r"## What never comes\n\n(.*?)unless", PAPER, re.DOTALL)
    assert {status.value for status in Status if not status.recallable} <= set(re.findall(r"\w+", sentence.lower()))
