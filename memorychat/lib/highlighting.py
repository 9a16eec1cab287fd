"""Code of answers in colour: Pygments tells what each word is, and a handful of classes say so."""

import re
from collections.abc import Iterator
from functools import cache
from html import escape
from itertools import groupby

from pygments import lexers
from pygments.lexer import Lexer
from pygments.token import Comment, Generic, Keyword, Name, Number, String, Token, _TokenType

from memorychat.lib.c_family import CFamilyLexer
from memorychat.lib.invisible import shown

# Longer code, and code with longer lines or gaps, stays plain: a lexer is a pile of patterns, and some take long
# over what nobody writes by hand.
LONGEST, LONGEST_LINE = 6_000, 400
GAP = re.compile(r"\s{200}")
C_FAMILY = {"C", "C++", "C#", "Java"}
CLASSES = {
    Comment: "c",
    Comment.Preproc: "k",
    Generic.Deleted: "d",
    Generic.Inserted: "i",
    Generic.Heading: "f",
    Generic.Subheading: "f",
    Keyword: "k",
    Name.Attribute: "a",
    Name.Builtin: "b",
    Name.Class: "f",
    Name.Decorator: "a",
    Name.Function: "f",
    Name.Tag: "k",
    Number: "n",
    String: "s",
}
# What is written after the backticks → the lexer and how people call the language. None but these are looked up.
LANGUAGES = {
    "bash": "Shell",
    "c": "C",
    "c++": "C++",
    "cpp": "C++",
    "c#": "C#",
    "csharp": "C#",
    "css": "CSS",
    "dart": "Dart",
    "diff": "Diff",
    "docker": "Dockerfile",
    "dockerfile": "Dockerfile",
    "elixir": "Elixir",
    "go": "Go",
    "graphql": "GraphQL",
    "haskell": "Haskell",
    "html": "HTML",
    "ini": "INI",
    "java": "Java",
    "javascript": "JavaScript",
    "js": "JavaScript",
    "json": "JSON",
    "jsx": "JSX",
    "julia": "Julia",
    "kotlin": "Kotlin",
    "lua": "Lua",
    "makefile": "Makefile",
    "matlab": "MATLAB",
    "nginx": "nginx",
    "ocaml": "OCaml",
    "php": "PHP",
    "powershell": "PowerShell",
    "py": "Python",
    "python": "Python",
    "r": "R",
    "ruby": "Ruby",
    "rust": "Rust",
    "scala": "Scala",
    "sh": "Shell",
    "shell": "Shell",
    "sql": "SQL",
    "swift": "Swift",
    "toml": "TOML",
    "ts": "TypeScript",
    "tsx": "TSX",
    "typescript": "TypeScript",
    "xml": "XML",
    "yaml": "YAML",
    "yml": "YAML",
    "zsh": "Shell",
}


def language_of(info: str) -> str:
    """How people call the language that is named after the backticks; none when it is not one of those known here."""
    return LANGUAGES.get(_name(info), "")


def highlighted(code: str, info: str) -> str:
    """Code as HTML."""
    lexer = None if _is_long(code) else _lexer(_name(info))
    if lexer is None:
        return shown(escape(code))
    return "".join(_span(name, words) for name, words in _classed(lexer, code))


def _is_long(code: str) -> bool:
    return len(code) > LONGEST or bool(GAP.search(code)) or any(len(line) > LONGEST_LINE for line in code.splitlines())


def _name(info: str) -> str:
    return info.split(maxsplit=1)[0].lower() if info.strip() else ""


@cache
def _lexer(name: str) -> Lexer | None:
    options = {"stripnl": False, "ensurenl": False, "startinline": True}
    if LANGUAGES.get(name) in C_FAMILY:
        return CFamilyLexer(**options)
    return lexers.get_lexer_by_name(name, **options) if name in LANGUAGES else None


def _classed(lexer: Lexer, code: str) -> Iterator[tuple[str, str]]:
    """Neighbours of one class are one piece."""
    pieces = ((_class_of(kind), words) for kind, words in lexer.get_tokens(code))
    for name, group in groupby(pieces, key=lambda piece: piece[0]):
        yield name, "".join(words for _, words in group)


@cache
def _class_of(kind: _TokenType) -> str:
    while kind is not Token:
        if kind in CLASSES:
            return CLASSES[kind]
        kind = kind.parent
    return ""


def _span(name: str, words: str) -> str:
    html = shown(escape(words))
    return f'<span class="{name}">{html}</span>' if name else html
