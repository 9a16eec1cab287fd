import pytest

from accounts.models import User
from memories import profiles
from memories.access import MemoryAccess
from memories.models import MemoryProfile


@pytest.fixture
def profile(alice: User) -> MemoryProfile:
    return profiles.default_for(alice)


@pytest.fixture
def access(alice: User, profile: MemoryProfile) -> MemoryAccess:
    """Alice's own hand in her default profile."""
    return profiles.by_hand(alice, profile)


@pytest.fixture
def bobs_access(bob: User) -> MemoryAccess:
    return profiles.by_hand(bob, profiles.default_for(bob))
