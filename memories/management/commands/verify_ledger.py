import sys
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from accounts.models import User
from memories.engine import history


class Command(BaseCommand):
    help = "Rebuild every memory from its events and compare it with the table; exit status 1 where they differ."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--person", metavar="EMAIL", help="theirs alone")

    def handle(self, *args: Any, person: str | None, **options: Any) -> None:
        result = history.verify(_named(person) if person is not None else None)
        for difference in result.differences:
            where = f" ({difference.column})" if difference.column else ""
            self.stdout.write(f"{difference.memory_id}{where} {difference.trouble}")
        if result.erased:
            people = len(result.erased_people)
            self.stdout.write(f"{result.erased} memories of {people} people were erased; of them there are ids alone")
        told = f"{result.memories} memories, {result.events} events, {len(result.differences)} differences"
        self.stdout.write(told)
        if result.differences:
            sys.exit(1)


def _named(email: str) -> User:
    user = User.objects.filter(email__iexact=email).first()
    if user is None:
        raise CommandError(f"There is no account with the address {email}.", returncode=2)
    return user
