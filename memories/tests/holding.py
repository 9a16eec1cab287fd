"""What tests of several profiles share: a slot, a day, and what a profile holds."""

from datetime import UTC, datetime

from memories.engine.types import Slot
from memories.models import Memory, MemoryProfile

HOME = Slot("person", "home town")
SAID = datetime(2024, 5, 3, tzinfo=UTC)


def contents(profile: MemoryProfile) -> list[str]:
    return [memory.content for memory in Memory.objects.filter(profile=profile).active().order_by("pk")]
