"""The built-in extractor: English first-person statements, corrections, preferences, decisions and requests to forget.

It is silent where it does not understand: a clause that no rule knows, a question, a supposition or a passing mood
gives nothing. What it keeps, it keeps in the person's own words.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from memories.engine.types import Slot
from memories.models import Kind, Sector

VERSION = "rules-1"
LONGEST_CLAUSE = 300

CERTAIN, LIKELY, HEDGED = 0.9, 0.75, 0.6


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


@dataclass(frozen=True)
class Rule:
    """A pattern for a whole clause; the named group `what`, when there is one, names the attribute of its slot."""

    pattern: re.Pattern[str]
    kind: Kind
    importance: int
    slot: Slot | None = None
    sector: Sector = Sector.SEMANTIC
    confidence: float = CERTAIN


def _rule(pattern: str, kind: Kind, importance: int, slot: str = "", **more: object) -> Rule:
    attribute = Slot("person", slot) if slot else None
    return Rule(re.compile(pattern, re.IGNORECASE), kind, importance, attribute, **more)  # type: ignore[arg-type]  # checked by Rule's users


AM = r"I(?:'m| am)"
ADVERB = (
    r"(?:(?:really|still|also|now|just|always|usually|actually|absolutely|mostly|only|currently|recently|finally) )*"
)
HAVE = r"I(?:'ve| have)"
A = r"(?:an?|the|my|our|two|three|four|five|several|some|\d+)"
DIETS = r"(?:vegetarian|vegan|pescatarian|flexitarian|lacto-vegetarian|omnivore|carnivore|fruitarian)"
JOBS = (
    r"(?:\w+(?:ologist|ician|grapher|eer|matician|smith)|nurse|doctor|teacher|professor|lecturer"
    r"|lawyer|attorney|baker|butcher|cook|chef"
    r"|driver|pilot|farmer|gardener|carpenter|plumber|painter|writer|author|editor|journalist"
    r"|reporter|translator|interpreter"
    r"|developer|programmer|designer|architect|artist|musician|actor|actress|dancer|singer|student|researcher|scientist"
    r"|chemist|biochemist|physicist|economist|accountant|auditor|manager|director|consultant"
    r"|analyst|banker|barista|waiter"
    r"|waitress|bartender|dentist|veterinarian|vet|pharmacist|therapist|midwife|paramedic"
    r"|firefighter|policeman|policewoman"
    r"|officer|soldier|sailor|judge|clerk|secretary|assistant|librarian|tailor|hairdresser|barber|mason|miner|fisherman"
    r"|florist|jeweller|photographer|tester|coach|trainer|instructor|tutor|freelancer|entrepreneur|founder|salesman"
    r"|saleswoman|cashier|courier|beekeeper|bookseller|watchmaker|winemaker|optician|caretaker"
    r"|carer|bookkeeper|recruiter)"
)
PASSING = (
    r"(?:question|problem|issue|idea|feeling|headache|minute|moment|look|doubt|point|cold|guess"
    r"|chance|choice|suggestion)"
)
NOT_MINE = (
    r"(?:question|problem|issue|point|guess|bad|apologies|mistake|understanding|goodness|god|idea"
    r"|bet|pleasure|fault|answer|message"
    r"|prompt|text|code|head|internet|wifi|screen|computer|turn|thanks)"
)
HABIT = (
    r"(?:speak|play|run|swim|cycle|paint|draw|sing|dance|cook|bake|knit|read|write|collect|study"
    r"|studied|teach|taught|drive|own|keep"
    r"|grow|practi[sc]e|volunteer|train|commute|use|wear|drink|smoke|eat|wake up|get up|go|travel"
    r"|climb|ski|surf|sail|fish|garden"
    r"|meditate|attend|attended|graduated|married|adopted|bought|sold|quit|started|stopped|joined"
    r"|retired|lost|won|need|suffer"
    r"|grew up|was born|visited|met|support|belong|believe|follow|know how|learned|learnt|used to"
    r"|never|walk|hike|sew|build|make)"
)
PETS = (
    r"dog|puppy|cat|kitten|parrot|budgie|canary|hamster|guinea pig|rabbit|horse|pony|tortoise"
    r"|turtle|goldfish|snake|lizard|ferret|pet"
)
PEOPLE = (
    r"(?:wife|husband|partner|girlfriend|boyfriend|fianc[eé]e?|mother|father|mum|mom|dad|sister"
    r"|brother|son|daughter|boss|manager"
    r"|best friend|grandmother|grandfather|twin)"
)

# The first rule that fits a clause decides.
RULES = (
    _rule(
        r"(?:my (?:full |first |real )?name is|(?:people|(?:my )?friends|(?:my )?family|colleagues"
        r"|everyone|everybody|they|folks) (?:all |usually )?calls? me|I(?:'m| am) (?:called|known as)"
        r"|I go by|the name(?:'s| is)|(?:please |you can |you may |just )*call me) \S.*",
        Kind.FACT,
        9,
        "name",
    ),
    _rule(rf"{AM} (?:(?:a|an|the) )?(?:\w+ ){{0,2}}{DIETS}\b.*", Kind.PREFERENCE, 8, "diet"),
    _rule(
        r"I(?:'ve| have)? (?:(?:become|turned|went|gone|go|am|been|stay|remain)(?: an?)?) " + DIETS + r"\b.*",
        Kind.PREFERENCE,
        8,
        "diet",
    ),
    _rule(
        rf"I {ADVERB}(?:eat|follow|keep|stick to) (?:an?|the)? ?[\w -]{{0,30}}(?:diet|kosher|halal|keto"
        rf"|gluten[- ]free)\b.*",
        Kind.PREFERENCE,
        8,
        "diet",
    ),
    _rule(
        rf"(?:I {ADVERB}(?:don't|do not|can't|cannot|never|won't)(?: \w+)? (?:eat|drink|tolerate)"
        rf"|{AM} (?:\w+ )?(?:allergic|intolerant)|{AM} [\w-]+[- ](?:intolerant|free)) ?.*",
        Kind.PREFERENCE,
        8,
    ),
    _rule(
        rf"(?:I {ADVERB}live|{AM} {ADVERB}(?:living|based|settled)|{HAVE} {ADVERB}(?:been living|moved"
        rf"|relocated|settled)|I {ADVERB}(?:moved|relocated|reside|settled)|{AM} {ADVERB}(?:moving"
        rf"|relocating)|{HAVE} {ADVERB}lived|I call \S.* home|home(?: for me)? is|my (?:home(?: ?town"
        rf"| city)?|city|town) is|my (?:new )?(?:home|flat|house|apartment"
        rf"|place) is) (?:back )?(?:here )?(?:in|to|at|near|outside|on)? ?\S.*",
        Kind.FACT,
        8,
        "home town",
    ),
    _rule(
        rf"(?:{AM} (?:originally )?from|I (?:originally )?come from|I grew up in|I was (?:born and )?raised in) \S.*",
        Kind.FACT,
        7,
        "origin",
    ),
    _rule(
        rf"(?:my birthday(?:'s| is| falls)|I was born on|I was born (?:in|the)|I celebrate my birthday"
        rf"|{AM} celebrating my birthday|I(?:'ll| will)? (?:turn|be) \d+ on|my (?:date of birth"
        rf"|birth ?date|birth day) is) ?\S.*",
        Kind.FACT,
        8,
        "birthday",
    ),
    _rule(
        rf"(?:{AM} \d{{1,3}}(?: years old)?|I (?:just |recently )?turned \d{{1,3}}.*|my age is \d+)",
        Kind.FACT,
        6,
        "age",
    ),
    _rule(
        rf"(?:I {ADVERB}(?:work|worked) as|{AM} {ADVERB}(?:working|employed) as|my (?:job|profession"
        rf"|occupation|trade|work|line of work) is|I (?:earn|make) (?:my|a) (?:living|bread|money)"
        rf"|for a living,? I|by (?:profession|trade|day),? I(?:'m| am)) \S.*|I \S.* for a living",
        Kind.FACT,
        7,
        "job",
    ),
    _rule(rf"(?:{AM} {ADVERB}|{HAVE} been )an? (?:[\w-]+ ){{0,3}}{JOBS}\b.*", Kind.FACT, 7, "job"),
    _rule(
        rf"(?:I {ADVERB}(?:work|started working)|{AM} {ADVERB}(?:working|employed)"
        rf"|my employer is) (?:at|for|with|in|by)? ?\S.*",
        Kind.FACT,
        6,
        "employer",
    ),
    _rule(
        r"my (?:(?:all-time|absolute|very) )?(?P<what>favou?rite [\w ]{2,40}?) (?:is|are"
        r"|has always been|would be) \S.*",
        Kind.PREFERENCE,
        6,
    ),
    _rule(rf"my (?P<what>{PEOPLE})(?:'s name is|is called|is named| is called| is named) \S.*", Kind.FACT, 7),
    _rule(rf".*\b(?:{PETS})\b.*\b(?:named|called|by the name of|name is|answers to|goes by)\b \S.*", Kind.FACT, 7),
    _rule(
        rf"(?:my \w+ & )?(?:{HAVE}|we(?:'ve| have)|I|we) {ADVERB}(?:decided|made up my mind|chosen"
        rf"|chose|agreed|resolved|opted|settled on|committed|picked)\b.*",
        Kind.DECISION,
        7,
        sector=Sector.REFLECTIVE,
    ),
    _rule(
        rf"(?:my decision is|the decision is|from now on,? I|{AM} (?:planning|determined|resolved)"
        rf"|I(?: have)? (?:plan|intend|promise[d]?)(?:ned)?) ?\S.*",
        Kind.DECISION,
        6,
        sector=Sector.REFLECTIVE,
    ),
    _rule(
        rf"(?:{AM} going to|I(?:'ll| will)) (?:start|stop|quit|learn|buy|sell|study|move|marry|take"
        rf"|switch|train|visit|travel|run|join|write|build|leave|change|become|give up) .*",
        Kind.DECISION,
        6,
        sector=Sector.REFLECTIVE,
        confidence=LIKELY,
    ),
    _rule(
        rf"(?:between \S.*,? I|I {ADVERB}(?:choose|pick|take) \S.* over|{AM} (?:more"
        rf"|rather)(?: of)? an?|I {ADVERB}(?:prefer|favou?r)|I(?:'d| would) (?:much )?(?:rather|sooner)"
        rf"|given the choice,? I|I like \S.* (?:more|better) than) ?\S.*",
        Kind.PREFERENCE,
        6,
    ),
    _rule(
        rf"I {ADVERB}(?:like|love|enjoy|adore|hate|dislike|detest|loathe|fancy|can't stand|cannot stand"
        rf"|can't bear|don't (?:\w+ )?(?:like|enjoy|care for)|do not (?:like|enjoy)"
        rf"|didn't like) (?!(?:it|that|this|them|you|your|the (?:answer|idea|way)|to know"
        rf"|to ask)\b)\S.*",
        Kind.PREFERENCE,
        5,
        sector=Sector.EMOTIONAL,
    ),
    _rule(
        rf"{AM} (?:not )?(?:an? )?(?:\w+ )?(?:fan of|into|fond of|keen on|crazy about|passionate about"
        rf"|obsessed with|afraid of|scared of|interested in) \S.*",
        Kind.PREFERENCE,
        5,
        sector=Sector.EMOTIONAL,
    ),
    _rule(
        rf"(?:{HAVE}|we(?:'ve| have)|I(?:'ve)? got|we(?:'ve)? got|I own|we own"
        rf"|I keep) (?:got )?{A} (?!\w* ?{PASSING}\b)\S.*",
        Kind.FACT,
        6,
    ),
    _rule(
        rf"{AM} {ADVERB}(?:married|engaged|divorced|widowed|single|pregnant|retired|left-handed"
        rf"|right-handed|colou?r-?blind|deaf|blind|dyslexic|learning|studying|training|expecting"
        rf"|related)\b.*",
        Kind.FACT,
        6,
    ),
    _rule(
        rf"(?:my|our) (?!(?:\w+ )?{NOT_MINE}\b)[\w'’ -]{{2,60}}?(?:\b(?:is|are|was|were|has|have|lives?"
        rf"|works?|likes?|loves?|hates?|prefers?|goes|plays?|stud(?:y|ies)|speaks?|called|named|died"
        rf"|got|moved|married|teaches|turns|answers|goes by|responds|wants|needs)\b|'s name\b) ?\S.*",
        Kind.FACT,
        6,
    ),
    _rule(rf"(?:I|we) {ADVERB}{HABIT}\b.+", Kind.FACT, 5, sector=Sector.PROCEDURAL, confidence=LIKELY),
)

# What a question asks for, when that is one of the slots above.
ASKED = tuple(
    (re.compile(pattern, re.IGNORECASE), Slot("person", attribute))
    for attribute, pattern in {
        "name": r"\bmy (?:\w+ )?name\b(?!s)|\bam I called\b|\bcall me\b|\bwho am I\b|\bdo you know who I am\b",
        "home town": r"\b(?:where|which|what)\b.*\b(?:I (?:\w+ )?(?:live|reside|based)|am I (?:living|based)|my home)\b"
        r"|\bmy (?:home(?: ?town)?|city|town)\b",
        "job": r"\bfor a living\b|\bmy (?:job|profession|occupation|trade|work|line of work|career)\b"
        r"|\bdo I work as\b|\bI earn my\b",
        "diet": r"\bmy diet\b|\b(?:what|do|can|should|would) I (?:\w+ )?eat\b|\b(?:won't|don't|can't) I eat\b"
        r"|\bI (?:won't|don't|can't) eat\b",
        "birthday": r"\bmy (?:\w+ )?birthday\b|\bwas I born\b|\bmy date of birth\b|\bcongratulate me\b",
        "age": r"\bhow old am I\b|\bmy age\b",
        "origin": r"\bam I (?:originally )?from\b|\bI (?:come|came) from\b|\bI grow up\b",
        "employer": r"\bmy employer\b|\bwho do I work for\b|\bwhere do I work\b",
    }.items()
)
SLOTS = frozenset(slot.attribute for _, slot in ASKED)
SENTENCE_END = re.compile(
    r"(?<!\bMr\.)(?<!\bMrs\.)(?<!\bMs\.)(?<!\bDr\.)(?<!\bSt\.)(?<!\bProf\.)(?<=[.!?…])[\"'”’)]*\s+|\n+|\s+[–—-]\s+|;\s+"
)
CLAUSE_START = re.compile(
    r"(?:,\s*)?\b(?:and|but|so|plus|while|though|although)\s+(?:(?:also|now|then|today"
    r"|these days)\s+)*(?=(?:I|I'm|I've|I'd|my|we|our)\b)"
    r"|,\s+(?=(?:I|I'm|I've|my|we|our)\b)",
    re.IGNORECASE,
)
ELIDED = re.compile(
    r"(?:,\s*)?\band (?=(?:work|live|love|like|prefer|hate|play|speak|study|own|have|don't|enjoy|decided|moved)\s)",
    re.IGNORECASE,
)
FILLER = re.compile(
    r"^(?:(?:hi|hello|hey|hiya|yes|yeah|yep|no|nope|well|ok|okay|oh|ah|so|and|but|also|actually"
    r"|sorry|please|btw|by the way|in fact|fyi"
    r"|just so you know|for the record|you know|as i said|anyway|to be honest|honestly"
    r"|first of all|besides|correction|these days|nowadays"
    r"|good (?:morning|afternoon|evening)|there|oops|wait|update|last (?:week|month|year)"
    r"|as of (?:today|now|this week)|one more thing"
    r"|i should (?:mention|add|say)(?: that)?|let me (?:tell|add)(?: you)?(?: that)?|i (?:want"
    r"|wanted) (?:you )?to (?:know|tell you)(?: that)?"
    r"|did i mention(?: that)?)\b[,:!.\s]*)+",
    re.IGNORECASE,
)
REMEMBER = re.compile(
    r"^(?:please |can you |could you |do )*(?:remember|note|keep in mind|don't forget"
    r"|do not forget|make a note|memori[sz]e|save)"
    r"(?: (?:this|the following|down))?(?: for me)?(?:,? that|:)?\s+(?!(?:when|how|what|where|who"
    r"|why|me|my chat)\b)(?P<what>\S.*)$",
    re.IGNORECASE,
)
FORGET = re.compile(
    r"^(?:please |can you |could you |you can )*(?:forget|delete|erase|remove|don't remember|stop remembering)"
    r"(?: (?:everything|anything|all))?(?: (?:about|that|the fact that))?\s+(?P<what>(?:I|I'm|I've"
    r"|my|our|we|where|what|when|how|who)\b.*)$",
    re.IGNORECASE,
)
QUESTION = re.compile(
    r"^(?:who|whom|whose|what|what's|when|where|where's|which|why|how|do|does|did|is|are|am|was"
    r"|were|can|could|will|would|should|shall|may"
    r"|have i|has|tell me|show me|guess)\b",
    re.IGNORECASE,
)
SUPPOSED = re.compile(
    r"\b(?:if i|i wish|imagine|suppose|supposing|pretend|let's say|would have|wouldn't"
    r"|hypothetically|as if|in a story|yeah right|as a joke)\b",
    re.IGNORECASE,
)
PASSED = re.compile(
    r"\b(?:right now|at the moment|in a minute|brb|just kidding|for now)\b"
    r"|^i(?:'m| am) (?:so |very |a bit |really |just )*(?:tired|hungry|bored|busy|fine|good|ok"
    r"|okay|well|sorry|back|here|glad|happy|sad|sure|ready|confused"
    r"|curious|wondering|looking|trying|asking|thinking|talking|kidding|not sure|afraid (?:not|so|i))\b",
    re.IGNORECASE,
)
UNSURE = re.compile(
    r"\b(?:maybe|perhaps|probably|possibly|might|i think|i guess|i suppose|not sure|kind of|sort of|could be)\b",
    re.IGNORECASE,
)
NAME_ALONE = re.compile(r"^(?:I'm|I am|This is|It's|It is) (?P<name>[A-Z][a-zà-öø-ÿ'-]+(?: [A-Z][\w'-]+){0,2})$")
DEMONYM = re.compile(
    r"(?:ish|ese|ian|ean|man|ch|ic|an|Greek|Thai|Swiss|Turk|Dane|Swede|Finn|Pole|Jewish|Muslim|Hindu)$"
)


def find(words: str) -> list[Finding]:
    """What a person's message says about them, in its order and without repeats."""
    found = {finding.content: finding for sentence in _sentences(words) for finding in _in_sentence(sentence)}
    return list(found.values())


