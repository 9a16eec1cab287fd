from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from memorychat.bench import recall_quality
from memorychat.lib.scratch import scratch_database


class Command(BaseCommand):
    help = "Measure how much of what the questions of a LoCoMo file need is recalled, in a scratch database."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("path", type=Path, help="a file of LoCoMo conversations")

    def handle(self, *args: Any, path: Path, **options: Any) -> None:
        try:
            conversations = recall_quality.read(path)
        except recall_quality.DatasetError as error:
            raise CommandError(str(error), returncode=2) from error
        with scratch_database("memorychat_bench"):
            for told in recall_quality.run(conversations):
                self.stdout.write(told)
