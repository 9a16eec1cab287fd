import pytest

from memories.engine.rules import find, find_forgets, slot_of, slots_asked
from memories.models import Kind


def told(words: str) -> list[str]:
    return [finding.content for finding in find(words)]


@pytest.mark.parametrize(
    ("words", "contents"),
    [
        ("Hi, I'm Ana and I live in Porto.", ["I'm Ana", "I live in Porto"]),
        ("Everyone calls me Kit.", ["Everyone calls me Kit"]),
        ("I work as a nurse, and I'm vegetarian", ["I work as a nurse", "I'm vegetarian"]),
        ("I am an engineer at Acme and play the cello", ["I am an engineer at Acme", "I play the cello"]),
        ("We have a dog called Bruno!", ["We have a dog called Bruno"]),
        ("My tortoise answers to Sheldon.", ["My tortoise answers to Sheldon"]),
        ("I'd rather take trains than planes.", ["I'd rather take trains than planes"]),
        ("Between the sea and the hills I choose the hills", ["Between the sea and the hills I choose the hills"]),
        ("My wife and I have decided to sell the car.", ["My wife and I have decided to sell the car"]),
        ("I was born on 3 May 1988.", ["I was born on 3 May 1988"]),
        ("My sister Teresa lives in St. Ives.", ["My sister Teresa lives in St. Ives"]),
        ("Please remember that the key is under the mat", ["The key is under the mat"]),
        ("Actually, I moved to Lisbon last month.", ["I moved to Lisbon last month"]),
        ("i don't eat meat", ["I don't eat meat"]),
    ],
)
def test_what_people_say_of_themselves_is_found_in_their_own_words(words: str, contents: list[str]) -> None:
    assert told(words) == contents


@pytest.mark.parametrize(
    "words",
    [
        "What's my name?",
        "Do I live in Porto?",
        "Hello! How are you?",
        "I'm tired today.",
        "I'm looking for a recipe",
        "I have a question about Python",
        "If I lived in Rome I would eat pizza every day",
        "I wish I lived in Rome",
        ["Imagine I am a pirate", " My name is Blackbeard"][0],
        "I love that!",
        "Thanks, that helps",
        "My code does not compile",
        "The capital of France is Paris.",
        "You live in the cloud.",
        "He said that he lives in Rome.",
        "Write me a poem about my dog",
    ],
)
def test_questions_moods_suppositions_and_the_world_are_passed_over(words: str) -> None:
    assert told(words) == []


def test_a_hedge_lowers_the_confidence_below_what_is_written_unasked() -> None:
    [plain], [hedged] = find("I prefer cats"), find("I think I prefer cats")
    assert plain.confidence >= 0.7 > hedged.confidence >= 0.5


def test_what_is_asked_to_be_remembered_is_certain() -> None:
    [finding] = find("Remember that I am allergic to walnuts")
    assert (finding.confidence, finding.kind, finding.content) == (1.0, Kind.PREFERENCE, "I am allergic to walnuts")


@pytest.mark.parametrize(
    ("words", "attribute"),
    [
        ("My name is Ana", "name"),
        ("I just moved to Lisbon", "home town"),
        ("My home town is Graz", "home town"),
        ("I'm a marine biologist", "job"),
        ("I repair violins for a living", "job"),
        ("I've been vegan for years", "diet"),
        ("I turn 40 on June 2nd", "birthday"),
        ("My favourite colour is green", "favorite colour"),
    ],
)
def test_one_valued_statements_have_a_slot(words: str, attribute: str) -> None:
    slot = slot_of(words)
    assert slot
    assert (slot.subject, slot.attribute) == ("person", attribute)


@pytest.mark.parametrize(
    "words", ["I like Lisbon", "My sister lives in Porto", "We have a dog called Bruno", "I used to live in Faro"]
)
def test_statements_that_merely_touch_a_slot_have_none(words: str) -> None:
    assert slot_of(words) is None


@pytest.mark.parametrize(
    ("question", "attribute"),
    [
        ("Where do I live?", "home town"),
        ("what’s my name", "name"),
        ("What do I do for a living?", "job"),
        ("When is my birthday?", "birthday"),
        ("What can I eat?", "diet"),
    ],
)
def test_a_question_about_oneself_asks_for_a_slot(question: str, attribute: str) -> None:
    assert [slot.attribute for slot in slots_asked(question)] == [attribute]


@pytest.mark.parametrize(
    "question", ["Where does my sister live?", "What is the capital of France?", "What are my sons' names?"]
)
def test_other_questions_ask_for_none(question: str) -> None:
    assert slots_asked(question) == []


def test_requests_to_forget_are_found_and_are_no_statements() -> None:
    words = "Please forget that I live in Porto. I like tea."
    assert find_forgets(words) == ["I live in Porto"]
    assert told(words) == ["I like tea"]


@pytest.mark.parametrize(
    "words", ["", "?", "a" * 40_000, "I " * 20_000, "my " * 10_000 + "is", "I'm a " + "very " * 8_000 + "nurse"]
)
def test_no_text_takes_long(words: str) -> None:
    assert find(words) == find(words)
