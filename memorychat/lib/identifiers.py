"""Row identifiers that sort by the time they were made."""

import os
import time
import uuid
from datetime import datetime


def uuid7() -> uuid.UUID:
    """A UUID version 7 (RFC 9562 §5.7, §6.2 method 3): 48 bits of milliseconds since 1970, 12 of the fraction of the
    millisecond, so that rows made in a row sort as they were made, then 62 random bits.
    """
    milliseconds, rest = divmod(time.time_ns(), 1_000_000)
    fraction, random = (rest << 12) // 1_000_000, int.from_bytes(os.urandom(8), "big") & (2**62 - 1)
    return uuid.UUID(int=(milliseconds << 80) | (0x7 << 76) | (fraction << 64) | (0b10 << 62) | random)


def before_uuid7(moment: datetime) -> uuid.UUID:
    """Below every identifier made from this moment on, above every one made earlier: rows of a time by their keys."""
    return uuid.UUID(int=int(moment.timestamp() * 1000) << 80)
