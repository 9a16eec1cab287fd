"""Readers that do not read: what they leave unread is bounded, and who leaves more is dropped.

Daphne sends whatever it is given, and what a reader does not take waits in its memory without end.
"""

from daphne.ws_protocol import WebSocketProtocol
from twisted.internet.interfaces import IPushProducer
from zope.interface import implementer  # type: ignore[import-untyped]

MOST_UNREAD = 1_000_000  # bytes, besides what the system's own buffers take


@implementer(IPushProducer)
class _Unread:
    """Told by the transport when it holds more than it can send at once, and when that is gone."""

    def __init__(self) -> None:
        self.is_full = False
        self.size = 0

    def pauseProducing(self) -> None:  # noqa: N802  # Twisted's name
        self.is_full = True

    def resumeProducing(self) -> None:  # noqa: N802
        self.is_full, self.size = False, 0

    def stopProducing(self) -> None:  # noqa: N802
        """The connection is gone, and what waited with it."""


class BoundedWebSocket(WebSocketProtocol):
    """A socket of daphne's that is dropped when too much of what was sent to it lies unread."""

    def onOpen(self) -> None:  # noqa: N802  # daphne's name
        self.unread = _Unread()
        # The connection began as one of HTTP, whose own producer has nothing to do with it any more.
        self.transport.unregisterProducer()
        self.transport.registerProducer(self.unread, True)
        super().onOpen()

    def onClose(self, *args: object) -> None:  # noqa: N802
        if hasattr(self, "unread"):
            self.transport.unregisterProducer()
        super().onClose(*args)

    def serverSend(self, content: str | bytes, binary: bool = False) -> None:  # noqa: N802
        unread = self.unread
        if unread.is_full:
            unread.size += len(content)
        if unread.size > MOST_UNREAD:
            self.transport.abortConnection()
        else:
            super().serverSend(content, binary)
