"""Secrets in a text: keys, passwords, numbers of cards, accounts and identity papers, written or said in words.

A number is a secret when its check digits hold and its shape is that of nothing else, or when the text says what it
is. A ten-digit number that merely happens to satisfy a checksum stays: telephone and order numbers are what people
tell far more often.
"""

import math
import re
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from functools import cache

from memories.engine import guard_readings as readings
from memories.engine.guard_checks import (
    CHECKS_OF_IDENTITY,
    GROUPED,
    IBAN_LENGTHS,
    NETWORKS,
    is_card_shaped,
    is_iban,
    passes_luhn,
)
from memories.engine.guard_patterns import words_of
from memories.engine.guard_readings import Reading
from memorychat.lib.text import fold


class Secret(StrEnum):
    """Its value is the word that stands in the place of what was removed."""

    PRIVATE_KEY = "private key"
    ACCESS_KEY = "access key"
    PASSWORD = "password"  # noqa: S105 - a name, no password
    CARD = "card number"
    IBAN = "bank account number"
    IDENTITY = "identity number"


@dataclass(frozen=True)
class Found:
    """A secret, and where it stands in the original."""

    kind: Secret
    start: int
    end: int


# Keys and tokens whose form alone tells them.
KEY_FORMS = re.compile(
    r"\b(?:sk-(?:ant-|proj-|or-|svcacct-)?[\w-]{20,200}|[srp]k_(?:live|test)_\w{16,200}|whsec_[\w+/=]{16,200}"
    r"|(?:AKIA|ASIA|AROA|AIDA)[A-Z0-9]{16}|gh[pousr]_\w{30,255}|github_pat_\w{20,255}|glpat-[\w-]{20,100}"
    r"|xox[abeoprs]-[\w-]{10,250}|xapp-[\w-]{10,250}|AIza[\w-]{35}|ya29\.[\w-]{20,500}|hf_[A-Za-z]{30,60}"
    r"|npm_\w{36}|pypi-[\w-]{50,500}|dop_v1_[0-9a-f]{64}|shp(?:at|ca|pa|ss)_[0-9a-fA-F]{32}|mc_[0-9a-f]{8}_[\w-]{30,60}"
    r"|SG\.[\w-]{16,40}\.[\w-]{16,80}|key-[0-9a-f]{32}|(?:AC|SK)[0-9a-f]{32}|\d{8,10}:AA[\w-]{33}|sq0(?:atp"
    r"|csp)-[\w-]{22,50}"
    r"|eyJ[\w-]{8,2000}\.eyJ[\w-]{8,2000}\.[\w-]{8,2000})(?![\w-])"
)
PRIVATE_KEY = re.compile(
    r"-----BEGIN [A-Z ]{0,30}PRIVATE KEY(?: BLOCK)?-----.*?(?:-----END [A-Z ]{0,30}PRIVATE KEY(?: BLOCK)?-----|\Z)",
    re.DOTALL,
)
IN_ADDRESS = re.compile(r"\b[a-z][a-z0-9+.-]{1,15}://[^\s:/@]{1,100}:(?P<value>[^\s@/]{3,200})@", re.IGNORECASE)
NAMED_KEY = re.compile(
    r"\b(?:api|access|secret|auth|private|signing|encryption|account|client|bearer|refresh|bot|deploy)[ _-]?"
    r"(?:key|token|secret|code)?\w*\b|\b(?:token|credentials?|bearer|authorization)\b",
    re.IGNORECASE,
)
LONG_WORD = re.compile(r"(?<![\w/.@:+=-])[\w+/=.~-]{20,500}(?![\w@])")
UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
HEX = re.compile(r"[0-9a-f]+", re.IGNORECASE)
RANDOM_FROM = 3.6  # bits a character; words of any language joined by hyphens stay under it
UNNAMED_FROM = 32  # characters from which a mixed word is random enough without a word that calls it a key

