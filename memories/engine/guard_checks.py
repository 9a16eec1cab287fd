"""Check digits: of cards (ISO/IEC 7812), accounts (ISO 13616) and the identity numbers of several countries."""

import re
from collections.abc import Callable
from dataclasses import dataclass

# Country → length of its IBAN (SWIFT's registry).
IBAN_LENGTHS = {
    country: int(length)
    for country, length in re.findall(
        r"([A-Z]{2})(\d\d)",
        "AD24AE23AL28AT20AZ28BA20BE16BG22BH22BR29BY28CH21CR22CY28CZ24DE22DK18DO28EE20EG29ES24FI18FO18FR27GB22GE22GI23GL18"
        "GR27GT28HR21HU28IE22IL23IQ23IS26IT27JO30KW30KZ20LB28LC32LI21LT20LU20LV21MC27MD24ME22MK19MR27MT31MU30NL18NO15PK24"
        "PL28PS29PT25QA29RO24RS22SA24SC31SE24SI19SK24SM27ST25SV28TL23TN24TR26UA29VA22VG24XK20",
    )
}
# The first digits and the lengths of the cards that are in use.
NETWORKS = re.compile(
    r"4(?:\d{12}|\d{15}|\d{18})|5[1-5]\d{14}|(?:222[1-9]|22[3-9]\d|2[3-6]\d\d|27[01]\d|2720)\d{12}|3[47]\d{13}"
    r"|(?:6011|65\d\d|64[4-9]\d)\d{12,15}|(?:30[0-5]|36\d|38\d|39\d)\d{11}|35(?:2[89]|[3-8]\d)\d{12}|62\d{14,17}"
    r"|(?:50\d\d|5[6-9]\d\d|6[37]\d\d)\d{12,15}|220[0-4]\d{12}"
)
GROUPED = ([4, 4, 4, 4], [4, 6, 5], [4, 6, 4], [4, 4, 4, 4, 3])


def passes_luhn(digits: str) -> bool:
    doubled = (2 * int(digit) if at % 2 else int(digit) for at, digit in enumerate(reversed(digits)))
    return sum(value - 9 if value > 9 else value for value in doubled) % 10 == 0 and len(set(digits)) > 1


def is_card_shaped(digits: str, groups: list[int]) -> bool:
    """By its first digits and its length, or by the groups that cards are written in (but four years are none)."""
    if groups in GROUPED:
        return not all(digits[at : at + 2] in ("19", "20") for at in range(0, 16, 4))
    return NETWORKS.fullmatch(digits) is not None


def is_iban(letters: str) -> bool:
    letters = letters.upper()
    return int("".join(str(int(letter, 36)) for letter in letters[4:] + letters[:4])) % 97 == 1


@dataclass(frozen=True)
class Check:
    """One country's number. `holds` takes it without separators; `alone` matches the forms that need no name beside."""

    shape: re.Pattern[str]
    holds: Callable[[str], bool]
    named: re.Pattern[str]
    alone: re.Pattern[str] | None = None

    def tells_itself(self, text: str) -> bool:
        return self.alone is not None and self.alone.fullmatch(text) is not None


def _weighted(number: str, weights: list[int]) -> int:
    return sum(int(digit) * weight for digit, weight in zip(number, weights, strict=False))


def _ssn(number: str) -> bool:
    return number[:3] not in ("000", "666") and number[0] != "9" and number[3:5] != "00" and number[5:] != "0000"


def _dni(number: str) -> bool:
    digits = number[:-1].translate(str.maketrans("XYZ", "012"))
    return "TRWAGMYFPDXBNJZSQVHLCKE"[int(digits) % 23] == number[-1]


def _nif(number: str) -> bool:
    rest = _weighted(number, [9, 8, 7, 6, 5, 4, 3, 2]) % 11
    return int(number[-1]) == (0 if rest < 2 else 11 - rest)


def _steuer_id(number: str) -> bool:
    """ISO 7064 MOD 11,10; among the first ten one digit stands twice or three times."""
    counts = [number[:10].count(digit) for digit in set(number[:10])]
    product = 10
    for digit in number[:10]:
        product = ((int(digit) + product) % 10 or 10) * 2 % 11
    return number[0] != "0" and max(counts) in (2, 3) and (11 - product) % 10 == int(number[10])


