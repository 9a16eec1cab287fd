"""Everything that is kept of a person is told to them, and goes with them; nothing late brings it back."""

import inspect
import json
import os
import stat
import sys
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from allauth.account.models import EmailAddress, EmailConfirmation
from allauth.mfa.models import Authenticator
from django.apps import apps
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Group, Permission
from django.contrib.sessions.models import Session
from django.core.management import ManagementUtility
from django.db import OperationalError, connection, transaction
from django.db.models import ForeignKey, Model
from django.test import Client
from django.test.utils import CaptureQueriesContext
from procrastinate.contrib.django.models import ProcrastinateJob

from accounts import erasing, organizations, personal_data, traces
from accounts.belongings import sessions_of
from accounts.models import DataKey, Tombstone, User
from accounts.tests.programs import EVERY_SCOPE, Program
from accounts.traces import Marks
from conversations import learning, turns, usage
from conversations.models import Conversation, Message, MessageStatus, Receipt
from conversations.prompting import prompt_of
from conversations.receipts import Draft
from conversations.tasks import learn_from
from conversations.turns import Said
from memories import profiles
from memories.engine import conflicts, writing
from memories.engine.types import Candidate
from memories.models import Action, Conflict, Memory, MemoryEvent, MemoryLink, PrivacyMode
from memorychat.jobs import Job, enqueue
from memorychat.lib.crypto import key_ring
from memorychat.llm.types import Finished

Run = Callable[..., tuple[int, str, str]]

pytestmark = pytest.mark.django_db(transaction=True)

WORDS = "I keep a red boat in the old harbour"


@dataclass(frozen=True)
class Life:
    """A person with a row in every table that keeps something of people."""

    user: User
    message_id: uuid.UUID
    memory_id: uuid.UUID


def live(email: str) -> Life:
    user = User.objects.create_user(email, "a long enough password")
    address = EmailAddress.objects.create(user=user, email=email, primary=True, verified=True)
    EmailConfirmation.objects.create(email_address=address, key=uuid.uuid4().hex)
    Authenticator.objects.create(user=user, type="totp", data={"secret": "the secret of the second factor"})
    user.groups.add(Group.objects.get_or_create(name="moderators")[0])
    user.user_permissions.add(Permission.objects.earliest("pk"))
    LogEntry.objects.create(user=user, object_id="17", action_flag=2)
    organizations.found(user, f"The harbour of {email}")
    browser = Client()
    browser.force_login(user)
    browser.get("/memories/")
    program = Program(user, *EVERY_SCOPE)
    program.call("POST", "/memories", {"content": WORDS, "metadata": {"from": "a letter"}}, Idempotency_Key="k")
    turn = turns.begin(user, Said("I live in Porto.", PrivacyMode.NORMAL))
    draft = Draft("normal", "", "")
    prompt_of(turn, draft)
    draft.used(Finished("stop", 10, 10))
    usage.add(user, draft)
    turns.finish(turn, "Yes.[1]", MessageStatus.COMPLETE, draft)
    learning.learn(turn.id)
    first, second = Memory.objects.for_user(user).select_related("profile").order_by("pk")
    conflicts.mark(first.profile, first, second)
    MemoryLink.objects.get_or_create(profile=first.profile, one=first, other=second, defaults={"weight": 0.9})
    return Life(user, turn.id, first.pk)


@pytest.fixture
def her(db: None) -> Life:
    return live("carol@example.com")


@pytest.fixture
def him(db: None) -> Life:
    return live("jimcarol@example.com")


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    """As from the terminal: status, what was said, and what was complained of."""

    def run(*arguments: str) -> tuple[int, str, str]:
        status = 0
        try:
            with key_ring():
                ManagementUtility(["manage.py", *arguments]).execute()
        except SystemExit as stop:
            status = int(stop.code or 0)
        said = capsys.readouterr()
        return status, said.out, said.err

    return run


def models_with_a_way_to_a_person() -> set[type[Model]]:
    """Whatever points at a person, and whatever is a part of that."""
    found: set[type[Model]] = {User}
    while True:
        further = {model for model in apps.get_models(include_auto_created=True) if _leads_to(model, found)} - found
        if not further:
            return found
        found |= further


