import json
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from accounts import erasing, people, personal_data
from accounts.erasing import Certificate
from accounts.models import Tombstone, User


class Command(BaseCommand):
    help = "Erase a person for good: every row, every word, and the keys. The certificate of it is printed and kept."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("email")
        parser.add_argument("--yes", action="store_true", help="ask nothing")

    def handle(self, *args: Any, email: str, yes: bool, **options: Any) -> None:
        user = people.find(email)
        if user is None:
            self._complete_interrupted(email)
        elif yes or self._is_wanted(user):
            self._tell(erasing.erase(user.pk))
        else:
            raise CommandError("Nothing was erased.")

    def _complete_interrupted(self, email: str) -> None:
        """An erasure that was killed after the rows had gone cannot be found by its address any more."""
        if not Tombstone.objects.filter(completed_at=None).exists():
            raise CommandError(f"There is no account with the address {email}.", returncode=2)
        for certificate in erasing.replay_erasures():
            self._tell(certificate)

    def _is_wanted(self, user: User) -> bool:
        rows = sum(each.of(user.pk).count() for each in personal_data.registered())
        self.stdout.write(f"{user.email} and {rows:,} rows will be erased for good. No backup may bring them back.")
        try:
            return input("Type yes to go on: ").strip().lower() == "yes"
        except EOFError:
            return False

    def _tell(self, certificate: Certificate) -> None:
        self.stdout.write(json.dumps(certificate, indent=2))
        if certificate["search"]["found"]:
            raise CommandError(
                "Something of this person was found afterwards, in the places that the certificate names."
            )
