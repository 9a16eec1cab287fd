"""Anthropic's models, by its Messages API."""

import json
from collections.abc import Iterator
from typing import Any

import anthropic
from anthropic import AsyncAnthropic

from memorychat.llm.clients import OnePerLoop
from memorychat.llm.errors import named_errors
from memorychat.llm.types import Finished, Piece, Pieces, Prompt, ProviderError, ToolCall, check_arguments

# The API takes no schema: a model is told.
ONLY_JSON = "\n\nAnswer with one JSON object of this schema and nothing else:\n"
# As the other providers name the ends of an answer.
REASONS = {"end_turn": "stop", "stop_sequence": "stop", "max_tokens": "length", "tool_use": "tool_calls"}


class AnthropicChat:
    provider = "anthropic"

    def __init__(self, model: str, *, api_key: str, base_url: str, max_tokens: int, timeout: float) -> None:
        self.model = model
        # No temperature: its newer models refuse one, and its client has no word for it any more.
        self._asked: dict[str, Any] = {"model": model, "max_tokens": max_tokens}
        self._settings: dict[str, Any] = {
            "api_key": api_key,
            "base_url": base_url,
            "timeout": timeout,
            "max_retries": 0,
        }
        self._clients = OnePerLoop(lambda: AsyncAnthropic(**self._settings))

    async def stream(self, prompt: Prompt, *, correlation_id: str) -> Pieces:
        request = {
            **self._asked | ({"max_tokens": prompt.most_tokens} if prompt.most_tokens else {}),
            "system": _system(prompt),
            "messages": _messages(prompt),
            "tools": [
                {"name": tool.name, "description": tool.description, "input_schema": tool.parameters}
                for tool in prompt.tools
            ],
            **({"tool_choice": {"type": "auto" if prompt.may_call else "none"}} if prompt.tools else {}),
            "stream": True,
            "extra_headers": {"X-Client-Request-Id": correlation_id},
        }
        answer = _Answer()
        with named_errors(anthropic):
            async with await self._clients.get().messages.create(**request) as events:
                async for event in events:
                    if piece := answer.take(event):
                        yield piece

    async def aclose(self) -> None:
        if client := self._clients.take():
            await client.close()


def _system(prompt: Prompt) -> str:
    schema = f"{ONLY_JSON}{json.dumps(prompt.json_schema)}" if prompt.json_schema else ""
    return prompt.system_text() + schema


def _messages(prompt: Prompt) -> list[dict[str, object]]:
    messages: list[dict[str, object]] = [{"role": said.role, "content": said.text} for said in prompt.history]
    return [*messages, *_rounds(prompt)]


def _rounds(prompt: Prompt) -> Iterator[dict[str, object]]:
    for done in prompt.rounds:
        said = [{"type": "text", "text": done.text}] if done.text.strip() else []
        calls = [
            {"type": "tool_use", "id": call.id, "name": call.name, "input": call.given() or {}} for call in done.calls
        ]
        yield {"role": "assistant", "content": [*said, *calls]}
        results = [
            {"type": "tool_result", "tool_use_id": call.id, "content": result}
            for call, result in zip(done.calls, done.results, strict=True)
        ]
        yield {"role": "user", "content": results}


class _Answer:
    """What the events of one answer have told so far: the tool that is being called, and what was used up."""

    def __init__(self) -> None:
        self._call: tuple[str, str] | None = None
        self._arguments: list[str] = []
        self._length = self._used = 0

    def take(self, event: Any) -> Piece | None:
        match event.type:
            case "message_start":
                self._used = event.message.usage.input_tokens
            case "content_block_start" if event.content_block.type == "tool_use":
                self._call, self._arguments = (event.content_block.id, event.content_block.name), []
            case "content_block_delta":
                return self._delta(event.delta)
            case "content_block_stop" if self._call:
                (call_id, name), self._call = self._call, None
                return ToolCall(call_id, name, "".join(self._arguments) or "{}")
            case "message_delta" if event.delta.stop_reason:
                reason = REASONS.get(event.delta.stop_reason, event.delta.stop_reason)
                return Finished(reason, self._used, event.usage.output_tokens)
            case "error":
                raise ProviderError("The model's provider reported a failure.", code="unreachable")
        return None

    def _delta(self, delta: Any) -> str | None:
        if delta.type == "input_json_delta":
            self._arguments.append(delta.partial_json)
            self._length += len(delta.partial_json)
            check_arguments(self._length)
        return str(delta.text) if delta.type == "text_delta" else None
