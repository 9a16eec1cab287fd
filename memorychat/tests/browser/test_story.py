"""The story that must work, from sign-up to a stranger at the door: once with no model, once with one over HTTP.

The tests are its chapters. They are told in their order, in the same house by the same alice, and when one fails those
after it are not told.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from playwright.sync_api import Browser, BrowserContext, Playwright, expect

from memorychat.llm.standin import Behaviour
from memorychat.tests.browser.addresses import addresses_with
from memorychat.tests.browser.house import WORDIEST, House
from memorychat.tests.browser.lines import NOBODYS, open_line
from memorychat.tests.browser.models import Modelled, is_lesson
from memorychat.tests.browser.pages import Chat, Memories, Turn, sign_up


@dataclass(frozen=True)
class Telling:
    """What alice tells, how she asks for it later, and the words by which both are known."""

    told: str
    asked: str
    key: str


TELLINGS = (
    Telling("Everybody calls me Pippa, even my mother.", "How should you address me?", "Pippa"),
    Telling("Home for me is Aarhus, right by the harbour.", "In what city is my flat?", "Aarhus"),
    Telling("I restore old pipe organs for a living.", "What is my profession?", "pipe organs"),
    Telling("I'm strictly vegetarian, and have been since school.", "Would I order a steak?", "vegetarian"),
    Telling("We have a grumpy old dachshund called Bartholomew.", "Who barks at our house?", "Bartholomew"),
    Telling("I would much rather take a night train than a plane.", "Do I like flying?", "night train"),
    Telling(
        "I have made up my mind: this winter I will learn the bassoon.", "Which instrument am I taking up?", "bassoon"
    ),
    Telling("My birthday falls on Pi Day, the 14th of March.", "When do I get a year older?", "Pi Day"),
)
HOME, PET, DECISION = TELLINGS[1], TELLINGS[4], TELLINGS[6]
MOVE = Telling("I have just moved to Maribor.", "Where do I live?", "Maribor")
CORRECTED = "We have a cheerful young dachshund called Montmorency"
TAKEN_BACK = "I play the theremin every evening."
PAUSED = "I own a tortoise called Quigley."
AFTER_PAUSE = Telling("My sister Rosalind is a lighthouse keeper.", "What does Rosalind do?", "Rosalind")
LAST = Telling("My brother Ambrose is a violin maker.", "What does Ambrose do?", "Ambrose")
UNKEPT = "My secret hiding place is Xylokastro."
KEYS = [each.key for each in (*TELLINGS, MOVE, AFTER_PAUSE, LAST)]
SECRETS = [*KEYS, "Montmorency", "theremin", "Quigley", "Xylokastro"]

# What a search of everything must be able to find.
CONTROL = "Zeugmacontrol"

# Requests of the API that may name an id otherwise than in their address.
NAMED_IN_THE_BODY: tuple[tuple[str, dict[str, object]], ...] = (
    ("chat", {"message": "Mine", "conversation_id": ""}),
    ("chat", {"message": "Mine", "profile_id": ""}),
    ("memories", {"content": "Mine", "profile_id": ""}),
    ("memories/batch", {"items": [{"content": "Mine"}], "profile_id": ""}),
    ("memories/search", {"query": "Mine", "profile_id": ""}),
)


@dataclass(frozen=True)
class Setting:
    """Where the story is told. Without a `model` the built-in responder answers."""

    house: House
    model: Behaviour | None


@pytest.fixture(scope="module", params=["built-in", "over HTTP"])
def setting(request: pytest.FixtureRequest) -> Iterator[Setting]:
    if request.param == "over HTTP":
        modelled: Modelled = request.getfixturevalue("modelled")
        yield Setting(modelled.house, modelled.behaviour)
        return
    house = House(**WORDIEST)
    try:
        house.start()
        yield Setting(house, None)
    finally:
        house.close()


# What no model has a part in is told once.
once = pytest.mark.parametrize("setting", ["built-in"], indirect=True, scope="module")


@pytest.fixture(scope="module")
def house(setting: Setting) -> House:
    return setting.house


@pytest.fixture(scope="module")
def context(browser: Browser, house: House) -> Iterator[BrowserContext]:
    """Alice's browser."""
    with browser.new_context(base_url=house.address) as context:
        # Leaving what was said incognito asks a question.
        context.on("dialog", lambda dialog: dialog.accept())
        yield context


