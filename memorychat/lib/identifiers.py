"""Row identifiers that sort by the time they were made."""

import os
import time
import uuid
from datetime import datetime


def uuid7() -> uuid.UUID:
    """A UUID version 7 (RFC 9562 §5.7): 48 bits of milliseconds since 1970, then 74 random bits."""
    milliseconds = time.time_ns() // 1_000_000
    random = int.from_bytes(os.urandom(10), "big")
    value = (milliseconds << 80) | (0x7 << 76) | ((random >> 68) & 0xFFF) << 64 | (0b10 << 62) | (random & (2**62 - 1))
    return uuid.UUID(int=value)


def before_uuid7(moment: datetime) -> uuid.UUID:
    """Below every identifier made from this moment on, above every one made earlier: rows of a time by their keys."""
    return uuid.UUID(int=int(moment.timestamp() * 1000) << 80)
