"""Accounts that are made for people, not by them, and found by their address."""

from typing import Any

from allauth.account.models import EmailAddress
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import transaction

from accounts.models import User


def enrol(email: str, password: str, **columns: Any) -> User:
    """Whoever calls this vouches for the address, so it counts as verified. Raises IntegrityError for a taken one."""
    with transaction.atomic():
        user = User.objects.create_user(email, password, **columns)
        EmailAddress.objects.create(user=user, email=user.email, primary=True, verified=True)
    return user


def find(email: str) -> User | None:
    """The account of an address, whatever its case; None too for what can be nobody's."""
    try:
        validate_email(email)
    except ValidationError:
        return None
    return User.objects.filter(email__iexact=email).first()
