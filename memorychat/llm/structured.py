"""An answer of a model as an object of a known shape, with one try to repair what cannot be read."""

from dataclasses import replace
from typing import TypeVar

import structlog
from pydantic import BaseModel, ValidationError

from memorychat.llm.providers import Keeper, complete, get_chat_model
from memorychat.llm.types import ChatMessage, Prompt, ProviderError

log = structlog.get_logger(__name__)

Shape = TypeVar("Shape", bound=BaseModel)

MOST_ERRORS = 5
# Of an answer to a job, which may have to list a whole conversation.
MOST_TOKENS = 8_000
REPAIR = "That cannot be read: {errors}. Answer again with one JSON object of the asked shape and nothing else."


def answer_as(shape: type[Shape], keeper: Keeper, prompt: Prompt, *, correlation_id: str) -> Shape:
    """By the models that may see the keeper's words.

    Raises ProviderError, with the code "nonsense" where the second answer cannot be read either.
    """
    model = get_chat_model(keeper)
    prompt = replace(prompt, json_schema=shape.model_json_schema(), most_tokens=MOST_TOKENS)
    answer = complete(model, prompt, keeper=keeper, correlation_id=correlation_id)
    try:
        return read(shape, answer)
    except ValidationError as error:
        log.info("model_asked_to_repair", provider=model.provider, errors=error.error_count())
        repair = ChatMessage("user", REPAIR.format(errors=_told(error)))
        again = replace(prompt, history=[*prompt.history, ChatMessage("assistant", answer or "(nothing)"), repair])
    try:
        return read(shape, complete(model, again, keeper=keeper, correlation_id=correlation_id))
    except ValidationError as error:
        raise ProviderError("The model's answer cannot be read.", code="nonsense") from error


def read(shape: type[Shape], answer: str) -> Shape:
    """The JSON object in an answer, which some models fence or preface; raises ValidationError."""
    start, end = answer.find("{"), answer.rfind("}")
    return shape.model_validate_json(answer[start : end + 1])


def _told(error: ValidationError) -> str:
    """Where and what, without the values."""
    found = error.errors(include_url=False, include_context=False, include_input=False)
    return "; ".join(f"{'.'.join(map(str, each['loc'])) or 'answer'}: {each['msg']}" for each in found[:MOST_ERRORS])
