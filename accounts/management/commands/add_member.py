import uuid
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from accounts import organizations, people
from accounts.models import Membership, Organization


class Command(BaseCommand):
    help = "Have a person belong to an organization, or belong to it as something else."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("organization", type=uuid.UUID, help="its id, as create_organization printed it")
        parser.add_argument("email")
        parser.add_argument("--role", choices=Membership.Role.values, default=Membership.Role.MEMBER)

    def handle(self, *args: Any, organization: uuid.UUID, email: str, role: str, **options: Any) -> None:
        person, joined = people.find(email), Organization.objects.filter(pk=organization).first()
        if person is None:
            raise CommandError(f"There is no account with the address {email}.", returncode=2)
        if joined is None:
            raise CommandError(f"There is no organization with the id {organization}.", returncode=2)
        try:
            organizations.admit(joined, person, Membership.Role(role))
        except organizations.NotAllowed as error:
            raise CommandError(str(error), returncode=2) from error
        self.stdout.write(f"{person.pk} is {role} of {joined.pk}.")
