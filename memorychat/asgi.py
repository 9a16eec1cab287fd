"""The door of the web process: pages and the API by HTTP, the chat by WebSocket."""

import os
import sys
import threading

from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "memorychat.settings")
# This loads the apps; what holds rows can be imported only after it.
pages = get_asgi_application()

from channels.routing import ProtocolTypeRouter  # noqa: E402
from django.conf import settings  # noqa: E402

from conversations.routing import sockets  # noqa: E402
from memorychat.lib.backpressure import BoundedWebSocket  # noqa: E402
from memorychat.lib.proxies import TrustedProxies  # noqa: E402
from memorychat.lib.shutdown import drain_before_stopping, lifespan  # noqa: E402
from memorychat.llm.providers import warm_up  # noqa: E402

application = ProtocolTypeRouter(
    {
        "http": TrustedProxies(pages, settings.TRUSTED_PROXIES),
        "websocket": TrustedProxies(sockets, settings.TRUSTED_PROXIES),
        "lifespan": lifespan,
    }
)

# Threads that wait for the database must not hold up the loop that streams: by default each may keep it for 5 ms.
sys.setswitchinterval(0.0005)

if "daphne.server" in sys.modules:
    sys.modules["daphne.ws_protocol"].WebSocketFactory.protocol = BoundedWebSocket
    drain_before_stopping(sys.modules["twisted.internet.reactor"])
    threading.Thread(target=warm_up, name="warm-up", daemon=True).start()
