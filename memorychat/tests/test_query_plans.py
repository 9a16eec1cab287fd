"""Nothing that people wait for reads a large table whole: every statement is explained over 100,000 memories."""

import json
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

import pytest
from allauth.account.models import EmailAddress
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from pytest_django import DjangoDbBlocker

from accounts.models import User
from accounts.tasks import forget_answers
from accounts.tests.programs import EVERY_SCOPE, Program
from conversations import learning, turns
from conversations.models import Conversation, Message, MessageStatus
from conversations.prompting import prompt_of
from conversations.receipts import Draft
from conversations.tasks import learn_from_abandoned, write_episode
from conversations.turns import Said
from memories.access import MemoryAccess
from memories.engine import undoing, writing
from memories.engine.errands import summarise
from memories.engine.recall import recall
from memories.engine.types import Candidate, Provenance, Slot
from memories.models import Memory, MemoryBatch, MemoryEvent, PrivacyMode
from memories.tasks import archive_faded, consolidate, consolidate_nightly
from memorychat.lib import cursors
from memorychat.lib.crypto import key_ring
from memorychat.tests.crowd import disperse, gather

pytestmark = pytest.mark.django_db

LARGE = 10_000
Plan = dict[str, Any]
PASSWORD = "a long enough password"


@dataclass(frozen=True)
class Person:
    """Alice with her browser and her program, after one turn that was learnt from."""

    user: User
    access: MemoryAccess
    browser: Client
    program: Program
    conversation: Conversation
    question: Message
    memory: Memory
    event: MemoryEvent

    @property
    def cursor(self) -> str:
        """In the list of conversations."""
        return cursors.write(self.conversation.last_at.isoformat(), self.conversation.pk)

    def sign_in(self) -> None:
        answer = Client().post("/accounts/login/", {"login": self.user.email, "password": PASSWORD})
        assert answer.status_code == 302

    def say(self, words: str = "I like tea.") -> turns.Turn:
        return turns.begin(self.user, Said(words, PrivacyMode.NORMAL, conversation_id=self.conversation.pk))

    def get(self, path: str) -> None:
        assert self.browser.get(path, follow=True).status_code == 200

    def look(self, path: str) -> None:
        """Into the admin, for which she is made a superuser."""
        User.objects.filter(pk=self.user.pk).update(is_staff=True, is_superuser=True)
        self.get(path)

    def post(self, path: str, **fields: str) -> None:
        assert self.browser.post(path, fields, follow=True).status_code == 200

    def call(self, method: str, path: str, body: object = None, **headers: str) -> Any:
        answer = self.program.call(method, path, body, **headers)
        assert answer.status_code < 300, answer.content
        return json.loads(answer.content) if answer.content else None

    def page_after_page(self, path: str) -> None:
        """`limit=1` of two rows gives the cursor of another page."""
        self.call("GET", f"{path}?limit=1&cursor={self.call('GET', f'{path}?limit=1')['next']}")


