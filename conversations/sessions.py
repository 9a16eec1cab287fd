"""Whether a socket's sign-in still holds: Channels asks once, at the opening, and a socket would outlive it."""

from importlib import import_module
from typing import Any

from django.conf import settings
from django.contrib.auth import get_user
from django.http import HttpRequest

from accounts.models import User


def signed_in(scope: dict[str, Any]) -> User | None:
    """The person whose session this socket was opened with, if it is alive: not signed out, changed or deactivated."""
    session = scope.get("session")
    if session is None or not session.session_key:
        return None
    request = HttpRequest()
    request.session = import_module(settings.SESSION_ENGINE).SessionStore(session.session_key)
    user = get_user(request)
    return user if isinstance(user, User) and user.is_active else None
