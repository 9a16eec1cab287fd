from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from accounts.models import User
from memories.engine import consolidation
from memories.models import MemoryProfile
from memorychat.jobs import TooEarly
from memorychat.lib.crypto import key_ring
from memorychat.llm.types import ProviderError


class Command(BaseCommand):
    help = "Join memories that say one thing; the worker does so each night where something changed."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--person", metavar="EMAIL", help="theirs alone")

    def handle(self, *args: Any, person: str | None, **options: Any) -> None:
        profiles = MemoryProfile.objects.active().select_related("owner").order_by("pk")
        if person is not None:
            profiles = profiles.filter(owner=_named(person))
        joined = 0
        for profile in profiles.iterator():
            with key_ring():
                try:
                    joined += consolidation.consolidate(profile)
                except TooEarly:
                    self.stderr.write(f"What the owner of {profile.pk} may use of the model is used up for today.")
                except ProviderError as error:
                    raise CommandError(f"{joined} groups were joined; then the model failed: {error}") from error
        self.stdout.write(f"{joined} groups of memories joined")


def _named(email: str) -> User:
    user = User.objects.filter(email__iexact=email).first()
    if user is None:
        raise CommandError(f"There is no account with the address {email}.", returncode=2)
    return user
