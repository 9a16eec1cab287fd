"""What happens around every request."""

import re
import time
import uuid
import zoneinfo
from collections.abc import Callable

import structlog
from csp.middleware import CSPMiddleware, PolicyParts
from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.utils import timezone
from django.views.defaults import page_not_found
from django_structlog.middlewares import RequestMiddleware

from memories.engine.types import NotAllowed, UnknownMemory
from memorychat.lib import crypto, problems

GetResponse = Callable[[HttpRequest], HttpResponseBase]

_ACCEPTED_ID = re.compile(r"[A-Za-z0-9._-]{8,64}")


def request_id(get_response: GetResponse) -> GetResponse:
    """Each request has an id, the caller's if it is a sensible one.

    The answer names it, and log lines and jobs carry it as their correlation id.
    """

    def middleware(request: HttpRequest) -> HttpResponseBase:
        given = request.META.get("HTTP_X_REQUEST_ID", "")
        identifier = given if _ACCEPTED_ID.fullmatch(given) else str(uuid.uuid4())
        request.META["HTTP_X_REQUEST_ID"] = identifier
        with structlog.contextvars.bound_contextvars(correlation_id=identifier):
            response = get_response(request)
        response["X-Request-ID"] = identifier
        return response

    return middleware


class RequestLine(RequestMiddleware):
    """A line per request: method, route, status, milliseconds. A route is a pattern, so it holds no words, no ids."""

    def prepare(self, request: HttpRequest) -> None:
        request.META["memorychat.started"] = time.perf_counter()
        super().prepare(request)

    def handle_response(self, request: HttpRequest, response: HttpResponse) -> None:
        elapsed = time.perf_counter() - request.META["memorychat.started"]
        structlog.contextvars.bind_contextvars(milliseconds=round(elapsed * 1000, 1))
        super().handle_response(request, response)

    @staticmethod
    def format_request(request: HttpRequest) -> str:
        match = request.resolver_match
        return f"{request.method} {'/' + match.route if match else '(no route)'}"


def api_errors(get_response: GetResponse) -> GetResponse:
    """Whatever refuses a request under /api, a part of Django's or a crash, says so in the API's one shape."""

    def middleware(request: HttpRequest) -> HttpResponseBase:
        response = get_response(request)
        is_ours = request.path_info.startswith("/api/")
        if is_ours and response.status_code >= 400 and not isinstance(response, problems.ProblemResponse):
            return problems.in_shape(request, response)
        return response

    return middleware


class EngineRefusals:
    """What the engine refuses, a page says in its words; a memory that is not there is a missing page.

    The API has handlers of its own for the same exceptions.
    """

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        return self.get_response(request)

    @staticmethod
    def process_exception(request: HttpRequest, exception: Exception) -> HttpResponseBase | None:
        if isinstance(exception, UnknownMemory):
            return page_not_found(request, exception)
        if not isinstance(exception, NotAllowed):
            return None
        if request.headers.get("HX-Request"):
            return HttpResponse(str(exception), status=409, content_type="text/plain; charset=utf-8")
        messages.error(request, str(exception))
        return redirect("memory-list")


class ContentSecurityPolicy(CSPMiddleware):
    """The strict policy everywhere, but for pages of packages that bring scripts of a looser kind."""

    def get_policy_parts(
        self, request: HttpRequest, response: HttpResponseBase, report_only: bool = False
    ) -> PolicyParts:
        parts = super().get_policy_parts(request, response, report_only)
        for prefix, loosened in settings.LOOSER_POLICIES.items():
            if request.path_info.startswith(prefix):
                parts.update = {**(parts.update or {}), **loosened}
        return parts


def key_ring(get_response: GetResponse) -> GetResponse:
    """The keys that open people's words live for one request."""

    def middleware(request: HttpRequest) -> HttpResponseBase:
        with crypto.key_ring():
            return get_response(request)

    return middleware


def person(get_response: GetResponse) -> GetResponse:
    """Log lines name the person by id, and times are shown in their time zone."""

    def middleware(request: HttpRequest) -> HttpResponseBase:
        # The doors for probes must answer without a database, so they never ask who comes.
        if request.path_info.startswith("/health") or not request.user.is_authenticated:
            return get_response(request)
        structlog.contextvars.bind_contextvars(user_id=str(request.user.pk))
        with timezone.override(_zone(request.user.time_zone)):
            return get_response(request)

    return middleware


def _zone(name: str) -> zoneinfo.ZoneInfo | None:
    try:
        return zoneinfo.ZoneInfo(name)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError):
        return None
