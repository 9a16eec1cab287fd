"""The guard: what a text must not carry into a memory. Pure: it reads words and says what they are.

Secrets are masked wherever they stand. Sensitive topics are those of article 9 of the GDPR, said of somebody's own
private state. Text that instructs the assistant, or speaks for other people who use it, is no memory at all. What each
part takes for harmless stands with it; how often it errs is measured on `memories/tests/guard_corpus.json`.
"""

from dataclasses import dataclass

from memories.engine.guard_instructions import instructs, speaks_for_others
from memories.engine.guard_readings import written
from memories.engine.guard_secrets import Secret, secrets_in
from memories.engine.guard_topics import Topic, topics_in

__all__ = ["Secret", "Topic", "Verdict", "inspect"]


@dataclass(frozen=True)
class Verdict:
    """`masked` is the text itself when it holds no secret; `secrets` and `sensitive` name each kind once."""

    masked: str
    secrets: tuple[Secret, ...] = ()
    sensitive: tuple[Topic, ...] = ()
    instructs: bool = False
    speaks_for_others: bool = False

    @property
    def is_harmless(self) -> bool:
        return not (self.secrets or self.sensitive or self.is_quarantined)

    @property
    def is_quarantined(self) -> bool:
        """Whether it must wait for a moderator and never reach a prompt."""
        return self.instructs or self.speaks_for_others


def inspect(content: str) -> Verdict:
    found = secrets_in(content)
    masked, at = "", 0
    for secret in found:
        masked += f"{content[at : secret.start]}[{secret.kind} removed]"
        at = secret.end
    plain = written(content).text
    return Verdict(
        masked=masked + content[at:],
        secrets=tuple(dict.fromkeys(secret.kind for secret in found)),
        sensitive=topics_in(plain),
        instructs=instructs(plain),
        speaks_for_others=speaks_for_others(plain),
    )
