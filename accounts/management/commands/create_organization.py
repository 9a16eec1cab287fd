from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from accounts import organizations, people
from memorychat.lib.text import TextError


class Command(BaseCommand):
    help = "Found an organization, and print its id. Its owner chooses who answers at it, in the settings."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("name")
        parser.add_argument("--owner", metavar="EMAIL", required=True, help="who answers for it")

    def handle(self, *args: Any, name: str, owner: str, **options: Any) -> None:
        person = people.find(owner)
        if person is None:
            raise CommandError(f"There is no account with the address {owner}.", returncode=2)
        try:
            organization = organizations.found(person, name)
        except TextError as error:
            raise CommandError(str(error), returncode=2) from error
        self.stdout.write(str(organization.pk))
