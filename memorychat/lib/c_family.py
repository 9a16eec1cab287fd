"""A lexer for C, C++, C# and Java. Pygments’ own look for functions by patterns that take seconds over long gaps."""

from pathlib import Path

from pygments.lexer import RegexLexer, words
from pygments.token import Comment, Keyword, Name, Number, String, Text

KEYWORDS = Path(__file__).with_name("c_family_keywords.txt").read_text().split()


class CFamilyLexer(RegexLexer):
    """Each pattern takes what it has looked at, so the work grows as the code does."""

    name = "C family"
    aliases = ("c-family",)
    tokens = {
        "root": [
            (r"[^\S\n]*#[a-z]+[^\n]*", Comment.Preproc),
            (r"//[^\n]*", Comment),
            (r"/\*(?:[^*]|\*(?!/))*(?:\*/)?", Comment),
            (r'"""(?:[^"]|"(?!""))*(?:""")?', String),
            (r'"(?:[^"\\\n]|\\.)*"?', String),
            (r"'(?:[^'\\\n]|\\.)*'?", String),
            (r"@[A-Za-z_]\w*", Name.Decorator),
            (words(KEYWORDS, prefix=r"\b", suffix=r"\b"), Keyword),
            (r"\d[\w.]*", Number),
            (r"[^\W\d]\w*(?=\()", Name.Function),
            (r"[^\W\d]\w*", Name),
            (r"\s+", Text),
            (r".", Text),
        ]
    }
