"""What is wrong with a program's request, in the one shape of every refusal under /api."""

from collections.abc import Mapping

from django.http import HttpRequest, JsonResponse
from django.http.response import HttpResponseBase


class Problem(Exception):
    """A request that is refused: `code` is a stable word for programs, `message` a sentence for people.

    `fields` names what is wrong in which field of the request: "items.3.content" → sentence.
    """

    def __init__(
        self,
        status: int,
        code: str,
        message: str,
        *,
        fields: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.fields = fields
        self.headers = headers


class ProblemResponse(JsonResponse):
    """An answer that is in the shape already."""


# For what refuses a request before it comes to us: the resolver, a check of Django's, a crash.
KNOWN = {
    400: ("bad_request", "The request cannot be understood."),
    403: ("forbidden", "This is not allowed."),
    404: ("not_found", "There is nothing at this address."),
    405: ("method_not_allowed", "This address does not know this method."),
    500: ("internal", "Something went wrong on our side."),
}
KEPT_HEADERS = ("Allow", "Retry-After", "WWW-Authenticate")


def answer(request: HttpRequest, problem: Problem) -> ProblemResponse:
    error: dict[str, object] = {
        "code": problem.code,
        "message": problem.message,
        "request_id": request.META.get("HTTP_X_REQUEST_ID", ""),
    }
    if problem.fields:
        error["fields"] = dict(problem.fields)
    return ProblemResponse({"error": error}, status=problem.status, headers=problem.headers)


def in_shape(request: HttpRequest, response: HttpResponseBase) -> ProblemResponse:
    """The same refusal, whoever uttered it, in our shape."""
    code, message = KNOWN.get(response.status_code, KNOWN[500 if response.status_code >= 500 else 400])
    headers = {name: response[name] for name in KEPT_HEADERS if name in response}
    return answer(request, Problem(response.status_code, code, message, headers=headers))
