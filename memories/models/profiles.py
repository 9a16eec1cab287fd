"""The named spaces of memories of a person."""

from typing import ClassVar, Self

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.models import DataKey, User
from memories.models.choices import LearningMode, PrivacyMode
from memorychat.lib.fields import EncryptedTextField
from memorychat.lib.identifiers import uuid7


class MemoryProfileQuerySet(models.QuerySet["MemoryProfile"]):
    def for_user(self, user: User) -> Self:
        return self.filter(owner=user)

    def active(self) -> Self:
        return self.filter(deleted_at=None)

    def embedded_here(self, is_here: bool) -> Self:
        """As `MemoryProfile.embeds_here` says it of one."""
        here = Q(local_only=True) | Q(own_providers__isnull=False)
        return self.filter(here if is_here else ~here)


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
    def embeds_here(self) -> bool:
        """Whoever names those that may see the words has named no embedder."""
        return self.local_only or self.own_providers is not None

    @property
    def providers(self) -> list[str] | None:
        """Who may see its words, as `memorychat.llm.providers.Keeper` has it."""
        return self.owner.providers if self.own_providers is None else self.own_providers
