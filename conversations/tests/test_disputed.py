"""An answer never mixes two sides of a contradiction without saying so."""

import pytest

from accounts.models import User
from accounts.tests.programs import Program
from conversations.tests.conftest import UseModel
from memories import profiles
from memories.engine import conflicts, writing
from memories.engine.types import Candidate
from memories.models import Conflict, Memory
from memorychat.llm.fakes import FakeChat

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def conflict(alice: User) -> Conflict:
    access = profiles.by_hand(alice, profiles.default_for(alice))
    written = writing.remember_all(access, [Candidate("My shop opens at nine"), Candidate("My shop opens at ten")])
    conflicts.mark(access.profile, *(Memory.objects.get(pk=each.memory_id) for each in written if each.memory_id))
    return Conflict.objects.get()


def test_the_built_in_responder_tells_both_sides_and_that_they_contradict(program: Program, conflict: Conflict) -> None:
    reply = program.call("POST", "/chat", {"message": "When does my shop open?"}).json()["reply"]  # type: ignore[attr-defined]
    assert "nine" in reply
    assert "ten" in reply
    assert "contradict each other" in reply


def test_a_model_is_told_which_memories_contradict(program: Program, conflict: Conflict, use_model: UseModel) -> None:
    model = use_model(FakeChat())
    program.call("POST", "/chat", {"message": "When does my shop open?"})
    told = model.prompts[-1].system_text()
    assert "nine (contradicts [2])" in told or "nine (contradicts [1])" in told
    assert "two versions" in told


def test_what_is_decided_is_no_longer_disputed(program: Program, alice: User, conflict: Conflict) -> None:
    access = profiles.by_hand(alice, profiles.default_for(alice))
    conflicts.decide(access, conflict.pk, conflicts.Decision.ONE)
    reply = program.call("POST", "/chat", {"message": "When does my shop open?"}).json()["reply"]  # type: ignore[attr-defined]
    assert "contradict" not in reply


def test_a_search_names_what_a_memory_stands_against(program: Program, conflict: Conflict) -> None:
    answer = program.call("POST", "/memories/search", {"query": "When does my shop open?"})
    found = answer.json()["results"]  # type: ignore[attr-defined]  # of the test client
    assert {found[0]["id"], *found[0]["conflicts_with"]} == {str(conflict.one_id), str(conflict.other_id)}
