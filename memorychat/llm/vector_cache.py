"""The vectors of texts that were embedded a moment ago: a question is often asked again, and a memory is looked up
right before it is written.

In one process, and by a hash of the text under a key that dies with the process: no words are kept.
"""

import hashlib
import os
import threading
from collections import OrderedDict
from collections.abc import Callable, Sequence

from memorychat.llm.types import Vector


class VectorCache:
    """At most so many vectors; those that were not asked for longest go first. `hits` and `misses` count texts."""

    def __init__(self, most: int) -> None:
        self.most = most
        self.hits = self.misses = 0
        self._vectors: OrderedDict[bytes, Vector] = OrderedDict()
        self._key = os.urandom(32)
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self._vectors)

    @property
    def hit_rate(self) -> float:
        asked = self.hits + self.misses
        return self.hits / asked if asked else 0.0

    def embed(self, texts: Sequence[str], by: Callable[[Sequence[str]], Sequence[Vector]]) -> list[Vector]:
        """The vectors of all texts, in order; `by` is asked once, for those that are not here, each once."""
        names = [hashlib.blake2b(text.encode(), key=self._key, digest_size=16).digest() for text in texts]
        found = self._known(names)
        missing = {name: text for name, text in zip(names, texts, strict=True) if name not in found}
        if missing:
            made = dict(zip(missing, by(list(missing.values())), strict=True))
            self._keep(made)
            found |= made
        return [found[name] for name in names]

    def _known(self, names: Sequence[bytes]) -> dict[bytes, Vector]:
        with self._lock:
            found = {name: self._vectors[name] for name in names if name in self._vectors}
            for name in found:
                self._vectors.move_to_end(name)
            self.hits += sum(name in found for name in names)
            self.misses += sum(name not in found for name in names)
        return found

    def _keep(self, made: dict[bytes, Vector]) -> None:
        for vector in made.values():
            # They are handed out again and again.
            vector.setflags(write=False)
        with self._lock:
            self._vectors |= made
            while len(self._vectors) > self.most:
                self._vectors.popitem(last=False)