@pytest.fixture(scope="module")
def chat(context: BrowserContext) -> Chat:
    return Chat(sign_up(context, "alice@example.com"))


@pytest.fixture(scope="module")
def memories(chat: Chat) -> Memories:
    return Memories(chat.page)


@pytest.fixture(scope="module")
def broken(chat: Chat) -> list[str]:
    """Where the story broke off. Whatever chapter asks for it is told in her browser's order."""
    return []


@pytest.fixture(autouse=True)
def in_order(request: pytest.FixtureRequest, broken: list[str]) -> Iterator[None]:
    if broken:
        pytest.skip(f"the story broke off where {broken[0]}")
    failed_before = request.session.testsfailed
    yield
    if request.session.testsfailed > failed_before:
        broken.append(request.node.name)


def ask(chat: Chat, telling: Telling) -> Turn:
    """The answer holds it, and names the memory in the text and in the margin."""
    turn = chat.say(telling.asked)
    expect(turn.reply).to_contain_text(telling.key)
    expect(turn.reply.get_by_role("link", name="Memory 1")).to_be_visible()
    expect(turn.notes("Knew").filter(has_text=telling.key)).to_be_visible()
    return turn


def test_what_is_told_is_noted_in_the_margin(chat: Chat, setting: Setting) -> None:
    expect(chat.page.get_by_role("complementary", name="No language model")).to_have_count(0 if setting.model else 1)
    for telling in TELLINGS:
        turn = chat.say(telling.told)
        expect(turn.notes("Remembered")).to_contain_text(telling.key)


def test_the_list_of_memories_shows_each(memories: Memories) -> None:
    memories.open()
    expect(memories.entries).to_have_count(len(TELLINGS))
    for telling in TELLINGS:
        expect(memories.entry(telling.key)).to_be_visible()
    expect(memories.episodes).to_have_count(1)


def test_a_new_conversation_knows_each_when_asked_in_other_words(chat: Chat) -> None:
    chat.begin()
    for telling in TELLINGS:
        ask(chat, telling)


def test_after_a_move_the_new_town_answers_and_the_old_is_kept(chat: Chat, memories: Memories) -> None:
    turn = chat.say(MOVE.told)
    expect(turn.notes("Changed")).to_contain_text(MOVE.key)
    expect(turn.notes("Changed")).to_contain_text(HOME.key)

    expect(ask(chat, MOVE).reply).not_to_contain_text(HOME.key)

    memories.open("superseded")
    expect(memories.entry(HOME.key)).to_be_visible()


@once
def test_what_is_learnt_can_be_taken_back_in_the_margin(chat: Chat, memories: Memories) -> None:
    chat.begin()
    note = chat.say(TAKEN_BACK).notes("Remembered")
    note.get_by_role("button", name="Undo").click()
    expect(note).to_contain_text("Undone")

    memories.open()
    expect(memories.entry("theremin")).to_have_count(0)


@once
def test_a_memory_is_corrected_in_the_page(chat: Chat, memories: Memories) -> None:
    memories.open()
    memories.edit(PET.key, CORRECTED)

    chat.begin()
    ask(chat, Telling(PET.told, PET.asked, "Montmorency"))


@once
def test_a_memory_is_forgotten_and_the_forgetting_undone(chat: Chat, memories: Memories) -> None:
    memories.open()
    memories.forget(DECISION.key)
    chat.begin()
    expect(chat.say(DECISION.asked).reply).not_to_contain_text(DECISION.key)

    memories.undo_last_change(DECISION.key, status="forgotten")
    chat.begin()
    ask(chat, DECISION)


def test_paused_it_still_knows_and_learns_nothing(chat: Chat, memories: Memories, setting: Setting) -> None:
    chat.begin()
    chat.choose("Paused")
    ask(chat, MOVE)
    turn = chat.say(PAUSED)
    expect(turn.margin).to_contain_text("Paused: nothing was written")

    chat.choose("Normal")
    # What is learnt after it shows that there was time to learn it.
    expect(chat.say(AFTER_PAUSE.told).notes("Remembered")).to_contain_text(AFTER_PAUSE.key)
    memories.open()
    expect(memories.entry("Quigley")).to_have_count(0)
    assert not [request for request in lessons(setting.model) if "Quigley" in request]


