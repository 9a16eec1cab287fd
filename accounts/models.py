"""People, the organizations that they belong to, the keys that seal their words, and those of their programs."""

import uuid
from typing import Any, ClassVar, Self

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.auth.models import PermissionsMixin
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.db.models.functions import Lower
from django.utils import timezone
from django.utils.functional import cached_property
from django.utils.translation import gettext_lazy as _

from memorychat.lib.crypto import wrap_new_data_key
from memorychat.lib.fields import EncryptedTextField
from memorychat.lib.identifiers import uuid7


class UserManager(BaseUserManager["User"]):
    def create_user(self, email: str, password: str | None = None, **fields: Any) -> "User":
        # In lower case, as the sign-in keeps and looks up addresses.
        user = self.model(email=email.lower(), **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def create_superuser(self, email: str, password: str | None = None, **fields: Any) -> "User":
        return self.create_user(email, password, is_staff=True, is_superuser=True, **fields)

    def get_by_natural_key(self, username: str | None) -> "User":
        return self.get(email__iexact=username)


class User(AbstractBaseUser, PermissionsMixin):
    """A person, who signs in by e-mail."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    email = models.EmailField(_("e-mail address"), max_length=254)
    time_zone = models.CharField(max_length=64, default="UTC", help_text=_("Set from the browser."))
    language = models.CharField(max_length=16, default="en")
    providers = ArrayField(
        models.CharField(max_length=32),
        null=True,
        help_text=_("The only ones that may see this person's words, in order; null leaves it to the settings."),
    )
    is_guest = models.BooleanField(default=False)
    is_staff = models.BooleanField(default=False)
    is_active = models.BooleanField(default=True)
    date_joined = models.DateTimeField(default=timezone.now)

    objects: ClassVar[UserManager] = UserManager()

    USERNAME_FIELD = "email"
    EMAIL_FIELD = "email"

    class Meta:
        constraints = [models.UniqueConstraint(Lower("email"), name="user_email_unique")]

    def __str__(self) -> str:
        return str(self.id)

    @cached_property
    def data_key_id(self) -> uuid.UUID:
        """The data key that seals this person's own words outside any memory profile; made on first use."""
        return DataKey.objects.for_person(self).pk


class DataKeyManager(models.Manager["DataKey"]):
    def for_person(self, owner: User) -> "DataKey":
        existing = self.filter(owner=owner, purpose=DataKey.Purpose.PERSON, destroyed_at=None).first()
        if existing:
            return existing
        fresh = self.draft(owner, DataKey.Purpose.PERSON)
        # Two first uses at once: the constraint lets one in, and the other reads it.
        self.bulk_create([fresh], ignore_conflicts=True)
        return self.get(owner=owner, purpose=DataKey.Purpose.PERSON, destroyed_at=None)

    def for_profile(self, owner: User) -> "DataKey":
        return self._make(owner, DataKey.Purpose.PROFILE)

    def for_organization(self, owner: User) -> "DataKey":
        return self._make(owner, DataKey.Purpose.ORGANIZATION)

    def _make(self, owner: User, purpose: str) -> "DataKey":
        key = self.draft(owner, purpose)
        key.save(force_insert=True)
        return key

    @staticmethod
    def draft(owner: User, purpose: str) -> "DataKey":
        key = DataKey(owner=owner, purpose=purpose)
        wrapped = wrap_new_data_key(key.pk)
        key.master, key.wrapped = wrapped.master, wrapped.wrapped
        return key


class DataKey(models.Model):
    """A key that seals the words of one person, memory profile or organization, wrapped by a master key.

    Destroying it empties `wrapped`: what it sealed can never be read again.
    """

    class Purpose(models.TextChoices):
        PERSON = "person"
        PROFILE = "profile"
        ORGANIZATION = "organization"

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    owner = models.ForeignKey(User, on_delete=models.CASCADE, related_name="data_keys")
    purpose = models.CharField(max_length=16, choices=Purpose)
    master = models.CharField(max_length=64)
    wrapped = models.BinaryField(null=True)
    created_at = models.DateTimeField(default=timezone.now)
    destroyed_at = models.DateTimeField(null=True)

    objects: ClassVar[DataKeyManager] = DataKeyManager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["owner"], condition=Q(purpose="person", destroyed_at=None), name="data_key_one_a_person"
            )
        ]

    def __str__(self) -> str:
        return str(self.id)


