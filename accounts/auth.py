"""Who comes in by the API: a program with a key, or a person's browser with its session and CSRF token."""

import uuid
from collections.abc import Callable
from dataclasses import dataclass

import structlog
from django.conf import settings
from django.http import HttpRequest
from ninja.security import HttpBearer
from ninja.security.base import AuthBase
from ninja.utils import check_csrf

from accounts import api_keys
from accounts.models import ApiKey, User
from memorychat.lib.problems import Problem

Scope = ApiKey.Scope


@dataclass(frozen=True)
class Credential:
    """Whoever this names, and nothing in a request, is the owner of what is read and written."""

    user: User


class ApiRequest(HttpRequest):
    """A request behind `needs`. Its `reference` is the same when it is sent again under its Idempotency-Key."""

    auth: Credential
    reference: uuid.UUID


def needs(scope: ApiKey.Scope) -> list[Callable[[HttpRequest], Credential | None]]:
    """What an operation asks for. A session is the person themselves, so it has every scope."""
    return [BearerKey(scope), BrowserSession()]


class BearerKey(HttpBearer):
    """`Authorization: Bearer <key>`. A key that is not good is refused at once, whatever else comes with it."""

    def __init__(self, scope: ApiKey.Scope) -> None:
        super().__init__()
        self.scope = scope

    def authenticate(self, request: HttpRequest, token: str) -> Credential:
        key = api_keys.authenticate(token.strip())
        if key is None:
            raise unauthorized("This API key is unknown, expired or revoked.")
        if self.scope not in key.scopes:
            raise Problem(403, "missing_scope", f"This API key lacks the scope {self.scope}.")
        structlog.contextvars.bind_contextvars(user_id=str(key.owner.pk))
        return Credential(key.owner)


class BrowserSession(AuthBase):
    """The session of a page. Browsers send it unasked, so whatever changes something also needs the CSRF token."""

    openapi_type = "apiKey"
    openapi_in = "cookie"
    openapi_name = settings.SESSION_COOKIE_NAME
    csrf = True

    def __call__(self, request: HttpRequest) -> Credential | None:
        if not isinstance(request.user, User):
            return None
        if check_csrf(request):
            raise Problem(403, "csrf_failed", "The CSRF token is missing or wrong.")
        return Credential(request.user)


def unauthorized(message: str) -> Problem:
    return Problem(401, "unauthorized", message, headers={"WWW-Authenticate": "Bearer"})
