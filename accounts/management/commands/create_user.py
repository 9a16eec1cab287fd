from argparse import ArgumentParser
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError
from django.core.validators import validate_email
from django.db import IntegrityError

from accounts.people import enrol


class Command(BaseCommand):
    help = "Make an account. Whoever runs this vouches for the address, so it counts as verified."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("email")
        parser.add_argument("--password", required=True)
        parser.add_argument("--staff", action="store_true", help="may look into /admin/")
        parser.add_argument("--superuser", action="store_true", help="may do everything in /admin/")

    def handle(self, *args: Any, email: str, password: str, staff: bool, superuser: bool, **options: Any) -> None:
        _check(email, password)
        try:
            user = enrol(email, password, is_staff=staff or superuser, is_superuser=superuser)
        except IntegrityError as error:
            raise CommandError(f"There is an account with the address {email} already.", returncode=2) from error
        self.stdout.write(str(user.pk))


def _check(email: str, password: str) -> None:
    try:
        validate_email(email)
    except ValidationError as error:
        raise CommandError(f"This is no e-mail address: {email}", returncode=2) from error
    if not password:
        raise CommandError("The password is empty.", returncode=2)
