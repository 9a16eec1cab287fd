"""Addresses of the services that MemoryChat talks to, taken apart for Django's settings."""

from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit


def database(url: str, **options: Any) -> dict[str, Any]:
    """`postgresql://user:password@host:port/name?sslmode=require`; the part after the question mark is the driver's.

    It comes before `options`; `prepare_threshold=none` is for poolers that know no prepared statements.
    """
    parts = urlsplit(url)
    return {
        "ENGINE": "memorychat.lib.postgres",
        "NAME": unquote(parts.path.removeprefix("/")),
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        # A socket's folder is written as a host with its slashes escaped.
        "HOST": unquote(parts.hostname or ""),
        "PORT": str(parts.port or ""),
        "OPTIONS": options | {name: _typed(name, value) for name, value in parse_qsl(parts.query)},
    }


def _typed(name: str, value: str) -> str | int | None:
    """The driver takes all as text but the number of runs after which a statement is prepared."""
    if name != "prepare_threshold":
        return value
    return int(value) if value.isdecimal() else None


def mail(url: str) -> dict[str, Any]:
    """`smtp://user:password@host:port`; `smtps` speaks TLS from the start, `smtp+tls` after STARTTLS."""
    parts = urlsplit(url)
    implicit, upgraded = parts.scheme == "smtps", parts.scheme == "smtp+tls"
    return {
        "EMAIL_HOST": parts.hostname or "localhost",
        "EMAIL_PORT": parts.port or (465 if implicit else 587 if upgraded else 25),
        "EMAIL_HOST_USER": unquote(parts.username or ""),
        "EMAIL_HOST_PASSWORD": unquote(parts.password or ""),
        "EMAIL_USE_SSL": implicit,
        "EMAIL_USE_TLS": upgraded,
    }
