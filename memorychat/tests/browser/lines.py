"""The chat's socket without a page around it."""

import json
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

from playwright.sync_api import BrowserContext
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from memorychat.tests.browser.house import PATIENCE_SECONDS

Frame = dict[str, Any]
# The id of nothing.
NOBODYS = "00000000-0000-7000-8000-000000000000"
ENDS = ("reply.finished", "reply.stopped", "reply.failed", "error")


class Line:
    """One open socket of a person; `conversation_id` is empty until the first message has opened one."""

    def __init__(self, socket: ClientConnection, conversation_id: str) -> None:
        self._socket = socket
        self.conversation_id = conversation_id

    def send(self, kind: str, **fields: object) -> None:
        self._socket.send(json.dumps({"type": kind, **fields}))

    def say(self, text: str, **fields: object) -> Frame:
        """Send a message and wait until the server has it: nothing of it may be lost from then on."""
        self.send("message.send", **{"text": text, "client_message_id": uuid.uuid4().hex, **fields})
        return self.wait_for("message.saved", "error")

    def wait_for(self, *kinds: str) -> Frame:
        while True:
            frame: Frame = json.loads(self._socket.recv(timeout=PATIENCE_SECONDS))
            if frame["type"] == "conversation.opened":
                self.conversation_id = frame["id"]
            if frame["type"] in kinds:
                return frame

    def wait_for_reply(self) -> Frame:
        return self.wait_for(*ENDS)

    def close_code(self) -> int:
        """Why the server closed the socket."""
        with suppress(ConnectionClosed):
            while True:
                self._socket.recv(timeout=PATIENCE_SECONDS)
        return self._socket.close_code or 0


@contextmanager
def open_line(context: BrowserContext, address: str, conversation_id: str = "") -> Iterator[Line]:
    """As the person who is signed in there."""
    path = f"{conversation_id}/" if conversation_id else ""
    cookies = "; ".join(f"{cookie['name']}={cookie['value']}" for cookie in context.cookies())
    with connect(
        f"{address.replace('http', 'ws', 1)}/ws/chat/{path}",
        additional_headers={"Cookie": cookies, "Origin": address},
        proxy=None,
        open_timeout=PATIENCE_SECONDS,
    ) as socket:
        yield Line(socket, conversation_id)
