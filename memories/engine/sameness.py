"""Whether two like statements say the same. Similarity finds them; this rule decides what it must not.

To every embedder "older than me" and "younger than me" are nearly the same, and "tea to coffee" and "coffee to tea"
more so. Two statements say the same when the same words that matter stand in the same order, whatever their forms: so
another negation, number, date, name, opposite or order is never the same. What says the same in other words is not
known by a rule: the model is asked, or both are kept.
"""

import re
from itertools import groupby

from memorychat.lib.text import language_of, stem, tokens

# What may come or go without another meaning. Every other word matters, "not", "no", "before" and "only" too.
EMPTY_WORDS = frozenset(
    tokens(
        "a an the i me my am is are was be been being have has had got do does did to of that so really very quite"
        " just also actually currently now"
    )
)
CONTRACTED = {
    "can't": "can not",
    "cannot": "can not",
    "won't": "will not",
    "shan't": "shall not",
    "i'm": "i",
    "im": "i",
}
ENDINGS = re.compile(r"'(?:m|s|re|ve|d|ll)$")


def differ(one: str, other: str) -> bool:
    """Whether they differ in a word that matters, or in the order of such words: then they are not the same."""
    return words_that_matter(one) != words_that_matter(other)


def words_that_matter(text: str) -> list[str]:
    """The stems of a text in their order, negations too, without what may come or go."""
    words = tokens(text)
    language = language_of(words)
    spelt_out = " ".join(_spelt_out(word) for word in words).split()
    stems = [stem(word, language) for word in spelt_out if word not in EMPTY_WORDS]
    return [word for word, _ in groupby(stems)]


def _spelt_out(word: str) -> str:
    """As it would be without an apostrophe: "don't" is "do not"."""
    if word in CONTRACTED:
        return CONTRACTED[word]
    if word.endswith("n't"):
        return word.removesuffix("n't") + " not"
    return ENDINGS.sub("", word)
