"""Memory profiles, memories, what recall needs to find them, and the ledger of their changes."""

import uuid
from typing import ClassVar, Self

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Func, Q, Value
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from pgvector.django import HalfVectorField

from accounts.models import DataKey, User
from memorychat.lib.fields import EncryptedJSONField, EncryptedTextField
from memorychat.lib.identifiers import uuid7


class PrivacyMode(models.TextChoices):
    NORMAL = "normal", _("Normal")
    PAUSED = "pause_memories", _("Paused")
    INCOGNITO = "incognito", _("Incognito")

    @property
    def reads(self) -> bool:
        return self in (PrivacyMode.NORMAL, PrivacyMode.PAUSED)

    @property
    def writes(self) -> bool:
        return self is PrivacyMode.NORMAL

    @property
    def keeps_words(self) -> bool:
        """Whether what is said may be stored as messages at all."""
        return self is not PrivacyMode.INCOGNITO


class Kind(models.TextChoices):
    """What a person sees a memory as."""

    FACT = "fact", _("Fact")
    PREFERENCE = "preference", _("Preference")
    DECISION = "decision", _("Decision")
    NOTE = "note", _("Note")
    EPISODE = "episode", _("Episode")


class Sector(models.TextChoices):
    """The cognitive class of a memory, which decides how fast it fades."""

    SEMANTIC = "semantic", _("Semantic")
    EPISODIC = "episodic", _("Episodic")
    PROCEDURAL = "procedural", _("Procedural")
    EMOTIONAL = "emotional", _("Emotional")
    REFLECTIVE = "reflective", _("Reflective")


class Status(models.TextChoices):
    ACTIVE = "active", _("Active")
    PENDING = "pending", _("Waiting for a decision")
    SUPERSEDED = "superseded", _("Superseded")
    FORGOTTEN = "forgotten", _("Forgotten")
    ARCHIVED = "archived", _("Archived")
    QUARANTINED = "quarantined", _("Held back")
    HIDDEN = "hidden", _("Hidden by a moderator")

    @property
    def recallable(self) -> bool:
        return self is Status.ACTIVE


class Origin(models.TextChoices):
    """The channel by which a memory or a change came."""

    CHAT = "chat", _("Chat")
    VOICE = "voice", _("Call")
    MANUAL = "manual", _("By hand")
    API = "api", _("API")
    MCP = "mcp", _("MCP")
    IMPORT = "import", _("Import")
    ADMIN = "admin", _("Admin")
    SYSTEM = "system", _("System")


class Action(models.TextChoices):
    """What an event of the ledger did to its memory."""

    CREATED = "created", _("Remembered")
    REINFORCED = "reinforced", _("Heard again")
    REVISED = "revised", _("Corrected")
    ADJUSTED = "adjusted", _("Adjusted")
    CONFIRMED = "confirmed", _("Confirmed")
    SUPERSEDED = "superseded", _("Superseded")
    FORGOTTEN = "forgotten", _("Forgotten")
    RESTORED = "restored", _("Restored")
    UNDONE = "undone", _("Undone")
    USED = "used", _("Used in an answer")
    ARCHIVED = "archived", _("Archived")
    CONSOLIDATED = "consolidated", _("Joined with others")
    ERASED = "erased", _("Erased")


class FoundBy(models.TextChoices):
    """How a candidate was found."""

    SAID = "said", _("said so")
    MODEL = "model", _("found by the model")
    RULES = "rules", _("found by rules")
    IMPORT = "import", _("imported")


class LearningMode(models.TextChoices):
    """What happens to what a profile's conversations tell."""

    AUTOMATIC = "automatic", _("Remember by itself")
    ASK = "ask", _("Ask me first")
    NEVER = "never", _("Never learn")


class MemoryProfileQuerySet(models.QuerySet["MemoryProfile"]):
    def for_user(self, user: User) -> Self:
        return self.filter(owner=user)

    def active(self) -> Self:
        return self.filter(deleted_at=None)


class MemoryProfile(models.Model):
    """A named space of memories of one person. Its words are sealed by a data key of its own."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    owner = models.ForeignKey(User, on_delete=models.CASCADE, related_name="memory_profiles")
    data_key = models.OneToOneField(DataKey, on_delete=models.PROTECT, related_name="+")
    name = EncryptedTextField()
    description = EncryptedTextField(default="")
    is_default = models.BooleanField(default=False)
    default_mode = models.CharField(max_length=16, choices=PrivacyMode, default=PrivacyMode.NORMAL)
    learning = models.CharField(max_length=16, choices=LearningMode, default=LearningMode.AUTOMATIC)
    local_only = models.BooleanField(
        default=False, help_text=_("Its words reach the built-in embedder and local providers alone.")
    )
    own_providers = ArrayField(
        models.CharField(max_length=32),
        null=True,
        help_text=_("The only ones that may see its words, in order; null leaves it to its owner."),
    )
    summary = EncryptedTextField(null=True)
    summarised_through = models.BigIntegerField(
        default=0, help_text=_("The number of the newest event that the summary knows of.")
    )
    languages = ArrayField(
        models.CharField(max_length=8), default=list, help_text=_("Of its memories; kept for stems.")
    )
    speakers = ArrayField(
        models.BigIntegerField(),
        default=list,
        help_text=_("Keyed hashes of the first names of those who speak in its memories."),
    )
    memory_count = models.PositiveIntegerField(default=0, help_text=_("Recallable memories; kept for ranking."))
    term_count = models.PositiveBigIntegerField(default=0, help_text=_("Words in them; kept for ranking."))
    created_at = models.DateTimeField(default=timezone.now)
    deleted_at = models.DateTimeField(null=True)

    objects: ClassVar[models.Manager["MemoryProfile"]] = MemoryProfileQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["owner"], condition=Q(is_default=True), name="profile_one_default_a_person"
            ),
            models.CheckConstraint(
                condition=Q(is_default=False) | Q(deleted_at=None), name="profile_default_is_not_deleted"
            ),
        ]

    def __str__(self) -> str:
        return str(self.id)

    @property
    def providers(self) -> list[str] | None:
        """Who may see its words, as `memorychat.llm.providers.Keeper` has it."""
        return self.owner.providers if self.own_providers is None else self.own_providers


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
