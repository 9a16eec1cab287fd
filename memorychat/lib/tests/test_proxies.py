from ipaddress import ip_network
from typing import Any

import pytest

from memorychat.lib.proxies import TrustedProxies

FORWARDED = {b"x-forwarded-for": b"203.0.113.9", b"x-forwarded-proto": b"https", b"x-forwarded-host": b"evil.example"}


async def seen(client: str, headers: dict[bytes, bytes], *, kind: str = "http") -> dict[str, Any]:
    scopes = []

    async def application(scope: dict[str, Any], receive: Any, send: Any) -> None:
        scopes.append(scope)

    door = TrustedProxies(application, [ip_network("10.0.0.0/8")])
    scheme = "http" if kind == "http" else "ws"
    scope = {"type": kind, "scheme": scheme, "client": [client, 40000], "headers": list(headers.items())}
    await door(scope, None, None)
    return scopes[0]


async def test_a_trusted_proxy_says_who_asks_and_how() -> None:
    scope = await seen("10.0.0.1", FORWARDED)

    assert scope["client"][0] == "203.0.113.9"
    assert scope["scheme"] == "https"


async def test_a_socket_behind_a_trusted_proxy_is_an_encrypted_one() -> None:
    assert (await seen("10.0.0.1", FORWARDED, kind="websocket"))["scheme"] == "wss"


async def test_a_stranger_says_nothing_about_himself() -> None:
    scope = await seen("198.51.100.1", FORWARDED)

    assert scope["client"][0] == "198.51.100.1"
    assert scope["scheme"] == "http"


@pytest.mark.parametrize("client", ["10.0.0.1", "198.51.100.1"])
async def test_no_forwarding_header_reaches_the_application(client: str) -> None:
    scope = await seen(client, {**FORWARDED, b"accept": b"*/*"})

    assert scope["headers"] == [(b"accept", b"*/*")]


@pytest.mark.parametrize(
    ("hops", "client"),
    [
        (b"1.1.1.1, 203.0.113.9", "203.0.113.9"),
        (b"1.1.1.1, 203.0.113.9, 10.0.0.7", "203.0.113.9"),
        (b"203.0.113.9, nonsense", "10.0.0.1"),
        (b"10.0.0.8", "10.0.0.1"),
        (b"", "10.0.0.1"),
    ],
)
async def test_the_client_is_the_last_hop_that_is_no_proxy(hops: bytes, client: str) -> None:
    assert (await seen("10.0.0.1", {b"x-forwarded-for": hops}))["client"][0] == client


async def test_what_is_neither_page_nor_socket_passes_untouched() -> None:
    assert (await seen("10.0.0.1", FORWARDED, kind="lifespan"))["headers"] == list(FORWARDED.items())
