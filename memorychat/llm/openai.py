"""OpenAI and every server that speaks its format: Ollama, vLLM, llama.cpp and others, by their base URL."""

import json
import re
from collections.abc import Iterator, Sequence
from contextlib import aclosing, contextmanager
from dataclasses import replace
from typing import Any

import numpy as np
import openai
from openai import AsyncOpenAI, OpenAI

from memorychat.llm.clients import OnePerLoop
from memorychat.llm.errors import named_errors
from memorychat.llm.types import (
    Calibration,
    Finished,
    Piece,
    Pieces,
    Prompt,
    ProviderError,
    ToolCall,
    ToolSpec,
    Vector,
    check_arguments,
)

# Of embeddings; what chat models are asked is tried again by `fallback`, which knows the deadline.
TRIES_AGAIN = 1
# Somebody waits for a single text, which is found by its words too, or embedded later.
ONE_TEXT_SECONDS = 5.0
# What Ollama, vLLM and others say of a model that knows no tools.
REFUSES_TOOLS = re.compile(
    r"support[^.]{0,40}\btool|\btools?\b[^.]{0,40}(?:support|enable)|auto-tool-choice", re.IGNORECASE
)
# Models that think first refuse a temperature.
REFUSES_TEMPERATURE = re.compile(r"^(o\d|gpt-5)")


class OpenAIChat:
    """A chat model behind the OpenAI format.

    api.openai.com is asked by its Responses API, which is told not to store; every other server by Chat Completions,
    the one format that all of them speak.
    """

    provider = "openai"

    def __init__(
        self, model: str, *, api_key: str, base_url: str, temperature: float, max_tokens: int, timeout: float
    ) -> None:
        self.model = model
        self._settings: dict[str, Any] = {
            "api_key": api_key,
            "base_url": base_url,
            "timeout": timeout,
            "max_retries": 0,
        }
        self._max_tokens = max_tokens
        self._sampling: dict[str, Any] = {} if REFUSES_TEMPERATURE.match(model) else {"temperature": temperature}
        self._is_openai = "//api.openai.com/" in base_url
        self._clients = OnePerLoop(lambda: AsyncOpenAI(**self._settings))
        self._takes_tools = True

    async def stream(self, prompt: Prompt, *, correlation_id: str) -> Pieces:
        """Models of one's own that know no tools refuse to be offered any: they are asked again without."""
        headers = {"X-Client-Request-Id": correlation_id}
        ask = self._respond if self._is_openai else self._complete
        if self._takes_tools:
            try:
                async with aclosing(ask(prompt, headers)) as pieces:
                    async for piece in pieces:
                        yield piece
            except _ToolsRefusedError:
                self._takes_tools = False
            else:
                return
        async with aclosing(ask(replace(prompt, tools=()), headers)) as pieces:
            async for piece in pieces:
                yield piece

    async def aclose(self) -> None:
        if client := self._clients.take():
            await client.close()

    async def _respond(self, prompt: Prompt, headers: dict[str, str]) -> Pieces:
        request: dict[str, Any] = {
            "model": self.model,
            "instructions": prompt.system_text(),
            "input": list(_items(prompt)),
            "max_output_tokens": prompt.most_tokens or self._max_tokens,
            "store": False,
            "stream": True,
            **self._sampling,
        }
        if prompt.json_schema:
            request["text"] = {"format": _schema_format(prompt.json_schema)}
        if prompt.tools:
            request["tools"] = [{"type": "function", **_function(tool), "strict": False} for tool in prompt.tools]
            request["tool_choice"] = "auto" if prompt.may_call else "none"
        with named_errors(openai):
            async with await self._clients.get().responses.create(**request, extra_headers=headers) as events:
                async for event in events:
                    if piece := _read_event(event):
                        yield piece

    async def _complete(self, prompt: Prompt, headers: dict[str, str]) -> Pieces:
        request: dict[str, Any] = {
            "messages": [{"role": "system", "content": prompt.system_text()}, *_messages(prompt)],
            "max_tokens": prompt.most_tokens or self._max_tokens,
            "stream_options": {"include_usage": True},
            **self._sampling,
        }
        if prompt.json_schema:
            request["response_format"] = {"type": "json_object"}
        if prompt.tools:
            request["tools"] = [{"type": "function", "function": _function(tool)} for tool in prompt.tools]
            if not prompt.may_call:
                request["tool_choice"] = "none"
        answer = _Chunks()
        completions = self._clients.get().chat.completions.with_streaming_response
        # As it is: of its own arguments the client looks at every part, which takes as long as the rest of asking.
        asked = completions.create(
            model=self.model, messages=[], stream=True, extra_body=request, extra_headers=headers
        )
        with named_errors(openai), _refusal_of_tools(prompt):
            async with asked as response:
                async for line in response.iter_lines():
                    if text := answer.take(line):
                        yield text
        for piece in answer.rest():
            yield piece


