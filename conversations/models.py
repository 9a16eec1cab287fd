"""Conversations, what was said in them, and the receipt of each answer."""

import uuid
from typing import ClassVar, Self

from django.db import models
from django.db.models import Q
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from memories.models import MemoryProfile, PrivacyMode
from memorychat.lib.fields import EncryptedJSONField, EncryptedTextField
from memorychat.lib.identifiers import uuid7
from memorychat.llm.metering import Purpose


class ConversationQuerySet(models.QuerySet["Conversation"]):
    def for_user(self, user: User) -> Self:
        return self.filter(owner=user)

    def latest_first(self) -> Self:
        return self.order_by("-last_at")

    def archived(self, is_archived: bool = True) -> Self:
        return self.filter(archived_at__isnull=not is_archived)


class Conversation(models.Model):
    """A thread of turns of one person, under one memory profile.

    Its messages are a tree: an edited message, or another answer, begins a branch of its own. `leaf_id` is the end of
    the branch that is shown and goes on. `summary` tells what was said up to the message `summary_through`.

    `answering` names the turn that is being answered, so that two tabs do not answer at once. The claim is renewed
    while the answer is written, so that a process that died blocks nobody for long.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    owner = models.ForeignKey(User, on_delete=models.CASCADE, related_name="conversations")
    profile = models.ForeignKey(MemoryProfile, on_delete=models.PROTECT, related_name="conversations")
    title = EncryptedTextField(default="")
    mode = models.CharField(max_length=16, choices=PrivacyMode, default=PrivacyMode.NORMAL)
    is_renamed = models.BooleanField(default=False, help_text=_("By its owner: no model names it any more."))
    summary = EncryptedTextField(null=True)
    summary_through = models.UUIDField(null=True)
    leaf_id = models.UUIDField(null=True)
    pinned_at = models.DateTimeField(null=True)
    archived_at = models.DateTimeField(null=True)
    answering = models.UUIDField(null=True)
    answering_since = models.DateTimeField(null=True)
    created_at = models.DateTimeField(default=timezone.now)
    last_at = models.DateTimeField(default=timezone.now)

    objects: ClassVar[models.Manager["Conversation"]] = ConversationQuerySet.as_manager()

    class Meta:
        indexes = [models.Index(fields=["owner", "-last_at"], name="conversation_owner")]

    def __str__(self) -> str:
        return str(self.id)

    def get_absolute_url(self) -> str:
        return reverse("conversation", args=[self.pk])

    @property
    def data_key_id(self) -> uuid.UUID:
        return self.owner.data_key_id


class Role(models.TextChoices):
    USER = "user", _("Person")
    ASSISTANT = "assistant", _("Assistant")


class MessageStatus(models.TextChoices):
    """How far a message came. Only a complete answer is one: the others are kept as far as they went, and say so."""

    COMPLETE = "complete", _("Complete")
    STOPPED = "stopped", _("Stopped")
    INTERRUPTED = "interrupted", _("Interrupted")


class MessageQuerySet(models.QuerySet["Message"]):
    def for_user(self, user: User) -> Self:
        return self.filter(owner=user)

    def oldest_first(self) -> Self:
        return self.order_by("pk")

    def unlearnt(self) -> Self:
        """What a person said in normal mode and was not learnt from yet: the mode of the message decides, for ever."""
        return self.filter(role=Role.USER, mode=PrivacyMode.NORMAL, learnt_at=None)


class Message(models.Model):
    """One thing said, by the person or by the assistant, under the privacy mode of that moment.

    `parent` is what it follows in its branch; of an answer that is the message it answers. `wishes` is what the model
    asked to be remembered of a message while it answered it, until that is learnt; `offered` are the memories that it
    offered to forget.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    owner = models.ForeignKey(User, on_delete=models.CASCADE, related_name="messages")
    conversation = models.ForeignKey(Conversation, on_delete=models.CASCADE, related_name="messages")
    role = models.CharField(max_length=16, choices=Role)
    text = EncryptedTextField()
    mode = models.CharField(max_length=16, choices=PrivacyMode)
    status = models.CharField(max_length=16, choices=MessageStatus, default=MessageStatus.COMPLETE)
    parent = models.ForeignKey("self", null=True, on_delete=models.CASCADE, related_name="children")
    wishes = EncryptedJSONField(null=True)
    offered = models.JSONField(default=list)
    client_message_id = models.CharField(max_length=64, default="")
    learning_since = models.DateTimeField(null=True, help_text=_("When a job was enqueued to learn from it."))
    learnt_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField(default=timezone.now)

    objects: ClassVar[models.Manager["Message"]] = MessageQuerySet.as_manager()

    class Meta:
        constraints = [
            # The same message sent again after a lost connection is the same message.
            models.UniqueConstraint(
                fields=["conversation", "client_message_id"],
                condition=~Q(client_message_id=""),
                name="message_sent_once",
            ),
            models.CheckConstraint(condition=~Q(mode="incognito"), name="message_is_not_incognito"),
        ]
        indexes = [
            models.Index(fields=["conversation", "id"], name="message_conversation"),
            models.Index(
                fields=["created_at"],
                condition=Q(role="user", mode="normal", learnt_at=None),
                name="message_unlearnt",
            ),
        ]

    def __str__(self) -> str:
        return str(self.id)

    @property
    def data_key_id(self) -> uuid.UUID:
        return self.owner.data_key_id

    @property
    def is_answer(self) -> bool:
        return self.role == Role.ASSISTANT

    @property
    def is_unlearnt(self) -> bool:
        """As `MessageQuerySet.unlearnt` says it of rows."""
        return self.role == Role.USER and PrivacyMode(self.mode).writes and self.learnt_at is None


