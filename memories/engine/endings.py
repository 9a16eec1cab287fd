"""What a statement ends: "I quit my job at Acme" takes the slot of "I work at Acme", and of nothing else."""

from dataclasses import replace
from datetime import timedelta

from django.utils import timezone

from memories.engine import changes, index
from memories.engine.types import Candidate, Ending
from memories.models import Memory, MemoryProfile, Sector
from memorychat.lib.text import tokens

# An end that lies further before what is known was said is the end of something else.
TOLD_LATE = timedelta(days=31)


def resolved(profile: MemoryProfile, candidate: Candidate) -> Candidate:
    """The candidate with the slot that it ends; what ends nothing that is held takes none. Under the profile's lock."""
    held = ((ending, changes.slot_holder(profile, index.slot_key(profile, ending.slot))) for ending in candidate.ends)
    ended = next((ending.slot for ending, holder in held if holder and _ends(candidate, ending, holder)), None)
    if ended is None:
        return replace(candidate, ends=())
    # That nothing holds any more is a state, however it came about.
    return replace(candidate, ends=(), slot=ended, sector=Sector.SEMANTIC)


def _ends(candidate: Candidate, ending: Ending, holder: Memory) -> bool:
    said_at = candidate.provenance.said_at or timezone.now()
    at = candidate.occurred_at or said_at
    is_later = said_at >= holder.occurred_at and at > holder.occurred_at - TOLD_LATE
    return is_later and set(tokens(ending.named)) <= set(tokens(holder.content))
