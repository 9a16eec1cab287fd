"""The words the built-in extractor goes by: pieces of English, and the table of rules that is made of them.

A rule that gives a slot asks for the shape of its value (a town has a preposition and a capital), because a slot takes
the place of what was known before. A clause without that shape falls to a later rule, which has none.
"""

import re
from dataclasses import dataclass
from functools import partial

from memories.engine.types import Slot
from memories.models import Kind, Sector

CERTAIN, LIKELY, HEDGED = 0.9, 0.75, 0.6


@dataclass(frozen=True)
class Rule:
    """A pattern for a whole clause; the named group `what`, when there is one, names the attribute of its slot.

    `lower` is the pattern for people who write without any capitals.
    """

    pattern: re.Pattern[str]
    lower: re.Pattern[str]
    kind: Kind
    importance: int
    slot: Slot | None = None
    sector: Sector = Sector.SEMANTIC
    confidence: float = CERTAIN


# Time
DAY = r"(?:(?:mon|tues|wednes|thurs|fri|satur|sun)days?|today|tomorrow|tonight|yesterday)"
MONTH = (
    r"(?:january|february|march|april|may|june|july|august|september|october|november|december"
    r"|jan|feb|mar|apr|jun|jul|aug|sept?|oct|nov|dec)"
)
NUMBER = r"(?:\d{1,3}|(?:twenty|thirty|forty|fifty|sixty|seventy|eighty|ninety)(?:-\w+)?|eighteen|nineteen)"
DATE = rf"(?:\b{MONTH}\b|\b(?:19|20)\d\d\b|\b\d{{1,2}}[./-]\d{{1,2}}\b)"
ON_DATE = rf"(?:on )?(?:the )?(?:\d{{1,2}}(?:st|nd|rd|th)? (?:of )?{MONTH}|{MONTH}(?: the)? \d{{1,2}}(?:st|nd|rd|th)?)"