def find_forgets(words: str) -> list[str]:
    """What a message asks to be forgotten, each in its own words ("where I live")."""
    matches = (FORGET.match(_strip(sentence)) for sentence in _sentences(words))
    return [match["what"].rstrip(" .!") for match in matches if match]


def slot_of(content: str) -> Slot | None:
    """The slot of a statement written by hand, when the rules can tell."""
    return next((finding.slot for finding in find(content)), None)


def slots_asked(question: str) -> list[Slot]:
    """What a question about oneself asks for: "Where do I live?" → (person, home town)."""
    words = question.replace("’", "'")
    return [slot for pattern, slot in ASKED if pattern.search(words)]


def _sentences(words: str) -> list[str]:
    parts = SENTENCE_END.split(words.replace("’", "'"))
    return [part.strip() for part in parts if part and part.strip()]


def _in_sentence(sentence: str) -> Iterator[Finding]:
    clause = _strip(sentence)
    if FORGET.match(clause):
        return
    if match := REMEMBER.match(clause):
        yield _asked_for(match["what"], sentence)
        return
    if sentence.endswith("?") or QUESTION.match(clause) or SUPPOSED.search(clause):
        return
    for part in _clauses(clause):
        if finding := _weigh(part, sentence):
            yield finding


def _asked_for(words: str, sentence: str) -> Finding:
    """The person asks to remember: whatever it is, it is kept; a rule that knows it says its kind and slot."""
    content = _tidy(words)
    known = _weigh(_strip(words), sentence)
    kind, slot = (known.kind, known.slot) if known else (Kind.NOTE, None)
    sector = known.sector if known else Sector.SEMANTIC
    return Finding(content, sentence, kind, sector, max(7, known.importance if known else 7), 1.0, slot)