def test_incognito_it_knows_nothing_and_keeps_nothing(chat: Chat, setting: Setting) -> None:
    chat.begin()
    chat.choose("Incognito")
    chat.say(UNKEPT)
    turn = chat.say(MOVE.asked)
    expect(turn.reply).not_to_contain_text(MOVE.key)
    expect(turn.margin).to_contain_text("0 memories read, 0 written")

    chat.choose("Normal")
    ask(chat, MOVE)
    if setting.model:
        assert "Xylokastro" not in json.dumps(setting.model.requests[-1])
    assert not [request for request in lessons(setting.model) if "Xylokastro" in request]
    chat.page.reload()
    expect(chat.page.get_by_text("Xylokastro")).to_have_count(0)


def lessons(model: Behaviour | None) -> list[str]:
    """What a model was given to learn from."""
    requests = model.requests if model else []
    return [json.dumps(request) for request in requests if is_lesson(request)]


def test_no_word_that_was_said_lies_readable_anywhere(house: House, chat: Chat) -> None:
    house.rows(
        "UPDATE conversations_message SET client_message_id = %s"
        " WHERE id = (SELECT id FROM conversations_message LIMIT 1) RETURNING id",
        CONTROL,
    )
    needles = [form for words in [CONTROL, *SECRETS, *chat.said] for form in _forms(words)]

    in_dump = _found_in(house.dump(), needles)
    in_files = {needle for content in house.files() for needle in _found_in(content, needles)}

    assert in_dump == in_files == {CONTROL.lower().encode()}


def _forms(word: str) -> list[bytes]:
    """As it is, and as a dump shows bytes."""
    return [word.lower().encode(), word.encode().hex().encode()]


def _found_in(content: bytes, needles: list[bytes]) -> set[bytes]:
    lower = content.lower()
    return {needle for needle in needles if needle in lower}


@once
def test_a_restart_loses_nothing(house: House, chat: Chat, memories: Memories) -> None:
    memories.open()
    known = memories.entries.all_inner_texts()
    chat.begin()

    assert house.stop() == 0
    assert house.processes() == []
    house.start()

    memories.open()
    assert memories.entries.all_inner_texts() == known
    chat.begin()
    ask(chat, MOVE)
    ask(chat, AFTER_PAUSE)


@dataclass(frozen=True)
class Stranger:
    """Bob, who has an account and a key of his own, and alice's ids."""

    context: BrowserContext
    chat: Chat
    key: str


@pytest.fixture(scope="module")
def stranger(browser: Browser, house: House) -> Iterator[Stranger]:
    with browser.new_context(base_url=house.address) as context:
        chat = Chat(sign_up(context, "bob@example.com"))
        yield Stranger(context, chat, key=house.manage("create_api_key", "bob@example.com").splitlines()[-1])


@pytest.fixture(scope="module")
def ids(house: House) -> dict[str, str]:
    """Of everything of alice's that an address can name."""
    [row] = house.rows(
        "SELECT memory.owner_id, memory.profile_id, memory.id, event.change_id, message.id, message.conversation_id,"
        " answer.id FROM memories_memory memory JOIN memories_memoryevent event ON event.memory_id = memory.id"
        " JOIN conversations_message message ON message.id = event.message_id"
        " JOIN conversations_message answer ON answer.parent_id = message.id AND answer.role = 'assistant'"
        " JOIN accounts_user owner ON owner.id = memory.owner_id"
        " WHERE owner.email = 'alice@example.com' AND memory.status = 'active' LIMIT 1"
    )
    # As the write gate marks two memories that cannot both hold.
    [conflict] = house.rows(
        "INSERT INTO memories_conflict (id, profile_id, one_id, other_id, created_at)"
        " SELECT gen_random_uuid(), one.profile_id, one.id, other.id, now()"
        " FROM memories_memory one JOIN memories_memory other"
        " ON other.profile_id = one.profile_id AND other.id > one.id AND other.status = 'active'"
        " WHERE one.status = 'active' AND one.owner_id = %s LIMIT 1 RETURNING id",
        row[0],
    )
    organization = house.manage("create_organization", "The harbour pilots", "--owner", "alice@example.com").strip()
    names = ("user_id", "profile_id", "memory_id", "change_id", "message_id", "conversation_id", "answer_id")
    ids = (*row, *conflict, organization)
    return dict(zip((*names, "conflict_id", "organization_id"), map(str, ids), strict=True))


