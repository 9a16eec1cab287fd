"""Why a memory came, in words and parts, for its owner to read.

Which words matched is found here, from the question and the memory as it is read: nothing of it was stored.
"""

from dataclasses import dataclass

from memories.engine.scoring import WEIGHTS
from memories.engine.types import Hit
from memorychat.lib.text import function_words, index_terms, language_of, query_terms, tokens

# Positions of the relevance; the sentence of the first that it reaches is told.
HOW_WELL = ((0.85, "Answers your question"), (0.5, "Is near to your question"), (0.0, "Is the nearest there is"))
MOST_WORDS = 5


@dataclass(frozen=True)
class Part:
    """A part of a score: `share` of its weight, 0–1."""

    name: str
    value: float
    share: float


@dataclass(frozen=True)
class Explanation:
    sentence: str
    parts: tuple[Part, ...]


def explain(hit: Hit, *, question: str = "", content: str = "") -> Explanation:
    """`question` and `content` are those of the recall and of the memory; without them, no words are named."""
    return Explanation(_sentence(hit, question, content), _parts(hit))


def matching_words(question: str, content: str) -> list[str]:
    """The question's words that the memory holds in one form or another, in the question's order."""
    language = language_of(tokens(content))
    held = index_terms(content, language)
    asked = query_terms(question, {language, language_of(tokens(question))})
    return [word for word, forms in asked.items() if forms & held.keys() and word not in function_words(language)]


def _parts(hit: Hit) -> tuple[Part, ...]:
    names = ("relevance", "salience", "recency", "links")
    values = [(name, getattr(hit.parts, name), getattr(WEIGHTS, name)) for name in names]
    return tuple(Part(name, value, value / weight) for name, value, weight in values)


def _sentence(hit: Hit, question: str, content: str) -> str:
    grounds = hit.grounds
    found = [_how_it_came(hit)]
    if words := matching_words(question, content)[:MOST_WORDS]:
        found.append(f"shares {_listed([f'“{word}”' for word in words])} with it")
    found += [said for said, holds in _circumstances(hit) if holds]
    if grounds.days_since_said is not None:
        found.append(f"heard {_ago(grounds.days_since_said)}")
    if grounds.linked_to is not None:
        found.append(f"linked to another that came ({grounds.link:.2f})")
    if hit.conflicts_with:
        found.append("contradicted by another memory")
    return f"{', '.join(found)}."


def _how_it_came(hit: Hit) -> str:
    if hit.grounds.came_by is not None:
        return f"Came by its link to a memory that answers ({hit.grounds.link:.2f})"
    if hit.relevance == 0 and hit.similarity is None and not hit.keywords:
        return "Matters now, whatever is asked"
    how = next(sentence for least, sentence in HOW_WELL if hit.relevance >= least)
    return how if hit.similarity is None else f"{how} (similarity {hit.similarity:.2f})"


def _circumstances(hit: Hit) -> list[tuple[str, bool]]:
    grounds = hit.grounds
    return [
        ("is just what was asked for", grounds.has_asked_slot),
        ("said by the one you ask about", grounds.said_by_asked),
        ("of the time that you name", grounds.in_asked_time),
        ("said in answer to a question like yours", grounds.answers_question),
    ]


def _ago(days: float) -> str:
    if days < 1:
        return "today"
    if days < 2:
        return "yesterday"
    return f"{days:.0f} days ago"


def _listed(words: list[str]) -> str:
    *first, last = words
    return f"{', '.join(first)} and {last}" if first else last