def _leads_to(model: type[Model], found: set[type[Model]]) -> bool:
    keys = [column for column in model._meta.concrete_fields if isinstance(column, ForeignKey)]
    return any(key.related_model is User or (key.related_model in found and not key.null) for key in keys)


def counts_of(person: User) -> dict[str, int]:
    return {each.name: each.of(person.pk).count() for each in personal_data.registered()}


def test_every_table_with_a_way_to_a_person_is_registered() -> None:
    registered = {each.model for each in personal_data.registered()}

    assert models_with_a_way_to_a_person() - registered == set()
    # What tells whose it is by no foreign key.
    assert registered - models_with_a_way_to_a_person() == {Session, ProcrastinateJob}


def test_what_hangs_on_others_goes_before_them() -> None:
    order = [each.model for each in personal_data.in_order()]

    assert len(order) == len(personal_data.registered())
    for at, model in enumerate(order):
        parents = {key.related_model for key in model._meta.concrete_fields if isinstance(key, ForeignKey)}
        assert not parents - {model} & set(order[:at]), model


def test_the_life_of_these_tests_fills_every_table(her: Life) -> None:
    enqueue(learn_from, message_id=her.message_id)

    assert [name for name, count in counts_of(her.user).items() if not count] == []


def test_a_person_is_erased_from_every_table_and_nobody_else(her: Life, him: Life) -> None:
    others = counts_of(him.user)
    certificate = erasing.erase(her.user.pk)

    left = counts_of(her.user)
    assert {name for name, count in left.items() if count} == {"memories.memoryevent"}
    assert counts_of(him.user) == others
    assert certificate["search"]["found"] == {}
    assert certificate["rows"]["memories.memory"] == 2
    assert certificate["rows"]["accounts.user"] == 1
    assert Memory.objects.get(pk=him.memory_id).content == WORDS


def test_the_ledger_keeps_its_lines_without_a_word(her: Life) -> None:
    before = {event.pk: event.number for event in MemoryEvent.objects.for_user(her.user)}
    erasing.erase(her.user.pk)
    events = list(MemoryEvent.objects.filter(owner=her.user.pk).order_by("number"))

    assert {event.pk: event.number for event in events if event.action != Action.ERASED} == before
    assert {(event.before, event.after, event.reason, event.correlation_id) for event in events} == {
        (None, None, None, "")
    }
    erased = [event.memory_id for event in events if event.action == Action.ERASED]
    assert len(erased) == len(set(erased)) == 2


def test_a_ledger_row_still_cannot_be_changed_otherwise(her: Life) -> None:
    erasing.erase(her.user.pk)
    with pytest.raises(Exception, match="append-only"), connection.cursor() as cursor:
        cursor.execute("UPDATE memories_memoryevent SET action = 'created'")


def test_the_search_finds_what_was_forgotten(her: Life) -> None:
    """It is no use unless it fails where something is left: one trace in a text, one in JSON, one in bytes."""
    marks = erasing._marks_of(her.user.pk)
    Group.objects.create(name=f"friends of {her.user.email}")
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO procrastinate_jobs (queue_name, task_name, args) VALUES ('a', 'b', %s)",
            [json.dumps({"said": WORDS})],
        )
        sealed = DataKey.objects.filter(owner=her.user).earliest("pk").pk.bytes
        cursor.execute("CREATE TABLE forgotten (value bytea)")
        cursor.execute("INSERT INTO forgotten VALUES (%s)", [b"\x01" + sealed + b"rest"])
        try:
            found = traces.search(marks).found
        finally:
            cursor.execute("DROP TABLE forgotten")

    assert {"auth_group.name", "procrastinate_jobs.args", "forgotten.value"} <= found.keys()


def test_no_word_of_a_person_is_part_of_a_statement_that_erases_them(her: Life) -> None:
    words = erasing._words_of(her.user.pk)
    assert WORDS in words
    with CaptureQueriesContext(connection) as captured:
        erasing.erase(her.user.pk)
    # As texts, also where a pattern escapes them, and as bytes.
    statements = "\n".join(query["sql"] for query in captured.captured_queries).replace("\\", "").lower()
    forms = {form for word in {*words, her.user.email} for form in (word.lower(), word.encode().hex())}

    assert "procrastinate_jobs" in statements
    assert her.user.pk.hex in statements
    assert [form for form in forms if form in statements] == []


