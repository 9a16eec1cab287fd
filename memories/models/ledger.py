"""The ledger of all changes, and what belongs together in it."""

import uuid
from typing import ClassVar, Self

from django.db import models
from django.db.models import Func, Q, Value
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from memories.models.choices import Action, FoundBy, Origin
from memories.models.memories import Memory
from memories.models.profiles import MemoryProfile
from memorychat.lib.fields import EncryptedJSONField, EncryptedTextField
from memorychat.lib.identifiers import uuid7


class MemoryBatch(models.Model):
    """One run that writes memories: a turn learnt, a list given by a program. It exists once, and so its writes do."""

    class Purpose(models.TextChoices):
        TURN = "turn", _("Turn of a conversation")
        API = "api", _("List by API")
        CONVERSATION = "conversation", _("Whole conversation")
        CALL = "call", _("Call")
        IMPORT = "import", _("Import")
        COPY = "copy", _("Copy of a profile")
        EPISODE = "episode", _("Episode of a conversation")
        CONSOLIDATION = "consolidation", _("Consolidation")

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    owner = models.ForeignKey(User, on_delete=models.CASCADE, related_name="memory_batches")
    purpose = models.CharField(max_length=16, choices=Purpose)
    reference = models.UUIDField(help_text=_("The message, call or request that the run is about."))
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        verbose_name_plural = _("memory batches")
        constraints = [models.UniqueConstraint(fields=["purpose", "reference"], name="batch_runs_once")]
        indexes = [models.Index(fields=["owner", "-id"], name="batch_owner")]

    def __str__(self) -> str:
        return str(self.id)


class MemoryEventQuerySet(models.QuerySet["MemoryEvent"]):
    def for_user(self, user: User) -> Self:
        return self.filter(owner=user)

    def oldest_first(self) -> Self:
        return self.order_by("number")


class MemoryEvent(models.Model):
    """One change of one memory, for ever: the table refuses UPDATE and DELETE.

    `before` and `after` hold the ledgered columns (see `memories.engine.ledger`) that the change touched; all events of
    one act share `change_id` and are undone together.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    number = models.BigIntegerField(db_default=Func(Value("memory_event_number"), function="nextval"), editable=False)
    # No constraints: the ledger outlives whom and what was erased.
    owner = models.ForeignKey(User, on_delete=models.DO_NOTHING, related_name="+", db_constraint=False)
    profile = models.ForeignKey(MemoryProfile, on_delete=models.DO_NOTHING, related_name="+", db_constraint=False)
    memory = models.ForeignKey(Memory, on_delete=models.DO_NOTHING, related_name="events", db_constraint=False)
    change_id = models.UUIDField()
    batch = models.ForeignKey(
        MemoryBatch, null=True, on_delete=models.DO_NOTHING, related_name="events", db_constraint=False
    )
    action = models.CharField(max_length=16, choices=Action)
    door = models.CharField(max_length=16, choices=Origin)
    actor = models.ForeignKey(User, null=True, on_delete=models.DO_NOTHING, related_name="+", db_constraint=False)
    outcome = models.CharField(max_length=16, default="", help_text=_("What the write gate decided."))
    reason = EncryptedTextField(default="")
    before = EncryptedJSONField(null=True)
    after = EncryptedJSONField()
    confidence = models.FloatField(null=True)
    found_by = models.CharField(max_length=16, choices=FoundBy, default="")
    found_version = models.CharField(max_length=64, default="", help_text=_("Version of the prompt or rule."))
    message_id = models.UUIDField(null=True, help_text=_("The message that brought it about, a layer above."))
    conversation_id = models.UUIDField(null=True, help_text=_("The conversation or call of that message."))
    undoes = models.UUIDField(null=True, help_text=_("The change that this one undoes."))
    correlation_id = models.CharField(max_length=64, default="")
    milliseconds = models.FloatField(default=0)
    created_at = models.DateTimeField(default=timezone.now)

    objects: ClassVar[models.Manager["MemoryEvent"]] = MemoryEventQuerySet.as_manager()

    class Meta:
        verbose_name = _("event of the ledger")
        verbose_name_plural = _("events of the ledger")
        # Nobody can be given the right to change it.
        default_permissions = ("view",)
        indexes = [
            models.Index(fields=["memory", "-number"], name="event_memory"),
            models.Index(fields=["owner", "-number"], name="event_owner"),
            models.Index(fields=["change_id"], name="event_change"),
            models.Index(fields=["message_id"], condition=Q(message_id__isnull=False), name="event_message"),
            models.Index(
                fields=["conversation_id"], condition=Q(conversation_id__isnull=False), name="event_conversation"
            ),
            models.Index(fields=["batch"], condition=Q(batch__isnull=False), name="event_batch"),
            models.Index(fields=["undoes"], condition=Q(undoes__isnull=False), name="event_undoes"),
        ]

    def __str__(self) -> str:
        return str(self.id)

    @property
    def data_key_id(self) -> uuid.UUID:
        return self.profile.data_key_id
