from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from conversations import demo
from conversations.models import Conversation
from memories.models import Memory
from memorychat.llm.types import ProviderError


class Command(BaseCommand):
    help = "Load sample people with their conversations and memories; loading them again changes nothing."

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            demo.check()
        except demo.NotASample as error:
            raise CommandError(str(error), returncode=2) from error
        for person in demo.SAMPLE_PEOPLE:
            self._load(person)
        self.stdout.write(f"Sign in at {settings.PUBLIC_URL} with the password: {demo.PASSWORD}")

    def _load(self, person: demo.SamplePerson) -> None:
        try:
            user = demo.load(person)
        except (demo.NotAnswered, ProviderError) as error:
            raise CommandError(f"{error} Run this again to go on.") from error
        memories, conversations = Memory.objects.for_user(user).active(), Conversation.objects.for_user(user)
        self.stdout.write(f"{person.email:<20} memories {memories.count()}, conversations {conversations.count()}")
