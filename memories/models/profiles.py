"""The named spaces of memories of a person."""

from typing import ClassVar, Self

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.models import DataKey, Organization, User
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
        here = Q(local_only=True) | Q(own_providers__isnull=False) | Q(organization__providers__isnull=False)
        return self.filter(here if is_here else ~here)


class MemoryProfile(models.Model):
    """A named space of memories of one person. Its words are sealed by a data key of its own.

    What a person tells at an organization stands in a profile of its own, which no other organization reads.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    owner = models.ForeignKey(User, on_delete=models.CASCADE, related_name="memory_profiles")
    data_key = models.OneToOneField(DataKey, on_delete=models.PROTECT, related_name="+")
    organization = models.ForeignKey(
        Organization,
        null=True,
        on_delete=models.PROTECT,
        related_name="memory_profiles",
        help_text=_("Where it is kept."),
    )
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
        help_text=_("The only ones that may see its words, in order; null leaves it to its organization or its owner."),
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
            models.UniqueConstraint(fields=["owner", "organization"], name="profile_one_a_person_and_organization"),
            models.CheckConstraint(
                condition=Q(is_default=False) | Q(deleted_at=None), name="profile_default_is_not_deleted"
            ),
        ]

    def __str__(self) -> str:
        return str(self.id)

    @property
    def named_providers(self) -> list[str] | None:
        """Those that the profile names, else its organization; None where neither names any."""
        if self.own_providers is None and self.organization is not None:
            return self.organization.providers
        return self.own_providers

    @property
    def providers(self) -> list[str] | None:
        """Who may see its words: whom the profile names, else its organization, else its owner.

        None leaves it to the settings, as `memorychat.llm.providers.Keeper` has it.
        """
        return self.owner.providers if self.named_providers is None else self.named_providers

    @property
    def embeds_here(self) -> bool:
        """Whoever names those that may see the words of a profile has named no embedder."""
        return self.local_only or self.named_providers is not None