def _bsn(number: str) -> bool:
    return _weighted(number, [9, 8, 7, 6, 5, 4, 3, 2, -1]) % 11 == 0 and int(number) > 0


def _nino(number: str) -> bool:
    return number[:2] not in ("BG", "GB", "KN", "NK", "NT", "TN", "ZZ")


def _cpf(number: str) -> bool:
    def check(length: int) -> int:
        return _weighted(number[:length], list(range(length + 1, 1, -1))) * 10 % 11 % 10

    return len(set(number)) > 1 and check(9) == int(number[9]) and check(10) == int(number[10])


def _pesel(number: str) -> bool:
    month, day = int(number[2:4]) % 20, int(number[4:6])
    return 1 <= month <= 12 and 1 <= day <= 31 and _weighted(number, [1, 3, 7, 9, 1, 3, 7, 9, 1, 3, 1]) % 10 == 0


def _insee(number: str) -> bool:
    digits = number.replace("2A", "19").replace("2B", "18")
    return 97 - int(digits[:13]) % 97 == int(digits[13:])


def _fiscale(number: str) -> bool:
    odd = dict(zip("0123456789", (1, 0, 5, 7, 9, 13, 15, 17, 19, 21), strict=True))
    odd |= dict(
        zip(
            "ABCDEFGHIJKLMNOPQRSTUVWXYZ",
            (1, 0, 5, 7, 9, 13, 15, 17, 19, 21, 2, 4, 18, 20, 11, 3, 6, 8, 12, 14, 16, 10, 22, 25, 24, 23),
            strict=True,
        )
    )
    even = {letter: int(letter) if letter.isdigit() else ord(letter) - 65 for letter in odd}
    total = sum((even if at % 2 else odd)[letter] for at, letter in enumerate(number[:15]))
    return chr(65 + total % 26) == number[15]


def _check(shape: str, holds: Callable[[str], bool], named: str, alone: str = "") -> Check:
    return Check(
        re.compile(rf"(?<![\w+]){shape}(?!\w)", re.IGNORECASE),
        holds,
        re.compile(rf"\b(?:{named})\b", re.IGNORECASE),
        re.compile(alone, re.IGNORECASE) if alone else None,
    )


CHECKS_OF_IDENTITY = (
    _check(r"\d{3}[ -]?\d\d[ -]?\d{4}", _ssn, r"ssn|social security", r"\d{3}-\d\d-\d{4}"),
    _check(r"(?:\d{8}|[XYZ]-?\d{7})[- ]?[TRWAGMYFPDXBNJZSQVHLCKE]", _dni, "dni|nie|nif", ".*"),
    _check(r"[1235689]\d{2} ?\d{3} ?\d{3}", _nif, "nif|contribuinte|fiscal"),
    _check(
        r"\d{2} ?\d{3} ?\d{3} ?\d{3}",
        _steuer_id,
        r"steuer[- ]?(?:id|identifikationsnummer|nummer)|idnr|tax id\w*|tin",
        r"\d{2} \d{3} \d{3} \d{3}",
    ),
    _check(r"\d{4}[. ]?\d\d[. ]?\d{3}|\d{9}", _bsn, r"bsn|burgerservicenummer|sofi\w*"),
    _check(r"[A-CEGHJ-PR-TW-Z][A-CEGHJ-NPR-TW-Z] ?\d\d ?\d\d ?\d\d ?[A-D]", _nino, "nino|national insurance", ".*"),
    _check(r"\d{3}[. ]?\d{3}[. ]?\d{3}[- ]?\d\d", _cpf, "cpf", r"\d{3}\.\d{3}\.\d{3}-\d\d"),
    _check(r"\d{11}", _pesel, "pesel"),
    _check(
        r"[12] ?\d\d ?(?:0[1-9]|1[0-2]|[2-4]\d) ?(?:\d\d|2[AB]) ?\d{3} ?\d{3} ?\d\d",
        _insee,
        "insee|sécurité sociale|nir",
        ".*",
    ),
    _check(r"[A-Z]{6}\d\d[A-EHLMPR-T]\d\d[A-Z]\d{3}[A-Z]", _fiscale, "codice fiscale", ".*"),
)
