"""What recall needs to find memories, and what stands between two of them: rebuilt, never ledgered."""

from typing import ClassVar, Self

from django.db import models
from django.db.models import F, Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from pgvector.django import HalfVectorField

from accounts.models import User
from memories.models.choices import Status
from memories.models.memories import Memory
from memories.models.profiles import MemoryProfile
from memorychat.lib.identifiers import uuid7


class MemoryEmbedding(models.Model):
    """The vector of a memory by one embedder. Vectors of two models are never compared."""

    memory = models.ForeignKey(Memory, on_delete=models.CASCADE, related_name="embeddings")
    profile = models.ForeignKey(
        MemoryProfile, on_delete=models.CASCADE, related_name="+", db_index=False, db_constraint=False
    )
    model = models.CharField(max_length=128)
    embedding = HalfVectorField()
    recallable = models.BooleanField(default=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["memory", "model"], name="embedding_one_a_model")]
        # Recall reads this index alone: the vector travels in it, so the table is never visited.
        indexes = [
            models.Index(
                fields=["profile", "model"],
                include=["memory", "embedding"],
                condition=Q(recallable=True),
                name="embedding_recall",
            )
        ]

    def __str__(self) -> str:
        return str(self.memory_id)


class MemoryTerm(models.Model):
    """One word or stem of a memory as a keyed hash, with its frequency and the memory's length in words."""

    memory = models.ForeignKey(Memory, on_delete=models.CASCADE, related_name="terms")
    profile = models.ForeignKey(
        MemoryProfile, on_delete=models.CASCADE, related_name="+", db_index=False, db_constraint=False
    )
    term = models.BigIntegerField()
    frequency = models.PositiveSmallIntegerField()
    length = models.PositiveSmallIntegerField()
    recallable = models.BooleanField(default=True)

    class Meta:
        indexes = [
            models.Index(
                fields=["profile", "term"],
                include=["memory", "frequency", "length"],
                condition=Q(recallable=True),
                name="term_recall",
            )
        ]

    def __str__(self) -> str:
        return str(self.memory_id)


class MemoryLink(models.Model):
    """Two recallable memories that are near to each other: one row a pair, followed both ways. Derived."""

    profile = models.ForeignKey(
        MemoryProfile, on_delete=models.CASCADE, related_name="links", db_index=False, db_constraint=False
    )
    one = models.ForeignKey(Memory, on_delete=models.CASCADE, related_name="+", db_index=False)
    other = models.ForeignKey(Memory, on_delete=models.CASCADE, related_name="+", db_index=False)
    weight = models.FloatField(help_text=_("Their similarity on the common scale, 0–1."))

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["one", "other"], include=["weight"], name="link_one_a_pair"),
            models.CheckConstraint(condition=Q(one__lt=F("other")), name="link_in_order"),
        ]
        indexes = [models.Index(fields=["other"], include=["one", "weight"], name="link_other")]

    def __str__(self) -> str:
        return f"{self.one_id}-{self.other_id}"


class ConflictQuerySet(models.QuerySet["Conflict"]):
    def for_user(self, user: User) -> Self:
        return self.filter(profile__owner=user, profile__deleted_at=None)

    def open(self) -> Self:
        """Not decided, and both still hold: what was forgotten or superseded contradicts nothing."""
        return self.filter(resolved_at=None, one__status=Status.ACTIVE, other__status=Status.ACTIVE)


class Conflict(models.Model):
    """Two active memories that cannot both hold, where neither time nor confidence decides: their owner does."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    profile = models.ForeignKey(
        MemoryProfile, on_delete=models.CASCADE, related_name="conflicts", db_index=False, db_constraint=False
    )
    one = models.ForeignKey(Memory, on_delete=models.CASCADE, related_name="+")
    other = models.ForeignKey(Memory, on_delete=models.CASCADE, related_name="+")
    created_at = models.DateTimeField(default=timezone.now)
    resolved_at = models.DateTimeField(null=True)

    objects: ClassVar[models.Manager["Conflict"]] = ConflictQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["one", "other"], name="conflict_one_a_pair"),
            models.CheckConstraint(condition=Q(one__lt=F("other")), name="conflict_in_order"),
        ]
        indexes = [models.Index(fields=["profile"], condition=Q(resolved_at=None), name="conflict_open")]

    def __str__(self) -> str:
        return str(self.id)
