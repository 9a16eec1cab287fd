from argparse import ArgumentParser, ArgumentTypeError
from datetime import timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from accounts import api_keys
from accounts.models import ApiKey, User

MOST_DAYS = 36_500


class Command(BaseCommand):
    help = "Issue an API key for a person. The last line is the key, and it is shown this once."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("email")
        parser.add_argument(
            "--scopes",
            type=_scopes,
            default=list(ApiKey.Scope),
            metavar="A,B",
            help=f"of {', '.join(ApiKey.Scope)}; all of them unless given",
        )
        parser.add_argument("--expires", type=_days, metavar="DAYS", help="never unless given")

    def handle(
        self, *args: Any, email: str, scopes: list[ApiKey.Scope], expires: timedelta | None, **options: Any
    ) -> None:
        user = User.objects.filter(email__iexact=email).first()
        if user is None:
            raise CommandError(f"There is no account with the address {email}.", returncode=2)
        issued = api_keys.issue(user, scopes, expires_in=expires)
        until = f"until {issued.key.expires_at:%Y-%m-%d %H:%M} UTC" if issued.key.expires_at else "without end"
        self.stdout.write(f"{issued.key}  {', '.join(issued.key.scopes)}, {until}")
        self.stdout.write(issued.text)


def _scopes(text: str) -> list[ApiKey.Scope]:
    try:
        return [ApiKey.Scope(name.strip()) for name in text.split(",")]
    except ValueError as error:
        raise ArgumentTypeError(f"{text!r} is not made of the scopes {', '.join(ApiKey.Scope)}") from error


def _days(text: str) -> timedelta:
    if not text.isdecimal() or not 0 < int(text) <= MOST_DAYS:
        raise ArgumentTypeError(f"{text!r} is not a number of days from 1 to {MOST_DAYS:,}")
    return timedelta(days=int(text))
