"""The table of rules of the built-in extractor.

A rule that gives a slot asks for the shape of its value (a town has a preposition and a capital), because a slot takes
the place of what was known before. A clause without that shape falls to a later rule, which has none.
"""

import re

from memories.engine.rules_endings import ENDINGS
from memories.engine.rules_shapes import LIKELY, decision, preference, rule
from memories.engine.rules_words import (
    A_DAY,
    ADVERB,
    AM,
    CALLS_ME,
    CAPITAL,
    DATE,
    DIET_WAYS,
    DIETS,
    DONE,
    FAMILY_AND_I,
    FOOD,
    GIVEN,
    HABIT,
    HAVE,
    JOB,
    JOB_WORD,
    JOBS,
    KIN,
    LIVING,
    MANNER,
    MONTH,
    MOODS,
    MY,
    NAME,
    NO_NAME,
    NOT_KEPT,
    NOT_MINE,
    NUMBER,
    ON_DATE,
    PASSING,
    PEOPLE,
    PETS,
    PLACE,
    THINGS,
    TITLE,
    TOWN,
    WHO,
    A,
)
from memories.engine.types import Slot
from memories.models import Kind, Sector

ANSWER_ME = r"(?:answer|reply|respond|write|speak|talk)(?: back)?(?: to me| with me| me)?(?: only)?(?: in)?"
TONGUE = (
    r"(?:english|german|french|spanish|portuguese|italian|dutch|polish|turkish|russian|ukrainian|chinese|mandarin"
    r"|japanese|korean|arabic|hindi|swedish|danish|norwegian|finnish|greek|czech|hungarian|romanian|catalan|hebrew)"
)

NAMED = rule(
    rf"(?:my (?:(?:full|first|real) )?name(?: is|'s) (?:{MONTH}|{NAME})"
    rf"|(?:{CALLS_ME}|I(?:'m| am) (?:called|known as|named)|I go by|the name(?:'s| is)) (?:the name )?{NAME}"
    rf"|I(?:'m| am) {TITLE}{NAME})(?![\w'-]).*",
    Kind.FACT,
    9,
    "name",
)
# "I'm Ana" and its like: the name is weighed apart, because most words in its place are none.
NAME_ALONE = re.compile(
    r"^(?:(?i:I'm|im|I am)|(?P<perhaps>(?i:This is|It's"
    r"|It is))) (?P<name>[A-ZÀ-Þ][a-zà-öø-ÿ'-]+(?: [A-ZÀ-Þ][\w'-]+){0,2})"
    r"(?P<here> here| speaking)?(?: from [A-ZÀ-Þ][\w'-]+|,(?! (?:I|my|we)\b).{1,80})?$"
)
NAME_HERE = re.compile(r"^(?P<name>[A-ZÀ-Þ][a-zà-öø-ÿ'-]+(?: [A-ZÀ-Þ][\w'-]+)?) (?P<here>here)$")
LOWER_NAME = re.compile(rf"^(?:i'?m|i am|this is|it's) {GIVEN}(?: here|,.{{1,80}})?$|^{GIVEN} here$")

