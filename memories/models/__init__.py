"""Memory profiles, memories, what recall needs to find them, and the ledger of their changes."""

from memories.models.choices import Action, FoundBy, Kind, LearningMode, Origin, PrivacyMode, Sector, Status
from memories.models.derived import Conflict, ConflictQuerySet, MemoryEmbedding, MemoryLink, MemoryTerm
from memories.models.ledger import MemoryBatch, MemoryEvent, MemoryEventQuerySet
from memories.models.memories import Memory, MemoryQuerySet, MemorySource
from memories.models.profiles import MemoryProfile, MemoryProfileQuerySet

__all__ = [
    "Action",
    "Conflict",
    "ConflictQuerySet",
    "FoundBy",
    "Kind",
    "LearningMode",
    "Memory",
    "MemoryBatch",
    "MemoryEmbedding",
    "MemoryEvent",
    "MemoryEventQuerySet",
    "MemoryLink",
    "MemoryProfile",
    "MemoryProfileQuerySet",
    "MemoryQuerySet",
    "MemorySource",
    "MemoryTerm",
    "Origin",
    "PrivacyMode",
    "Sector",
    "Status",
]