def _clauses(sentence: str) -> Iterator[str]:
    together = re.sub(r"\b(my \w+) and (?=I\b)", r"\1 & ", sentence, flags=re.IGNORECASE)
    for clause in CLAUSE_START.split(together):
        first, *rest = ELIDED.split(clause)
        yield _strip(first)
        yield from (f"I {part}" for part in rest)


def _weigh(clause: str, sentence: str) -> Finding | None:
    clause = clause.rstrip(" .!…,")
    if len(clause) > LONGEST_CLAUSE or PASSED.search(clause):
        return None
    unsure = UNSURE.search(clause)
    plain = _strip(UNSURE.sub("", clause).replace("  ", " ").strip(" ,")) if unsure else clause
    rule, slot = _rule_for(plain)
    if rule is None:
        return None
    confidence = HEDGED if unsure else rule.confidence
    return Finding(_tidy(clause), sentence, rule.kind, rule.sector, rule.importance, confidence, slot)


def _rule_for(clause: str) -> tuple[Rule | None, Slot | None]:
    if (name := NAME_ALONE.match(clause)) and not DEMONYM.search(name["name"]):
        return RULES[0], RULES[0].slot
    for rule in RULES:
        if match := rule.pattern.fullmatch(clause):
            attribute = match.groupdict().get("what")
            return rule, Slot("person", attribute.lower().replace("favourite", "favorite")) if attribute else rule.slot
    return None, None


def _strip(clause: str) -> str:
    return FILLER.sub("", clause.strip()).strip()


def _tidy(clause: str) -> str:
    """One clean statement: a capital at its start, "I" as a capital, no full stop."""
    clause = re.sub(r"\bi\b(?=['’ ]|$)", "I", clause.strip().rstrip(" .!…,")).replace(" & I", " and I")
    return clause[:1].upper() + clause[1:]