class OrganizationQuerySet(models.QuerySet["Organization"]):
    def for_user(self, user: User) -> Self:
        """Those that a person belongs to, in whichever role."""
        return self.filter(memberships__owner=user)


class Organization(models.Model):
    """Those for whom a person acts, or who keep memories of people who call them.

    It has a data key of its own, since all of its people read its name. `owner` is the person who answers for it; one
    who is erased hands it over with its key (`accounts.organizations`).
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    owner = models.ForeignKey(User, on_delete=models.PROTECT, related_name="owned_organizations")
    data_key = models.OneToOneField(DataKey, on_delete=models.PROTECT, related_name="+")
    name = EncryptedTextField()
    providers = ArrayField(
        models.CharField(max_length=32),
        null=True,
        help_text=_("The only ones that may see the words of its profiles, in order; null leaves it to each person."),
    )
    created_at = models.DateTimeField(default=timezone.now)

    objects: ClassVar[models.Manager["Organization"]] = OrganizationQuerySet.as_manager()

    def __str__(self) -> str:
        return str(self.id)


class Membership(models.Model):
    """That a person, the `owner` of the row, belongs to an organization, and as what. It opens nothing by itself."""

    class Role(models.TextChoices):
        OWNER = "owner", _("Owner")
        ADMIN = "admin", _("Admin")
        MODERATOR = "moderator", _("Moderator")
        OPERATOR = "operator", _("Operator")
        MEMBER = "member", _("Member")

        @property
        def runs_it(self) -> bool:
            """Whether they decide for the organization."""
            return self in (Membership.Role.OWNER, Membership.Role.ADMIN)

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    owner = models.ForeignKey(User, on_delete=models.CASCADE, related_name="memberships")
    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="memberships")
    role = models.CharField(max_length=16, choices=Role)
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["owner", "organization"], name="membership_one_a_person")]

    def __str__(self) -> str:
        return str(self.id)


class ApiKey(models.Model):
    """A key by which a person's program comes in. Only its prefix and the hash of its 256 random bits are kept."""

    class Scope(models.TextChoices):
        MEMORIES_READ = "memories:read"
        MEMORIES_WRITE = "memories:write"
        CHAT = "chat"

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    owner = models.ForeignKey(User, on_delete=models.CASCADE, related_name="api_keys")
    prefix = models.CharField(max_length=16)
    digest = models.BinaryField(max_length=32, unique=True)
    scopes = ArrayField(models.CharField(max_length=32, choices=Scope))
    created_at = models.DateTimeField(default=timezone.now)
    expires_at = models.DateTimeField(null=True, blank=True)
    last_used_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        indexes = [models.Index(fields=["owner", "-created_at"], name="api_key_owner")]

    def __str__(self) -> str:
        return f"{self.prefix}…"


class IdempotencyRecord(models.Model):
    """The answer to a creating request, so that the same request sent again creates nothing twice."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    owner = models.ForeignKey(User, on_delete=models.CASCADE, related_name="idempotency_records")
    key_digest = models.BinaryField(max_length=32)
    request_digest = models.BinaryField(max_length=32)
    status = models.PositiveSmallIntegerField(null=True, help_text=_("Empty while the request is running."))
    answer = EncryptedTextField(null=True)
    created_at = models.DateTimeField(default=timezone.now, db_index=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["owner", "key_digest"], name="idempotency_key_unique")]

    def __str__(self) -> str:
        return str(self.id)

    @property
    def data_key_id(self) -> uuid.UUID:
        return self.owner.data_key_id


class Tombstone(models.Model):
    """That a person was erased, so that nothing late and no restored backup brings them back. It holds no words.

    `key_ids` are the data keys that sealed their words: no backup may hold them any more. `certificate` says how many
    rows of each table went, and what was looked for afterwards; it is whole once `completed_at` is set.
    """

    person_id = models.UUIDField(primary_key=True)
    key_ids = ArrayField(models.UUIDField(), default=list)
    begun_at = models.DateTimeField(default=timezone.now)
    erased_at = models.DateTimeField(null=True, help_text=_("When no row of theirs was left."))
    completed_at = models.DateTimeField(null=True, help_text=_("When it was looked for what might be left."))
    certificate = models.JSONField(default=dict)

    def __str__(self) -> str:
        return str(self.person_id)
