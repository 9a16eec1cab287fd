from typing import Any

from django.core.management.base import BaseCommand, CommandError

from memories.engine import index
from memories.engine.errands import AT_ONCE
from memorychat.lib.crypto import key_ring
from memorychat.llm.types import ProviderError


class Command(BaseCommand):
    help = "Give every memory the vector of today's embedder, then drop those of former ones. Recall goes on meanwhile."

    def handle(self, *args: Any, **options: Any) -> None:
        total = 0
        try:
            while count := self._embed_some():
                total += count
                self.stdout.write(f"{total:,} embedded")
        except ProviderError as error:
            raise CommandError(f"{error} Run it again for the rest; {total:,} are done.", returncode=1) from error
        self.stdout.write(f"{total:,} memories embedded, {index.drop_former_vectors():,} former vectors dropped")

    @staticmethod
    def _embed_some() -> int:
        with key_ring():
            return index.embed_missing(AT_ONCE)