# Words that are no names and no towns, though a sentence or a whim may give them a capital.
MOODS = (
    r"(?:amazing|great|good|bad|awesome|boring|brilliant|cool|nice|fine|fun|funny|perfect|wonderful|terrible|awful"
    r"|happy|sad|tired|sorry|sure|ready|lost|late|early|busy|hungry|bored|confused|crazy|weird|lovely|beautiful|okay|ok"
    r"|exhausting|draining|tiring|interesting|demanding|challenging|rewarding|killing|lazy|single|married|pregnant"
    r"|important|impossible|true|false|right|wrong|done|over|free|gone|back|here|there|now|not|just|so|very|too|also"
    r"|still|going|being|getting|driving|vegan|vegetarian|left|welcome|christmas|easter|halloween|summer|winter|spring"
    r"|autumn|muslim|hindu|buddhist|sikh|atheist|protestant|head|chief|lead|team|senior|junior|gemini|virgo|libra)"
)
NO_NAME = rf"(?:{MOODS}|{DAY}|{MONTH}|nothing|nobody|no|none|every\w+|some\w+|any\w+|same|all|new|from|sign|come|look)"
COMMON = (
    rf"(?:{MOODS}|{DAY}|a|an|the|my|our|your|his|her|their|this|that|these|those|it|its|i|me|you|him|them|us|we|they"
    r"|one|some|any|all|another|other|both|each|no|what|which|where|when|how|who|if|and|or|but|of|in|on|at|to|for"
    r"|by|with|up|out|off|down|about|around|tears|bed|town|work|school|peace|fear|pain|hope|love|sin"
    r"|hospital|prison|jail|"
    r"college|university|home|music|food|sleep|time|night|luxury|poverty|style|general|fact|person|public|private|"
    r"management|sales|marketing|step|more|less|last|next|hard|easy|bus|bike|car|train|foot|plane|is|are|was|be|do|go)"
)
NO_TOWN = (
    rf"(?:{DAY}|{MONTH}|linux|windows|mac\w*|python|rust|sales|marketing|google|apple|android|iphone|slack|teams|zoom"
    r"|github|gitlab|postgres\w*|christmas|easter|god|jesus|heaven|hell)"
)
# A word with a capital. Rules compile it a second time, for people who write none, as a word that is not common.
CAPITAL = r"(?-i:[^\W\d_a-zß-öø-ÿ][\w'.&-]*)"
UNCOMMON = rf"(?:(?!{COMMON}\b)[^\W\d_][\w'-]+)"
TITLE = r"(?:(?:dr|mr|mrs|ms|prof|professor|sir|lady|dame|lord|sister|father)\.? )"
NAME = rf"{TITLE}?(?!{NO_NAME}\b){CAPITAL}(?: (?:de |da |van |von )?{CAPITAL}){{0,3}}"
# Given names that are written without a capital, or look like an adjective ("Ian"), and are names all the same.
GIVEN = (
    r"(?:ana|anna|anne|ann|annie|joana|joanna|jo|joan|john|jon|johan|jan|jane|janet|jean|jack|james|jim"
    r"|jimmy|joe|joseph"
    r"|tom|thomas|tim|ted|tony|ben|benjamin|bob|rob|robert|brian|ryan|ian|ivan|sean|dan|daniel|dave|david"
    r"|dean|alan|adrian"
    r"|christian|sebastian|damian|julian|fabian|bastian|kilian|florian|maximilian|stefan|stephan|jonathan|nathan|ethan"
    r"|logan|megan|susan|vivian|lilian|gillian|morgan|evan|juan|hassan|milan|zoran|goran|dominic|eric"
    r"|erik|patric|frederic"
    r"|mike|michael|miguel|manuel|maria|marie|mary|marta|martha|martin|marco|marcus|matt|matthew|max|mia"
    r"|emma|emily|ella"
    r"|eva|eve|elena|helen|helena|ines|inês|isabel|lisa|lena|laura|leo|leon|lea|leah|luca|lucas|lukas"
    r"|lucy|luis|luke|nina"
    r"|nora|olga|oliver|olivia|oscar|paul|paula|pedro|peter|petra|phil|philip|rita|rosa|ruth|sam|sara"
    r"|sarah|sofia|sophia"
    r"|sophie|simon|stella|steve|sven|teresa|tess|tina|victor|vera|walter|yusuf|zoe|kit|kate|katie|kim"
    r"|karen|karin|klara"
    r"|clara|chloe|carlos|carl|karl|diana|diego|elias|felix|finn|frank|fred|george|greta|hugo|ida|jakob|jacob|joao|joão"
    r"|jose|josé|julia|julie|kevin|mateo|mohammed|muhammad|ahmed|ali|omar|fatima|aisha|noah|pablo|raj|priya|anil|rachel"
    r"|rebecca|ricardo|rui|tiago|tomas|ursula|wei|yuki|zara|amy|andy|andrew|angela|alice|alfred|manfred"
    r"|wilfred|mohamed|jared|alex|charlie|chris|claire|ed)"
)
# What one is rather than is called, after "I'm": "Danish", "Excited".
TRAIT = (
    r"(?:\w*(?:ish|ese|ian|ean|man|ch|ic|an|ed|ing)|greek|thai|swiss|turk|dane|swede|finn|pole|welsh"
    r"|israeli|iraqi|iranian"
    r"|pakistani|bangladeshi|saudi|kuwaiti|nepali|croat|serb|slovak|slovene|filipino|latino|latina|arab|kurd|scots|scot"
    r"|capricorn|aquarius|pisces|aries|taurus|scorpio|sagittarius)"
)

# Who speaks, and how
AM = r"(?:I(?:'m| am)|im|we(?:'re| are))"
HAVE = r"(?:I(?:'ve| have)?|we(?:'ve| have)?)"
FAMILY_AND_I = r"(?:I|we|my \w+ (?:and|&) I)"
ADVERB = (
    r"(?:(?:really|still|also|now|just|always|usually|actually|absolutely|mostly|only|currently|recently|finally|much"
    r"|already|strongly|generally|normally|both|all) ){0,3}"
)
A = r"(?:an?|the|my|our|two|three|four|five|several|some|\d+)"
NO_MORE = r"(?:any ?more|any longer)"
MY = r"(?:my|our) (?:[\w-]+ ){0,2}?"
THINGS = r"[\w' -]{1,60}"