def test_the_search_finds_words_as_json_writes_them(db: None) -> None:
    words = 'I call my boat "Ånna"\nand row'
    for written in (json.dumps({"said": words}), json.dumps({"said": words.upper()}, ensure_ascii=False)):
        Group.objects.update_or_create(pk=1, defaults={"name": written})
        assert traces.search(Marks(words=frozenset({words}))).found == {"auth_group.name": 1}


def test_the_search_reads_a_large_table_to_its_end(db: None) -> None:
    count = 3 * traces.AT_ONCE
    Group.objects.bulk_create(Group(name=f"{WORDS} {number}") for number in range(count))

    assert traces.search(Marks(words=frozenset({WORDS}))).found == {"auth_group.name": count}


def test_the_search_does_not_take_a_longer_address_for_a_shorter_one(her: Life, him: Life) -> None:
    marks = Marks(addresses=frozenset({her.user.email}))

    assert traces.search(marks).found["account_emailaddress.email"] == 1


def test_jobs_for_an_erased_person_are_gone_and_late_ones_do_nothing(her: Life, run_jobs: Callable[[], int]) -> None:
    Message.objects.filter(pk=her.message_id).update(learnt_at=None)
    enqueue(learn_from, message_id=her.message_id)
    erasing.erase(her.user.pk)
    assert run_jobs() == 0
    enqueue(learn_from, message_id=her.message_id)
    run_jobs()

    assert not Memory.objects.filter(owner=her.user.pk).exists()
    assert erasing.is_erased(her.user.pk)


def jobs_about_something() -> list[Job]:
    """Whatever is enqueued with ids, in whichever module it stands."""
    found = {
        each.name: each for module in list(sys.modules.values()) for each in vars(module).values() if type(each) is Job
    }
    return [
        job
        for name, job in sorted(found.items())
        if name.startswith(("accounts.", "memories.", "conversations.", "webhooks."))
        and inspect.signature(job.work).parameters
    ]


@pytest.mark.parametrize("job", jobs_about_something(), ids=lambda job: job.name)
def test_a_job_about_what_is_gone_does_nothing(job: Job) -> None:
    job(**{name: uuid.uuid4() for name in inspect.signature(job.work).parameters})

    assert not Memory.objects.exists()
    assert not ProcrastinateJob.objects.exists()


