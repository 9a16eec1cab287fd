"""A real HTTP server that stands in for a model behind the OpenAI format, well-behaved or in any kind of trouble.

For tests, the story in the browser and benchmarks: nothing of the client is replaced, so time-outs, cut connections and
broken answers are what they are in life.
"""

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Request = dict[str, Any]


def _first_words(request: Request) -> str:
    return "An answer."


@dataclass
class Behaviour:
    """How the server behaves. `trouble` is one of: "" (none), hang, cut, nonsense, empty, or a status such as "500"."""

    answer: Callable[[Request], str] = _first_words
    trouble: str = ""
    pause: float = 0.0
    dimensions: int = 8
    requests: list[Request] = field(default_factory=list)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: "_Server"

    def do_POST(self) -> None:
        request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        behaviour = self.server.behaviour
        behaviour.requests.append({"path": self.path, **request})
        if behaviour.trouble.isdigit():
            self._send_json({"error": {"message": "trouble"}}, status=int(behaviour.trouble))
        elif self.path.endswith("/embeddings"):
            self._send_json(_embeddings(request, behaviour.dimensions))
        elif behaviour.trouble == "hang":
            self.server.released.wait(30)
        elif behaviour.trouble == "nonsense":
            self._send(b"<html>busy</html>", content_type="text/html")
        else:
            self._stream(request)

    def log_message(self, *args: object) -> None:
        """Quiet."""

    def _stream(self, request: Request) -> None:
        behaviour = self.server.behaviour
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Connection", "close")
        self.end_headers()
        words = "" if behaviour.trouble == "empty" else behaviour.answer(request)
        pieces = [f"{word} " for word in words.split(" ")[:-1]] + [words.split(" ")[-1]]
        events = _responses(pieces) if self.path.endswith("/responses") else _chat_chunks(pieces)
        for number, event in enumerate(events):
            if behaviour.trouble == "cut" and number == 2:
                break
            self.wfile.write(event)
            self.wfile.flush()
            if behaviour.pause:
                time.sleep(behaviour.pause)
        self.close_connection = True

    def _send_json(self, content: object, *, status: int = 200) -> None:
        self._send(json.dumps(content).encode(), content_type="application/json", status=status)

    def _send(self, body: bytes, *, content_type: str, status: int = 200) -> None:
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(body)))
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


def _chat_chunks(pieces: list[str]) -> Iterator[bytes]:
    common = {"id": "chat-1", "object": "chat.completion.chunk", "created": 0, "model": "standin"}
    for piece in pieces:
        yield _event(common | {"choices": [{"index": 0, "delta": {"content": piece}, "finish_reason": None}]})
    yield _event(common | {"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]})
    usage = {"prompt_tokens": 10, "completion_tokens": len(pieces), "total_tokens": 10 + len(pieces)}
    yield _event(common | {"choices": [], "usage": usage})
    yield b"data: [DONE]\n\n"


def _responses(pieces: list[str]) -> Iterator[bytes]:
    for number, piece in enumerate(pieces):
        yield _event(
            {
                "type": "response.output_text.delta",
                "item_id": "item-1",
                "output_index": 0,
                "content_index": 0,
                "sequence_number": number,
                "delta": piece,
                "logprobs": [],
            }
        )
    usage = {"input_tokens": 10, "output_tokens": len(pieces), "total_tokens": 10 + len(pieces)}
    yield _event(
        {
            "type": "response.completed",
            "sequence_number": len(pieces),
            "response": {"id": "response-1", "object": "response", "status": "completed", "output": [], "usage": usage},
        }
    )


def _embeddings(request: Request, dimensions: int) -> dict[str, Any]:
    rows = [
        {"object": "embedding", "index": index, "embedding": [float(len(text))] + [1.0] * (dimensions - 1)}
        for index, text in enumerate(request["input"])
    ]
    return {"object": "list", "data": rows, "model": "standin", "usage": {"prompt_tokens": 1, "total_tokens": 1}}
