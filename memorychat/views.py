from django.http import HttpRequest, JsonResponse


def live(request: HttpRequest) -> JsonResponse:
    """The process lives; nothing else is asked."""
    return JsonResponse({"status": "ok"})