def test_a_job_that_hangs_loses_its_ids(her: Life, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(erasing, "PATIENCE", timedelta(0))
    enqueue(learn_from, message_id=her.message_id)
    with connection.cursor() as cursor:
        cursor.execute("UPDATE procrastinate_jobs SET status = 'doing'")
    erasing.erase(her.user.pk)

    assert {json.dumps(job.args) for job in ProcrastinateJob.objects.all()} == {"{}"}


def test_an_open_browser_is_signed_out(her: Life) -> None:
    browser = Client()
    browser.force_login(her.user)
    assert browser.get("/memories/").status_code == 200
    erasing.erase(her.user.pk)

    assert browser.get("/memories/").status_code == 302
    assert not sessions_of(her.user.pk).exists()


def test_an_answer_in_the_making_is_not_kept(her: Life) -> None:
    turn = turns.begin(her.user, Said("What do you know?", PrivacyMode.NORMAL))
    erasing.erase(her.user.pk)
    with pytest.raises(Message.DoesNotExist):
        turns.finish(turn, "Everything.", MessageStatus.COMPLETE, None)

    assert not Message.objects.filter(owner=her.user.pk).exists()


def test_the_same_address_may_sign_up_again(her: Life) -> None:
    erasing.erase(her.user.pk)
    again = live(her.user.email)

    assert again.user.pk != her.user.pk
    assert not erasing.is_erased(again.user.pk)


@pytest.mark.parametrize("step", ["_erase_rows", "_wait_for", "_complete"])
def test_what_was_killed_in_the_middle_is_completed_by_the_next_run(
    her: Life, run: Run, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    def die(*arguments: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(erasing, step, die)
        with pytest.raises(KeyboardInterrupt):
            erasing.erase(her.user.pk)
    assert not DataKey.objects.filter(owner=her.user.pk, wrapped__isnull=False).exists()
    status, said, _ = run("erase_user", her.user.email, "--yes")

    assert status == 0
    assert json.loads(said)["rows"]["memories.memory"] == 2
    assert {name for name, count in counts_of(her.user).items() if count} == {"memories.memoryevent"}
    assert Tombstone.objects.get().completed_at


def test_a_deadlock_is_tried_again(her: Life, monkeypatch: pytest.MonkeyPatch) -> None:
    tries = []

    def lose_twice(person_id: uuid.UUID) -> None:
        tries.append(person_id)
        if len(tries) < 3:
            raise OperationalError("deadlock detected")

    monkeypatch.setattr(erasing, "_lock", lose_twice)

    assert erasing.erase(her.user.pk)["search"]["found"] == {}
    assert len(tries) == 3


def test_who_writes_at_the_same_time_leaves_nothing(her: Life) -> None:
    """As the web does while the command runs: turns, memories, profiles, in four threads."""

    def write(number: int) -> None:
        try:
            with key_ring():
                for at in range(20):
                    user = User.objects.get(pk=her.user.pk)
                    access = profiles.by_hand(user, profiles.default_for(user))
                    writing.remember(access, Candidate(f"I own boat number {number} of {at}"))
                    turns.begin(user, Said(f"Hello {number} {at}", PrivacyMode.NORMAL))
        # Whatever it runs into, the person is gone.
        except Exception:  # noqa: BLE001
            return
        finally:
            connection.close()

    with ThreadPoolExecutor(5) as threads:
        writers = [threads.submit(write, number) for number in range(4)]

        def erase() -> dict[str, Any]:
            try:
                with key_ring():
                    return erasing.erase(her.user.pk)
            finally:
                connection.close()

        certificate = threads.submit(erase).result()
        for writer in writers:
            writer.result()

    assert {name for name, count in counts_of(her.user).items() if count} == {"memories.memoryevent"}
    assert certificate["search"]["found"] == {}


@pytest.fixture
def backup() -> Iterator[Callable[[], Callable[[], None]]]:
    """Keeps every table aside, and puts it back as it was, as restoring does."""
    tables = [model._meta.db_table for model in apps.get_models(include_auto_created=True)]
    tables = [table for table in tables if not table.startswith("procrastinate") and table != "accounts_tombstone"]

    def execute(*templates: str) -> None:
        with transaction.atomic(), connection.cursor() as cursor:
            for template in templates:
                for table in tables:
                    cursor.execute(template.format(table=table))

    def restore() -> None:
        execute("ALTER TABLE {table} DISABLE TRIGGER USER")
        execute("DELETE FROM {table}", "INSERT INTO {table} SELECT * FROM kept_{table}")
        execute("ALTER TABLE {table} ENABLE TRIGGER USER")

    def make() -> Callable[[], None]:
        execute("CREATE TABLE kept_{table} AS TABLE {table}")
        return restore

    yield make
    execute("DROP TABLE IF EXISTS kept_{table}")


def test_a_restored_backup_brings_nobody_back(her: Life, him: Life, backup: Callable[[], Callable[[], None]]) -> None:
    restore = backup()
    erasing.erase(her.user.pk)
    others = counts_of(him.user)
    restore()
    assert User.objects.filter(pk=her.user.pk).exists()
    assert Memory.objects.filter(owner=her.user.pk).count() == 2
    [certificate] = erasing.replay_erasures()

    assert {name for name, count in counts_of(her.user).items() if count} == {"memories.memoryevent"}
    assert certificate["rows"]["memories.memory"] == 4
    assert counts_of(him.user) == others
    assert erasing.replay_erasures() == []


def test_a_backup_that_is_older_than_the_tombstone_is_told_whom_to_erase(
    her: Life, backup: Callable[[], Callable[[], None]]
) -> None:
    restore = backup()
    erasing.erase(her.user.pk)
    restore()
    Tombstone.objects.all().delete()
    erasing.replay_erasures([her.user.pk])

    assert not User.objects.filter(pk=her.user.pk).exists()
    assert erasing.is_erased(her.user.pk)


def test_the_admin_opens_an_erased_line_of_the_ledger(her: Life) -> None:
    admin = User.objects.create_superuser("root@example.com", "a long enough password")
    erasing.erase(her.user.pk)
    browser = Client()
    browser.force_login(admin)
    event = MemoryEvent.objects.filter(owner=her.user.pk).latest("number")

    assert browser.get("/admin/memories/memoryevent/").status_code == 200
    assert browser.get(f"/admin/memories/memoryevent/{event.pk}/change/", follow=True).status_code == 200


def test_the_command_asks_first(her: Life, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("builtins.input", lambda prompt: "y")
    status, _, complaint = run("erase_user", her.user.email)

    assert (status, complaint) == (1, "CommandError: Nothing was erased.\n")
    assert User.objects.filter(pk=her.user.pk).exists()
    monkeypatch.setattr("builtins.input", lambda prompt: "yes")
    status, said, _ = run("erase_user", her.user.email.upper())
    assert status == 0
    assert not User.objects.filter(pk=her.user.pk).exists()
    assert json.loads(said[said.index("{") :])["search"]["found"] == {}


@pytest.mark.parametrize("email", ["", "nobody@example.com", "nonsense", "\x00", "x" * 10_000, "😀@example.com"])
@pytest.mark.parametrize("command", [["erase_user", "--yes"], ["export_user"]])
def test_an_address_that_nobody_has_is_told_in_one_line(
    run: Run, tmp_path: Path, command: list[str], email: str
) -> None:
    file = [str(tmp_path / "x.json")] if command == ["export_user"] else []
    status, said, complaint = run(command[0], email, *file, *command[1:])

    assert (status, said, complaint.count("\n")) == (2, "", 1)
    assert list(tmp_path.iterdir()) == []


def test_everything_is_told_opened_and_without_secrets(her: Life, him: Life, run: Run, tmp_path: Path) -> None:
    path = tmp_path / "carol.json"
    status, said, _ = run("export_user", her.user.email, str(path))
    text = path.read_text(encoding="utf-8")
    told = json.loads(text)

    assert status == 0
    assert "rows of" in said
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert (told["format"], told["version"], told["person"]) == ("memorychat.person", 1, str(her.user.pk))
    tables = told["tables"]
    assert {name: len(rows) for name, rows in tables.items()} == told["counts"]
    assert set(tables) | set(told["untold"]) == {each.name for each in personal_data.registered()}
    assert WORDS in {memory["content"] for memory in tables["memories.memory"]}
    assert tables["memories.memory"][0]["metadata"] == {"from": "a letter"}
    assert [message["text"] for message in tables["conversations.message"]] == ["I live in Porto.", "Yes.[1]"]
    assert tables["memories.memoryevent"][0]["after"]["content"] == WORDS
    assert tables["accounts.user"][0]["email"] == her.user.email
    for secret in ("the secret of the second factor", her.user.password, str(him.user.pk), him.user.email, "md5$"):
        assert secret not in text


def test_an_export_fails_whole(her: Life, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "carol.json"
    path.write_text("what was there")

    def die(*arguments: object) -> None:
        raise OSError(28, os.strerror(28))

    monkeypatch.setattr("accounts.exports.os.fsync", die)
    status, _, complaint = run("export_user", her.user.email, str(path))

    assert (status, complaint.count("\n")) == (2, 1)
    assert "No space left" in complaint
    assert [(each.name, each.read_text()) for each in tmp_path.iterdir()] == [("carol.json", "what was there")]


@pytest.mark.parametrize("path", ["missing/carol.json", "."])
def test_a_file_that_cannot_be_written_is_told_in_one_line(her: Life, run: Run, tmp_path: Path, path: str) -> None:
    status, _, complaint = run("export_user", her.user.email, str(tmp_path / path))

    assert (status, complaint.count("\n")) == (2, 1)
    assert list(tmp_path.iterdir()) == []


def test_everything_told_goes_with_the_person(her: Life) -> None:
    assert Conversation.objects.exists()
    assert Receipt.objects.exists()
    assert Conflict.objects.exists()
    erasing.erase(her.user.pk)

    assert not Conversation.objects.exists()
    assert not Receipt.objects.exists()
    assert not Conflict.objects.exists()
