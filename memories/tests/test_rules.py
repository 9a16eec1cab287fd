from time import perf_counter

import pytest

from memories.engine.rules import MOST_FINDINGS, find, find_forgets, slot_of, slots_asked
from memories.engine.types import Slot
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
    ("words", "attribute"),
    [
        ("My name's Ines.", "name"),
        ("I'm Ana, nice to meet you!", "name"),
        ("I'm Ana by the way", "name"),
        ("I'm Ana, a nurse from Porto", "name"),
        ("i'm ana", "name"),
        ("hi im joana", "name"),
        ("Hi! Ana here.", "name"),
        ("Hey, it's Miguel here.", "name"),
        ("People know me as Kit.", "name"),
        ("I'm named Petra.", "name"),
        ("You may address me as Lady Jane.", "name"),
        ("I am Dr. Helen Park", "name"),
        ("I'm Ian", "name"),
        ("my name is ines", "name"),
        ("This is Ana", "name"),
        ("I go by Kit", "name"),
        ("My name is June", "name"),
        ("We live in Turku", "home town"),
        ("We have moved to Turin.", "home town"),
        ("We moved to Lisbon last week", "home town"),
        ("My family and I live near Bergen", "home town"),
        ("Since Monday I live in Lisbon", "home town"),
        ("Since last month my home is in Gdansk", "home town"),
        ("Big news: I moved to Lisbon!", "home town"),
        ("Guess what, I moved to Lisbon.", "home town"),
        ("I'm living in Riga at the moment", "home town"),
        ("I call Tartu home", "home town"),
        ("I currently call Ljubljana home", "home town"),
        ("Yesterday I moved to Lisbon", "home town"),
        ("After a long time I live in Porto again", "home town"),
        ("These days I live in Porto", "home town"),
        ("I live with my wife in Porto", "home town"),
        ("I live in a small flat in Porto", "home town"),
        ("I live in the north of Porto", "home town"),
        ("i live in porto", "home town"),
        ("I moved from Porto to Lisbon", "home town"),
        ("My city is Lisbon", "home town"),
        ("3 July is my birthday", "birthday"),
        ("The 9th of November is my birthday", "birthday"),
        ("Mark 21 June: it's my birthday.", "birthday"),
        ("It's my birthday on 3 July", "birthday"),
        ("On 3 July I turn 30", "birthday"),
        ("I turn forty on 5 May", "birthday"),
        ("On 9 October I celebrate my birthday", "birthday"),
        ("On 9 October, I celebrate my birthday", "birthday"),
        ("I came into the world on 12 December", "birthday"),
        ("I was born in 1988", "birthday"),
        ("I was born in May", "birthday"),
        ("May 5 is my birthday", "birthday"),
        ("I was born in Porto", "origin"),
        ("I'm originally from Faro", "origin"),
        ("I grew up in Graz", "origin"),
        ("I am a cellist", "job"),
        ("I'm a stonemason", "job"),
        ("I'm a lighthouse keeper", "job"),
        ("I'm a glassblower by profession", "job"),
        ("I earn my keep repairing clocks", "job"),
        ("For work I repair clocks", "job"),
        ("As a job I paint houses", "job"),
        ("Professionally, I tune organs", "job"),
        ("I'm self-employed as a gardener", "job"),
        ("I work in a hospital as a nurse", "job"),
        ("My profession: optician", "job"),
        ("My job is repairing clocks", "job"),
        ("My job is a quiet one", "job"),
        ("I work at Acme", "employer"),
        ("I work for the BBC", "employer"),
        ("i work for acme", "employer"),
        ("I'm on a keto diet", "diet"),
        ("I am on a plant-based diet", "diet"),
        ("When it comes to food, I'm vegan", "diet"),
    ],
)
def test_ordinary_wordings_take_their_slot(words: str, attribute: str) -> None:
    slot = slot_of(words)
    assert slot
    assert (slot.subject, slot.attribute) == ("person", attribute)


