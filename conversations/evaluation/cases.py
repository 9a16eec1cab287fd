"""The golden set: what people say, what is to be remembered of it, and what must not be."""

import json
from datetime import datetime, timedelta
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError

GOLDEN = Path(__file__).with_name("golden.json")
PERSON = "person"


class BadDataset(ValueError):
    """The file is no set of cases; the message says in one line what is wrong with it."""


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class SaidTurn(_Strict):
    speaker: str
    text: str
    said_at: datetime | None = None


class Known(_Strict):
    """A memory that is there before anything is said."""

    content: str
    slot: str | None = None


class Expected(_Strict):
    """A memory that must come of it. `words` are all to occur, each being alternatives ("lisbon", "live|moved")."""

    says: str
    words: tuple[str, ...] = Field(min_length=1)
    kind: str | None = None
    slot: str | None = None
    on: str | None = None
    status: str = "active"
    reinforced: bool = False


class Case(_Strict):
    """`gone` and `forgotten` are known contents that must not hold afterwards; `forbidden` are words of no memory, and
    a memory with words that are `allowed` is neither right nor wrong."""

    id: str
    family: str
    turns: tuple[SaidTurn, ...] = Field(min_length=1)
    expected: tuple[Expected, ...] = ()
    forbidden: tuple[str, ...] = ()
    allowed: tuple[str, ...] = ()
    known: tuple[Known, ...] = ()
    gone: tuple[str, ...] = ()
    forgotten: tuple[str, ...] = ()
    rules: bool = False
    call: bool = False
    language: str = "en"
    said_at: datetime | None = None
    time_zone: str | None = None


class Dataset(_Strict):
    """`said_at` and `time_zone` hold for the cases that name none."""

    said_at: datetime
    time_zone: str = "UTC"
    cases: tuple[Case, ...] = Field(min_length=1)

    def begun_at(self, case: Case) -> datetime:
        return case.said_at or self.said_at

    def zone(self, case: Case) -> str:
        return case.time_zone or self.time_zone

    def times(self, case: Case) -> list[datetime]:
        """When each turn was said: a minute after the one before, where it does not say."""
        begun_at = self.begun_at(case)
        return [turn.said_at or begun_at + timedelta(minutes=number) for number, turn in enumerate(case.turns)]


def load(path: Path = GOLDEN) -> Dataset:
    try:
        dataset = Dataset.model_validate(json.loads(path.read_text(encoding="utf-8")))
    except OSError as error:
        raise BadDataset(f"{path} cannot be read: {error.strerror}.") from error
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        raise BadDataset(f"{path}: {'.'.join(map(str, first['loc']))}: {first['msg']}.") from error
    except ValueError as error:
        raise BadDataset(f"{path} is not JSON.") from error
    if len({case.id for case in dataset.cases}) < len(dataset.cases):
        raise BadDataset(f"{path}: two cases have the same id.")
    return dataset
