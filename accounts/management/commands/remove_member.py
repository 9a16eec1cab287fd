import uuid
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from accounts import organizations, people
from accounts.models import Membership


class Command(BaseCommand):
    help = "Have a person belong to an organization no more. Their profile there stays theirs."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("organization", type=uuid.UUID, help="its id, as create_organization printed it")
        parser.add_argument("email")

    def handle(self, *args: Any, organization: uuid.UUID, email: str, **options: Any) -> None:
        person = people.find(email)
        membership = Membership.objects.filter(owner=person, organization=organization).first() if person else None
        if membership is None:
            raise CommandError(f"{email} does not belong to the organization {organization}.", returncode=2)
        try:
            organizations.dismiss(membership)
        except organizations.NotAllowed as error:
            raise CommandError(str(error), returncode=2) from error
        self.stdout.write(f"{membership.owner_id} was {membership.role} of {organization}.")
