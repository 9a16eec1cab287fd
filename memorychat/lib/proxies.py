"""Who really asks, behind proxies."""

from collections.abc import Awaitable, Callable, Sequence
from ipaddress import IPv4Network, IPv6Network, ip_address
from typing import Any

from django.http import HttpRequest

Scope = dict[str, Any]
Application = Callable[[Scope, Any, Any], Awaitable[Any]]
Networks = Sequence[IPv4Network | IPv6Network]

_FORWARDED = (b"x-forwarded-for", b"x-forwarded-proto", b"x-forwarded-host", b"x-forwarded-port", b"forwarded")
# In the scope: the request says of itself that others handed it on.
_HANDED_ON = "memorychat.handed_on"


def came_directly(request: HttpRequest) -> bool:
    """Nobody says to have handed it on: its address is that of whoever asks."""
    is_marked = getattr(request, "scope", {}).get(_HANDED_ON, False)
    return not is_marked and not any(name.startswith(("HTTP_X_FORWARDED", "HTTP_FORWARDED")) for name in request.META)


class TrustedProxies:
    """Takes the client's address and scheme from a proxy that is trusted, and from nobody else.

    Further in nothing reads X-Forwarded-* any more, so no header of a stranger can be taken for the truth.
    """

    def __init__(self, application: Application, networks: Networks) -> None:
        self.application = application
        self.networks = networks

    async def __call__(self, scope: Scope, receive: Any, send: Any) -> Any:
        if scope["type"] in ("http", "websocket"):
            scope = self._corrected(scope)
        return await self.application(scope, receive, send)

    def _corrected(self, scope: Scope) -> Scope:
        headers = [(name, value) for name, value in scope["headers"] if name.lower() not in _FORWARDED]
        corrected = {**scope, "headers": headers, _HANDED_ON: len(headers) < len(scope["headers"])}
        if not self._trusts(scope.get("client")):
            return corrected
        forwarded = {
            name.lower(): value.decode("latin-1") for name, value in scope["headers"] if name.lower() in _FORWARDED
        }
        if client := self._client(forwarded.get(b"x-forwarded-for", "")):
            corrected["client"] = [client, 0]
        if forwarded.get(b"x-forwarded-proto", "").strip() == "https":
            corrected["scheme"] = "wss" if scope["type"] == "websocket" else "https"
        return corrected

    def _client(self, hops: str) -> str | None:
        """The last hop that is no proxy of ours: everything left of it may be invented."""
        for hop in reversed([hop.strip() for hop in hops.split(",") if hop.strip()]):
            if not self._is_address(hop):
                return None
            if not self._trusts([hop]):
                return hop
        return None

    def _trusts(self, client: Sequence[Any] | None) -> bool:
        if not client or not self._is_address(str(client[0])):
            return False
        address = ip_address(str(client[0]))
        return any(address.version == network.version and address in network for network in self.networks)

    @staticmethod
    def _is_address(text: str) -> bool:
        try:
            ip_address(text)
        except ValueError:
            return False
        return True
