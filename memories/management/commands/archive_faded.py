from typing import Any

from django.core.management.base import BaseCommand

from memories.engine import fading
from memorychat.lib.crypto import key_ring


class Command(BaseCommand):
    help = (
        "Archive what was neither said nor used for half a year and matters little; the worker does so every 6 hours."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        with key_ring():
            run = fading.archive_faded()
        sectors = ", ".join(f"{count} {sector}" for sector, count in run.archived.most_common())
        self.stdout.write(f"{run.looked_at} old memories looked at, {run.archived.total()} archived ({sectors or '-'})")