class Receipt(models.Model):
    """What stood behind one answer: ids and numbers, no words. "As it was then" comes from the ledger.

    `recalled` lists {"memory_id", "event_id", "number", "score", "parts", "cited", "by_tool"} of the memories that were
    given to the model, in the words that they had after that event. `seen_by` lists {"provider", "model", "code"} of
    all that were given the prompt, the code being that of their failure. `prompt` says what else was in it.
    """

    message = models.OneToOneField(Message, primary_key=True, on_delete=models.CASCADE, related_name="receipt")
    recalled = models.JSONField(default=list)
    degraded = models.JSONField(default=list)
    seen_by = models.JSONField(default=list)
    prompt = models.JSONField(default=dict)
    provider = models.CharField(max_length=64)
    model = models.CharField(max_length=128)
    cost = models.FloatField(null=True, help_text=_("US dollars, where the prices are known."))
    input_tokens = models.PositiveIntegerField(default=0)
    output_tokens = models.PositiveIntegerField(default=0)
    recall_ms = models.FloatField(default=0)
    first_piece_ms = models.FloatField(default=0)
    took_ms = models.FloatField(default=0)

    def __str__(self) -> str:
        return str(self.message_id)


class Usage(models.Model):
    """What was asked in a person's name on one day of theirs, by model: numbers alone, of incognito answers too."""

    owner = models.ForeignKey(User, on_delete=models.CASCADE, related_name="usage")
    day = models.DateField()
    purpose = models.CharField(
        max_length=16, choices=[(each.value, each.value) for each in Purpose], default=Purpose.ANSWERS.value
    )
    provider = models.CharField(max_length=64)
    model = models.CharField(max_length=128)
    answers = models.PositiveIntegerField(default=0, help_text=_("How often the model answered."))
    input_tokens = models.PositiveBigIntegerField(default=0)
    output_tokens = models.PositiveBigIntegerField(default=0)
    guessed_tokens = models.PositiveBigIntegerField(
        default=0, help_text=_("Of both, those of answers of which the server did not say.")
    )
    cost = models.FloatField(default=0, help_text=_("US dollars, as far as the prices are known."))

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["owner", "day", "provider", "model", "purpose"], name="usage_one_a_day_model_and_purpose"
            )
        ]

    def __str__(self) -> str:
        return str(self.pk)
