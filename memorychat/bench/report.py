"""How measured times are summed up and told."""

import os
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Times:
    """Milliseconds of many runs."""

    p50: float
    p95: float
    count: int

    @classmethod
    def of(cls, milliseconds: list[float]) -> "Times":
        ordered = sorted(milliseconds)
        return cls(statistics.median(ordered), ordered[int(len(ordered) * 0.95)], len(ordered))

    def __str__(self) -> str:
        return f"p50 {self.p50:8.2f} ms   p95 {self.p95:8.2f} ms   ({self.count} runs)"


def timed(work: Callable[[], object]) -> float:
    """Milliseconds."""
    started = time.perf_counter()
    work()
    return (time.perf_counter() - started) * 1000


def in_turn(*works: Callable[[], object], runs: int) -> list[Times]:
    """Each run does one of each, so that a slow moment of the machine strikes all alike."""
    found: list[list[float]] = [[] for _ in works]
    for _ in range(runs):
        for work, times in zip(works, found, strict=True):
            times.append(timed(work))
    return [Times.of(times) for times in found]


def line(name: str, outcome: object) -> str:
    return f"  {name:<52}{outcome}"


def load() -> str:
    """Of this machine: on a busy one ratios hold, absolute times do not."""
    return line("load of this machine, last minute", f"{os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")


def ratio(name: str, one: float, other: float, *, most: float) -> str:
    return line(name, f"{one / other:.2f} ×   (goal ≤ {most:g} ×: {_verdict(one / other, most)})")


def goal(name: str, measured: float, *, most: float) -> str:
    return line(name, f"{measured:.2f} ms   (goal ≤ {most:g} ms: {_verdict(measured, most)})")


def _verdict(measured: float, most: float) -> str:
    return "met" if measured <= most else "MISSED"