# The first rule that fits a clause decides.
RULES = (
    *ENDINGS,
    # In which language I want to be answered.
    preference(
        rf"(?:always|only) {ANSWER_ME} {TONGUE}\b.*|{ANSWER_ME} {TONGUE} (?:from now on|always|only)\b.*",
        importance=7,
    ),
    # Who I am.
    NAMED,
    preference(
        rf"{AM} {ADVERB}(?:an? )?(?:(?!(?:on|in|at|with|for|the)\b)\w+ ){{0,2}}{DIETS}\b.*", importance=8, slot="diet"
    ),
    preference(
        rf"{HAVE} (?:become|turned|went|gone|go|been|stay|remain)(?: an?)? {DIETS}\b.*", importance=8, slot="diet"
    ),
    preference(
        rf"(?:I {ADVERB}(?:eat|follow|keep|stick to)|{AM} {ADVERB}on) (?:(?:an?|the) )?(?:[\w-]+ ){{0,4}}?"
        rf"(?:{DIET_WAYS}(?: (?:diet|food|for|since|now)\b.*)?|diet(?: .*)?)",
        importance=8,
        slot="diet",
    ),
    preference(
        rf"(?:I {ADVERB}(?:don't|do not|can't|cannot|never|won't)(?: \w+)? (?:eat|drink|tolerate)"
        rf"|{AM} (?:\w+ )?(?:allergic|intolerant)|{AM} [\w-]+[- ](?:intolerant|free)) ?.*",
        importance=8,
    ),
    preference(
        rf"(?:I {ADVERB}(?:avoid|stay away from|steer clear of|abstain from|gave up|(?:don't|do not|never) touch)"
        rf"|{HAVE} (?:given up|not (?:eaten|drunk|touched))|I haven't (?:eaten|drunk"
        rf"|touched)) (?:\w+ ){{0,2}}{FOOD}\b.*",
        importance=8,
    ),
    decision(rf"{AM} {ADVERB}(?:moving|relocating) {MANNER}{PLACE}\b.*", importance=7),
    rule(
        rf"(?:{LIVING} {MANNER}{PLACE}|I {ADVERB}call {TOWN}(?: {CAPITAL}){{0,2}} (?:my )?home"
        rf"|(?:home(?: for me)?|my (?:new )?(?:home(?: ?town| city)?|city"
        rf"|town)) is (?:now )?(?:in )?{TOWN})(?![\w'-]).*",
        Kind.FACT,
        8,
        "home town",
    ),
    rule(
        rf"(?:{FAMILY_AND_I} {ADVERB}live|{AM} {ADVERB}living) (?:alone|with|together|in|on|near|for|off"
        rf"|by|next to|from)\b.*",
        Kind.FACT,
        6,
    ),
    rule(
        rf"(?:my birthday(?:'s| is| falls)|I was born|I came into the world|my (?:date of birth"
        rf"|birth ?date|birth day) is"
        rf"|(?:I|we) (?:always )?celebrate my birthday|{AM} celebrating my birthday|it's my birthday"
        rf"|I(?:'ll| will)? (?:turn|be) {NUMBER}) (?:.* )?{DATE}.*"
        rf"|(?:mark )?{ON_DATE}(?: \d{{4}})?(?:,? is my birthday|,? I(?:'ll| will)? turn {NUMBER}|,? I was born"
        r"|,? I(?: always)? celebrate my birthday|,? I came into the world|[:,]? (?:it's|that's"
        r"|it is) my birthday)\b.*",
        Kind.FACT,
        8,
        "birthday",
    ),
    rule(
        rf"(?:{AM} (?:originally )?from|I (?:originally )?come from|I grew up in|I was (?:born and )?raised in"
        rf"|I was born (?:in|near|at)) (?:the )?{TOWN}(?![\w'-]).*",
        Kind.FACT,
        7,
        "origin",
    ),
    rule(
        rf"(?:{AM} \d{{1,3}}(?: years old)?(?: now)?(?:,? not \d{{1,3}})?|I (?:just |recently )?turned {NUMBER}\b.*"
        rf"|my age is \d+)",
        Kind.FACT,
        6,
        "age",
    ),
    # What I do.
    rule(
        rf"(?:I {ADVERB}work as|I(?:'ve| have) {ADVERB}worked as|(?:{AM}|{HAVE} been) {ADVERB}(?:working|employed"
        r"|self-employed) as"
        rf"|I {ADVERB}work (?:in|at|for|with) {THINGS} as) (?:an?|the|{JOBS})\b.*"
        rf"|my {JOB_WORD}(?: is|:) (?:now )?(?!{MOODS}\b)(?:(?:an?|the|to|that of) \S.*|{JOB}.*|\w+ing\b.*)"
        rf"|my work is (?!{MOODS}\b)\w+ing\b.*"
        rf"|I (?:earn|make) (?:my|a) (?:living|bread|money|keep) \S.*"
        rf"|(?:for (?:a living|work|my job)|as (?:a|my) (?:job|profession)|professionally),? I (?!am\b"
        rf"|work\b)[\w-]+ \S.*"
        rf"|by (?:profession|trade|day),? I(?:'m| am) an? \S.*|I \S.* for a living"
        rf"|{AM} an? [\w-]+(?: [\w-]+){{0,2}} by (?:profession|trade|training)",
        Kind.FACT,
        7,
        "job",
    ),
    rule(rf"(?:{AM} {ADVERB}|{HAVE} been )an? {JOB}.*", Kind.FACT, 7, "job"),
    rule(
        rf"(?:I {ADVERB}(?:work|started working)|{AM} {ADVERB}(?:working|employed)) (?:at|for|with) (?:the )?{TOWN}.*"
        rf"|my employer is (?:the )?{CAPITAL}.*",
        Kind.FACT,
        6,
        "employer",
    ),
    rule(
        rf"(?:I|we) {ADVERB}work (?:from|in|at|for|with|part[- ]time|full[- ]time|nights|shifts|remotely|weekends)\b.*",
        Kind.FACT,
        5,
    ),
    # Whom and what I have.
    preference(
        r"my (?:(?:all-time|absolute|very) )?(?P<what>favou?rite [\w ]{2,40}?) (?:is|are|has always been|would be) \S.*"
    ),
    rule(rf"my (?P<what>{PEOPLE})(?:'s name is|is called|is named| is called| is named) \S.*", Kind.FACT, 7),
    rule(
        rf"(?:I|we|my|our|I've|we've) (?:.*\b)?{PETS}\b.*\b(?:named|called|by the name of|name is"
        rf"|answers to|goes by)\b \S.*"
        rf"|(?:I|we) (?:named|called) {MY}{PETS} \S.*"
        rf"|(?!(?:{NO_NAME}|this|that|it|he|she|who)\b){CAPITAL}(?: is|,) {MY}(?:{PETS}|{PEOPLE})\b.*"
        rf"|the name of {MY}(?:{PETS}|{PEOPLE})(?:'s \w+)? is \S.*",
        Kind.FACT,
        7,
    ),
    # What I decided.
    decision(
        rf"(?:my \w+ & )?{HAVE} {ADVERB}(?:decided|made up (?:my|our) minds?|chosen|chose|agreed|resolved|opted"
        rf"|settled on"
        r"|committed|picked|(?:made|taken|took) (?:the|a|my) decision)\b.*",
        importance=7,
    ),
    decision(
        r"(?:it's decided|it is decided|that's decided|decision made|decision|it's settled)[:,] \S.*", importance=7
    ),
    decision(
        rf"(?:my decision is|the decision is(?! yours)|from now on,? I|{AM} (?:planning|determined|resolved)"
        r"|I(?: have)? (?:plan|intend|promise[d]?)(?:ned)?) ?\S.*"
    ),
    decision(
        rf"(?:{AM} going to|(?:I|we)(?:'ll| will)) (?!(?:\w+ (?:it|that|this|them|now|again|over)"
        rf"|take (?:a look|care|note))\b)"
        r"(?:start|stop|quit|learn|buy|sell|study|move|marry|take"
        r"|switch|train|visit|travel|run|join|write|build|leave|change|become|give up) .*",
        confidence=LIKELY,
    ),
    decision(
        rf"{AM} (?:quitting|leaving|changing|selling|giving up|taking) (?:my|our|the|an?) (?:\w+ )?"
        r"(?:job|house|flat|car|career|company|studies|sabbatical|smoking|year off|school)\b.*",
        confidence=LIKELY,
    ),
    # What I like.
    preference(
        rf"(?:between \S.*,? I|I {ADVERB}(?:choose|pick|take|have|drink|eat|use|buy|wear) \S.* (?:over"
        rf"|instead of|rather than)"
        rf"|{AM} (?:more|rather)(?: of)? an?|I(?:'d| would)? {ADVERB}(?:prefer|favou?r)|I(?:'d"
        rf"| would) (?:much )?(?:rather|sooner)"
        rf"|I(?:'d| would)? {ADVERB}(?:pick|choose|take) \S.* over|I like \S.* (?:more|better) than"
        rf"|given (?:the choice|{THINGS}),? I(?:'d| would)? {ADVERB}(?:pick|choose|take|go for|prefer|have)"
        r"|if I (?:have the choice|had the choice|can choose|could choose|may choose),? I(?:'d| would)?) ?\S.*"
        rf"|(?!(?:he|she|they|it|I|you|we)\b){THINGS} (?:over|beats?) {THINGS} for me(?: any ?(?:day|time))?"
    ),
    rule(
        rf"I {ADVERB}(?:like|love|enjoy|adore|hate|dislike|detest|loathe|fancy|can't stand|cannot stand"
        r"|can't bear|don't (?:\w+ )?(?:like|enjoy|care for)|do not (?:like|enjoy)|didn't like) "
        r"(?!(?:it(?! when)|that|this|them|you|your|the (?:answer|idea|way)|to know|to ask)\b)\S.*",
        Kind.PREFERENCE,
        5,
        sector=Sector.EMOTIONAL,
    ),
    rule(
        rf"{AM} (?:not )?(?:an? )?(?:\w+ )?(?:fan of|into|fond of|keen on|crazy about|passionate about"
        r"|obsessed with|afraid of|scared of|interested in) \S.*",
        Kind.PREFERENCE,
        5,
        sector=Sector.EMOTIONAL,
    ),
    # Those I speak of: what they are takes no place of mine.
    rule(
        rf"(?:my|our) (?P<who>{WHO}),? {ADVERB}(?:lives?|is living|is based|resides?|(?:has |have )?moved"
        rf"|(?:has )?settled)"
        rf" {MANNER}{PLACE}(?![\w'-]).*",
        Kind.FACT,
        6,
        "home town",
    ),
    rule(rf"(?:my|our) (?P<who>{WHO}),? ?(?:{ADVERB}(?:works? as|is)|'s) an? {JOB}.*", Kind.FACT, 6, "job"),
    rule(
        rf"(?:my|our) (?:[\w-]+ ){{0,2}}?{KIN}(?:,? {CAPITAL})?,? (?:(?:also|still|once|only|always|never"
        rf"|just) ){{0,2}}"
        r"(?!(?:and|or|says?|said|thinks?|thought|told|asked|asks|hi|would|will|might|may|could|should|can|for|in|on|at"
        r"|to|of|with|is here)\b)[\w']+ \S.*",
        Kind.FACT,
        5,
        confidence=LIKELY,
    ),
    # What happened to me, when it has a day.
    rule(
        rf"(?=.*(?:{A_DAY}))(?:(?:on|in|last|yesterday|two|three|a)\b[^,]{{0,40}}?,? )?(?:I|we|my \w+ & I)(?:'ve"
        rf"| have)? (?:also |finally |just |first |recently )?{DONE}\b"
        r" (?!you\b)\S.*",
        Kind.FACT,
        5,
        confidence=LIKELY,
    ),
    rule(rf"{HAVE} (?:also |finally |recently )?(?:become|became) an? \S.*", Kind.FACT, 6),
    rule(
        rf"{HAVE} been (?:playing|learning|studying|teaching|living|collecting|practi[sc]ing|training|volunteering"
        rf"|singing"
        r"|writing|running|climbing|making|growing) (?!(?:it|that|this|you)\b)\S.*",
        Kind.FACT,
        5,
        sector=Sector.PROCEDURAL,
    ),
    rule(rf"{HAVE} been (?:in|at|with) (?:the )?{TOWN} (?:for|since)\b.*", Kind.FACT, 6),
    preference(
        r"what I (?:really )?(?:like|love|enjoy|prefer|hate|dislike)(?: the)?(?: most| best"
        r"| least)?(?: of all)? is \S.*"
    ),
    rule(rf"{AM} {ADVERB}(?:not )?(?:more of )?an? [\w-]+ person\b.*", Kind.FACT, 5, sector=Sector.REFLECTIVE),
    # What I do not.
    rule(
        rf"{HAVE}n't (?:got|had|owned|lived|worked) (?!{NOT_KEPT}\b|an? (?:{NOT_KEPT}"
        rf"|{PASSING})\b)\S.*",
        Kind.FACT,
        6,
    ),
    rule(
        rf"I (?:don't|do not|can't|cannot) {ADVERB}(?:have|own|drive|smoke|drink|swim|cook|dance|sing|cycle|ski"
        rf"|speak|play"
        rf"|wear|fly|read|watch|use|travel)\b(?! (?:any |much |enough |a |the |more )?{NOT_KEPT}\b).*",
        Kind.FACT,
        6,
    ),
    rule(
        rf"{HAVE} never (?:been|had|owned|flown|seen|eaten|played|learned|learnt|driven|smoked|tried|visited|lived"
        rf"|worked"
        r"|met)\b (?!(?:it|that|this|you|better|so)\b)\S.*",
        Kind.FACT,
        5,
    ),
    # The rest of my life.
    rule(
        rf"(?:I|we)(?:(?:'ve| have) {ADVERB}(?:got )?|(?:'ve)? {ADVERB}got | {ADVERB}(?:own"
        rf"|keep) ){A} (?!\w* ?{PASSING}\b)\S.*",
        Kind.FACT,
        6,
    ),
    rule(
        rf"{AM} (?:not |no longer )?{ADVERB}(?:married|engaged|divorced|widowed|single|pregnant|retired|left-handed"
        rf"|self-employed"
        r"|right-handed|colou?r-?blind|deaf|blind|dyslexic|learning|studying|training|expecting|related)\b.*",
        Kind.FACT,
        6,
    ),
    rule(
        rf"(?:my|our) (?!(?:\w+ )?{NOT_MINE}\b)(?!work is\b)[\w'’. -]{{2,60}}?(?:\b(?:is|are|was|were|has|have|lives?"
        r"|works?|likes?|loves?|hates?|prefers?|goes|plays?|stud(?:y|ies)|speaks?|called|named|died"
        r"|got|moved|married|teaches|turns|answers|goes by|responds|wants|needs|leaves|starts"
        r"|begins|ends|arrives|departs|takes place|opens|closes)\b|'s name\b) ?\S.*",
        Kind.FACT,
        6,
    ),
    rule(
        rf"(?:I|we) {ADVERB}(?!(?:go by|use to go)\b){HABIT}\b(?!').+",
        Kind.FACT,
        5,
        sector=Sector.PROCEDURAL,
        confidence=LIKELY,
    ),
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
