"""What a page's view is given once its person has signed in."""

from django.http import HttpRequest
from django_htmx.middleware import HtmxDetails

from accounts.models import User


class PersonRequest(HttpRequest):
    """A request behind `login_required`: its user is a person, and htmx says whether a fragment is wanted."""

    user: User
    htmx: HtmxDetails
