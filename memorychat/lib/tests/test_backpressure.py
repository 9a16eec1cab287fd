from memorychat.lib import backpressure
from memorychat.lib.backpressure import BoundedWebSocket, _Unread
from memorychat.lib.buckets import Bucket


class Transport:
    """A connection of which nobody reads."""

    aborted = False

    def abortConnection(self) -> None:  # noqa: N802  # Twisted's name
        self.aborted = True


def test_a_reader_that_reads_may_get_any_amount() -> None:
    socket, sent = _socket()
    for _ in range(10):
        socket.serverSend("x" * backpressure.MOST_UNREAD)
    assert len(sent) == 10
    assert not socket.transport.aborted


def test_a_reader_that_leaves_too_much_unread_is_dropped() -> None:
    socket, sent = _socket()
    socket.unread.pauseProducing()
    for _ in range(11):
        socket.serverSend("x" * (backpressure.MOST_UNREAD // 10))
    assert len(sent) == 10
    assert socket.transport.aborted


def test_a_reader_that_catches_up_begins_anew() -> None:
    socket, sent = _socket()
    for _ in range(3):
        socket.unread.pauseProducing()
        socket.serverSend("x" * (backpressure.MOST_UNREAD // 2 + 1))
        socket.unread.resumeProducing()
    assert len(sent) == 3
    assert not socket.transport.aborted


def test_a_bucket_gives_what_it_holds_and_is_refilled() -> None:
    bucket = Bucket(rate=1_000_000, burst=3)
    assert bucket.takes()
    empty = Bucket(rate=0, burst=2)
    assert [empty.takes() for _ in range(3)] == [True, True, False]


def _socket() -> tuple[BoundedWebSocket, list[bytes]]:
    sent: list[bytes] = []
    socket = BoundedWebSocket.__new__(BoundedWebSocket)
    socket.unread, socket.transport, socket.state, socket.client_addr = _Unread(), Transport(), 3, None
    socket.sendMessage = lambda content, binary: sent.append(content)
    return socket, sent
