"""`Idempotency-Key`: a creating request that is sent again creates nothing again, and gets the first answer.

What it is for is the lost answer: the row was committed, and the connection broke before the caller heard of it. When
the process died, or the request failed, the record stays without an answer; the same request may then be tried again,
under the same reference, by which the layers above see what was written already.
"""

import hashlib
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from functools import wraps
from typing import Any, TypeVar

from django.http import HttpResponse
from django.utils import timezone
from ninja.operation import Operation
from ninja.responses import NinjaJSONEncoder, Status
from ninja.utils import contribute_operation_callback
from pydantic import BaseModel

from accounts.auth import ApiRequest
from accounts.models import IdempotencyRecord, User
from memorychat.lib.crypto import keyed_hash
from memorychat.lib.identifiers import uuid7
from memorychat.lib.problems import Problem

View = TypeVar("View", bound=Callable[..., Any])

HEADER = "Idempotency-Key"
LONGEST_KEY = 255
KEPT_FOR = timedelta(hours=24)
# An attempt without an answer is taken to be dead after this. Being wrong costs nothing: batches and messages exist
# once for a reference.
ALIVE_FOR = timedelta(minutes=1)


@dataclass(frozen=True)
class Answer:
    """What a request was answered, as it was sent."""

    status: int
    body: str

    def response(self) -> HttpResponse:
        return HttpResponse(
            self.body, status=self.status, content_type="application/json", headers={"Idempotent-Replayed": "true"}
        )


class AlreadyAnswered(Exception):
    """The same request came before, and was answered."""

    def __init__(self, record: IdempotencyRecord, answer: Answer) -> None:
        super().__init__(str(record))
        self.reference = record.pk
        self.answer = answer


def idempotent(view: Callable[..., Status[Any]]) -> Callable[..., Status[Any] | HttpResponse]:
    """For a view that creates. With the header it runs once for a key; in any case its request gets a `reference`."""

    @wraps(view)
    def once(request: ApiRequest, **arguments: Any) -> Status[Any] | HttpResponse:
        key = key_of(request)
        if key is None:
            request.reference = uuid7()
            return view(request, **arguments)
        try:
            record = begin(request, key)
        except AlreadyAnswered as already:
            return already.answer.response()
        request.reference = record.pk
        with held(record):
            result = view(request, **arguments)
            body = body_of(result.value)
            finish(record, Answer(result.status_code, body))
        return HttpResponse(body, status=result.status_code, content_type="application/json")

    return takes_key(once)


def takes_key(view: View) -> View:
    """Has the description of the API say that a view takes the header."""
    contribute_operation_callback(view, _describe)
    return view


def _describe(operation: Operation) -> None:
    schema = {"type": "string", "maxLength": LONGEST_KEY}
    parameter = {"in": "header", "name": HEADER, "required": False, "schema": schema}
    operation.openapi_extra = {**(operation.openapi_extra or {}), "parameters": [parameter]}


def key_of(request: ApiRequest) -> str | None:
    key = request.headers.get(HEADER)
    if key is not None and not 0 < len(key) <= LONGEST_KEY:
        raise Problem(422, "invalid", f"The {HEADER} has 1 to {LONGEST_KEY} characters.")
    return key


def begin(request: ApiRequest, key: str) -> IdempotencyRecord:
    """The record of this request, to be answered by us alone. Raises AlreadyAnswered, or a Problem."""
    user = request.auth.user
    draft = IdempotencyRecord(owner=user, key_digest=_hash(user, key), request_digest=_hash(user, _content(request)))
    same_key = IdempotencyRecord.objects.filter(owner=user, key_digest=draft.key_digest)
    same_key.filter(created_at__lt=timezone.now() - KEPT_FOR).delete()
    # Of two at once the constraint lets one in, and the other reads it.
    IdempotencyRecord.objects.bulk_create([draft], ignore_conflicts=True)
    record = same_key.get()
    record.owner = user
    if record.pk != draft.pk:
        _take_over(record, draft)
    return record


def _take_over(record: IdempotencyRecord, draft: IdempotencyRecord) -> None:
    """A record that stands already becomes ours only if whoever made it died without an answer."""
    if bytes(record.request_digest) != draft.request_digest:
        raise Problem(422, "idempotency_key_reused", f"This {HEADER} was used for another request.")
    if record.status is not None:
        raise AlreadyAnswered(record, Answer(record.status, record.answer))
    now = timezone.now()
    abandoned = IdempotencyRecord.objects.filter(pk=record.pk, status=None, created_at__lte=now - ALIVE_FOR)
    if not abandoned.update(created_at=now):
        raise still_running()


def finish(record: IdempotencyRecord, answer: Answer) -> None:
    record.status, record.answer = answer.status, answer.body
    record.save(update_fields=["status", "answer"])


@contextmanager
def held(record: IdempotencyRecord | None) -> Iterator[None]:
    """What breaks inside leaves no answer, and may be tried again at once."""
    try:
        yield
    except BaseException:
        if record:
            give_up(record)
        raise


def give_up(record: IdempotencyRecord) -> None:
    unanswered = IdempotencyRecord.objects.filter(pk=record.pk, status=None)
    unanswered.update(created_at=timezone.now() - ALIVE_FOR)


def forget_old() -> int:
    """Delete the answers that are kept no longer, and say how many."""
    deleted, _ = IdempotencyRecord.objects.filter(created_at__lt=timezone.now() - KEPT_FOR).delete()
    return deleted


def still_running() -> Problem:
    return Problem(
        409, "still_running", f"A request with this {HEADER} is still running.", headers={"Retry-After": "1"}
    )


def body_of(value: BaseModel) -> str:
    """The JSON of an answer, as the API writes it without a key too."""
    return json.dumps(value.model_dump(), cls=NinjaJSONEncoder)


def _content(request: ApiRequest) -> str:
    return f"{request.method} {request.get_full_path()} {hashlib.sha256(request.body).hexdigest()}"


def _hash(user: User, value: str) -> bytes:
    return keyed_hash(user.data_key_id, "idempotency", value, size=32)
