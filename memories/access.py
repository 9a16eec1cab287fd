"""Whose memories, under which privacy mode, and on whose behalf: what every verb of the engine takes first."""

from dataclasses import dataclass

from accounts.models import User
from memories.models import MemoryProfile, Origin, PrivacyMode


@dataclass(frozen=True)
class MemoryAccess:
    """The owner comes from the profile, and the profile from the credential: never from a request.

    `door` is the channel by which the act came in, `actor` the person behind it (None for the system itself).
    """

    profile: MemoryProfile
    mode: PrivacyMode
    actor: User | None
    door: Origin
