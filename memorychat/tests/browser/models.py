"""What the server that stands in for a language model says in these tests."""

import json
import re
import threading
from dataclasses import asdict, dataclass

from memories.engine import rules
from memorychat.llm.standin import Behaviour, Request
from memorychat.tests.browser.house import PATIENCE_SECONDS, House

ASKED_LENGTH = re.compile(r"(\d+) words")
FIRST_MEMORY = re.compile(r"<memories>\n\[1\] \(.*?\) (.*)")


# What it says where it is asked for neither a reply nor memories.
OTHERWISE: dict[str, object] = {
    "episode": "I told a good deal about myself.",
    "summary": "They tell a good deal about themselves.",
    "verdicts": [],
    "title": "All about themselves",
}


def is_lesson(request: Request) -> bool:
    """Whether it asks what is to be learnt from what was said, and not for a reply to it."""
    return "response_format" in request


def _asked_for(request: Request) -> set[str]:
    """The names in the object that the answer is to be, as the instructions show it."""
    return {name for name in OTHERWISE if f'"{name}"' in request["messages"][0]["content"]}


def quote(request: Request) -> str:
    """Quotes the first memory that it is given; counts when a number of words is asked for."""
    said = request["messages"][-1]["content"]
    if is_lesson(request):
        others = {name: OTHERWISE[name] for name in _asked_for(request)}
        answer = others or {"memories": [_found(finding) for finding in rules.find(said)]}
        return json.dumps(answer, separators=(",", ":"))
    if asked := ASKED_LENGTH.search(said):
        return " ".join(str(number) for number in range(1, int(asked[1]) + 1))
    known = FIRST_MEMORY.search(request["messages"][0]["content"])
    return f"As far as I remember, you said: {known[1]} [1]" if known else "I know nothing of that."


def _found(finding: rules.Finding) -> dict[str, object]:
    slot = finding.slot
    return {**asdict(finding), "subject": slot.subject if slot else "person", "slot": slot and slot.attribute}


class Gate:
    """Where answers can be held up."""

    def __init__(self) -> None:
        self._open = threading.Event()
        self._reached = threading.Event()
        self.release()

    def hold(self) -> None:
        self._reached.clear()
        self._open.clear()

    def release(self) -> None:
        self._open.set()

    def wait_until_reached(self) -> None:
        assert self._reached.wait(PATIENCE_SECONDS)

    def pass_through(self) -> None:
        self._reached.set()
        self._open.wait(PATIENCE_SECONDS)


class Patient:
    """Answers as above. Lessons but titles can be held up, and so can replies to whoever says "in a while"."""

    def __init__(self) -> None:
        self.lessons = Gate()
        self.replies = Gate()

    def release(self) -> None:
        self.lessons.release()
        self.replies.release()

    def __call__(self, request: Request) -> str:
        if is_lesson(request):
            if "title" not in _asked_for(request):
                self.lessons.pass_through()
        elif "in a while" in request["messages"][-1]["content"]:
            self.replies.pass_through()
        return quote(request)


@dataclass(frozen=True)
class Modelled:
    """A house, and its language model behind a server that behaves as it is told."""

    house: House
    model: Patient
    behaviour: Behaviour
