import asyncio

from asgiref.sync import sync_to_async

from memorychat.llm.openai import OpenAIChat
from memorychat.llm.providers import Nobody, complete
from memorychat.llm.standin import Behaviour, Request, standin
from memorychat.llm.types import ChatMessage, Prompt


def echo(request: Request) -> str:
    words: str = request["messages"][-1]["content"]
    return words


async def test_jobs_that_ask_at_once_do_not_close_each_other_s_connections() -> None:
    """The worker runs its jobs in threads beside an event loop of its own, and one of them is done first."""
    said = ["One", "One two three four five six"]
    with standin(Behaviour(echo, pause=0.05)) as (url, _):
        model = OpenAIChat("m", api_key="key", base_url=url, temperature=0.7, max_tokens=100, timeout=5)

        def ask(words: str) -> str:
            return complete(
                model, Prompt("Repeat it.", [ChatMessage("user", words)]), keeper=Nobody(), correlation_id="c-1"
            )

        asked = [sync_to_async(ask, thread_sensitive=False)(words) for words in said]
        assert await asyncio.gather(*asked) == said
