"""The API for programs: its parts, its description, and its one way to refuse."""

from typing import NoReturn

from django.conf import settings
from django.core.exceptions import ObjectDoesNotExist, RequestDataTooBig
from django.http import Http404, HttpRequest, HttpResponse
from ninja import NinjaAPI
from ninja.errors import AuthenticationError, HttpError, ValidationError
from ninja.openapi.docs import Redoc
from ninja.parser import Parser

from accounts.auth import BrowserSession, unauthorized
from conversations.api import chat_router
from conversations.api import router as conversation_router
from conversations.turns import TurnRefused, UnknownConversation
from memories.api import memory_router, profile_router
from memories.engine.types import NotAllowed, StaleChange, UnknownMemory
from memories.profiles import ProfileError
from memorychat.lib import problems, strict_json
from memorychat.lib.cursors import BadCursor
from memorychat.lib.problems import Problem
from memorychat.lib.shapes import in_one_sentence, what_is_wrong
from memorychat.lib.text import TextError

DESCRIPTION = """
Come with `Authorization: Bearer <API key>`, or from a page of this site with its session and CSRF token. A key has the
scopes `memories:read`, `memories:write` and `chat`, or some of them.

Lists take `limit` and `cursor`, and answer `{"results": [...], "next": cursor or null}`. Every refusal is
`{"error": {"code", "message", "request_id", "fields"?}}`. A creating request that carries an `Idempotency-Key` may be
sent again for 24 hours: it creates nothing twice, and gets the same answer.
"""


class StrictParser(Parser):
    """Bodies that no later step stumbles over."""

    def parse_body(self, request: HttpRequest) -> object:  # type: ignore[override]  # a body may be any JSON
        return strict_json.read(request.body)


api = NinjaAPI(
    title="MemoryChat",
    version="1",
    description=DESCRIPTION,
    urls_namespace="api",
    docs_url="/v1/docs",
    openapi_url="/v1/openapi.json",
    # Each operation names its scope; one that forgot to is open to nobody without a session.
    auth=[BrowserSession()],
    parser=StrictParser(),
)
api.add_router("/v1/profiles", profile_router)
api.add_router("/v1/memories", memory_router)
api.add_router("/v1/conversations", conversation_router)
api.add_router("", chat_router)


def redoc(request: HttpRequest) -> HttpResponse:
    """The description, laid out for reading."""
    return Redoc().render_page(request, api)


@api.exception_handler(Problem)
def _problem(request: HttpRequest, problem: Problem) -> HttpResponse:
    return problems.answer(request, problem)


@api.exception_handler(AuthenticationError)
def _nobody(request: HttpRequest, error: AuthenticationError) -> HttpResponse:
    return problems.answer(request, unauthorized("Send an API key, or sign in."))


@api.exception_handler(Http404)
@api.exception_handler(ObjectDoesNotExist)
@api.exception_handler(UnknownMemory)
@api.exception_handler(UnknownConversation)
def _unknown(request: HttpRequest, error: Exception) -> HttpResponse:
    """A foreign id and a missing one are the same."""
    return problems.answer(request, Problem(404, "not_found", "There is nothing by this id."))


@api.exception_handler(NotAllowed)
@api.exception_handler(ProfileError)
@api.exception_handler(StaleChange)
def _conflict(request: HttpRequest, error: Exception) -> HttpResponse:
    return problems.answer(request, Problem(409, "conflict", str(error)))


@api.exception_handler(TurnRefused)
def _turn_refused(request: HttpRequest, error: TurnRefused) -> HttpResponse:
    return problems.answer(request, Problem(409, error.code, str(error)))


@api.exception_handler(TextError)
@api.exception_handler(BadCursor)
def _invalid_value(request: HttpRequest, error: Exception) -> HttpResponse:
    return problems.answer(request, Problem(422, "invalid", str(error)))


@api.exception_handler(ValidationError)
def _invalid(request: HttpRequest, error: ValidationError) -> HttpResponse:
    fields: dict[str, str] = {}
    for each in error.errors:
        # ("body", name of our parameter, field, …), but ("query", field).
        fields |= what_is_wrong([each], skipped=2 if each["loc"][0] == "body" else 1)
    return problems.answer(request, Problem(422, "invalid", in_one_sentence(fields), fields=fields))


@api.exception_handler(RequestDataTooBig)
def _too_big(request: HttpRequest, error: Exception) -> HttpResponse:
    megabytes = (settings.DATA_UPLOAD_MAX_MEMORY_SIZE or 0) / 2**20
    message = f"The request is too long: at most {megabytes:g} MB are allowed."
    return problems.answer(request, Problem(413, "too_long", message))


@api.exception_handler(HttpError)
def _unreadable(request: HttpRequest, error: HttpError) -> HttpResponse:
    """What ninja refuses by itself is a body that cannot be parsed."""
    cause = error.__cause__
    message = str(cause) if isinstance(cause, strict_json.BadJson) else "The body cannot be read."
    return problems.answer(request, Problem(422, "invalid", message))


@api.exception_handler(Exception)
def _unexpected(request: HttpRequest, error: Exception) -> NoReturn:
    """Django logs it, and the middleware gives the answer its shape."""
    raise error