def events(house: House) -> int:
    [[count]] = house.rows("SELECT count(*) FROM memories_memoryevent")
    return int(count)


@once
def test_a_stranger_sees_none_of_it_on_his_own_pages(stranger: Stranger) -> None:
    for address in ("/", "/memories/", "/memories/?status=superseded", "/profiles/", "/settings/"):
        stranger.chat.page.goto(address)
        for secret in SECRETS:
            expect(stranger.chat.page.locator("body")).not_to_contain_text(secret)
    stranger.chat.begin()
    turn = stranger.chat.say(MOVE.asked)
    expect(turn.reply).not_to_contain_text(MOVE.key)
    expect(turn.notes("Knew")).to_have_count(0)


@once
def test_a_stranger_finds_nothing_at_her_addresses_and_forms(
    stranger: Stranger, context: BrowserContext, ids: dict[str, str], house: House
) -> None:
    before = events(house)
    token = next(cookie["value"] for cookie in stranger.context.cookies() if cookie["name"] == "csrftoken")
    pages = [address for address in addresses_with(ids) if not address.startswith("/api/")]
    assert pages
    for address in pages:
        answers = [
            stranger.context.request.get(address, max_redirects=0),
            stranger.context.request.post(address, headers={"X-CSRFToken": token}, form={"content": "Mine"}),
        ]
        # 405: there is no such form, or nothing but one.
        assert {answer.status for answer in answers} in ({404}, {404, 405}), address
        assert context.request.get(address, max_redirects=0).status in (200, 302, 405), address
    assert events(house) == before


# What an address wants to hear; what is wrong in itself would be refused before anybody looked whose it is.
BODIES = {"chat": {"message": "Mine"}, "copy": {"name": "Mine"}}


@once
def test_a_stranger_finds_nothing_with_his_key(
    stranger: Stranger, context: BrowserContext, ids: dict[str, str], house: House, playwright: Playwright
) -> None:
    before = events(house)
    headers = {"Authorization": f"Bearer {stranger.key}"}
    program = playwright.request.new_context(base_url=house.address, extra_http_headers=headers)
    addresses = [address for address in addresses_with(ids) if address.startswith("/api/")]
    assert addresses
    for address in addresses:
        body = BODIES.get(address.rsplit("/", 1)[-1], {})
        answers = [program.fetch(address, method=method, data=body) for method in ("GET", "POST", "PATCH", "DELETE")]
        assert {answer.status for answer in answers} in ({404}, {404, 405}), address
        assert context.request.get(address).status in (200, 405), address
    for path, asked in NAMED_IN_THE_BODY:
        named = {name: ids[name] for name in ("conversation_id", "profile_id") if name in asked}
        assert program.post(f"/api/v1/{path}", data=asked | named).status == 404, path
    assert events(house) == before


@once
def test_a_stranger_hears_nothing_on_his_sockets(
    stranger: Stranger, chat: Chat, ids: dict[str, str], house: House
) -> None:
    for conversation_id in (ids["conversation_id"], NOBODYS):
        with open_line(stranger.context, house.address, conversation_id) as line:
            assert line.close_code() == 4404
    with open_line(stranger.context, house.address) as line:
        for turn in (ids["message_id"], NOBODYS):
            line.send("reply.resume", turn=turn)
            assert line.wait_for_reply()["code"] == "interrupted"

        chat.begin()
        expect(chat.say(LAST.told).notes("Remembered")).to_contain_text(LAST.key)
        line.say("My own house is in Turku.")
        told = [event["message_id"] for event in line.wait_for("memory.changed")["events"]]
        assert house.rows(
            "SELECT DISTINCT email FROM conversations_message message JOIN accounts_user ON accounts_user.id = owner_id"
            " WHERE message.id = ANY(%s::uuid[])",
            told,
        ) == [("bob@example.com",)]


def test_the_log_of_the_whole_story_holds_no_word(house: House, chat: Chat) -> None:
    log = house.log().lower()

    assert b"message.send" in log
    assert not [words for said in chat.said for words in _threes(said) if words in log]
    assert _found_in(log, [form for word in SECRETS for form in _forms(word)]) == set()


def _threes(said: str) -> list[bytes]:
    """Every three words in a row, so that no part of a sentence is overlooked."""
    words = said.lower().split()
    return [" ".join(words[at : at + 3]).encode() for at in range(len(words) - 2)]
