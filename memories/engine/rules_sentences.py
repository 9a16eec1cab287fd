"""How the built-in extractor takes a message apart, and what of it is passed over."""

import re

from memories.engine.rules_words import CAPITAL, DAY, MONTH, MY, PEOPLE, PETS

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
    r"|as of (?:today|now|this week)|(?:quick |short |brief |fun |little )?(?:intro|introduction|note|heads[- ]up"
    r"|reminder|fact)(?=:)|one more thing"
    r"|i meant(?: to (?:say|write))?(?: that)?|i mean(?=,)|what i meant(?: to say)? (?:is|was)(?: that)?"
    r"|scratch that|i misspoke|i made a (?:mistake|typo)|my (?:mistake|bad)|that was wrong|let me correct (?:that"
    r"|myself)|rather(?=,)|i wrote that wrong|as i (?:mentioned"
    r"|told you)"
    r"|i should (?:mention|add|say)(?: that)?|let me (?:tell|add)(?: you)?(?: that)?|i (?:want"
    r"|wanted) (?:you )?to (?:know|tell you)(?: that)?|did i mention(?: that)?)\b[,:!.\s]{0,5})+",
    re.IGNORECASE,
)
REMEMBER = re.compile(
    r"^(?:please |can you |could you |do ){0,3}(?:remember|note|keep in mind|don't forget"
    r"|do not forget|make a note|memori[sz]e|save)(?: (?:this|the following|down))?(?: for me)?(?:,? that|:)?\s{1,5}"
    r"(?!(?:when|how|what|where|who|why|me|my chat|to (?:remind|tell|ask|answer|reply|send|check"
    r"|call))\b)(?P<what>(?!(?:that|this|it)\W*$)\S.*)$",
    re.IGNORECASE | re.DOTALL,
)

# What is passed over
QUESTION = re.compile(
    r"^(?:who|whom|whose|what(?! I (?:really )?(?:like|love|enjoy|prefer|hate|dislike)\b[^?]*$)|what's"
    r"|when(?! it comes to)|where|where's|which|why|how|do|does|did|is|are|am|was"
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

# Said after a sentence it takes it back: "I just love queues. Not."
TAKEN_BACK = re.compile(
    r"^\W{0,3}(?:not|psych|just kidding|kidding|as if|said (?:nobody|no one) ever)\W{0,5}$", re.IGNORECASE
)
# What stands for something that was said before cannot be understood alone: "I joined them in May".
DANGLING = re.compile(
    r"^(?:I|we)(?:'ve|'m|'d|'ll| have| am| will)? (?:[\w']+ ){1,2}(?:them|it|him|there|those|these)"
    r"(?=$|,| (?:in|on|at|since|for|when|because|every|last|this|next|yesterday|very|so|a lot|all|too|again|now|by"
    r"|with)\b)",
    re.IGNORECASE,
)
# "I don't live in Leeds but in York" says what holds, too.
NOT_BUT = re.compile(
    r"^(?P<who>I|we|my [\w ]{2,30}?) (?:don't|do not|doesn't"
    r"|does not) (?P<verb>\w+) (?P<not>[^,]{1,60}?),? but (?:rather )?"
    r"(?P<but>\S.{0,80})$|^(?P<be>(?:I'm|I am|we're|we are|my [\w ]{2,30}? (?:is|are))) not (?P<what>[^,]{1,60}?),? but"
    r" (?P<is>(?!I\b)\S.{0,80})$",
    re.IGNORECASE,
)
