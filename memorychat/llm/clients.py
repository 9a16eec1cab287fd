"""Clients of providers, whose connections belong to the event loop that opened them: one for each loop."""

import asyncio
from collections.abc import Callable
from typing import Generic, TypeVar
from weakref import WeakKeyDictionary

Client = TypeVar("Client")


class OnePerLoop(Generic[Client]):
    """Made when it is asked for first: making one reads all certificates, which takes as long as many words."""

    def __init__(self, make: Callable[[], Client]) -> None:
        self._make = make
        self._clients: WeakKeyDictionary[asyncio.AbstractEventLoop, Client] = WeakKeyDictionary()

    def get(self) -> Client:
        loop = asyncio.get_running_loop()
        if loop not in self._clients:
            self._clients[loop] = self._make()
        return self._clients[loop]

    def take(self) -> Client | None:
        """The one of the running loop, which is forgotten here, for it to be closed."""
        return self._clients.pop(asyncio.get_running_loop(), None)