# What things are
DIETS = r"(?:vegetarian|vegan|pescatarian|flexitarian|lacto-vegetarian|omnivore|carnivore|fruitarian)"
DIET_WAYS = (
    r"(?:keto|ketogenic|paleo|plant[- ]based|low[- ]carb|gluten[- ]free|mediterranean|vegan|vegetarian"
    r"|kosher|halal|raw)"
)
FOOD = (
    r"(?:gluten|dairy|milk|lactose|meat|fish|pork|beef|poultry|chicken|seafood|shellfish|eggs?|sugar"
    r"|sweets|nuts|peanuts"
    r"|wheat|bread|carbs|alcohol|wine|beer|coffee|caffeine|soya?|mushrooms|onions|garlic|red meat|animal products)"
)
NO_JOB = (
    r"(?:feminist|pessimist|optimist|tourist|atheist|pacifist|racist|perfectionist|realist|minimalist|idealist|egoist"
    r"|motorist|cyclist|buddhist|methodist|communist|socialist|capitalist|activist|beer|list|twist|pioneer|gist|mist)"
)
JOBS = (
    rf"(?:(?!{NO_JOB}\b)\w+(?:ologist|ician|grapher|eer|matician|smith|ist|mason|blower|maker|wright"
    rf"|seller|layer|monger)"
    r"|\w*(?:keeper|worker|binder|dresser|tuner|cutter|operator|restorer|repairer|guide|guard|agent|officer)"
    r"|nurse|doctor|teacher|professor|lecturer|surgeon|vicar|priest|monk|nun|roofer|welder|potter|weaver|brewer|dyer"
    r"|lawyer|attorney|solicitor|barrister|notary|baker|butcher|cook|chef|miller|tiler|glazier|sculptor|composer"
    r"|conductor|violist|driver|pilot|farmer|gardener|carpenter|joiner|plumber|painter|writer|author|editor|journalist"
    r"|reporter|translator|interpreter|poet|novelist|astronaut|steward|stewardess|sommelier|model|tuner|luthier"
    r"|developer|programmer|designer|architect|artist|musician|actor|actress|dancer|singer|student|researcher|scientist"
    r"|chemist|biochemist|physicist|economist|accountant|auditor|manager|director|consultant|analyst|banker|barista"
    r"|waiter|waitress|bartender|dentist|veterinarian|vet|pharmacist|therapist|midwife|paramedic|firefighter|policeman"
    r"|policewoman|soldier|sailor|judge|clerk|secretary|assistant|librarian|tailor|hairdresser|barber|mason|miner"
    r"|fisherman|jeweller|tester|coach|trainer|instructor|tutor|freelancer|entrepreneur|founder|salesman|saleswoman"
    r"|cashier|courier|optician|caretaker|carer|recruiter|apprentice|intern|shepherd|forester|diver|captain|cooper)"
)
# Between "I'm a" and the job: a kind of it, never a judgement or somebody else.
KIND_OF_JOB = (
    r"(?:(?!(?:of|fan|friend|son|daughter|child|wife|husband|and|with|like|the|good|bad|great|terrible"
    r"|awful|decent|slow"
    r"|fast|lousy|poor|better|best|huge|big|hobby|amateur|former|ex|aspiring|happy)\b)[\w-]+ ){0,3}"
)
JOB = rf"{KIND_OF_JOB}{JOBS}\b(?!'s)"
JOB_WORD = r"(?:job|profession|occupation|trade|line of work)"
PASSING = (
    r"(?:question|problem|issue|idea|feeling|headache|minute|moment|look|doubt|point|cold|guess"
    r"|chance|choice|suggestion)"
)
NOT_MINE = (
    r"(?:question|problem|issue|point|guess|bad|apologies|mistake|understanding|goodness|god|idea"
    r"|bet|pleasure|fault|answer|message|prompt|text|code|head|internet|wifi|screen|computer|turn|thanks)"
)
HABIT = (
    r"(?:speak|play|run|swim|cycle|paint|draw|sing|dance|cook|bake|knit|read|write|collect|study|studied|teach|taught"
    r"|drive|own|keep|grow|practi[sc]e|volunteer|train|commute|use|wear|drink|smoke|eat|wake up|get up|go|travel|climb"
    r"|ski|surf|sail|fish|garden|meditate|attend|attended|graduated|married|adopted|bought|sold|quit|started|stopped"
    r"|joined|retired|lost|won|need|suffer|grew up|was born|visited|met|support|belong|believe|follow|know how|learned"
    r"|learnt|used to|never|walk|hike|sew|build|make|repair|moved in with|share my (?:life|home|flat|house) with)"
)
PETS = (
    r"(?:dog|puppy|cat|kitten|parrot|budgie|canary|hamster|guinea pig|rabbit|horse|pony|tortoise|turtle|goldfish|snake"
    r"|lizard|ferret|pet|beagle|labrador|poodle|terrier|spaniel|dachshund|collie|greyhound|retriever|hen|goat|donkey)"
)
PEOPLE = (
    r"(?:wife|husband|partner|girlfriend|boyfriend|fianc[eé]e?|mother|father|mum|mom|dad|sister|brother|son|daughter"
    r"|boss|manager|best friend|grandmother|grandfather|twin)"
)

