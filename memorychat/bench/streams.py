"""Many chats that stream at once on one web process: what is lost, how late words come, and what it costs in memory.

Everybody signs in as somebody else, asks at the same moment, and is answered after recall and saving. The model is a
process of its own behind real HTTP, and stamps each token with the moment it left. The baseline are as many clients
that read that model without us. Once more the model answers in Markdown, which is rendered while it comes.
"""

import asyncio
import contextlib
import itertools
import json
import re
import socket
import subprocess
import sys
import time
import urllib.request
import uuid
from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed
from websockets.typing import Origin

from accounts.models import User
from memorychat.bench.first_delta import Web, free_port, sign_in, web_process
from memorychat.bench.recall import fill, word
from memorychat.bench.report import Times, goal, line
from memorychat.lib.environment import ROOT

CHATS = (300, 500)
TOKENS, A_SECOND = 60, 20.0
MEMORIES_EACH = 20
QUESTION = f"What about {word(7)} and {word(49)}?"
STAMPED = re.compile(r"(\d+)@(\d+\.\d+) ")
MOST_SECONDS = 120
MEGABYTE = 1_000_000
SMALL_BUFFER = 16_384


@dataclass(frozen=True)
class Heard:
    """What one client got: the numbers of the tokens in order, and how late each was, in milliseconds.

    `waited` and `took` are the milliseconds from the question to the first of them and to the end.
    """

    numbers: list[int]
    delays: list[float]
    ended: str
    waited: float = 0.0
    took: float = 0.0

    @property
    def is_whole(self) -> bool:
        return self.ended == "reply.finished" and self.numbers == list(range(TOKENS))


def run() -> Iterator[str]:
    """Fills the database that Django is connected to: give it a scratch one."""
    yield f"Streams: {TOKENS} tokens each, {A_SECOND:g} a second, one web process"
    fill(people=max(CHATS), each=MEMORIES_EACH)
    cookies = [sign_in(person) for person in User.objects.order_by("pk")]
    with model_server() as address, _web(address) as web:
        asyncio.run(_all(web.port, cookies[:5], QUESTION))
        for count in CHATS:
            yield from _measured(web.port, web.pid, cookies[:count], address)
        yield from _in_markdown(web.port, cookies[: CHATS[0]])
        yield from _never_reads(web.port, web.pid, cookies[0])


def _web(address: str) -> AbstractContextManager[Web]:
    return web_process(OPENAI_BASE_URL=address, LLM_PROVIDERS="openai", RATE_LIMIT_SCALE="0")


def _measured(port: int, pid: int, cookies: list[str], address: str) -> Iterator[str]:
    direct = asyncio.run(_directly(address, len(cookies)))
    before = resident_megabytes(pid)
    heard = asyncio.run(_all(port, cookies, QUESTION))
    grown = resident_megabytes(pid) - before
    late, baseline = (Times.of([delay for each in found for delay in each.delays]) for found in (heard, direct))
    name = f"{len(cookies)} at once"
    yield line(f"{name}: broken, doubled or reordered", f"{sum(not each.is_whole for each in heard)} of {len(heard)}")
    yield goal(f"{name}: added delay of a token, p95", late.p95 - baseline.p95, most=100)
    yield line(f"{name}: delay of a token", late)
    yield line(f"{name}: delay from the model itself (baseline)", baseline)
    yield line(f"{name}: from the question to the first token", Times.of([each.waited for each in heard]))
    yield line(f"{name}: answers that streamed in the same moment, at most", str(_most_at_once(heard)))
    yield line(f"{name}: memory of the web process grew by", f"{grown:.0f} MB (goal ≤ 200 MB for 300)")


def _most_at_once(heard: list[Heard]) -> int:
    """They ask at once, and are let in one after the other."""
    moments = sorted([(each.waited, 1) for each in heard] + [(each.took, -1) for each in heard])
    return max(itertools.accumulate(change for _, change in moments))


def _in_markdown(port: int, cookies: list[str]) -> Iterator[str]:
    heard = asyncio.run(_all(port, cookies, f"{QUESTION} As a list."))
    name = f"{len(cookies)} at once in Markdown"
    yield line(f"{name}: broken, doubled or reordered", f"{sum(not each.is_whole for each in heard)} of {len(heard)}")
    yield line(f"{name}: delay of a token", Times.of([delay for each in heard for delay in each.delays]))


@contextlib.contextmanager
def model_server() -> Iterator[str]:
    """Gives its base URL."""
    port = free_port()
    command = [sys.executable, "-m", "memorychat.bench.model_server", str(port), str(TOKENS), str(A_SECOND)]
    process = subprocess.Popen(command, cwd=ROOT)
    try:
        _wait_for(port)
        yield f"http://127.0.0.1:{port}/v1"
    finally:
        process.terminate()
        process.wait(10)


