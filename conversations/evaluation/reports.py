"""The figures of a run, and the three forms they are told in: JSON for programs, Markdown for people, JUnit for CI."""

import json
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

from conversations.evaluation.guarding import GuardFigures
from conversations.evaluation.runner import Result

LEAST_PRECISION, LEAST_RECALL = 0.85, 0.70


@dataclass(frozen=True)
class Figures:
    """Of one family or of all. Precision and recall are 1 where there was nothing to be wrong about."""

    cases: int
    passed: int
    hits: int
    missed: int
    false: int
    details_right: int
    details: int
    p50_ms: float
    p95_ms: float

    @property
    def precision(self) -> float:
        return self.hits / (self.hits + self.false) if self.hits + self.false else 1.0

    @property
    def recall(self) -> float:
        return self.hits / (self.hits + self.missed) if self.hits + self.missed else 1.0

    def as_json(self) -> dict[str, Any]:
        return {**vars(self), "precision": round(self.precision, 4), "recall": round(self.recall, 4)}


@dataclass(frozen=True)
class Report:
    provider: str
    embedder: str
    results: Sequence[Result]
    guard: GuardFigures

    @property
    def whole(self) -> Figures:
        return figures_of(self.results)

    @property
    def families(self) -> dict[str, Figures]:
        names = dict.fromkeys(result.case.family for result in self.results)
        return {name: figures_of([result for result in self.results if result.case.family == name]) for name in names}

    @property
    def is_good_enough(self) -> bool:
        return self.whole.precision >= LEAST_PRECISION and self.whole.recall >= LEAST_RECALL


def figures_of(results: Sequence[Result]) -> Figures:
    judged = [result.judgement for result in results]
    times = sorted(result.took_ms for result in results)
    return Figures(
        cases=len(results),
        passed=sum(result.passed for result in results),
        hits=sum(each.hits for each in judged),
        missed=sum(len(each.missed) for each in judged),
        false=sum(len(each.false) for each in judged),
        details_right=sum(each.details_right for each in judged),
        details=sum(each.details for each in judged),
        p50_ms=round(statistics.median(times), 1) if times else 0.0,
        p95_ms=round(times[min(len(times) - 1, int(len(times) * 0.95))], 1) if times else 0.0,
    )


def write(report: Report, folder: Path) -> None:
    told = json.dumps(as_json(report), indent=2, ensure_ascii=False)
    (folder / "evaluation.json").write_text(f"{told}\n", encoding="utf-8")
    (folder / "evaluation.md").write_text(as_markdown(report), encoding="utf-8")
    ET.ElementTree(as_junit(report)).write(folder / "evaluation.xml", encoding="utf-8", xml_declaration=True)


def as_json(report: Report) -> dict[str, Any]:
    return {
        "provider": report.provider,
        "embedder": report.embedder,
        "good_enough": report.is_good_enough,
        "least": {"precision": LEAST_PRECISION, "recall": LEAST_RECALL},
        "whole": report.whole.as_json(),
        "families": {name: figures.as_json() for name, figures in report.families.items()},
        "guard": report.guard.as_json(),
        "cases": [
            {
                "id": result.case.id,
                "passed": result.passed,
                "missed": result.judgement.missed,
                "false": result.judgement.false,
                "error": result.error,
                "took_ms": round(result.took_ms, 1),
            }
            for result in report.results
        ],
    }


def as_markdown(report: Report) -> str:
    lines = [
        "# Evaluation of what is remembered",
        "",
        f"Provider {report.provider}, embedder {report.embedder}.",
        f"{'Good enough' if report.is_good_enough else 'Not good enough'}: a precision of at least",
        f"{LEAST_PRECISION} and a recall of at least {LEAST_RECALL} are asked for.",
        "",
        "| family | cases | passed | precision | recall | false | missed | kinds and slots | p50 ms | p95 ms |",
        "|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|",
        *(_row(name, figures) for name, figures in report.families.items()),
        _row("**all**", report.whole),
        "",
        report.guard.as_sentence(),
        "",
        *(_told(result) for result in report.results if not result.passed),
    ]
    return "\n".join(lines).rstrip() + "\n"


def _row(name: str, figures: Figures) -> str:
    cells = [
        name,
        figures.cases,
        figures.passed,
        f"{figures.precision:.2f}",
        f"{figures.recall:.2f}",
        figures.false,
        figures.missed,
        f"{figures.details_right}/{figures.details}",
        figures.p50_ms,
        figures.p95_ms,
    ]
    return f"| {' | '.join(map(str, cells))} |"


def _told(result: Result) -> str:
    return f"* {result.case.id}: {'; '.join(_faults(result))}"


def _faults(result: Result) -> list[str]:
    faults = [f"missed “{says}”" for says in result.judgement.missed]
    faults += [f"false “{says}”" for says in result.judgement.false]
    return [*faults, result.error] if result.error else faults


def as_junit(report: Report) -> ET.Element:
    suites = ET.Element("testsuites", name="evaluate_memory")
    for name, figures in report.families.items():
        failures = str(figures.cases - figures.passed)
        suite = ET.SubElement(suites, "testsuite", name=name, tests=str(figures.cases), failures=failures)
        for result in report.results:
            if result.case.family != name:
                continue
            seconds = f"{result.took_ms / 1000:.3f}"
            case = ET.SubElement(suite, "testcase", classname=name, name=result.case.id, time=seconds)
            if not result.passed:
                ET.SubElement(case, "failure", message="; ".join(_faults(result)))
    return suites
