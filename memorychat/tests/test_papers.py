"""What the papers name is there, and the formula and the numbers that they write are those of the code."""

import math
import re
from collections.abc import Iterator
from datetime import timedelta
from functools import cache
from importlib import import_module
from typing import Any

import pytest
from django.core.management import get_commands
from django.urls import Resolver404, resolve
from hypothesis import given
from hypothesis import strategies as st

from memories.engine import scoring
from memories.engine.scoring import Signals
from memories.models import Sector
from memorychat.lib.environment import ROOT, Environment
from memorychat.llm.types import Calibration

PAPERS = [ROOT / name for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md")] + sorted(
    (ROOT / "docs").glob("*.md")
)
README = (ROOT / "README.md").read_text(encoding="utf-8")
ARCHITECTURE = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")

each_paper = pytest.mark.parametrize("paper", PAPERS, ids=lambda paper: paper.name)
shares = st.floats(0, 1)
days = st.floats(0, 3_650)


def rows_of_table(paper: str, heading: str) -> Iterator[list[str]]:
    """The cells of each row below the line that heads a table."""
    table = paper.split(heading, 1)[1].split("\n\n", 1)[0]
    for line in table.strip().splitlines()[1:]:
        yield [cell.strip().strip("`") for cell in line.strip().strip("|").split("|")]


def number(text: str) -> float:
    return float(text.replace(",", ""))


def value_of(name: str) -> Any:
    """Of a variable of the environment unless it is set, or of a dotted name of the code."""
    if name.isupper():
        return Environment.model_fields[name.lower()].default
    parts = name.split(".")
    for length in range(len(parts) - 1, 0, -1):
        try:
            found: Any = import_module(".".join(parts[:length]))
        except ModuleNotFoundError:
            continue
        for part in parts[length:]:
            found = getattr(found, part)
        return found
    raise AssertionError(f"{name} is not in the code")


@cache
def formulas() -> dict[str, str]:
    """Name → expression, as Python reads it."""
    [block] = re.findall(r"```formula\n(.*?)```", ARCHITECTURE, re.DOTALL)
    signs = str.maketrans({"×": "*", "−": "-"})
    lines = [line.translate(signs).replace("^", "**").partition("=") for line in block.strip().splitlines()]
    return {name.strip(): expression.strip() for name, _, expression in lines}


def evaluated(name: str, **values: float) -> float:
    """What the paper says that `name` is; parts of it that are not given are computed by the paper too."""
    expression = formulas()[name]
    missing = [part for part in formulas() if part not in values and re.search(rf"\b{part}\b", expression)]
    parts = {part: evaluated(part, **values) for part in missing}
    names = {"e": math.e, "ln": math.log, "max": max, "__builtins__": {}}
    return float(eval(expression, names, {**values, **parts}))  # noqa: S307  # a paper of our own


@given(relevance=shares, salience=shares, recency=shares, links=shares)
def test_the_score_of_the_paper_is_that_of_the_code(
    relevance: float, salience: float, recency: float, links: float
) -> None:
    written = evaluated("score", relevance=relevance, salience_now=salience, recency=recency, links=links)

    assert written == pytest.approx(scoring.score(relevance, salience, recency, links))
    assert written == pytest.approx(scoring.parts(relevance, salience, recency, links).total)


@given(
    similarity=st.floats(-1, 1),
    keywords=st.floats(0, 40),
    memories=st.integers(0, 1_000_000),
    has_asked_slot=st.booleans(),
    background=shares,
    spread=st.floats(0.01, 1),
    middle=st.floats(0, 5),
    steepness=st.floats(0.1, 2),
    others=st.tuples(*[st.floats(-5, 5)] * 5),
)
def test_the_relevance_of_the_paper_is_that_of_the_code(
    similarity: float,
    keywords: float,
    memories: int,
    has_asked_slot: bool,
    background: float,
    spread: float,
    middle: float,
    steepness: float,
    others: tuple[float, ...],
) -> None:
    calibration = Calibration(background, spread, middle, steepness, scale=((0.0, 0.0), (1.0, 1.0)))
    rarest = scoring.rarest_word_weight(memories)
    own = scoring.own(similarity, keywords, rarest=rarest, has_asked_slot=has_asked_slot, calibration=calibration)
    signals = Signals(own, *others)

    written = evaluated(
        "relevance",
        similarity=similarity,
        keywords=keywords,
        memories=memories,
        holds_asked_slot=has_asked_slot,
        background=background,
        spread=spread,
        middle=middle,
        steepness=steepness,
        **dict(zip(Signals._fields[1:], others, strict=True)),
    )

    assert written == pytest.approx(scoring.relevance(signals, memories=memories, calibration=calibration))