# Passwords and codes: a word that names one, a word that joins, the value.
JOINED = (
    r"(?:\s{0,3}(?:=|:|->)\s{0,3}"
    r"|\s{1,3}(?:is|was|will be|are|=|ist|war|lautet|heisst|heißt|es|era|est|était|é|è|je|luidt)\s{1,3}"
    r"(?:now |still |jetzt |ahora |agora )?(?::\s?)?)"
)
CALLED = (
    r"(?:pass ?words?|pass ?codes?|pass ?phrases?|passwd|pwd|pass(?=\s?[:=])|login code|unlock code|wi-?fi key"
    r"|wlan[- ]schlüssel|passwort|kennwort"
    r"|contraseña|clave de acceso|mot de passe|mdp|code secret|senha|palavra[- ]passe|wachtwoord|hasło|пароль)"
)
OF_WHAT = (
    r"(?:\s{1,3}(?:for|to|of|on|at|fürs?|vom|von|para|de|del|da|do|pour|voor)\s{1,3}[\w'’.-]{1,40}"
    r"(?:\s[\w'’.-]{1,40}){0,3}?)?"
)
PASSWORD = re.compile(
    rf"\b{CALLED}{OF_WHAT}{JOINED}"
    r"(?P<value>[\"'“„«`][^\"'”“»`\n]{3,80}[\"'”“»`]|\S{3,100})",
    re.IGNORECASE,
)
# Without a word that joins, the value itself must be none of a language, or end its clause.
CLAUSE_ENDS = r"(?=\s*(?:$|[.,;!?)\n]|(?:and|but|und|y|et|e|en)\b))"
BESIDE = re.compile(
    rf"\b(?:{CALLED}|wi-?fi pw)(?:\s?[,/-]\s{{1,2}}|\s{{1,2}}|{OF_WHAT}\s?[,/-]\s{{1,2}})(?P<value>\S{{5,60}})",
    re.IGNORECASE,
)
NAMED_AFTER = re.compile(
    r"(?P<value>[\"'“„«`][^\"'”“»`\n]{3,80}[\"'”“»`]|(?<!\S)[^\s\"'“„«`]{4,60}?),?"
    r" (?:is|was|that's|ist|war|es|era|est|é|is what I use as|is what we use as)"
    r" (?:(?:my|our|the|his|her|mein|unser|das|mi|la|nuestra|mon|le|notre|a minha|minha|a|het|mijn) )(?:[\w-]+ ){0,2}?"
    rf"{CALLED}(?=\s*(?:$|[.,;!?)\n]|(?:for|to|of|on|at|in|and|but|everywhere|für|vom|para|del?|do|da|pour|voor)\b))",
    re.IGNORECASE,
)
SAID_BEFORE = re.compile(
    r"(?<![\w.,])(?P<value>\d(?:[ .-]?\d){2,7}) (?:is|was|ist|es|est) (?:my|our|the|mein|meine|mi|mon) "
    r"(?:\w+ )?(?:pin|passcode|password|passwort|geheimzahl|door code|alarm code)\b",
    re.IGNORECASE,
)
AS_PASSWORD = re.compile(
    r"\b(?:use|uses|used|have|chose|set) (?P<value>\S{4,60}) (?:as|for) (?:my|the|our) (?:\w+ )?pass", re.IGNORECASE
)
PIN_WORDS = (
    r"(?:pin(?: ?code| number)?"
    r"|(?:door|gate|alarm|safe|lock|bike|vault|garage|key|access|security|entry|locker|suitcase)[ -]code"
    r"|(?:verification|security|2fa|one[- ]time|sms|otp|tan)[ -](?:code|password|number)|cvv2?|cvc2?|geheimzahl"
    r"|code pin|código pin|código de segurança|türcode|combination)"
)
PIN = re.compile(
    rf"\b{PIN_WORDS}{OF_WHAT}{JOINED}(?P<value>\d(?:[ .-]?\d){{2,9}})(?![\w.,]\d|\w)",
    re.IGNORECASE,
)
PIN_BESIDE = re.compile(
    rf"\b(?:{PIN_WORDS}{OF_WHAT},?\s{{1,3}}(?P<value>\d(?:[ .-]?\d){{3,7}}){CLAUSE_ENDS}"
    r"|(?:cvv2?|cvc2?|security code),?\s{1,3}(?P<check>\d{3,4})(?!\w))",
    re.IGNORECASE,
)
ON_THE_BACK = re.compile(
    r"\b(?:three|3|four|4|last) digits (?:on|at) the back(?: of (?:my|the) (?:\w+ )?\w+)?"
    rf"{JOINED}(?P<value>\d{{3,4}})(?!\w)",
    re.IGNORECASE,
)
PHRASE = re.compile(
    r"\b(?:seed|recovery|secret|mnemonic|backup|wallet)[ -](?:phrase|words|seed)"
    rf"{JOINED}(?P<value>[a-z]{{3,10}}(?:[ ,]{{1,2}}[a-z]{{3,10}}){{11,23}})",
    re.IGNORECASE,
)

