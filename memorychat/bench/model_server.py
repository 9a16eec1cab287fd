"""A model over real HTTP that answers at once and then says so many tokens a second, each with the moment it left.

`python -m memorychat.bench.model_server PORT TOKENS A_SECOND`. It speaks chat completions, streamed. Asked for
something "long" it answers with 90,000 characters at once; asked for a "list" each token is an item in Markdown.
"""

import asyncio
import contextlib
import json
import sys
import time

LONG = "word " * 18_000
ITEM = "\n* **bold** and `code` "


async def main(port: int, tokens: int, a_second: float) -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).lower()
        length = next(int(line.split(b":")[1]) for line in head.split(b"\r\n") if line.startswith(b"content-length"))
        request = json.loads(await reader.readexactly(length))
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n")
        asked = request["messages"][-1]["content"]
        if "long" in asked:
            writer.write(_event(LONG))
        else:
            await _speak(writer, tokens, a_second, ITEM if "list" in asked else "")
        writer.write(_event("", "stop") + b"data: [DONE]\n\n")
        with contextlib.suppress(ConnectionError):
            await writer.drain()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", port, backlog=2_000)
    await server.serve_forever()


async def _speak(writer: asyncio.StreamWriter, tokens: int, a_second: float, before_each: str) -> None:
    started = time.monotonic()
    for number in range(tokens):
        await asyncio.sleep(max(0.0, started + number / a_second - time.monotonic()))
        writer.write(_event(f"{before_each}{number}@{time.time():.4f} "))
        await writer.drain()


def _event(text: str, reason: str | None = None) -> bytes:
    choice = {"index": 0, "delta": {"content": text} if text else {}, "finish_reason": reason}
    chunk = {"id": "c", "object": "chat.completion.chunk", "created": 0, "model": "bench", "choices": [choice]}
    return f"data: {json.dumps(chunk)}\n\n".encode()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3])))