def _wait_for(port: int) -> None:
    for _ in range(100):
        with contextlib.suppress(OSError):
            urllib.request.urlopen(f"http://127.0.0.1:{port}", data=b'{"messages": [{"content": "long"}]}', timeout=5)
            return
        time.sleep(0.1)
    raise RuntimeError("The model did not start.")


def resident_megabytes(pid: int) -> float:
    status = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    return int(re.findall(r"VmRSS:\s+(\d+) kB", status)[0]) * 1024 / MEGABYTE


async def _all(port: int, cookies: list[str], question: str) -> list[Heard]:
    pages = await asyncio.gather(*(_open(port, cookie) for cookie in cookies))
    try:
        async with asyncio.timeout(MOST_SECONDS):
            return list(await asyncio.gather(*(_chat(page, question) for page in pages)))
    finally:
        await asyncio.gather(*(page.close() for page in pages))


async def _open(port: int, cookie: str, **options: Any) -> ClientConnection:
    headers, origin = {"Cookie": f"sessionid={cookie}"}, Origin(f"http://127.0.0.1:{port}")
    address = f"ws://127.0.0.1:{port}/ws/chat/"
    options |= {"open_timeout": 60, "compression": None}
    return await connect(address, origin=origin, additional_headers=headers, **options)


async def _chat(page: ClientConnection, question: str) -> Heard:
    asked = time.perf_counter()
    await page.send(json.dumps({"type": "message.send", "text": question, "client_message_id": uuid.uuid4().hex}))
    heard = Heard([], [], "")
    rest, waited = "", 0.0
    while True:
        frame: dict[str, Any] = json.loads(await page.recv())
        if frame["type"] == "reply.delta":
            rest = _take(heard, rest + frame["text"])
            waited = waited or (time.perf_counter() - asked) * 1000
        if frame["type"] in ("reply.finished", "reply.failed", "error"):
            return Heard(heard.numbers, heard.delays, frame["type"], waited, (time.perf_counter() - asked) * 1000)


def _take(heard: Heard, text: str) -> str:
    """Notes the whole tokens of a text, and gives what is left of it."""
    now, end = time.time(), 0
    for token in STAMPED.finditer(text):
        heard.numbers.append(int(token[1]))
        heard.delays.append((now - float(token[2])) * 1000)
        end = token.end()
    return text[end:]


async def _directly(address: str, count: int) -> list[Heard]:
    return list(await asyncio.gather(*(_read_model(address) for _ in range(count))))


async def _read_model(address: str) -> Heard:
    host, port = address.removeprefix("http://").removesuffix("/v1").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    body = json.dumps({"messages": [{"role": "user", "content": "Hello"}]}).encode()
    writer.write(b"POST /v1/chat/completions HTTP/1.1\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
    heard = Heard([], [], "")
    while written := await reader.readline():
        if written.startswith(b"data: {"):
            _take(heard, json.loads(written[6:])["choices"][0]["delta"].get("content", ""))
    writer.close()
    return heard


def _never_reads(port: int, pid: int, cookie: str) -> Iterator[str]:
    before = resident_megabytes(pid)
    most, seconds = asyncio.run(_ask_and_never_read(port, pid, cookie))
    yield line("a reader that never reads costs", f"{most - before:.0f} MB (goal ≤ 10 MB)")
    yield line("it is dropped after", f"{seconds:.1f} s" if seconds else "it was not dropped")


async def _ask_and_never_read(port: int, pid: int, cookie: str) -> tuple[float, float | None]:
    """The most memory that the web process held meanwhile, and after how long it dropped the reader, if it did."""
    # Its system keeps little for it, and it never says that it is gone.
    reading = socket.create_connection(("127.0.0.1", port))
    reading.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, SMALL_BUFFER)
    page = await _open(port, cookie, sock=reading, ping_interval=None)
    await page.send(json.dumps({"type": "message.send", "text": "something long", "client_message_id": "m1"}))
    turn = ""
    while (frame := json.loads(await page.recv()))["type"] != "reply.finished":
        turn = frame.get("turn") or turn
    page.transport.pause_reading()
    started, most = time.monotonic(), 0.0
    again = json.dumps({"type": "reply.resume", "turn": turn, "after": 0})
    while time.monotonic() - started < MOST_SECONDS / 2:
        try:
            async with asyncio.timeout(5):
                await page.send(again)
        except (ConnectionClosed, TimeoutError):
            break
        most = max(most, resident_megabytes(pid))
        await asyncio.sleep(0.01)
        if page.transport.is_closing():
            break
    else:
        return most, None
    return most, time.monotonic() - started
