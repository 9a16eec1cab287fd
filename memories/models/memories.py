"""Memories, and where each was said."""

import uuid
from typing import ClassVar, Self

from django.db import models
from django.db.models import Q
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from memories.models.choices import Kind, Origin, Sector, Status
from memories.models.profiles import MemoryProfile
from memorychat.lib.fields import EncryptedJSONField, EncryptedTextField
from memorychat.lib.identifiers import uuid7


class MemoryQuerySet(models.QuerySet["Memory"]):
    def for_user(self, user: User) -> Self:
        return self.filter(owner=user, profile__deleted_at=None)

    def active(self) -> Self:
        return self.filter(status=Status.ACTIVE)

    def with_status(self, status: Status) -> Self:
        return self.filter(status=status)

    def newest_first(self) -> Self:
        return self.order_by("-pk")


class Memory(models.Model):
    """One statement about or for a person, in one sentence, in the language in which it was said.

    The ledger says what this table holds: change it by the verbs of `memories.engine.writing` only.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    owner = models.ForeignKey(User, on_delete=models.CASCADE, related_name="memories")
    profile = models.ForeignKey(MemoryProfile, on_delete=models.PROTECT, related_name="memories")
    content = EncryptedTextField()
    metadata = EncryptedJSONField(null=True)
    kind = models.CharField(max_length=16, choices=Kind, default=Kind.FACT)
    sector = models.CharField(max_length=16, choices=Sector, default=Sector.SEMANTIC)
    importance = models.PositiveSmallIntegerField(default=5)
    confidence = models.FloatField(default=1.0)
    salience = models.FloatField(default=0.5, help_text=_("0–1, as it was at `salience_at`."))
    salience_at = models.DateTimeField(default=timezone.now)
    status = models.CharField(max_length=16, choices=Status, default=Status.ACTIVE)
    origin = models.CharField(max_length=16, choices=Origin)
    pinned = models.BooleanField(default=False)
    occurred_at = models.DateTimeField(help_text=_("When it held or happened; event time orders facts."))
    superseded_by = models.ForeignKey("self", null=True, on_delete=models.SET_NULL, related_name="supersedes")
    slot = models.BinaryField(
        max_length=16, null=True, help_text=_("Keyed hash of a one-valued subject and attribute.")
    )
    digest = models.BinaryField(max_length=16, help_text=_("Keyed hash of the normalised words."))
    # Where it was said, as recall weighs it. Derived from its first source that names a thread or a speaker.
    thread = models.BigIntegerField(null=True, help_text=_("Keyed hash of the thread's name."))
    position = models.PositiveIntegerField(null=True)
    speaker = models.BigIntegerField(null=True, help_text=_("Keyed hash of the speaker's first name."))
    asks = models.BooleanField(db_default=False, help_text=_("Whether it holds a question."))
    stated = models.PositiveSmallIntegerField(
        null=True, help_text=_("Words that matter in what it states, its questions apart.")
    )
    times_said = models.PositiveIntegerField(default=1)
    last_said_at = models.DateTimeField(default=timezone.now)
    created_at = models.DateTimeField(default=timezone.now)

    objects: ClassVar[models.Manager["Memory"]] = MemoryQuerySet.as_manager()

    class Meta:
        verbose_name_plural = _("memories")
        constraints = [
            models.UniqueConstraint(
                fields=["profile", "slot"],
                condition=Q(status="active", slot__isnull=False),
                name="memory_slot_one_active",
            ),
            models.CheckConstraint(condition=Q(importance__gte=1, importance__lte=10), name="memory_importance_1_10"),
            models.CheckConstraint(condition=Q(confidence__gte=0, confidence__lte=1), name="memory_confidence_0_1"),
            models.CheckConstraint(condition=Q(salience__gte=0, salience__lte=1), name="memory_salience_0_1"),
        ]
        indexes = [
            models.Index(fields=["owner", "-id"], name="memory_owner"),
            models.Index(fields=["profile", "status", "-id"], name="memory_profile_status"),
            models.Index(fields=["profile", "digest"], condition=Q(status="active"), name="memory_digest"),
            models.Index(
                fields=["superseded_by"], condition=Q(superseded_by__isnull=False), name="memory_superseded_by"
            ),
        ]

    def __str__(self) -> str:
        return str(self.id)

    def get_absolute_url(self) -> str:
        return reverse("memory-detail", args=[self.pk])

    @property
    def data_key_id(self) -> uuid.UUID:
        return self.profile.data_key_id

    @property
    def is_recallable(self) -> bool:
        return Status(self.status).recallable


# The profile in what hangs on a memory is that of the memory, for partial indexes alone. A constraint on it would cost
# each insert a look-up and each erasure a scan of the table, for it needs an index of all rows.


class MemorySource(models.Model):
    """Where a memory comes from: the message in which it was said, or the place in a thread that a program names."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    memory = models.ForeignKey(Memory, on_delete=models.CASCADE, related_name="sources")
    message_id = models.UUIDField(null=True, help_text=_("The message in a conversation, a layer above."))
    thread = models.BinaryField(max_length=16, null=True, help_text=_("Keyed hash of the thread's name."))
    position = models.PositiveIntegerField(null=True)
    speaker = EncryptedTextField(default="")
    quote = EncryptedTextField(default="")
    said_at = models.DateTimeField()

    class Meta:
        indexes = [
            models.Index(fields=["memory", "said_at"], name="source_memory"),
            models.Index(fields=["message_id"], condition=Q(message_id__isnull=False), name="source_message"),
        ]

    def __str__(self) -> str:
        return str(self.id)

    @property
    def data_key_id(self) -> uuid.UUID:
        return self.memory.profile.data_key_id
