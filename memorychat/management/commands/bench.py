from collections.abc import Callable, Iterator
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from memorychat.bench import extraction, first_delta, million, recall, start, streams, writing
from memorychat.bench.report import load
from memorychat.lib.scratch import scratch_database

PARTS: dict[str, Callable[[], Iterator[str]]] = {
    "recall": recall.run,
    "delta": first_delta.run,
    "extraction": extraction.run,
    "writing": writing.run,
    "start": start.run,
    "streams": streams.run,
    "million": million.run,
}
# It takes many minutes and some gigabytes, so it is asked for by its name.
ASKED_FOR_ALONE = {"million"}
NEEDS_DATABASE = {"recall", "delta", "extraction", "writing", "million", "streams"}


class Command(BaseCommand):
    help = "Measure MemoryChat beside its baselines, in a scratch database that is dropped at the end."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--only", choices=PARTS, help="one part instead of all")

    def handle(self, *args: Any, only: str | None, **options: Any) -> None:
        for name in [only] if only else [part for part in PARTS if part not in ASKED_FOR_ALONE]:
            for told in in_scratch_database(PARTS[name]) if name in NEEDS_DATABASE else PARTS[name]():
                self.stdout.write(told)
            self.stdout.write(f"{load()}\n")


def in_scratch_database(part: Callable[[], Iterator[str]]) -> Iterator[str]:
    with scratch_database("memorychat_bench"):
        yield from part()