NUMBER = re.compile(r"(?<![\w+])\d++(?:(?: ?\r?\n ?|[ .\-–/\t]| - )\d++)*+(?!\w)")
GROUP = re.compile(r"\d+")
CARD_WORDS = re.compile(
    r"\b(?:card|credit|debit|visa|mastercard|amex|maestro|kreditkarte|karte|tarjeta|carte|cartão|carta|kaart)\b",
    re.IGNORECASE,
)
IBAN_START = re.compile(r"(?<![A-Za-z0-9])[A-Za-z] ?[A-Za-z] ?\d ?\d(?=[ \-]?[A-Za-z0-9])")
ACCOUNT = re.compile(
    rf"\b(?:bank )?account (?:number|no\.?)(?: at \w+)?{JOINED}(?P<value>\d(?:[ -]?\d){{5,16}})(?!\w)",
    re.IGNORECASE,
)
PAPERS = re.compile(
    r"\b(?:passport|identity card|id card|driving licen[cs]e|driver'?s? licen[cs]e|national id|social security"
    r"|national insurance|tax(?:payer)? id(?:entification)?|ssn|aadhaar|reisepass|personalausweis|ausweis|pasaporte"
    r"|passeport|passaporte|dni|nie|nif|contribuinte|cpf|bsn|pesel|nino|steuer-?id|insee|codice fiscale|rg)"
    rf"(?: ?(?:number|no\.?|nr\.?|nummer|número))?{JOINED}"
    r"(?P<value>[A-Za-z]{0,3}[ -]?\d(?:[ ./-]?[A-Za-z0-9]){5,17})(?!\w)",
    re.IGNORECASE,
)


def secrets_in(content: str) -> list[Found]:
    """Those in a text in their order; of two that overlap the longer."""
    written = readings.written(content)
    found = [found for look in (*LOOKS, *NUMBER_LOOKS) for found in look(written)]
    if said := readings.spoken(written):
        found += [found for look in NUMBER_LOOKS for found in look(said)]
    return _apart(found)


def _apart(found: list[Found]) -> list[Found]:
    kept: list[Found] = []
    for secret in sorted(found, key=lambda secret: secret.start - secret.end):
        if all(secret.end <= other.start or other.end <= secret.start for other in kept):
            kept.append(secret)
    return sorted(kept, key=lambda secret: secret.start)


def _whole(kind: Secret, reading: Reading, pattern: re.Pattern[str]) -> Iterator[Found]:
    for match in pattern.finditer(reading.text):
        yield Found(kind, *reading.span(*match.span("value" if "value" in pattern.groupindex else 0)))


