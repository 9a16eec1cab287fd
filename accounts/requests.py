"""What a page's view is given once its person has signed in."""

from django.http import HttpRequest, QueryDict
from django_htmx.middleware import HtmxDetails

from accounts.models import User


class PersonRequest(HttpRequest):
    """A request behind `login_required`: its user is a person, and htmx says whether a fragment is wanted."""

    user: User
    htmx: HtmxDetails


def posted(request: HttpRequest) -> QueryDict | None:
    """What a form was sent with, be it nothing at all; None while the form is only asked for."""
    return request.POST if request.method == "POST" else None