# Where somebody lives
TOWN = rf"(?!{NO_TOWN}\b){CAPITAL}(?!\S* (?:place|house|flat)\b)"
PLACE = (
    r"(?:in|to|at|near|outside|around) (?:(?:the )?(?:city|town|village|outskirts|centre|center|suburbs"
    r"|north|south|east|west"
    r"|\w+ part) of "
    rf"|(?:the |north(?:ern)? |south(?:ern)? |east(?:ern)? |west(?:ern)? |central |downtown |beautiful "
    rf"|sunny |rainy |lovely |old |little ){{0,2}}){TOWN}"
)
MANNER = (
    r"(?:(?:alone|here|now|happily|together|again|back|over|up|down|out|away|mostly|permanently|temporarily|today|house"
    rf"|home|with (?:my|our|an?|the|two) [\w-]+(?: and (?:my |our )?[\w-]+)?|with {CAPITAL}|on my own|from {CAPITAL}"
    rf"|last (?:week|month|year|summer|winter|spring|autumn)|(?:in|to|on|by) (?:an?|the|my"
    rf"|our) (?:[\w-]+ ){{0,2}}[\w-]+),? ){{0,3}}?"
)
LIVING = (
    rf"(?:{FAMILY_AND_I} {ADVERB}(?:live|reside|moved|relocated|settled)|{AM} {ADVERB}(?:living|based|settled|located)"
    rf"|{HAVE} {ADVERB}(?:been living|been based|moved|relocated|settled)"
    # "I lived in Ghent" tells of former times.
    rf"|(?:I|we)(?:'ve| have) {ADVERB}lived"
    r"|my (?:new )?(?:home|flat|house|apartment|place) is(?: now)?)"
)
CALLS_ME = (
    r"(?:(?:people|(?:my )?friends|(?:my )?family|colleagues|everyone|everybody|they|folks)"
    r" (?:all |usually )?(?:calls?|knows?) me(?: as)?|(?:please |you can |you may |just ){0,2}(?:call"
    r"|address) me(?: as)?)"
)


def _rule(pattern: str, kind: Kind, importance: int, slot: str = "", **more: object) -> Rule:
    attribute = Slot("person", slot) if slot else None
    lower = pattern.replace(CAPITAL, UNCOMMON)
    compiled = (re.compile(pattern, re.IGNORECASE), re.compile(lower, re.IGNORECASE))
    return Rule(*compiled, kind, importance, attribute, **more)  # type: ignore[arg-type]  # checked by Rule's users


_decision = partial(_rule, kind=Kind.DECISION, importance=6, sector=Sector.REFLECTIVE)
_preference = partial(_rule, kind=Kind.PREFERENCE, importance=6)