def _key_forms(reading: Reading) -> Iterator[Found]:
    yield from _whole(Secret.PRIVATE_KEY, reading, PRIVATE_KEY)
    yield from _whole(Secret.ACCESS_KEY, reading, KEY_FORMS)
    yield from _whole(Secret.PASSWORD, reading, IN_ADDRESS)
    yield from _whole(Secret.PRIVATE_KEY, reading, PHRASE)


def _random_words(reading: Reading) -> Iterator[Found]:
    """Long words that only a machine makes; short of UNNAMED_FROM, or in hex, only beside a word that names a key."""
    named = NAMED_KEY.search(reading.text) is not None
    for match in LONG_WORD.finditer(reading.text):
        if _is_random(match.group().strip("=.-"), named=named):
            yield Found(Secret.ACCESS_KEY, *reading.span(*match.span()))


def _is_random(word: str, *, named: bool) -> bool:
    if UUID.fullmatch(word) or word.startswith("www.") or "/" in word[:1]:
        return False
    if HEX.fullmatch(word):
        return named and len(word) >= UNNAMED_FROM
    mixed = all(re.search(kind, word) for kind in ("[a-z]", "[A-Z]", r"\d"))
    changes = len(re.findall(r"(?<=[a-z])(?=[A-Z\d])|(?<=\d)(?=[A-Za-z])|(?<=[A-Z])(?=\d)", word))
    return mixed and changes >= 5 and _entropy(word) >= RANDOM_FROM and (named or len(word) >= UNNAMED_FROM)


def _entropy(word: str) -> float:
    counts = Counter(word).values()
    return -sum(count / len(word) * math.log2(count / len(word)) for count in counts)


def _passwords(reading: Reading) -> Iterator[Found]:
    for match in PASSWORD.finditer(reading.text):
        value = match["value"].rstrip(".,;!?)")
        rest = reading.text[match.start("value") + len(value) :]
        if _is_password(value, rest):
            start = match.start("value")
            yield Found(Secret.PASSWORD, *reading.span(start, start + len(value)))


def _passwords_beside(reading: Reading) -> Iterator[Found]:
    for match in BESIDE.finditer(reading.text):
        value = match["value"].rstrip(".,;!?)")
        if _is_of_no_language(value):
            start = match.start("value")
            yield Found(Secret.PASSWORD, *reading.span(start, start + len(value)))
    for match in NAMED_AFTER.finditer(reading.text):
        if match["value"][0] in "\"'“„«`" or _is_of_no_language(match["value"]):
            yield Found(Secret.PASSWORD, *reading.span(*match.span("value")))


def _is_of_no_language(word: str) -> bool:
    """Letters with digits or signs among them; no "16-digit", "2nd", "8pm" or "10,000"."""
    if re.fullmatch(r"\d[\d.,:%€$£+]*(?:-?[a-z]+)?", word, re.IGNORECASE):
        return False
    return re.search(r"[a-z]", word, re.IGNORECASE) is not None and re.search(r"[\d_@#$%^&*!+=]", word) is not None


def _uses_of_passwords(reading: Reading) -> Iterator[Found]:
    for match in AS_PASSWORD.finditer(reading.text):
        if re.search(r"[\d\W_]", match["value"]):
            yield Found(Secret.PASSWORD, *reading.span(*match.span("value")))


def _is_password(value: str, rest: str) -> bool:
    """A word that is none of a language, one in quotes, or one that ends its clause and is not said of passwords."""
    if value[:1] in "\"'“„«`" or re.search(r"[\d_@#$%^&*!+=]", value) or re.search(r"[a-z][A-Z]", value):
        return True
    ends = re.match(r"\s*(?:$|[.,;!?)\n]|\b(?:and|but|und|y|et|e|en)\b)", rest) is not None
    return ends and value.isalpha() and fold(value) not in _said_of_passwords()


@cache
def _said_of_passwords() -> frozenset[str]:
    return frozenset(fold(word) for word in words_of("said_of_passwords"))


