from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from accounts import exports, people


class Command(BaseCommand):
    help = "Write everything that is kept of a person, opened, into one JSON file that only you can read."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("email")
        parser.add_argument("file", type=Path)

    def handle(self, *args: Any, email: str, file: Path, **options: Any) -> None:
        user = people.find(email)
        if user is None:
            raise CommandError(f"There is no account with the address {email}.", returncode=2)
        try:
            counts = exports.export(user, file)
        except OSError as error:
            raise CommandError(f"The file {file} cannot be written: {error.strerror}.", returncode=2) from error
        self.stdout.write(f"{file}: {sum(counts.values()):,} rows of {len(counts)} tables")
