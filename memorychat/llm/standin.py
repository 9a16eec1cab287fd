"""A real HTTP server that stands in for a model behind OpenAI's or Anthropic's format, well or in any kind of trouble.

For tests, the story in the browser and benchmarks: nothing of the client is replaced, so time-outs, cut connections and
broken answers are what they are in life.
"""

import itertools
import json
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from memorychat.llm.types import ToolCall

Request = dict[str, Any]
# What a model says: words, or the calls of tools as pairs of name and JSON.
Said = str | list[tuple[str, str]]


def _first_words(request: Request) -> Said:
    return "An answer."


@dataclass
class Behaviour:
    """How the server behaves. `trouble` is one of: "" (none), hang, drip, cut, nonsense, empty, endless, huge, no_tools
    (refuses to be offered any), or a status such as "500", which may say by `again_after` when to come back.

    `troubles_left`: after so many requests in trouble, all is well; None means never. `reason` is why it ends, by chat
    completions.
    """

    answer: Callable[[Request], Said] = _first_words
    trouble: str = ""
    again_after: str = ""
    troubles_left: int | None = None
    reason: str = "stop"
    pause: float = 0.0
    dimensions: int = 8
    requests: list[Request] = field(default_factory=list)

    def next_trouble(self) -> str:
        if self.troubles_left is None or not self.trouble:
            return self.trouble
        self.troubles_left -= 1
        return self.trouble if self.troubles_left >= 0 else ""