@pytest.mark.parametrize(
    ("words", "kind"),
    [
        ("I live alone.", Kind.FACT),
        ("I live for music", Kind.FACT),
        ("My home is a mess", Kind.FACT),
        ("My city is boring", Kind.FACT),
        ("My job is boring.", Kind.FACT),
        ("I work from home", Kind.FACT),
        ("I moved in with Tom in Leeds", Kind.FACT),
        ("i live in hope", Kind.FACT),
        ("I was born on a Sunday", Kind.FACT),
        ("My birthday is tomorrow", Kind.FACT),
        ("Rex is my dog", Kind.FACT),
        ("The name of my parrot is Captain", Kind.FACT),
        ("Miso, my cat, is lovely", Kind.FACT),
        ("I named my dog Biscuit", Kind.FACT),
        ("We just got a puppy, Nala", Kind.FACT),
        ("I share my life with a beagle named Otto", Kind.FACT),
        ("I am moving to Berlin next month", Kind.DECISION),
        ("I made the decision to quit", Kind.DECISION),
        ("I took the decision to learn Welsh", Kind.DECISION),
        ("It's decided: I'm taking a sabbatical in May", Kind.DECISION),
        ("Decision made: we sell the car", Kind.DECISION),
        ("I'm quitting my job", Kind.DECISION),
        ("We're going to sell the car, that's settled", Kind.DECISION),
        ("I'd pick dark chocolate over milk chocolate any day", Kind.PREFERENCE),
        ("I much prefer tea", Kind.PREFERENCE),
        ("Given tea or coffee, I pick tea", Kind.PREFERENCE),
        ("Tea over coffee for me", Kind.PREFERENCE),
        ("Tea beats coffee for me", Kind.PREFERENCE),
        ("If I have the choice, I take the train", Kind.PREFERENCE),
        ("If I can choose, I take the train rather than the plane", Kind.PREFERENCE),
        ("I take the train instead of the plane", Kind.PREFERENCE),
        ("When it comes to music I favour jazz over pop", Kind.PREFERENCE),
        ("I avoid gluten", Kind.PREFERENCE),
        ("I stay away from gluten", Kind.PREFERENCE),
        ("I don't touch meat or fish", Kind.PREFERENCE),
        ("I haven't eaten meat for ten years", Kind.PREFERENCE),
        ("I gave up meat in 2015", Kind.PREFERENCE),
    ],
)
def test_a_statement_without_the_shape_of_a_value_is_kept_without_a_slot(words: str, kind: Kind) -> None:
    [finding] = find(words)
    assert (finding.kind, finding.slot) == (kind, None)


@pytest.mark.parametrize(
    "words",
    [
        "I moved the meeting to Friday.",
        "I've moved on",
        "I moved to tears by the film",
        "I've settled the bill",
        "I'm moving on to the next topic",
        "It's Monday.",
        "It's Amazing",
        "This is Great",
        "I go by bike",
        "i go by bike",
        "i moved to tears",
        "i'm tired",
        "I'm called to the office",
        "My work is done here",
        "I work hard",
        "I am working late on the report",
        "I'm Danish",
        "I'm Excited",
        "This is London",
        "Summer here.",
        "Nothing here",
        "Call me on Monday",
        "Call me Tomorrow",
        "I moved on Monday",
        "I moved my car to Lisbon",
        "I'm a nurse's daughter",
        "I'm a fast driver",
        "I avoid you",
        "I'm on a break",
        "I'm taking the bus",
        "I will take a look",
        "It's decided by the board",
        "The decision is yours",
        "It's Christmas on 25 December",
        "The 9th of November is a holiday",
        "Otto is his dog",
        "This is my wife",
        "She has a cat named Tom",
        "They live in Rome and work in Milan",
        "She said: I live in Rome",
        "Anna says, I live in Rome",
        'My teacher wrote, "I live in Paris"',
        "Translate: I live in Porto",
        'Translate "I am vegan" into French',
        "In my dream I live in Paris",
        "When it comes to food, what do you suggest?",
        "If I can choose, what is better?",
        "I'm on the vegan side of the table",
        "Today is my birthday",
        "I may live in Porto",
    ],
)
def test_what_only_looks_like_a_fact_gives_nothing(words: str) -> None:
    assert told(words) == []


@pytest.mark.parametrize(
    ("words", "contents"),
    [
        ("I'm Ana, nice to meet you!", ["I'm Ana"]),
        ("I'm Ana, a nurse from Porto", ["I'm Ana", "I'm a nurse from Porto"]),
        ("hi im joana and i live in porto", ["I'm joana", "I live in porto"]),
        ("Big news: I moved to Lisbon!", ["I moved to Lisbon"]),
        ("I left Porto and now live in Lisbon", ["I now live in Lisbon"]),
        ("We live in Turku and work in Salo", ["We live in Turku", "We work in Salo"]),
        ("On 3 July 2020 I moved to Lisbon.", ["On 3 July 2020 I moved to Lisbon"]),
        (
            "On 9 October, I celebrate my birthday and I like cake",
            ["On 9 October, I celebrate my birthday", "I like cake"],
        ),
    ],
)
def test_pleasantries_are_left_out_and_dates_are_kept(words: str, contents: list[str]) -> None:
    assert told(words) == contents


@pytest.mark.parametrize(
    ("words", "wishes"),
    [
        ("Forget about Rex", ["Rex"]),
        ("Delete the memory about my dog", ["my dog"]),
        ("Forget my dog Rex.", ["my dog Rex"]),
        ("Can you forget what I told you about Rex?", ["Rex"]),
        ("Forget everything you know about my job", ["my job"]),
        ("Forget it.", []),
        ("Forget to buy milk", []),
        ("Delete line three", []),
    ],
)
def test_a_wish_to_forget_names_what_is_meant(words: str, wishes: list[str]) -> None:
    assert find_forgets(words) == wishes
    assert told(words) == []


def test_one_message_gives_no_more_than_the_most_findings() -> None:
    assert len(find(" ".join(f"I like tea number {number}." for number in range(200)))) == MOST_FINDINGS
    assert len(find_forgets(" ".join(f"Forget about tea number {number}." for number in range(200)))) == MOST_FINDINGS


