"""Reads the guard's word lists: files of patterns in `guard_words/`.

A line is one regular expression on folded text (accents in it are taken off when it is read). `NAME = …` gives a
piece a name, `<NAME>` puts it in, `[section]` begins a list, a line that begins with blanks goes on with the one
above (without them), and `#` begins a remark.
"""

import re
import unicodedata
from functools import cache
from pathlib import Path

FOLDER = Path(__file__).with_name("guard_words")
PIECE = re.compile(r"([A-Z_]+) = (.*)")


@cache
def patterns_of(name: str) -> dict[str, tuple[str, ...]]:
    """The lists of one file by their sections, with every piece put in."""
    pieces: dict[str, str] = {}
    sections: dict[str, list[str]] = {"": []}
    section = ""
    for line in _lines(name):
        if heading := re.fullmatch(r"\[([\w ]+)\]", line):
            section = heading[1]
            sections[section] = []
        elif piece := PIECE.fullmatch(line):
            pieces[piece[1]] = _with(pieces, piece[2])
        else:
            sections[section].append(_with(pieces, line))
    return {section: tuple(lines) for section, lines in sections.items() if lines}


def words_of(name: str) -> frozenset[str]:
    return frozenset((FOLDER / f"{name}.txt").read_text(encoding="utf-8").split())


def _lines(name: str) -> list[str]:
    lines: list[str] = []
    for line in _folded((FOLDER / f"{name}.txt").read_text(encoding="utf-8")).splitlines():
        if line.startswith("    "):
            lines[-1] += line.removeprefix("    ")
        elif line.strip() and not line.startswith("#"):
            lines.append(line)
    return lines


def _folded(text: str) -> str:
    """As the texts that are looked at, but for capitals, which mean something in a pattern."""
    return "".join(letter for letter in unicodedata.normalize("NFKD", text) if not unicodedata.combining(letter))


def _with(pieces: dict[str, str], pattern: str) -> str:
    return re.sub(r"<([A-Z_]+)>", lambda name: f"(?:{pieces[name[1]]})", pattern)