class _ToolsRefusedError(Exception):
    """The server refused the request because it offered tools."""


@contextmanager
def _refusal_of_tools(prompt: Prompt) -> Iterator[None]:
    """What Ollama, vLLM and others say of a model that knows none: 400, and a sentence that names tools."""
    try:
        yield
    except openai.BadRequestError as error:
        # Once it has called one, it knows them, and the request was wrong in another way.
        if prompt.tools and not prompt.rounds and REFUSES_TOOLS.search(str(error.message)):
            raise _ToolsRefusedError from error
        raise


class _Chunks:
    """The lines of an answer by Chat Completions, as they come, read as plain JSON.

    The client would make typed objects of each chunk, which takes ten times as long, and is done for every word.
    """

    def __init__(self) -> None:
        self._reason, self._used, self._calls = "", (0, 0), _Calls()

    def take(self, line: str) -> str:
        """The text that a line holds, if it is one with text."""
        data = line.removeprefix("data:").strip()
        if not line.startswith("data:") or data == "[DONE]":
            return ""
        chunk = json.loads(data)
        if not isinstance(chunk, dict):
            raise ProviderError("The model answered something that is no answer.", code="nonsense")
        if chunk.get("error"):
            raise ProviderError("The model's provider reported a failure.", code="unreachable")
        # The usage comes in a chunk of its own, after the one with the finish reason.
        if usage := chunk.get("usage"):
            self._used = (usage.get("prompt_tokens") or 0, usage.get("completion_tokens") or 0)
        choices = chunk.get("choices") or []
        if not all(isinstance(choice, dict) for choice in choices):
            raise ProviderError("The model answered something that is no answer.", code="nonsense")
        return "".join(map(self._take_choice, choices))

    def _take_choice(self, choice: dict[str, Any]) -> str:
        self._reason = choice.get("finish_reason") or self._reason
        delta = choice.get("delta") or {}
        self._calls.take(delta.get("tool_calls") or [])
        return delta.get("content") or ""

    def rest(self) -> list[Piece]:
        """Calls of tools and the end, unless the answer was cut."""
        return [*self._calls.whole(), Finished(self._reason, *self._used)] if self._reason else []


class _Calls:
    """Calls of tools, whose parts come one by one under the number of the call."""

    def __init__(self) -> None:
        self._parts: dict[int, tuple[list[str], list[str], list[str]]] = {}
        self._length = 0

    def take(self, parts: Sequence[dict[str, Any]]) -> None:
        for part in parts:
            ids, names, given = self._parts.setdefault(part.get("index", 0), ([], [], []))
            function = part.get("function") or {}
            ids.append(part.get("id") or "")
            names.append(function.get("name") or "")
            given.append(function.get("arguments") or "")
            self._length += len(names[-1]) + len(given[-1])
            check_arguments(self._length)

    def whole(self) -> list[ToolCall]:
        return [
            ToolCall(next(filter(None, ids), f"call-{index}"), "".join(names), "".join(given))
            for index, (ids, names, given) in self._parts.items()
        ]


