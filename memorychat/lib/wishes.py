"""How people ask, in English, that something be forgotten: the built-in responder answers it, the rules do it."""

import re

# Before the wish itself.
POLITELY = (
    r"(?:(?:please|can you|could you|would you|you can|(?:i want|i'd like|i would like|i need) you to)[, ]+){0,3}"
)
# A wish that names what is meant ("where I live").
FORGET = re.compile(
    rf"^{POLITELY}"
    r"(?:(?:forget|don't remember|do not remember|stop remembering)(?: (?:everything|anything|all))?"
    r"(?: (?:what I (?:said|told you)|(?:what )?you know|about|that|the fact that)){0,2}"
    r"|(?:delete|erase|remove)(?: (?:the|that|your|any|every|all)){0,2} (?:memor(?:y|ies)|everything|anything|all)"
    r"(?: (?:you (?:know|have|remember)|of|about|that|on)){1,2}|(?:delete|erase|remove)(?: (?:about|that"
    r"|the fact that))?"
    r"(?= (?:I|I'm|I've|my|our|we|where|what|when|how|who)\b))"
    r"\s{1,5}(?!(?:it|to|everything|anything|all|this|that|me)\b)(?P<what>\S.{0,298}?)(?: from (?:your"
    r"|the) memory)?[ .!]{0,5}$",
    re.IGNORECASE,
)
