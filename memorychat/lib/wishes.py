"""How people ask that something be forgotten or remembered: what is answered, and what is done."""

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
# In many languages, and only to see that somebody did ask: what is not in here counts as not asked.
REMEMBERS = re.compile(
    r"\b(?:remember|memori[sz]e|note|keep in mind|bear in mind|don't forget|do not forget|save|store|write (?:it"
    r"|this|that) down"
    r"|merk\w*|behalte?|vergiss nicht|notier\w*|erinner\w*|recu[eé]rd\w*|acu[eé]rd\w*|no olvides|apunta|anota|guarda"
    r"|souviens|retiens|retenez|note[zr]?|n'oublie\w*|lembr\w*|n[aã]o (?:te )?esque[cç]\w*|ricord\w*|non dimenticare"
    r"|onthou\w*"
    r"|vergeet niet|zapami[eę]t\w*|запомни\w*|запам['’]ятай\w*|hat.rla\w*|unutma)\b"
    r"|记住|記住|记得|記得|覚えて|기억해|تذكر|याद रख",
    re.IGNORECASE,
)
# The same for wishes to forget.
FORGETS = re.compile(
    r"\b(?:forget|delete|erase|remove|don't remember|do not remember|stop remembering|vergiss|vergessen|l[oö]sch\w*"
    r"|entfern\w*|olvid\w*|borra\w*|elimin\w*|oubli\w*|efface\w*|supprim\w*|esque[cç]\w*|apag\w*|dimentic\w*"
    r"|cancell\w*|vergeet|verwijder\w*|wis|zapomnij|usu[nń]\w*|забудь\w*|удали\w*|забути|unut|sil)\b"
    r"|忘れ|忘记|忘記|删除|刪除|잊어|삭제|انس|احذف|भूल जा",
    re.IGNORECASE,
)
# "I have epilepsy. Please remember that.": the wish comes after what is meant.
REMEMBER_THAT = re.compile(
    r"(?:^|[,;:.]?\s{1,3}(?:and |so |but )?)(?:please,? |can you |could you ){0,2}(?:remember|note|memori[sz]e|save"
    r"|keep"
    r"|don't forget|do not forget) (?:that|this|it)(?: in mind| down)?(?:,? please)?[ .!?]{0,5}$",
    re.IGNORECASE,
)
