"""The keys by which people's programs come in: made once, shown once, kept as a hash."""

import hashlib
import hmac
import secrets
from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.db.models import Q
from django.utils import timezone

from accounts.models import ApiKey, User

SECRET_BYTES = 32
USE_IS_NOTED_EVERY = timedelta(minutes=1)


@dataclass(frozen=True)
class Issued:
    """A fresh key. `text` is the only copy of it there will ever be."""

    key: ApiKey
    text: str = field(repr=False)


def issue(owner: User, scopes: Collection[ApiKey.Scope], *, expires_in: timedelta | None = None) -> Issued:
    """A further key: those that exist go on working. Its prefix tells keys apart, and nothing of the secret."""
    prefix = f"mc_{secrets.token_hex(4)}"
    text = f"{prefix}_{secrets.token_urlsafe(SECRET_BYTES)}"
    key = ApiKey.objects.create(
        owner=owner,
        prefix=prefix,
        digest=_digest(text),
        scopes=sorted(scopes),
        expires_at=timezone.now() + expires_in if expires_in else None,
    )
    return Issued(key, text)


def authenticate(text: str) -> ApiKey | None:
    """The key with its owner, or None if it is unknown, expired or revoked, or its owner may not come in."""
    digest, now = _digest(text), timezone.now()
    key = ApiKey.objects.filter(digest=digest).select_related("owner").first()
    # The search was by a hash, whose bytes tell a listener to its time nothing; this comparison tells nothing either.
    if key is None or not hmac.compare_digest(bytes(key.digest), digest):
        return None
    if key.revoked_at or (key.expires_at and key.expires_at <= now) or not key.owner.is_active:
        return None
    _note_use(key, now)
    return key


def revoke(key: ApiKey) -> None:
    ApiKey.objects.filter(pk=key.pk, revoked_at=None).update(revoked_at=timezone.now())


def _note_use(key: ApiKey, now: datetime) -> None:
    """Not for each request of a busy program: that would be a write each."""
    noted_before = now - USE_IS_NOTED_EVERY
    if key.last_used_at is None or key.last_used_at < noted_before:
        unnoted = Q(last_used_at=None) | Q(last_used_at__lt=noted_before)
        ApiKey.objects.filter(unnoted, pk=key.pk).update(last_used_at=now)


def _digest(text: str) -> bytes:
    return hashlib.sha256(text.encode()).digest()
