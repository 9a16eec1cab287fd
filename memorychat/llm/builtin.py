"""The built-in responder: answers from recalled memories alone, when no language model is connected."""

import re
from collections.abc import Sequence

from memorychat.lib.text import fold
from memorychat.lib.wishes import FORGET, POLITELY
from memorychat.llm.types import Finished, KnownMemory, Pieces, Prompt

ANSWERS = 0.35  # the relevance from which a memory is taken for an answer
CLOSE = 0.8  # others are named beside the best when they reach this share of its relevance
MOST = 3
LONGEST_QUESTION = 300  # what is longer tells something; it asks nothing that a fixed phrase could answer
WILL_FORGET = "I will look for that memory and forget it if it is clear which one you mean."
NOT_FORGOTTEN = "Nothing is forgotten: nothing is changed in this privacy mode."
NOT_KEPT = " I will not keep it: nothing new is remembered in this privacy mode."

ASKS = re.compile(
    r"\?$|^(?:(?:and|so|but|then|ok|okay|hey|hi|please)[, ]+){0,4}(?:who|whom|whose|what|when|where"
    r"|which|why|how|do|does|did|is|are|am|was|were|can|could|will|would"
    r"|should|shall|have|has|tell me|remind me|name|list|show me)\b",
    re.IGNORECASE,
)
# The three parts of "What do you remember about me?"; they are searched for one after the other, which is linear.
WHAT = re.compile(r"\b(?:what|everything|anything|all)\b", re.IGNORECASE)
YOU = re.compile(r"\b(?:you|u)\b", re.IGNORECASE)
KNOW = re.compile(r"\b(?:remember|know|learned|learnt|kept)\b", re.IGNORECASE)
OF_ME = re.compile(r"\b(?:about|of|on) me\b", re.IGNORECASE)
ENDS_IN_KNOW = re.compile(rf"{KNOW.pattern}\s{{0,5}}\?{{0,5}}$", re.IGNORECASE)
FORGETS = re.compile(
    rf"^{POLITELY}"
    r"(?:forget (?!to\b|it\b[.!]*$)|(?:don't|do not|stop) remember(?:ing)? "
    r"|(?:delete|erase|remove) (?:(?:the|that|your|my|a|any|every|all) ){0,2}"
    r"(?:memor(?:y|ies)|everything|anything|what you|that (?:I|my|we)\b))",
    re.IGNORECASE,
)
GREETS = re.compile(r"^(?:hi|hello|hey|hiya|good (?:morning|afternoon|evening))\b[^?]{0,20}$", re.IGNORECASE)
THANKS = re.compile(r"^(?:thanks|thank you|thx|cheers|great|perfect)\b[^?]{0,40}$", re.IGNORECASE)
PHRASES = (
    (GREETS, "Hello. Tell me something about you, or ask me what I remember."),
    (THANKS, "You are welcome."),
)
NAMED_FIRST = re.compile(r"(?!(?:this|that|it|here|there)\b)[^\W\d_][\w'’-]*(?:,| is) (?:my|our)\b", re.IGNORECASE)
TURNED = {
    "i": "you",
    "i'm": "you're",
    "i've": "you've",
    "i'd": "you'd",
    "i'll": "you'll",
    "me": "you",
    "my": "your",
    "mine": "yours",
    "myself": "yourself",
    "am": "are",
    "we": "you",
    "we're": "you're",
    "we've": "you've",
    "we'd": "you'd",
    "we'll": "you'll",
    "us": "you",
    "our": "your",
    "ours": "yours",
    "ourselves": "yourselves",
}


DISPUTED = "These contradict each other, or another memory; you can settle that among your memories."


class BuiltinChat:
    provider = "builtin"
    model = "built-in responder"

    async def stream(self, prompt: Prompt, *, correlation_id: str) -> Pieces:
        for piece in re.findall(r"\S+\s*", answer(prompt)):
            yield piece
        yield Finished("stop")

    async def aclose(self) -> None:
        """Holds nothing."""


def answer(prompt: Prompt) -> str:
    question = prompt.question.strip()
    if FORGETS.match(question) or FORGET.match(question):
        return WILL_FORGET if prompt.writes_memories else NOT_FORGOTTEN
    for pattern, phrase in PHRASES:
        if pattern.match(question):
            return phrase
    if _asks_all(question):
        return _everything(prompt)
    if ASKS.search(question):
        return _answer_from(prompt)
    return "Thank you for telling me." + ("" if prompt.writes_memories else NOT_KEPT)


def _asks_all(question: str) -> bool:
    """Whether all that is known is asked for: a "what", then a "you", then a "remember", at the end or before "me"."""
    if len(question) > LONGEST_QUESTION:
        return False
    at = 0
    for part in (WHAT, YOU):
        if not (match := part.search(question, at)):
            return False
        at = match.end()
    if ENDS_IN_KNOW.search(question, at):
        return True
    know = KNOW.search(question, at)
    return bool(know and OF_ME.search(question, know.end()))


def _answer_from(prompt: Prompt) -> str:
    if known := _answering(prompt.memories):
        return _told(known)
    if not prompt.reads_memories:
        return "In incognito I look nothing up and keep nothing, so I cannot answer that."
    return "I don't know that yet. Tell me, and I can answer it next time."


def second_person(words: str) -> str:
    """What a person said of themselves, said to them: "I live in Porto" → "you live in Porto"."""
    turned = re.sub(r"\bI was\b", "you were", words)
    turned = re.sub(r"\b[A-Za-z]+(?:['’][a-z]+)?\b", lambda match: _turn(match.group()), turned)
    first = turned.split(" ", 1)[0]
    keeps_capital = (first.isupper() and len(first) > 1) or NAMED_FIRST.match(words)
    return turned if keeps_capital else turned[:1].lower() + turned[1:]


def _turn(word: str) -> str:
    return TURNED.get(fold(word), word)


def _answering(memories: Sequence[KnownMemory]) -> list[KnownMemory]:
    ranked = sorted(memories, key=lambda known: -known.relevance)[:MOST]
    told: list[KnownMemory] = []
    for known in ranked:
        repeats = any(better.text in known.text for better in told)
        if known.relevance >= max(ANSWERS, ranked[0].relevance * CLOSE) and not repeats:
            told.append(known)
    others = {number for known in told for number in known.contradicts}
    return told + [known for known in memories if known.number in others and known not in told]


def _told(known: list[KnownMemory]) -> str:
    first, *rest = known
    lines = [f"You told me that {second_person(first.text)}.[{first.number}]"]
    lines += [f"You also said that {second_person(memory.text)}.[{memory.number}]" for memory in rest]
    if any(memory.is_disputed for memory in known):
        lines.append(DISPUTED)
    return " ".join(lines)


def _everything(prompt: Prompt) -> str:
    if not prompt.reads_memories:
        return "In incognito I look nothing up, so I cannot say what I remember."
    if not prompt.memories:
        return "I remember nothing about you yet."
    lines = [f"- {second_person(known.text)}[{known.number}]" for known in prompt.memories]
    return "This is what I remember of what you told me:\n\n" + "\n".join(lines)
