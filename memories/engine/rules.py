"""The built-in extractor: English first-person statements, corrections, preferences, decisions and requests to forget.

It is silent where it does not understand: a clause that no rule knows, a question, a supposition, a quotation or a
passing mood gives nothing. What it keeps, it keeps in the person's own words.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import islice, zip_longest
from zoneinfo import ZoneInfo

from memories.engine import dates
from memories.engine import rules_sentences as english
from memories.engine.rules_english import ASKED, LOWER_NAME, NAME_ALONE, NAME_HERE, NAMED, RULES, SLOTS
from memories.engine.rules_shapes import HEDGED, Rule
from memories.engine.rules_words import GIVEN, NO_NAME, TRAIT
from memories.engine.types import Candidate, Ending, Slot
from memories.models import Kind, Sector
from memorychat.lib.text import function_words, tokens
from memorychat.lib.wishes import FORGET, REMEMBER_THAT

__all__ = [
    "MOST_FINDINGS",
    "SLOTS",
    "VERSION",
    "Finding",
    "event_time",
    "find",
    "find_forgets",
    "slot_of",
    "slots_asked",
    "understood",
]

VERSION = "rules-4"
LONGEST_CLAUSE = 300
SHORTEST_SENTENCE = 3
LONGEST_SENTENCE = 2_000
MOST_FINDINGS = 50


@dataclass(frozen=True)
class Finding:
    """A statement that a rule found in a person's words. `quote` is the sentence it was found in."""

    content: str
    quote: str
    kind: Kind
    sector: Sector
    importance: int
    confidence: float
    slot: Slot | None
    asked_for: bool = False
    ends: tuple[Ending, ...] = ()

    @property
    def tells_what_happened(self) -> bool:
        """Something that is over, and no state: "I visited Rome"."""
        return self.kind is Kind.FACT and self.slot is None and dates.is_past(self.content)


def find(words: str) -> list[Finding]:
    """What a person's message says about them, in its order and without repeats; at most MOST_FINDINGS."""
    return list(islice(_found_once(words), MOST_FINDINGS))


def event_time(finding: Finding, said_at: datetime | None, zone: ZoneInfo) -> datetime | None:
    """When what it tells happens or happened, if it names a day; a state, a taste and a habit have no day."""
    is_lasting = finding.slot is not None or finding.kind is Kind.PREFERENCE
    is_habit = finding.sector is not Sector.SEMANTIC and not dates.is_past(finding.content)
    if said_at is None or is_lasting or is_habit:
        return None
    return dates.resolve(finding.content, said_at, zone)


def find_forgets(words: str) -> list[str]:
    """What a message asks to be forgotten, each in its own words ("where I live"); at most MOST_FINDINGS."""
    matches = (FORGET.match(_strip(sentence)) for sentence in _sentences(words))
    return list(islice((match["what"].rstrip(" .!?") for match in matches if match), MOST_FINDINGS))


def slot_of(content: str) -> Slot | None:
    """The slot of a statement written by hand, when the rules can tell."""
    return next((finding.slot for finding in find(content)), None)


def understood(candidate: Candidate) -> Candidate:
    """A statement in the words of somebody else, with what it is about and what it ends, when the rules can tell."""
    finding = next(iter(find(candidate.content)), None)
    return replace(candidate, slot=finding.slot, ends=finding.ends) if finding else candidate


def slots_asked(question: str) -> list[Slot]:
    """What a question about oneself asks for: "Where do I live?" → (person, home town)."""
    words = question.replace("’", "'")[:LONGEST_SENTENCE]
    return [slot for pattern, slot in ASKED if pattern.search(words)]


def _found_once(words: str) -> Iterator[Finding]:
    lower = words == words.lower()
    known: set[str] = set()
    sentences = _sentences(words)
    for sentence, following in zip_longest(sentences, sentences[1:], fillvalue=""):
        if english.TAKEN_BACK.match(following):
            continue
        asked = REMEMBER_THAT.match(following) or REMEMBER_THAT.search(sentence)
        found = _asked_before(sentence, lower=lower) if asked else _in_sentence(sentence, lower=lower)
        for finding in found:
            if finding.content not in known:
                known.add(finding.content)
                yield finding


def _sentences(words: str) -> list[str]:
    parts = english.SENTENCE_END.split(words.replace("’", "'"))
    return [part.strip() for part in parts if part and len(part.strip()) >= SHORTEST_SENTENCE]


def _in_sentence(sentence: str, *, lower: bool) -> Iterator[Finding]:
    clause = _strip(sentence)
    if FORGET.match(clause):
        return
    if match := english.REMEMBER.match(clause):
        yield _asked_for(match["what"], sentence, lower=lower)
        return
    if len(clause) > LONGEST_SENTENCE or _is_no_statement(clause):
        return
    for lead, part in _clauses(clause):
        if finding := _weigh(part, sentence, lead=lead, lower=lower):
            yield finding


def _is_no_statement(clause: str) -> bool:
    passed_over = (english.SUPPOSED, english.QUOTED)
    return (
        clause.endswith("?")
        or english.QUESTION.match(clause) is not None
        or any(pattern.search(clause) for pattern in passed_over)
    )


def _asked_before(sentence: str, *, lower: bool) -> Iterator[Finding]:
    """ "I have epilepsy, please remember that." Nothing when the wish stands alone."""
    words = _strip(REMEMBER_THAT.sub("", sentence))
    if words and not words.endswith("?"):
        yield _asked_for(words, sentence, lower=lower)