def _pins(reading: Reading) -> Iterator[Found]:
    yield from _whole(Secret.PASSWORD, reading, PIN)
    yield from _whole(Secret.PASSWORD, reading, SAID_BEFORE)
    yield from _whole(Secret.PASSWORD, reading, ON_THE_BACK)
    for match in PIN_BESIDE.finditer(reading.text):
        yield Found(Secret.PASSWORD, *reading.span(*match.span("value" if match["value"] else "check")))


def _cards(reading: Reading) -> Iterator[Found]:
    """In each run of digits, the groups that together are a card: an expiry date may follow them."""
    named = CARD_WORDS.search(reading.text) is not None
    for run in NUMBER.finditer(reading.text):
        groups = [(group.start(), group.group()) for group in GROUP.finditer(reading.text, *run.span())]
        breaks = [at for at in range(*run.span()) if reading.text[at] == "\n"]
        yield from _cards_among(groups, breaks, reading, named=named)


def _cards_among(groups: list[tuple[int, str]], breaks: list[int], reading: Reading, *, named: bool) -> Iterator[Found]:
    first = 0
    while first < len(groups):
        last = _last_of_card(groups, breaks, first, named=named)
        if last is not None:
            start, (at, digits) = groups[first][0], groups[last]
            yield Found(Secret.CARD, *reading.span(start, at + len(digits)))
            first = last
        first += 1


def _last_of_card(groups: list[tuple[int, str]], breaks: list[int], first: int, *, named: bool) -> int | None:
    digits, found = "", None
    for last in range(first, len(groups)):
        digits += groups[last][1]
        if len(digits) > 19:
            break
        lengths = [len(group) for _, group in groups[first : last + 1]]
        lines = sum(groups[first][0] < at < groups[last][0] for at in breaks)
        if len(digits) >= 13 and passes_luhn(digits) and _is_card(digits, lengths, named=named, lines=lines):
            found = last
    return found


def _is_card(digits: str, lengths: list[int], *, named: bool, lines: int) -> bool:
    """Numbers below each other are mostly a list: over a line's end a card goes once, in the form of its network."""
    if lines:
        return lines == 1 and lengths in GROUPED and NETWORKS.fullmatch(digits) is not None
    return named or is_card_shaped(digits, lengths)


def _accounts(reading: Reading) -> Iterator[Found]:
    yield from _whole(Secret.IBAN, reading, ACCOUNT)
    for start in IBAN_START.finditer(reading.text):
        if end := _end_of_iban(reading.text, start.start()):
            yield Found(Secret.IBAN, *reading.span(start.start(), end))


def _end_of_iban(text: str, start: int) -> int | None:
    country = re.sub(r"\s", "", text[start : start + 3])[:2].upper()
    length, taken = IBAN_LENGTHS.get(country, 0), ""
    for at in range(start, min(len(text), start + 2 * length)):
        if text[at].isascii() and text[at].isalnum():
            taken += text[at]
        elif text[at] not in " -":
            break
        if len(taken) == length:
            ends = not text[at + 1 : at + 2].isalnum()
            return at + 1 if ends and is_iban(taken) else None
    return None


def _identities(reading: Reading) -> Iterator[Found]:
    yield from _whole(Secret.IDENTITY, reading, PAPERS)
    for check in CHECKS_OF_IDENTITY:
        named = check.named.search(reading.text) is not None
        for match in check.shape.finditer(reading.text):
            if (named or check.tells_itself(match.group())) and check.holds(re.sub(r"\W", "", match.group()).upper()):
                yield Found(Secret.IDENTITY, *reading.span(*match.span()))


Look = Callable[[Reading], Iterator[Found]]
LOOKS: tuple[Look, ...] = (_key_forms, _random_words, _passwords, _passwords_beside, _uses_of_passwords)
NUMBER_LOOKS: tuple[Look, ...] = (_cards, _accounts, _identities, _pins)