NAMED = _rule(
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
    # What has ended takes no slot: what holds it now may be something else.
    _rule(
        rf"(?:I|we) (?:no longer live {MANNER}{PLACE}.*|(?:don't|do not) live {MANNER}{PLACE}.* {NO_MORE})",
        Kind.FACT,
        8,
    ),
    _rule(
        rf"{AM} (?:no longer (?:living|based) {MANNER}{PLACE}.*|not (?:living|based) {MANNER}{PLACE}.* {NO_MORE})",
        Kind.FACT,
        8,
    ),
    _rule(rf"{AM} (?:no longer an? {JOB}.*|not an? {JOB} .*{NO_MORE})", Kind.FACT, 7),
    _rule(rf"I (?:no longer work as .*|(?:don't|do not) work as .*{NO_MORE})", Kind.FACT, 7),
    _rule(rf"I (?:no longer work (?:at|for) .*|(?:don't|do not) work (?:at|for) .*{NO_MORE})", Kind.FACT, 6),
    _preference(rf"{AM} (?:no longer (?:an? )?{DIETS}.*|not (?:an? )?{DIETS} {NO_MORE})", importance=8),
    # Who I am.
    NAMED,
    _preference(
        rf"{AM} {ADVERB}(?:an? )?(?:(?!(?:on|in|at|with|for|the)\b)\w+ ){{0,2}}{DIETS}\b.*", importance=8, slot="diet"
    ),
    _preference(
        rf"{HAVE} (?:become|turned|went|gone|go|been|stay|remain)(?: an?)? {DIETS}\b.*", importance=8, slot="diet"
    ),
    _preference(
        rf"(?:I {ADVERB}(?:eat|follow|keep|stick to)|{AM} {ADVERB}on) (?:(?:an?|the) )?(?:[\w-]+ ){{0,4}}?"
        rf"(?:{DIET_WAYS}(?: (?:diet|food|for|since|now)\b.*)?|diet(?: .*)?)",
        importance=8,
        slot="diet",
    ),
    _preference(
        rf"(?:I {ADVERB}(?:don't|do not|can't|cannot|never|won't)(?: \w+)? (?:eat|drink|tolerate)"
        rf"|{AM} (?:\w+ )?(?:allergic|intolerant)|{AM} [\w-]+[- ](?:intolerant|free)) ?.*",
        importance=8,
    ),
    _preference(
        rf"(?:I {ADVERB}(?:avoid|stay away from|steer clear of|abstain from|gave up|(?:don't|do not|never) touch)"
        rf"|{HAVE} (?:given up|not (?:eaten|drunk|touched))|I haven't (?:eaten|drunk"
        rf"|touched)) (?:\w+ ){{0,2}}{FOOD}\b.*",
        importance=8,
    ),
    _decision(rf"{AM} {ADVERB}(?:moving|relocating) {MANNER}{PLACE}\b.*", importance=7),
    _rule(
        rf"(?:{LIVING} {MANNER}{PLACE}|I {ADVERB}call {TOWN}(?: {CAPITAL}){{0,2}} (?:my )?home"
        rf"|(?:home(?: for me)?|my (?:new )?(?:home(?: ?town| city)?|city"
        rf"|town)) is (?:now )?(?:in )?{TOWN})(?![\w'-]).*",
        Kind.FACT,
        8,
        "home town",
    ),
    _rule(
        rf"(?:{FAMILY_AND_I} {ADVERB}live|{AM} {ADVERB}living) (?:alone|with|together|in|on|near|for|off"
        rf"|by|next to|from)\b.*",
        Kind.FACT,
        6,
    ),
    _rule(
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
    _rule(
        rf"(?:{AM} (?:originally )?from|I (?:originally )?come from|I grew up in|I was (?:born and )?raised in"
        rf"|I was born (?:in|near|at)) (?:the )?{TOWN}(?![\w'-]).*",
        Kind.FACT,
        7,
        "origin",
    ),
    _rule(
        rf"(?:{AM} \d{{1,3}}(?: years old)?|I (?:just |recently )?turned {NUMBER}\b.*|my age is \d+)",
        Kind.FACT,
        6,
        "age",
    ),
    # What I do.
    _rule(
        rf"(?:I {ADVERB}work as|I(?:'ve| have) {ADVERB}worked as|{AM} {ADVERB}(?:working|employed|self-employed) as"
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
    _rule(rf"(?:{AM} {ADVERB}|{HAVE} been )an? {JOB}.*", Kind.FACT, 7, "job"),
    _rule(
        rf"(?:I {ADVERB}(?:work|started working)|{AM} {ADVERB}(?:working|employed)) (?:at|for|with) (?:the )?{TOWN}.*"
        rf"|my employer is (?:the )?{CAPITAL}.*",
        Kind.FACT,
        6,
        "employer",
    ),
    _rule(
        rf"(?:I|we) {ADVERB}work (?:from|in|at|for|with|part[- ]time|full[- ]time|nights|shifts|remotely|weekends)\b.*",
        Kind.FACT,
        5,
    ),
    # Whom and what I have.
    _preference(
        r"my (?:(?:all-time|absolute|very) )?(?P<what>favou?rite [\w ]{2,40}?) (?:is|are|has always been|would be) \S.*"
    ),
    _rule(rf"my (?P<what>{PEOPLE})(?:'s name is|is called|is named| is called| is named) \S.*", Kind.FACT, 7),
    _rule(
        rf"(?:I|we|my|our|I've|we've) (?:.*\b)?{PETS}\b.*\b(?:named|called|by the name of|name is"
        rf"|answers to|goes by)\b \S.*"
        rf"|(?:I|we) (?:named|called) {MY}{PETS} \S.*"
        rf"|(?!(?:{NO_NAME}|this|that|it|he|she|who)\b){CAPITAL}(?: is|,) {MY}(?:{PETS}|{PEOPLE})\b.*"
        rf"|the name of {MY}(?:{PETS}|{PEOPLE})(?:'s \w+)? is \S.*",
        Kind.FACT,
        7,
    ),
    # What I decided.
    _decision(
        rf"(?:my \w+ & )?{HAVE} {ADVERB}(?:decided|made up my mind|chosen|chose|agreed|resolved|opted|settled on"
        r"|committed|picked|(?:made|taken|took) (?:the|a|my) decision)\b.*",
        importance=7,
    ),
    _decision(
        r"(?:it's decided|it is decided|that's decided|decision made|decision|it's settled)[:,] \S.*", importance=7
    ),
    _decision(
        rf"(?:my decision is|the decision is(?! yours)|from now on,? I|{AM} (?:planning|determined|resolved)"
        r"|I(?: have)? (?:plan|intend|promise[d]?)(?:ned)?) ?\S.*"
    ),
    _decision(
        rf"(?:{AM} going to|(?:I|we)(?:'ll| will)) (?!(?:\w+ (?:it|that|this|them|now|again|over)"
        rf"|take (?:a look|care|note))\b)"
        r"(?:start|stop|quit|learn|buy|sell|study|move|marry|take"
        r"|switch|train|visit|travel|run|join|write|build|leave|change|become|give up) .*",
        confidence=LIKELY,
    ),
    _decision(
        rf"{AM} (?:quitting|leaving|changing|selling|giving up|taking) (?:my|our|the|an?) (?:\w+ )?"
        r"(?:job|house|flat|car|career|company|studies|sabbatical|smoking|year off|school)\b.*",
        confidence=LIKELY,
    ),
    # What I like.
    _preference(
        rf"(?:between \S.*,? I|I {ADVERB}(?:choose|pick|take|have|drink|eat|use|buy|wear) \S.* (?:over"
        rf"|instead of|rather than)"
        rf"|{AM} (?:more|rather)(?: of)? an?|I {ADVERB}(?:prefer|favou?r)|I(?:'d| would) (?:much )?(?:rather|sooner)"
        rf"|I(?:'d| would)? {ADVERB}(?:pick|choose|take) \S.* over|I like \S.* (?:more|better) than"
        rf"|given (?:the choice|{THINGS}),? I(?:'d| would)? {ADVERB}(?:pick|choose|take|go for|prefer|have)"
        r"|if I (?:have the choice|had the choice|can choose|could choose|may choose),? I(?:'d| would)?) ?\S.*"
        rf"|(?!(?:he|she|they|it|I|you|we)\b){THINGS} (?:over|beats?) {THINGS} for me(?: any ?(?:day|time))?"
    ),
    _rule(
        rf"I {ADVERB}(?:like|love|enjoy|adore|hate|dislike|detest|loathe|fancy|can't stand|cannot stand"
        r"|can't bear|don't (?:\w+ )?(?:like|enjoy|care for)|do not (?:like|enjoy)|didn't like) "
        r"(?!(?:it|that|this|them|you|your|the (?:answer|idea|way)|to know|to ask)\b)\S.*",
        Kind.PREFERENCE,
        5,
        sector=Sector.EMOTIONAL,
    ),
    _rule(
        rf"{AM} (?:not )?(?:an? )?(?:\w+ )?(?:fan of|into|fond of|keen on|crazy about|passionate about"
        r"|obsessed with|afraid of|scared of|interested in) \S.*",
        Kind.PREFERENCE,
        5,
        sector=Sector.EMOTIONAL,
    ),
    # The rest of my life.
    _rule(
        rf"(?:I|we)(?:(?:'ve| have) {ADVERB}(?:got )?|(?:'ve)? {ADVERB}got | {ADVERB}(?:own"
        rf"|keep) ){A} (?!\w* ?{PASSING}\b)\S.*",
        Kind.FACT,
        6,
    ),
    _rule(
        rf"{AM} {ADVERB}(?:married|engaged|divorced|widowed|single|pregnant|retired|left-handed|self-employed"
        r"|right-handed|colou?r-?blind|deaf|blind|dyslexic|learning|studying|training|expecting|related)\b.*",
        Kind.FACT,
        6,
    ),
    _rule(
        rf"(?:my|our) (?!(?:\w+ )?{NOT_MINE}\b)(?!work is\b)[\w'’ -]{{2,60}}?(?:\b(?:is|are|was|were|has|have|lives?"
        r"|works?|likes?|loves?|hates?|prefers?|goes|plays?|stud(?:y|ies)|speaks?|called|named|died"
        r"|got|moved|married|teaches|turns|answers|goes by|responds|wants|needs)\b|'s name\b) ?\S.*",
        Kind.FACT,
        6,
    ),
    _rule(
        rf"(?:I|we) {ADVERB}(?!(?:go by|use to go)\b){HABIT}\b.+",
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
# How a message is taken apart
SENTENCE_END = re.compile(
    r"(?<!\bMr\.)(?<!\bMrs\.)(?<!\bMs\.)(?<!\bDr\.)(?<!\bSt\.)(?<!\bProf\.)(?<=[.!?…])[\"'”’)]{0,3}\s+|\n+"
    r"|(?<!\s)\s{1,3}[–—-]\s+|;\s+"
)
SUBJECT = r"(?:I|I'm|I've|I'd|I'll|my|we|we're|we've|our)\b"
CLAUSE_START = re.compile(
    r"(?:,\s{0,3})?\b(?:and|but|so|plus|while|though|although) (?:(?:also|now|then|today|these days) ){0,3}"
    rf"(?={SUBJECT})|,\s{{1,3}}(?={SUBJECT})",
    re.IGNORECASE,
)
ELIDED = re.compile(
    r"(?:,\s{0,3})?\band (?=(?:(?:now|currently|also|still|then|always|never) )?"
    r"(?:work|live|love|like|prefer|hate|play|speak|study|own|have|don't|enjoy|decided|moved)\s)",
    re.IGNORECASE,
)
BY_ME = re.compile(r"^(?P<who>I|we)(?:'m|'ve|'re)?\b|^my \w+ (?:and|&) I\b", re.IGNORECASE)
TOGETHER = re.compile(r"(?:(?<=^)|(?<=, )|(?<=and )|(?<=that ))(my \w+) and (?=I\b)", re.IGNORECASE)
NAME_AND_MORE = re.compile(
    rf"^(?:I'm|I am) (?P<name>{CAPITAL}(?: {CAPITAL}){{0,2}}), (?P<more>an? \S.*)$", re.IGNORECASE
)
APPOSED = re.compile(rf"^{CAPITAL}, {MY}(?:{PETS}|{PEOPLE}),", re.IGNORECASE)
PLEASANTRY = re.compile(
    r"[,.]?\s{1,3}(?:(?:nice|pleased|good|great|lovely) to meet you(?: all)?|by the way|btw|that's settled)[ .!]{0,5}$",
    re.IGNORECASE,
)
# What may stand before "I": when it is, or what it is about. It is kept, for it often holds a date.
PERIOD = (
    rf"(?:{DAY}|{MONTH}|\d+(?:st|nd|rd|th)?|mornings?|evenings?|weeks?|weekends?|months?|years?|summer"
    rf"|winter|spring|autumn"
    r"|fall|time|now|then|ages|childhood|age|birth)"
)
LEAD = re.compile(
    rf"^(?:(?:on|since|in|from|until|till|as of|by|during|after|before|for|at|ever since)(?: [\w'-]+){{0,3}}? {PERIOD}"
    rf"(?: (?:of )?{PERIOD}){{0,2}}(?: on)?|yesterday|today|tomorrow|tonight|now|lately|recently|currently|sometimes"
    r"|(?:last|next|this|every) (?:\w+)|(?:when it comes to|as for|as far as|between|given) [^,:]{1,60}?"
    r"|for (?:a living|work|my job)|as (?:a|my) (?:job|profession)|professionally|by (?:profession|trade|day)|at work"
    r"|if I (?:have|had) the choice|if I (?:can|could|may) choose|(?:it's|it is|that's) (?:decided"
    r"|settled)|decision made"
    rf"|decision),?:? (?={SUBJECT})",
    re.IGNORECASE,
)
FILLER = re.compile(
    r"^(?:(?:hi|hello|hey|hiya|yes|yeah|yep|no|nope|well|ok|okay|oh|ah|so|and|but|also|actually"
    r"|sorry|please|btw|by the way|in fact|fyi|just so you know|for the record|you know|as i said|anyway|to be honest"
    r"|honestly|first of all|besides|correction|these days|nowadays|good (?:morning|afternoon|evening)|there|oops|wait"
    r"|update|(?:big |good |great )?news(?=:)|guess what(?=[,:!.])|last (?:week|month|year)(?=,)"
    r"|as of (?:today|now|this week)|one more thing"
    r"|i should (?:mention|add|say)(?: that)?|let me (?:tell|add)(?: you)?(?: that)?|i (?:want"
    r"|wanted) (?:you )?to (?:know|tell you)(?: that)?|did i mention(?: that)?)\b[,:!.\s]{0,5})+",
    re.IGNORECASE,
)
REMEMBER = re.compile(
    r"^(?:please |can you |could you |do ){0,3}(?:remember|note|keep in mind|don't forget"
    r"|do not forget|make a note|memori[sz]e|save)(?: (?:this|the following|down))?(?: for me)?(?:,? that|:)?\s{1,5}"
    r"(?!(?:when|how|what|where|who|why|me|my chat)\b)(?P<what>\S.*)$",
    re.IGNORECASE | re.DOTALL,
)
FORGET = re.compile(
    r"^(?:(?:please|can you|could you|would you|you can),? ){0,3}"
    r"(?:(?:forget|don't remember|do not remember|stop remembering)(?: (?:everything|anything|all))?"
    r"(?: (?:what I (?:said|told you)|(?:what )?you know|about|that|the fact that)){0,2}"
    r"|(?:delete|erase|remove)(?: (?:the|that|your|any|every|all)){0,2} (?:memor(?:y|ies)|everything|anything|all)"
    r"(?: (?:you know|of|about|that|on)){1,2}|(?:delete|erase|remove)(?: (?:about|that|the fact that))?"
    r"(?= (?:I|I'm|I've|my|our|we|where|what|when|how|who)\b))"
    r"\s{1,5}(?!(?:it|to|everything|anything|all|this|that|me)\b)(?P<what>\S.{0,298})$",
    re.IGNORECASE,
)

# What is passed over
QUESTION = re.compile(
    r"^(?:who|whom|whose|what|what's|when(?! it comes to)|where|where's|which|why|how|do|does|did|is|are|am|was"
    r"|were|can|could|will|would|should|shall|may (?!\d)|have i|has|tell me|show me|guess|translate|rewrite|correct"
    r"|summari[sz]e|explain|proofread|write|paraphrase|complete the)\b",
    re.IGNORECASE,
)
SUPPOSED = re.compile(
    r"\b(?:if i(?! (?:can|could|may) choose| (?:have|had) the choice)|i wish|imagine|suppose|supposing|pretend"
    r"|let's say|would have|wouldn't|hypothetically|as if|in a story|yeah right|as a joke"
    r"|in my (?:dreams?|novel|story|game))\b",
    re.IGNORECASE,
)
QUOTED = re.compile(
    r"(?:^|[\s(:,])[\"“'](?:I|I'm|I've|my|we|our) (?-i:[a-z])|\b(?:said|says|say|told \w+|asked|claims"
    r"|claimed|wrote|writes|replied"
    r"|sings|sang|shouted|whispered|lyrics?|sentence|phrase|example|titled?)[,:]\s{1,3}(?:I|I'm|I've|my|we|our)\b",
    re.IGNORECASE,
)
PASSED = re.compile(
    r"^(?!.*\b(?:living|live|based|reside)\b).*\b(?:right now|at the moment|for now)\b"
    r"|\b(?:in a minute|brb|just kidding)\b"
    r"|^i(?:'m| am) (?:(?:so|very|a bit|really|just) ){0,3}(?:tired|hungry|bored|busy|fine|good|ok"
    r"|okay|well|sorry|back|here|glad|happy|sad|sure|ready|confused"
    r"|curious|wondering|looking|trying|asking|thinking|talking|kidding|not sure|afraid (?:not|so|i))\b",
    re.IGNORECASE,
)
UNSURE = re.compile(
    r"\b(?:maybe|perhaps|probably|possibly|might|i think|i guess|i suppose|not sure|kind of|sort of|could be)\b",
    re.IGNORECASE,
)
