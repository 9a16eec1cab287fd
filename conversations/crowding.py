"""How many pages a person may hold open in one process, and how fast they may ask: nobody crowds others out."""

import math
import uuid
from collections import Counter

from django.conf import settings

from memorychat.lib.buckets import Bucket

MOST_SOCKETS = 40
# Frames of one person, whichever pages they come from: so many at once, and so many a second.
MOST_FRAMES, FRAMES_A_SECOND = 60, 20

# Tests of a provider by one person: so many at once, and so many a second. Those of so many people are known.
MOST_TESTS, TESTS_A_SECOND = 5, 0.1
MOST_TESTERS = 10_000

_open: Counter[uuid.UUID] = Counter()
_buckets: dict[uuid.UUID, Bucket] = {}
# Who tested last stands last.
_testers: dict[uuid.UUID, Bucket] = {}


def admit(person_id: uuid.UUID) -> Bucket | None:
    """Room for one more page, with the bucket that the frames of all of them pass; None when there is none."""
    scale = settings.RATE_LIMIT_SCALE or math.inf
    if _open[person_id] >= MOST_SOCKETS * scale:
        return None
    _open[person_id] += 1
    return _buckets.setdefault(person_id, Bucket(FRAMES_A_SECOND * scale, MOST_FRAMES * scale))


def leave(person_id: uuid.UUID) -> None:
    _open[person_id] -= 1
    if not _open[person_id]:
        del _open[person_id], _buckets[person_id]


def may_test(person_id: uuid.UUID) -> bool:
    """Whether this person may have a provider tried out now."""
    scale = settings.RATE_LIMIT_SCALE or math.inf
    bucket = _testers.pop(person_id, None) or Bucket(TESTS_A_SECOND * scale, MOST_TESTS * scale)
    _testers[person_id] = bucket
    if len(_testers) > MOST_TESTERS:
        _testers.pop(next(iter(_testers)))
    return bucket.takes()