def _function(tool: ToolSpec) -> dict[str, object]:
    return {"name": tool.name, "description": tool.description, "parameters": tool.parameters}


def _messages(prompt: Prompt) -> Iterator[dict[str, object]]:
    """The history and the calls so far, for Chat Completions."""
    for message in prompt.history:
        yield {"role": message.role, "content": message.text}
    for done in prompt.rounds:
        calls = [
            {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": call.arguments}}
            for call in done.calls
        ]
        yield {"role": "assistant", "content": done.text or None, "tool_calls": calls}
        for call, result in zip(done.calls, done.results, strict=True):
            yield {"role": "tool", "tool_call_id": call.id, "content": result}


def _items(prompt: Prompt) -> Iterator[dict[str, object]]:
    """The same for Responses."""
    for message in prompt.history:
        yield {"role": message.role, "content": message.text}
    for done in prompt.rounds:
        if done.text:
            yield {"role": "assistant", "content": done.text}
        for call in done.calls:
            yield {"type": "function_call", "call_id": call.id, "name": call.name, "arguments": call.arguments}
        for call, result in zip(done.calls, done.results, strict=True):
            yield {"type": "function_call_output", "call_id": call.id, "output": result}


def _read_event(event: Any) -> Piece | None:
    """What an event of the Responses API says of the answer, if anything."""
    if event.type == "response.output_text.delta":
        return str(event.delta)
    if event.type == "response.output_item.done" and event.item.type == "function_call":
        return ToolCall(event.item.call_id, event.item.name, event.item.arguments)
    if event.type in ("response.failed", "error"):
        raise ProviderError("The model's provider reported a failure.", code="unreachable")
    if event.type not in ("response.completed", "response.incomplete"):
        return None
    reason, usage = ("stop" if event.type == "response.completed" else "length"), event.response.usage
    return Finished(reason, usage.input_tokens, usage.output_tokens) if usage else Finished(reason)


class OpenAIEmbedder:
    """Embeddings behind the OpenAI format. The name holds the dimensions: other lengths are another model's."""

    # As published evaluations of text-embedding-3 show it: unrelated texts lie near 0.1, repeats above 0.85.
    calibration = Calibration(
        background=0.12,
        spread=0.09,
        middle=2.5,
        steepness=0.9,
        scale=((0.0, 0.0), (0.75, 0.85), (0.85, 0.92), (1.0, 1.0)),
    )

    def __init__(self, model: str, *, dimensions: int, api_key: str, base_url: str, timeout: float) -> None:
        self.name = f"{model}@{dimensions}"
        self.dimensions = dimensions
        self._model = model
        self._client = OpenAI(api_key=api_key, base_url=base_url, timeout=timeout, max_retries=TRIES_AGAIN)
        self._quick = self._client.with_options(timeout=min(timeout, ONE_TEXT_SECONDS), max_retries=0)

    def embed(self, texts: Sequence[str]) -> list[Vector]:
        client = self._client if len(texts) > 1 else self._quick
        with named_errors(openai):
            answer = client.embeddings.create(
                model=self._model, input=list(texts), dimensions=self.dimensions, encoding_format="float"
            )
        rows = sorted(answer.data, key=lambda row: row.index)
        vectors = [_unit(row.embedding, self.dimensions) for row in rows]
        if len(vectors) != len(texts):
            raise ProviderError(f"{len(vectors)} vectors came back for {len(texts)} texts.", code="nonsense")
        return vectors


def _unit(numbers: list[float], dimensions: int) -> Vector:
    vector = np.asarray(numbers, dtype=np.float32)
    length = float(np.linalg.norm(vector))
    if vector.shape != (dimensions,) or not np.isfinite(length) or length == 0:
        raise ProviderError("The embedder gave a vector that is none.", code="nonsense")
    unit: Vector = vector / length
    return unit


def _schema_format(schema: dict[str, object]) -> dict[str, object]:
    return {"type": "json_schema", "name": "answer", "schema": schema, "strict": False}
