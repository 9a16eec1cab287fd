"""Rules for what is over. It takes a slot only from what it ends: what holds it now may be something else."""

from memories.engine.rules_shapes import fact, preference
from memories.engine.rules_words import AM, CAPITAL, DIETS, HAVE, JOB, MANNER, NO_MORE, NO_NAME, PLACE, TOWN

LATELY = r"(?:(?:just|recently|finally|now|already|officially) ){0,2}"
NO_LONGER = rf"(?:no longer {{0}}|(?:don't|do not) {{0}}(?=.* {NO_MORE}))"
NO_LONGER_BEING = rf"(?:no longer|not(?=.* {NO_MORE}))"
COMPANY = rf"{TOWN}(?: {CAPITAL}){{0,3}}"
LEFT_JOB = r"(?:quit|left|lost|resigned from|given up|gave up|been fired from|was fired from) my job"
PARTNERS = ("wife", "husband", "partner", "girlfriend", "boyfriend", "fiancé", "fiancée", "fiance", "fiancee")
PARTNER = rf"(?:{'|'.join(PARTNERS)})"

ENDINGS = (
    fact(rf"(?:I|we) {NO_LONGER.format('live')} {MANNER}(?P<ended>{PLACE}).*", importance=8, ends=("home town",)),
    fact(rf"{AM} {NO_LONGER_BEING} (?:living|based) {MANNER}(?P<ended>{PLACE}).*", importance=8, ends=("home town",)),
    fact(
        rf"{HAVE} {LATELY}moved (?:out of|away from) (?P<ended>{TOWN})(?!.*\b(?:to|into|in) {TOWN}).*",
        importance=8,
        ends=("home town",),
    ),
    fact(rf"{AM} {NO_LONGER_BEING} an? (?P<ended>{JOB}).*", importance=7, ends=("job",)),
    fact(
        rf"I (?:{NO_LONGER.format('work')}|{LATELY}(?:stopped|quit) working) as (?:an? )?(?P<ended>[\w-]+).*",
        importance=7,
        ends=("job",),
    ),
    fact(
        rf"I (?:{NO_LONGER.format('work')}|{LATELY}(?:stopped|quit) working) (?:at|for) (?:the )?"
        rf"(?P<ended>{COMPANY})(?![\w'-]).*",
        importance=6,
        ends=("employer", "job"),
    ),
    fact(rf"I {NO_LONGER.format('work')} (?:at|for) .*", importance=6),
    fact(rf"{HAVE} {LATELY}{LEFT_JOB} as (?:an? )?(?P<ended>{JOB}).*", importance=7, ends=("job",)),
    fact(
        rf"{HAVE} {LATELY}{LEFT_JOB}(?: (?:at|with) (?:the )?(?P<ended>{COMPANY}))?"
        r"(?![\w'-])(?! (?:as|at|with|search|hunt|offer|interview|application)\b).*",
        importance=7,
        ends=("employer", "job"),
    ),
    fact(
        rf"(?:{HAVE} {LATELY}(?:resigned|been (?:fired|laid off|let go|made redundant))"
        rf"|I (?:was|got|{LATELY}got) (?:just |recently )?(?:fired|laid off|let go|made redundant))"
        rf"(?: (?:from|by|at) (?:the )?(?P<ended>{COMPANY}))?(?![\w'-])(?! (?:from|by|at|up|as|myself)\b).*",
        importance=7,
        ends=("employer", "job"),
    ),
    preference(rf"{AM} {NO_LONGER_BEING} (?:an? )?(?P<ended>{DIETS})\b.*", importance=8, ends=("diet",)),
    preference(rf"I {LATELY}stopped being (?:an? )?(?P<ended>{DIETS})\b.*", importance=8, ends=("diet",)),
    fact(
        rf"{HAVE} {LATELY}(?:(?:broke|broken|split) up with|divorced|separated from)"
        rf"(?= my {PARTNER}\b| (?!{NO_NAME}\b){CAPITAL})(?: my (?P<partner>{PARTNER})\b)?"
        rf"(?:,? (?P<ended>(?!{NO_NAME}\b){CAPITAL}))?(?![\w'-]).*",
        importance=7,
        ends=PARTNERS,
    ),
    fact(
        rf"my (?P<partner>{PARTNER}) (?:and|&) I(?:'ve| have)? {LATELY}"
        r"(?:(?:broke|broken|split) up|separated|(?:got |are )?divorced)\b.*",
        importance=7,
    ),
)