@pytest.mark.parametrize("tail", ["", "x", "?", ". I"])
@pytest.mark.parametrize(
    "fragment",
    [
        "what you ",
        "I ",
        "my ",
        "my a and ",
        "very ",
        "I live in ",
        "I live in my a ",
        "Porto ",
        "I moved from A ",
        ", I ",
        "and I ",
        "and now live ",
        "my dog called ",
        "I work in a as ",
        "On 3 July ",
        "since a b c ",
        "between ",
        "if I ",
        "forget ",
        "forget the ",
        "delete the memory ",
        "remember ",
        "hi, ",
        "Dr. ",
        "! ",
        "\n",
        ";",
        " - ",
        "  ",
        "\t",
        "said: I ",
        "at the moment ",
        "I'm A, a ",
        "A, my dog, ",
        "over a ",
        "by the way ",
        "where I ",
        "my favourite ",
        "I call A ",
        "in the ",
        "with my a and a ",
        "A ",
        "a-",
    ],
)
def test_no_fragment_takes_long_however_often_it_is_said(fragment: str, tail: str) -> None:
    sentence = (fragment * 300)[:280] + tail
    started = perf_counter()
    for words in ((fragment * 32_000)[:31_900] + tail, (sentence + ". ") * 110):
        find(words)
        find_forgets(words)
        slots_asked(words)
    assert perf_counter() - started < 2


@pytest.mark.parametrize(
    "words", ["", "?", "a" * 40_000, "I " * 20_000, "my " * 10_000 + "is", "I'm a " + "very " * 8_000 + "nurse"]
)
def test_no_text_takes_long(words: str) -> None:
    assert find(words) == find(words)


@pytest.mark.parametrize(
    "words",
    [
        "I no longer live in Porto",
        "I don't live in Porto any more",
        "I am not a nurse any more",
        "I no longer work as a nurse",
        "I don't work at Acme any more",
        "I'm no longer vegan",
    ],
)
def test_what_has_ended_is_kept_and_takes_no_slot_from_what_holds_it_now(words: str) -> None:
    [finding] = find(words)
    assert (finding.content, finding.slot) == (words, None)


@pytest.mark.parametrize(
    ("words", "contents"),
    [
        ("I don't live in Leeds but in York.", ["I live in York"]),
        ("I'm not a nurse but a paramedic", ["I'm a paramedic"]),
        ("No, I meant that I live in York.", ["I live in York"]),
        ("Let me correct that: I live in York", ["I live in York"]),
        ("I just love waiting in line. Not.", []),
        ("I joined them in May", []),
        ("I've been working as a cook since May.", ["I've been working as a cook since May"]),
        ("I don't drive.", ["I don't drive"]),
        ("I don't have time", []),
        ("I've never been to Asia", ["I've never been to Asia"]),
        ("I never tried it", []),
        ("I ran a marathon last Sunday", ["I ran a marathon last Sunday"]),
        ("I ran a marathon", []),
        ("I asked you yesterday", []),
        ("On 3 March I passed my driving test", ["On 3 March I passed my driving test"]),
        ("My mum taught maths", ["My mum taught maths"]),
        ("My mum says hi", []),
        ("Our neighbour Mrs. Klein is 90", ["Our neighbour Mrs. Klein is 90"]),
        ("Don't forget to remind me", []),
        ("I won't give up", []),
    ],
)
def test_corrections_negations_events_and_others_are_understood(words: str, contents: list[str]) -> None:
    assert told(words) == contents


@pytest.mark.parametrize(
    ("words", "slot"),
    [
        ("My sister Ana lives in Braga", Slot("sister ana", "home town")),
        ("Our friend Tom works as a nurse", Slot("friend tom", "job")),
        ("My wife moved to Rome", Slot("wife", "home town")),
        ("My sister lives in Braga", None),
        ("My sister Ana likes Braga", None),
    ],
)
def test_what_is_said_of_somebody_takes_their_slot_and_never_mine(words: str, slot: Slot | None) -> None:
    [finding] = find(words)
    assert finding.slot == slot


@pytest.mark.parametrize(
    ("words", "wishes"),
    [
        ("I want you to forget what I told you about my job.", ["my job"]),
        ("Please remove everything about my sister from your memory.", ["my sister"]),
        ("I'd like you to forget that I live in Porto", ["I live in Porto"]),
    ],
)
def test_a_wish_to_forget_may_be_said_in_other_ways(words: str, wishes: list[str]) -> None:
    assert find_forgets(words) == wishes


@pytest.mark.parametrize(
    "words",
    ["Please always answer in German", "Always reply to me in French, please", "Answer me in Polish from now on"],
)
def test_in_which_language_to_answer_is_a_preference(words: str) -> None:
    [found] = find(words)
    assert (found.kind, found.slot) == (Kind.PREFERENCE, None)


@pytest.mark.parametrize("words", ["Answer in German", "Write me a poem in French", "Do you speak Polish?"])
def test_what_is_asked_for_once_is_no_preference(words: str) -> None:
    assert find(words) == []
