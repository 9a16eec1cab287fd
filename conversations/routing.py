"""Where the chat's socket is found, and who may open it: pages of this site alone, with the session of a person."""

from typing import Any
from urllib.parse import urlsplit

from channels.routing import URLRouter
from channels.security.websocket import WebsocketDenier
from channels.sessions import CookieMiddleware
from django.conf import settings
from django.http.request import split_domain_port, validate_host
from django.urls import path

from conversations.consumers import ChatConsumer

websocket_urlpatterns = [
    path("ws/chat/", ChatConsumer.as_asgi()),
    path("ws/chat/<uuid:conversation_id>/", ChatConsumer.as_asgi()),
]


class SameOrigin:
    """Turns away pages of other sites. Cookies know no ports, so another port of this host is another site too."""

    def __init__(self, application: Any) -> None:
        self._application = application

    async def __call__(self, scope: dict[str, Any], receive: Any, send: Any) -> Any:
        headers = {name: value.decode("latin-1") for name, value in scope["headers"]}
        is_ours = is_same_origin(headers.get(b"origin", ""), headers.get(b"host", ""))
        application = self._application if is_ours else WebsocketDenier.as_asgi()
        return await application(scope, receive, send)


def is_same_origin(origin: str, host: str) -> bool:
    """Whether a page of this origin was loaded from this host, which must be one of ours."""
    if not validate_host(split_domain_port(host)[0], settings.ALLOWED_HOSTS):
        return False
    return origin in settings.CSRF_TRUSTED_ORIGINS or urlsplit(origin).netloc == host


# Whose session it is, the consumer asks by itself: Channels would ask before it, and look at it with every frame.
sockets = SameOrigin(CookieMiddleware(URLRouter(websocket_urlpatterns)))
