"""The tools as the chat has them: what is to be kept goes with the message, what was found joins the receipt."""

from functools import cached_property

from conversations import turns
from conversations.prompting import give
from conversations.receipts import Draft
from conversations.turns import Turn
from memories import tools
from memories.engine.types import Candidate, Provenance
from memories.tools import Action, Answer, Occasion
from memorychat.llm.types import ToolCall


class Toolbox:
    """The tools of one reply."""

    def __init__(self, turn: Turn, draft: Draft) -> None:
        self._turn = turn
        self._draft = draft
        self._kept = 0

    def use(self, called: ToolCall) -> str:
        """What the model is answered; what was done stands in the draft of the receipt."""
        answer = tools.call(called, self._occasion)
        self._draft.prompt["steps"].append({"tool": _known_name(called.name), "action": answer.action})
        if answer.action is Action.CANDIDATES:
            turns.offer(self._turn, answer.memory_ids)
        if answer.action is Action.DELETED:
            self._draft.written += len(answer.memory_ids)
        return tools.as_json(answer, self._lines(answer))

    @cached_property
    def _occasion(self) -> Occasion:
        turn = self._turn
        return Occasion(
            turn.access,
            keep=self._keep,
            provenance=Provenance(message_id=turn.id, conversation_id=turn.conversation_id),
            # No earlier words: they were learnt from when they were said, or were not to be, or were forgotten since.
            said=[turn.question],
            offered=turns.offered_before(turn),
            kept=lambda: self._kept,
        )

    def _keep(self, candidate: Candidate) -> None:
        turns.keep_wish(self._turn, candidate)
        self._kept += 1

    def _lines(self, answer: Answer) -> list[str]:
        known = give(self._turn.access.profile, self._draft, answer.hits, by_tool=True)
        if answer.action is not Action.CANDIDATES:
            return [memory.line() for memory in known]
        return [f"{memory.line()} id={hit.memory_id}" for memory, hit in zip(known, answer.hits, strict=True)]


def _known_name(name: str) -> str:
    """A model may call anything; a receipt holds no words of it."""
    return name if name in tools.TOOLS else "unknown"
