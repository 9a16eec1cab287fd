"""How fast something may come: so much at once, and so much a second."""

import time


class Bucket:
    """A token bucket: `burst` at once, refilled by `rate` a second."""

    def __init__(self, rate: float, burst: float) -> None:
        self._rate, self._burst = rate, burst
        self._left, self._at = burst, time.monotonic()

    def takes(self) -> bool:
        """Whether there is room for one more; takes it."""
        now = time.monotonic()
        self._left = min(self._burst, self._left + (now - self._at) * self._rate)
        self._at = now
        if self._left < 1:
            return False
        self._left -= 1
        return True
