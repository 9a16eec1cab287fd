"""New memories of a list, written in as many statements as one takes, and as if one came after the other."""

from dataclasses import dataclass, field

import numpy as np
from django.conf import settings

from memories.engine import changes, links
from memories.engine.changes import New
from memories.engine.ledger import Act
from memories.engine.links import Near, nearest
from memories.engine.sameness import differ
from memories.engine.types import Outcome, Written
from memories.engine.weighing import LOOKED_AT, Weighed, draft, waits
from memories.models import MemoryProfile, Status
from memorychat.llm.providers import get_embedder
from memorychat.llm.types import Vector


@dataclass
class Gathering:
    """Under the lock of the profile. What is gathered is not in the database before `write`."""

    profile: MemoryProfile
    _new: list[New] = field(default_factory=list)
    _near: list[Near] = field(default_factory=list)
    _directions: list[Vector] = field(default_factory=list)

    def take(self, act: Act, weighed: Weighed) -> Written | None:
        """None for what more than its words decide: that comes alone, after what is gathered is written."""
        candidate, vector = weighed.candidate, weighed.vector
        if vector is None or candidate.slot or candidate.ends or weighed.verdicts or waits(self.profile, weighed):
            return None
        direction = vector / np.linalg.norm(vector)
        near = sorted(
            [*nearest(self.profile, vector, LOOKED_AT), *self._nearest_gathered(direction)],
            key=lambda each: each[1],
            reverse=True,
        )
        if self._is_said_by(near[:LOOKED_AT], candidate.content):
            return None
        memory = draft(act.access, self.profile, candidate, Status.ACTIVE)
        self._new.append(New(act, memory, vector, Outcome.CREATED))
        self._near.append(near)
        self._directions.append(direction)
        return Written(Outcome.CREATED, memory.pk, act.change_id, reason=act.reason)

    def write(self) -> None:
        changes.make_all(self._new)
        links.connect_all([(new.memory, near) for new, near in zip(self._new, self._near, strict=True)])
        self._new, self._near, self._directions = [], [], []

    def _is_said_by(self, near: Near, content: str) -> bool:
        """Whether the gate would take one of these for the same."""
        alike = [memory_id for memory_id, position in near if position >= settings.MEMORY_DUPLICATE_SAME]
        known = {new.memory.pk: new.memory for new in self._new} if alike else {}
        if missing := [memory_id for memory_id in alike if memory_id not in known]:
            known |= changes.of_profile(self.profile).in_bulk(missing)
        return not all(differ(known[memory_id].content, content) for memory_id in alike)

    def _nearest_gathered(self, direction: Vector) -> Near:
        if not self._directions:
            return []
        cosines, calibration = np.stack(self._directions) @ direction, get_embedder(self.profile).calibration
        nearest_first = np.argsort(-cosines)[:LOOKED_AT]
        return [(self._new[at].memory.pk, calibration.position(float(cosines[at]))) for at in nearest_first]