def _asked_for(words: str, sentence: str, *, lower: bool) -> Finding:
    """The person asks to remember: whatever it is, it is kept; a rule that knows it says its kind and slot."""
    content = _tidy(words)
    lead, clause = _led(_strip(words))
    known = _weigh(clause, sentence, lead=lead, lower=lower)
    kind, slot, ends = (known.kind, known.slot, known.ends) if known else (Kind.NOTE, None, ())
    sector = known.sector if known else Sector.SEMANTIC
    importance = max(7, known.importance if known else 7)
    return Finding(content, sentence, kind, sector, importance, 1.0, slot, asked_for=True, ends=ends)


def _clauses(sentence: str) -> Iterator[tuple[str, str]]:
    """The clauses of a sentence, the first with what led up to it ("On 3 July")."""
    sentence = _what_holds(english.PLEASANTRY.sub("", sentence))
    if match := english.NAME_AND_MORE.match(sentence):
        yield "", f"I'm {match['name']}"
        sentence = f"I'm {match['more']}"
    if english.APPOSED.match(sentence):
        yield "", sentence
        return
    lead, rest = _led(sentence)
    for clause in english.CLAUSE_START.split(english.TOGETHER.sub(r"\1 & ", rest)):
        first, *others = english.ELIDED.split(clause) if english.BY_ME.match(clause) else [clause]
        yield lead, (first if lead else _strip(first))
        yield from (("", f"{_speaker(clause)} {other}") for other in others)
        lead = ""


def _what_holds(sentence: str) -> str:
    """ "I don't live in Leeds but in York" → "I live in York"."""
    match = english.NOT_BUT.match(sentence.rstrip(" .!"))
    if match is None:
        return sentence
    if match["be"]:
        return f"{match['be']} {match['is']}"
    verb = match["verb"] if match["who"].lower() in ("i", "we") else f"{match['verb']}s"
    return f"{match['who']} {verb} {match['but']}"


def _led(sentence: str) -> tuple[str, str]:
    match = english.LEAD.match(sentence)
    return (match.group(), sentence[match.end() :]) if match else ("", sentence)


def _speaker(clause: str) -> str:
    match = english.BY_ME.match(clause)
    return "I" if match and (match["who"] or "").lower() == "i" else "We"


def _weigh(clause: str, sentence: str, *, lead: str, lower: bool) -> Finding | None:
    clause = english.PLEASANTRY.sub("", clause.rstrip(" .!…,"))
    if len(lead + clause) > LONGEST_CLAUSE or english.PASSED.search(clause) or english.DANGLING.match(clause):
        return None
    unsure = english.UNSURE.search(clause)
    plain = _strip(english.UNSURE.sub("", clause).replace("  ", " ").strip(" ,")) if unsure else clause
    rule, slot, ends = _rule_for(lead + plain, lower=lower)
    if lead and slot is None:
        bare, slot, ends = _rule_for(plain, lower=lower)
        rule = bare if bare and (slot or ends or rule is None) else rule
    if rule is None:
        return None
    confidence = HEDGED if unsure else rule.confidence
    return Finding(_tidy(lead + clause), sentence, rule.kind, rule.sector, rule.importance, confidence, slot, ends=ends)


def _rule_for(clause: str, *, lower: bool) -> tuple[Rule | None, Slot | None, tuple[Ending, ...]]:
    if _is_name(clause, lower=lower):
        return NAMED, NAMED.slot, ()
    for rule in RULES:
        if match := (rule.lower if lower else rule.pattern).fullmatch(clause):
            return rule, _slot_of(rule, match), tuple(_ends(rule, match))
    return None, None, ()


def _ends(rule: Rule, match: re.Match[str]) -> Iterator[Ending]:
    """What is over by a rule: what its pattern found (`ended`), of the `partner` that it names or of all its slots."""
    named = match.groupdict()
    words = " ".join(word for word in tokens(named.get("ended") or "") if word not in function_words("en"))
    for attribute in [named["partner"].lower()] if named.get("partner") else rule.ends:
        # One may quit a job and stay what one is; "I work as a nurse" tells of a job.
        yield Ending(Slot("person", attribute), words or ("work" if attribute == "job" else ""))


def _slot_of(rule: Rule, match: re.Match[str]) -> Slot | None:
    """What a rule names, or what its pattern found: whose it is (`who`) or what it is (`what`)."""
    named = match.groupdict()
    if named.get("what"):
        return Slot("person", named["what"].lower().replace("favourite", "favorite"))
    if named.get("who") and rule.slot:
        return Slot(named["who"].lower().replace(",", ""), rule.slot.attribute)
    return rule.slot


def _is_name(clause: str, *, lower: bool) -> bool:
    """Whether it is "I'm Ana", and not "I'm Danish", "It's Monday" or "This is Great"."""
    if lower:
        return LOWER_NAME.match(clause) is not None
    match = NAME_ALONE.match(clause) or NAME_HERE.match(clause)
    if not match:
        return False
    first = match["name"].split(" ", 1)[0]
    if re.fullmatch(GIVEN, first, re.IGNORECASE):
        return True
    if match.groupdict().get("perhaps") and not match["here"]:
        return False
    return not re.fullmatch(rf"{NO_NAME}|{TRAIT}", first, re.IGNORECASE)


def _strip(clause: str) -> str:
    return english.FILLER.sub("", clause.strip()).strip()


def _tidy(clause: str) -> str:
    """One clean statement: a capital at its start, "I" as a capital, no full stop."""
    clause = re.sub(r"^im\b", "I'm", clause.strip(), flags=re.IGNORECASE)
    clause = re.sub(r"\bi\b(?=['’ ]|$)", "I", clause.strip().rstrip(" .!…,")).replace(" & I", " and I")
    return clause[:1].upper() + clause[1:]