Piece = str | ToolCall
DRIP_SECONDS = 0.2
CUT_AT = 2
HUGE = 10_000_000


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: "_Server"

    def do_POST(self) -> None:
        request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        behaviour = self.server.behaviour
        behaviour.requests.append({"path": self.path, **request})
        trouble = behaviour.next_trouble()
        if trouble.isdigit():
            self._send_json({"error": {"message": "trouble"}}, status=int(trouble))
        elif trouble == "no_tools" and "tools" in request:
            self._send_json({"error": {"message": "the model does not support tools"}}, status=400)
        elif self.path.endswith("/embeddings"):
            self._send_json(_embeddings(request, behaviour.dimensions))
        elif trouble == "hang":
            self.server.released.wait(30)
        elif trouble == "nonsense":
            self._send(b"<html>busy</html>", content_type="text/html")
        else:
            self._stream(request, trouble)

    def log_message(self, *args: object) -> None:
        """Quiet."""

    def _stream(self, request: Request, trouble: str) -> None:
        behaviour = self.server.behaviour
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Connection", "close")
        self.end_headers()
        for number, event in enumerate(self._events(_pieces(behaviour.answer(request), trouble))):
            if trouble == "cut" and number == CUT_AT:
                break
            self.wfile.write(event)
            self.wfile.flush()
            if pause := DRIP_SECONDS if trouble == "drip" else behaviour.pause:
                time.sleep(pause)
        self.close_connection = True

    def _events(self, pieces: Iterable[Piece]) -> Iterator[bytes]:
        if self.path.endswith("/messages"):
            return _messages(pieces)
        if self.path.endswith("/responses"):
            return _responses(pieces)
        return _chat_chunks(pieces, self.server.behaviour.reason)

    def _send_json(self, content: object, *, status: int = 200) -> None:
        self._send(json.dumps(content).encode(), content_type="application/json", status=status)

    def _send(self, body: bytes, *, content_type: str, status: int = 200) -> None:
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(body)))
        if again_after := self.server.behaviour.again_after:
            self.send_header("Retry-After", again_after)
        self.end_headers()
        self.wfile.write(body)


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, behaviour: Behaviour) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.behaviour = behaviour
        self.released = threading.Event()

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that hangs up on a hanging server is what is being tried."""


@contextmanager
def standin(behaviour: Behaviour | None = None) -> Iterator[tuple[str, Behaviour]]:
    """Serve on a free port; gives the base URL and the behaviour, which may be changed while it serves."""
    server = _Server(behaviour or Behaviour())
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/v1", server.behaviour
    finally:
        server.released.set()
        server.shutdown()
        server.server_close()
        thread.join(5)


def _event(content: object) -> bytes:
    return f"data: {json.dumps(content)}\n\n".encode()


def _pieces(said: Said, trouble: str) -> Iterable[Piece]:
    if trouble == "endless":
        return itertools.repeat("again ")
    if trouble == "huge":
        return ["x" * HUGE]
    if trouble == "empty":
        return []
    if isinstance(said, str):
        *words, last = said.split(" ")
        return [*(f"{word} " for word in words), last]
    return [ToolCall(f"call-{number}", name, arguments) for number, (name, arguments) in enumerate(said)]


def _chat_chunks(pieces: Iterable[Piece], reason: str) -> Iterator[bytes]:
    common = {"id": "chat-1", "object": "chat.completion.chunk", "created": 0, "model": "standin"}
    count = 0
    for count, piece in enumerate(pieces, start=1):
        delta: dict[str, object] = {"content": piece}
        if isinstance(piece, ToolCall):
            reason, function = "tool_calls", {"name": piece.name, "arguments": piece.arguments}
            delta = {"tool_calls": [{"index": count - 1, "id": piece.id, "type": "function", "function": function}]}
        yield _event(common | {"choices": [{"index": 0, "delta": delta, "finish_reason": None}]})
    yield _event(common | {"choices": [{"index": 0, "delta": {}, "finish_reason": reason}]})
    usage = {"prompt_tokens": 10, "completion_tokens": count, "total_tokens": 10 + count}
    yield _event(common | {"choices": [], "usage": usage})
    yield b"data: [DONE]\n\n"


def _responses(pieces: Iterable[Piece]) -> Iterator[bytes]:
    number = 0
    for number, piece in enumerate(pieces, start=1):
        place = {"output_index": number - 1, "sequence_number": number}
        if isinstance(piece, ToolCall):
            item = {
                "type": "function_call",
                "id": f"item-{number}",
                "status": "completed",
                "call_id": piece.id,
                "name": piece.name,
                "arguments": piece.arguments,
            }
            yield _event(place | {"type": "response.output_item.done", "item": item})
        else:
            delta = {"item_id": "item-1", "content_index": 0, "delta": piece, "logprobs": []}
            yield _event(place | {"type": "response.output_text.delta"} | delta)
    usage = {"input_tokens": 10, "output_tokens": number, "total_tokens": 10 + number}
    response = {"id": "response-1", "object": "response", "status": "completed", "output": [], "usage": usage}
    yield _event({"type": "response.completed", "sequence_number": number + 1, "response": response})


def _messages(pieces: Iterable[Piece]) -> Iterator[bytes]:
    """Anthropic's events, each of which has its name before it."""
    start = {"id": "msg-1", "type": "message", "role": "assistant", "model": "standin", "content": []}
    yield _named({"type": "message_start", "message": start | {"usage": {"input_tokens": 10, "output_tokens": 0}}})
    index, reason = 0, "end_turn"
    for index, piece in enumerate(pieces, start=1):
        block: dict[str, object] = {"type": "text", "text": ""}
        delta = {"type": "text_delta", "text": piece}
        if isinstance(piece, ToolCall):
            reason, block = "tool_use", {"type": "tool_use", "id": piece.id, "name": piece.name, "input": {}}
            delta = {"type": "input_json_delta", "partial_json": piece.arguments}
        yield _named({"type": "content_block_start", "index": index, "content_block": block})
        yield _named({"type": "content_block_delta", "index": index, "delta": delta})
        yield _named({"type": "content_block_stop", "index": index})
    yield _named({"type": "message_delta", "delta": {"stop_reason": reason}, "usage": {"output_tokens": index}})
    yield _named({"type": "message_stop"})


def _named(content: dict[str, Any]) -> bytes:
    return f"event: {content['type']}\n".encode() + _event(content)


def _embeddings(request: Request, dimensions: int) -> dict[str, Any]:
    rows = [
        {"object": "embedding", "index": index, "embedding": [float(len(text))] + [1.0] * (dimensions - 1)}
        for index, text in enumerate(request["input"])
    ]
    return {"object": "list", "data": rows, "model": "standin", "usage": {"prompt_tokens": 1, "total_tokens": 1}}
