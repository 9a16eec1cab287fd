"""Every address that leads to something of one person: those with an id in their path."""

import re
from collections.abc import Iterable, Iterator, Mapping

from django.urls import URLPattern, URLResolver, get_resolver

IDENTIFIER = re.compile(r"<uuid(?:str)?:(\w+)>")


def addresses_with(ids: Mapping[str, str]) -> list[str]:
    """A name of `ids` is what the address calls the id; a new name fails here, so that its strangers are thought of."""
    routes = {route for route in _routes(get_resolver().url_patterns) if IDENTIFIER.search(route)}
    return sorted(f"/{IDENTIFIER.sub(lambda match: ids[match[1]], route)}" for route in routes)


def _routes(patterns: Iterable[URLPattern | URLResolver], before: str = "") -> Iterator[str]:
    for pattern in patterns:
        route = f"{before}{pattern.pattern}"
        if isinstance(pattern, URLResolver):
            yield from _routes(pattern.url_patterns, route)
        else:
            yield route