@pytest.fixture(scope="module")
def person(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[Person]:
    """Alice among ten thousand others; what a test has her do is rolled back."""
    with django_db_blocker.unblock(), key_ring():
        try:
            alice = _sign_up()
            gather()
            yield alice
        finally:
            disperse()


def _sign_up() -> Person:
    """She leaves a row of each kind, for the crowd to be made of."""
    user = User.objects.create_user("alice@example.com", PASSWORD)
    EmailAddress.objects.create(user=user, email=user.email, primary=True, verified=True)
    program, browser = Program(user, *EVERY_SCOPE), Client()
    program.call("POST", "/memories", {"content": "I like the sea."}, Idempotency_Key="the first")
    turn = turns.begin(user, Said("I live in Porto.", PrivacyMode.NORMAL))
    answer(turn)
    learning.learn(turn.id)
    browser.force_login(user)
    browser.get("/memories/")
    memory = Memory.objects.for_user(user).select_related("profile__owner").newest_first()[0]
    return Person(
        user,
        turn.access,
        browser,
        program,
        Conversation.objects.for_user(user).get(),
        Message.objects.for_user(user).get(pk=turn.id),
        memory,
        memory.events.get(),
    )


Act = Callable[[Person], object]


def answer(turn: turns.Turn) -> Message | None:
    draft = Draft("normal", "", "")
    prompt_of(turn, draft)
    return turns.finish(turn, "Yes.[1]", MessageStatus.COMPLETE, draft)


def given() -> list[Candidate]:
    """As a program sends its list."""
    return [Candidate("I live in Porto.", provenance=Provenance(thread="a letter", position=1))]


def look(path: str) -> Act:
    return lambda alice: alice.look(path)


HOME_TOWN = Slot("person", "home town")

ENGINE: dict[str, Act] = {
    "recall": lambda alice: recall(alice.access, "Where do I live?"),
    "recall of one kind": lambda alice: recall(alice.access, "Where do I live?", kinds=["fact"]),
    "remember": lambda alice: writing.remember(alice.access, Candidate("I like tea", slot=HOME_TOWN)),
    "remember the same": lambda alice: writing.remember(alice.access, Candidate(alice.memory.content)),
    "remember a list once": lambda alice: writing.remember_all(
        alice.access, given(), batch=writing.Batch(MemoryBatch.Purpose.API, uuid.uuid4()), as_given=True
    ),
    "revise": lambda alice: writing.revise(alice.access, alice.memory.pk, "I like the lake"),
    "adjust": lambda alice: writing.adjust(alice.access, alice.memory.pk, importance=9),
    "forget": lambda alice: writing.forget(alice.access, alice.memory.pk),
    "forget all": lambda alice: writing.forget_all(alice.access),
    "undo": lambda alice: undoing.undo(alice.access, alice.event.change_id),
}
CHAT: dict[str, Act] = {
    "answer a turn": lambda alice: answer(alice.say()),
    "learn from a turn": lambda alice: learning.learn(alice.say().id),
    "find an answer": lambda alice: turns.find_answer(alice.user, alice.question.pk),
    "clear a conversation": lambda alice: turns.clear(alice.user, alice.conversation.pk),
}
JOBS: dict[str, Act] = {
    "learn from what was abandoned": lambda alice: learn_from_abandoned(),
    "forget old answers": lambda alice: forget_answers(),
    "archive what has faded": lambda alice: archive_faded(),
    "look where memories may be joined": lambda alice: consolidate_nightly(),
    "join memories": lambda alice: consolidate(profile_id=alice.access.profile.pk),
    "sum up a profile": lambda alice: summarise(profile_id=alice.access.profile.pk),
    "write an episode": lambda alice: write_episode(conversation_id=alice.conversation.pk),
}
PAGES: dict[str, Act] = {
    "sign in": lambda alice: alice.sign_in(),
    "chat": lambda alice: alice.get("/"),
    "conversation": lambda alice: alice.get(f"/chat/{alice.conversation.pk}/"),
    "margin of a turn": lambda alice: alice.get(f"/chat/{alice.conversation.pk}/notes/{alice.question.pk}/"),
    "memories": lambda alice: alice.get("/memories/"),
    "memories of a kind": lambda alice: alice.get(f"/memories/?kind=fact&profile={alice.access.profile.pk}"),
    "search": lambda alice: alice.post("/memories/", query="sea"),
    "memory": lambda alice: alice.get(f"/memories/{alice.memory.pk}/"),
    "look at an import": lambda alice: alice.post(
        "/memories/import/", text="I row\nI like tea", profile=str(alice.access.profile.pk)
    ),
    "export": lambda alice: alice.post("/memories/export/", format="json"),
    "a change that was made": lambda alice: alice.get(f"/memories/changes/{alice.event.change_id}/"),
    "undo of a change": lambda alice: alice.post(f"/memories/changes/{alice.event.change_id}/undo/"),
    "profiles": lambda alice: alice.get("/profiles/"),
    "settings": lambda alice: alice.get("/settings/"),
    "sessions": lambda alice: alice.get("/accounts/sessions/"),
}
API: dict[str, Act] = {
    "list memories": lambda alice: alice.page_after_page("/memories"),
    "create a memory once": lambda alice: alice.call("POST", "/memories", {"content": "I row"}, Idempotency_Key="one"),
    "search memories": lambda alice: alice.call("POST", "/memories/search", {"query": "sea"}),
    "history": lambda alice: alice.call("GET", f"/memories/{alice.memory.pk}/history"),
    "list conversations": lambda alice: alice.call("GET", f"/conversations?cursor={alice.cursor}"),
    "copy a profile": lambda alice: alice.call("POST", f"/profiles/{alice.access.profile.pk}/copy", {"name": "Copy"}),
    "summary of a conversation": lambda alice: alice.call("GET", f"/conversations/{alice.conversation.pk}/summary"),
    "list messages": lambda alice: alice.page_after_page(f"/conversations/{alice.conversation.pk}/messages"),
}
LISTS = (
    "accounts/user",
    "memories/memoryprofile",
    "memories/memory",
    "memories/memoryevent",
    "conversations/conversation",
)
ADMIN: dict[str, Act] = {
    f"{name} {how} in the admin": look(f"/admin/{name}/{query}")
    for name in LISTS
    for how, query in {"listed": "", "searched": f"?q={uuid.UUID(int=7)}", "of a week": "?made=week"}.items()
}

ACTS = ENGINE | CHAT | JOBS | PAGES | API | ADMIN


@pytest.mark.parametrize("act", [pytest.param(act, id=name) for name, act in ACTS.items()])
def test_no_statement_reads_a_large_table_whole(person: Person, act: Act) -> None:
    assert read_whole_by(act, person) == {}


def test_recall_reads_vectors_and_terms_in_their_indexes_alone(person: Person) -> None:
    with CaptureQueriesContext(connection) as captured:
        recall(person.access, "Where do I live?")

    [statement] = [sql for sql in statements(captured) if sql.startswith("WITH")]
    read = {node["Relation Name"]: node["Node Type"] for node in nodes(plan_of(statement)) if "Relation Name" in node}
    assert read["memories_memoryembedding"] == read["memories_memoryterm"] == "Index Only Scan"


@pytest.mark.parametrize(
    ("index_name", "name", "table"),
    [
        ("embedding_recall", "recall", "memories_memoryembedding"),
        ("event_message", "conversation", "memories_memoryevent"),
        ("message_unlearnt", "learn from what was abandoned", "conversations_message"),
    ],
)
def test_a_missing_index_is_noticed(person: Person, index_name: str, name: str, table: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"DROP INDEX {index_name}")

    assert [table] in read_whole_by(ACTS[name], person).values()


def read_whole_by(act: Act, person: Person) -> dict[str, list[str]]:
    """Statement → the large tables of which it reads every row, for those that do."""
    with CaptureQueriesContext(connection) as captured:
        act(person)
    found = {statement: read_whole(statement) for statement in statements(captured)}
    assert found
    return {statement: tables for statement, tables in found.items() if tables}


def statements(captured: CaptureQueriesContext) -> list[str]:
    written = [query["sql"].strip() for query in captured.captured_queries]
    return [sql for sql in written if sql.startswith(("SELECT", "WITH", "INSERT", "UPDATE", "DELETE"))]


def read_whole(statement: str) -> list[str]:
    """The large tables of which every row is read: from the table itself, or along an index without a condition."""
    plan = plan_of(statement)
    return [
        node["Relation Name"]
        for node in nodes(plan)
        if node.get("Relation Name") in large_tables() and "Scan" in node["Node Type"] and not is_narrowed(node, plan)
    ]


def is_narrowed(node: Plan, plan: Plan) -> bool:
    """A bitmap's conditions stand below it; the first rows along an index are few when none is passed over."""
    takes_the_first = plan["Node Type"] == "Limit" and "Index" in node["Node Type"] and "Filter" not in node
    return "Index Cond" in node or node["Node Type"] == "Bitmap Heap Scan" or takes_the_first


def plan_of(statement: str) -> Plan:
    """Of a prepared statement the plan that the server keeps, whatever its values."""
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN (GENERIC_PLAN, FORMAT JSON) {statement}")
        [(explained,)] = cursor.fetchall()
    return explained[0]["Plan"]


def nodes(plan: Plan) -> Iterator[Plan]:
    yield plan
    for part in plan.get("Plans", []):
        yield from nodes(part)


@cache
def large_tables() -> set[str]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT relname FROM pg_class WHERE relkind = 'r' AND reltuples >= %s", [LARGE])
        return {name for (name,) in cursor.fetchall()}