@given(salience=shares, sector=st.sampled_from(Sector), elapsed=days)
def test_what_time_does_is_written_as_the_code_does_it(salience: float, sector: Sector, elapsed: float) -> None:
    faded = evaluated("salience_now", salience=salience, rate=scoring.FADING[sector], days_since_set=elapsed)

    assert faded == pytest.approx(scoring.salience_now(salience, sector, elapsed))
    assert evaluated("recency", days_since_said=elapsed) == pytest.approx(scoring.recency(elapsed))
    assert evaluated("reinforced", value=salience) == pytest.approx(scoring.reinforced(salience))


def test_the_paper_names_the_rate_and_the_half_life_of_every_sector() -> None:
    rows = list(rows_of_table(ARCHITECTURE, "| sector | rate a day | half-life in days |"))

    assert {sector: number(rate) for sector, rate, _ in rows} == scoring.FADING
    assert all(round(math.log(2) / number(rate)) == number(half_life) for _, rate, half_life in rows)


def test_the_paper_names_the_calibration_of_every_embedder() -> None:
    heading = "| embedder | background | spread | middle | steepness | scale: cosine → position |"
    for name, background, spread, middle, steepness, scale in rows_of_table(ARCHITECTURE, heading):
        pairs = [pair.split(" → ") for pair in scale.split(", ")]
        positions = tuple((number(cosine), number(position)) for cosine, position in pairs)

        assert value_of(f"{name}.calibration") == Calibration(
            number(background), number(spread), number(middle), number(steepness), scale=positions
        )


def test_the_numbers_of_the_paper_are_those_of_the_code() -> None:
    rows = list(rows_of_table(ARCHITECTURE, "| what | value | where |"))
    values = {name: value_of(name) for _, _, name in rows}
    plain = {name: value.total_seconds() if isinstance(value, timedelta) else value for name, value in values.items()}

    assert {name: number(written) for _, written, name in rows} == plain


def test_every_target_of_make_that_the_papers_name_is_there() -> None:
    [targets] = re.findall(r"^\.PHONY: (.*)$", MAKEFILE, re.MULTILINE)

    papers = "".join(paper.read_text(encoding="utf-8") for paper in PAPERS)
    named = set(re.findall(r"(?:^|`)make ([a-z]+)", papers, re.MULTILINE))
    assert named
    assert named <= set(targets.split())


def test_every_command_that_the_readme_names_is_there() -> None:
    named = set(re.findall(r"manage\.py ([a-z_]+)", README))

    assert named
    assert named <= set(get_commands())


def test_every_variable_that_the_papers_name_is_read() -> None:
    of_make = set(re.findall(r"^([A-Z]+) \?= ", MAKEFILE, re.MULTILINE))
    read = {name.upper() for name in Environment.model_fields} | of_make
    constants = {name.rpartition(".")[2] for _, _, name in rows_of_table(ARCHITECTURE, "| what | value | where |")}

    named = set(re.findall(r"`([A-Z][A-Z_]+)(?:=[^`]*)?`", README))
    assert {"OPENAI_API_KEY", "DATA_DIR"} <= named
    assert named <= read
    written = set(re.findall(r"`([A-Z]+_[A-Z_]+)`", ARCHITECTURE)) - constants
    assert written - {"LEDGERED"} <= read


@pytest.mark.parametrize("address", sorted(set(re.findall(r"(?<=[`0])(/[a-z0-9/._-]*[a-z/])", README))))
def test_every_address_that_the_readme_names_leads_somewhere(address: str) -> None:
    try:
        resolve(address)
    except Resolver404:
        resolve(f"{address}/")


@each_paper
def test_every_file_that_a_paper_names_is_there(paper: Any) -> None:
    text = paper.read_text(encoding="utf-8")
    linked = {paper.parent / link for link in re.findall(r"\]\((?!https?:|#)([^)#]+)", text)}
    shown = {paper.parent / name for name in re.findall(r'(?:src|srcset)="([^"]+)"', text)}
    named = {ROOT / name for name in re.findall(r"`((?:[a-z_]+/)+[a-z_.]+\.[a-z]+)`", text)}

    assert [path for path in linked | shown | named if not path.exists()] == []


@each_paper
def test_every_heading_that_a_paper_leads_to_is_there(paper: Any) -> None:
    text = paper.read_text(encoding="utf-8")
    headings = {
        re.sub(r"[^\w -]", "", line).strip().lower().replace(" ", "-") for line in text.splitlines() if line[:1] == "#"
    }

    assert set(re.findall(r"\]\(#([^)]+)\)", text)) <= headings


def test_every_vendored_package_stands_among_the_licences() -> None:
    checksums = (ROOT / "static" / "vendor" / "CHECKSUMS").read_text(encoding="utf-8")
    licences = (ROOT / "docs" / "licences.md").read_text(encoding="utf-8")

    for package, licence in re.findall(r"^# (\S+ \S+), ([\w.-]+)", checksums, re.MULTILINE):
        assert re.search(rf"^\| {re.escape(package)} \|.*\| {licence} \|", licences, re.MULTILINE), package
