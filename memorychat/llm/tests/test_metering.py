import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest

from memorychat.llm import metering
from memorychat.llm.builtin import BuiltinChat
from memorychat.llm.fakes import FakeChat
from memorychat.llm.fallback import FallbackChat
from memorychat.llm.metering import Purpose, Spent, asked_tokens
from memorychat.llm.providers import Nobody, complete
from memorychat.llm.types import ChatMessage, ChatModel, Prompt, ProviderError

PERSON = uuid.uuid4()
PROMPT = Prompt("Answer.", [ChatMessage("user", "Where is the boat?")])


@dataclass(frozen=True)
class Somebody:
    owner_id: uuid.UUID = PERSON
    local_only: bool = False
    providers: None = None
    embeds_here: bool = False


@dataclass
class Counting:
    is_full: bool = False
    counted: list[tuple[uuid.UUID, Spent, Purpose]] = field(default_factory=list)

    def admit(self, person_id: uuid.UUID) -> None:
        if self.is_full:
            raise ProviderError("That is all for today.", code="used_up")

    def count(self, person_id: uuid.UUID, spent: Spent, purpose: Purpose) -> None:
        self.counted.append((person_id, spent, purpose))


@pytest.fixture
def meter() -> Iterator[Counting]:
    former = list(metering._meters)
    meter = Counting()
    metering.register(meter)
    yield meter
    metering._meters[:] = former


def ask(model: ChatModel) -> str:
    return complete(model, PROMPT, keeper=Somebody(), correlation_id="c-1")


def test_what_is_asked_is_counted_for_whoever_keeps_the_words(meter: Counting) -> None:
    assert ask(FakeChat("In the harbour.")) == "In the harbour."
    assert meter.counted == [(PERSON, Spent("fake", "fake", 10, 3), Purpose.LEARNING)]


def test_the_model_that_answered_is_named_and_not_the_one_that_failed(meter: Counting) -> None:
    down = FakeChat(provider="down", error=ProviderError("no", code="refused", permanent=True), cut_after=0)
    ask(FallbackChat([down, FakeChat("In the harbour.", provider="up", model="m-2")], silence=5))
    assert [spent for _, spent, _ in meter.counted] == [Spent("up", "m-2", 10, 3)]


def test_what_a_server_does_not_say_is_guessed_and_called_so(meter: Counting) -> None:
    ask(FakeChat("In the harbour.", counts=False))
    [(_, spent, _)] = meter.counted
    assert spent.is_guessed
    assert spent.input_tokens == asked_tokens(PROMPT) >= 8
    assert spent.output_tokens >= 4


def test_an_answer_that_was_cut_is_counted_as_far_as_it_came(meter: Counting) -> None:
    cut = ProviderError("It broke off.", code="interrupted")
    with pytest.raises(ProviderError):
        ask(FakeChat("In the harbour.", cut_after=2, error=cut))
    [(_, spent, _)] = meter.counted
    assert spent.is_guessed
    assert spent.output_tokens > 0


def test_where_no_word_came_nothing_is_counted(meter: Counting) -> None:
    with pytest.raises(ProviderError):
        ask(FakeChat(cut_after=0, error=ProviderError("no", code="refused")))
    assert meter.counted == []


def test_the_built_in_responder_and_nobody_s_words_cost_nothing(meter: Counting) -> None:
    ask(BuiltinChat())
    ask(FallbackChat([BuiltinChat()], silence=5))
    complete(FakeChat(), PROMPT, keeper=Nobody(), correlation_id="c-1")
    assert meter.counted == []


def test_who_may_ask_no_more_asks_no_model(meter: Counting) -> None:
    meter.is_full = True
    model = FakeChat()
    with pytest.raises(ProviderError, match="all for today"):
        ask(model)
    assert (model.prompts, meter.counted) == ([], [])
