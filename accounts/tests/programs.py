"""A person's program, as tests of the API have it."""

import json
from typing import Any

from django.http import HttpResponse
from django.test import Client

from accounts import api_keys
from accounts.models import ApiKey, User

EVERY_SCOPE = tuple(ApiKey.Scope)


class Program(Client):
    """It comes with a key and speaks JSON."""

    def __init__(self, person: User, *scopes: ApiKey.Scope, **defaults: Any) -> None:
        self.person = person
        self.key = api_keys.issue(person, scopes)
        super().__init__(headers={"Authorization": f"Bearer {self.key.text}"}, **defaults)

    def call(self, method: str, path: str, body: object = None, **headers: str) -> HttpResponse:
        """`path` is below /api/v1; a header's underscores stand for its dashes."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        content = b"" if body is None else json.dumps(body)
        return self.generic(  # type: ignore[return-value]  # what Django's own stubs call a monkey-patched response
            method, f"/api/v1{path}", content, content_type="application/json", headers=named
        )


def error_of(response: HttpResponse) -> dict[str, Any]:
    """What a refusal says, without what differs from request to request."""
    error = json.loads(response.content)["error"]
    assert error.pop("request_id") == response["X-Request-ID"]
    assert set(error) <= {"code", "message", "fields"}
    return error
