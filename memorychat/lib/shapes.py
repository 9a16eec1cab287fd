"""The shapes that all parts of the API share: bodies, words, times, parts of lists."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any, ClassVar, Generic, TypeVar

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    GetCoreSchemaHandler,
    GetJsonSchemaHandler,
    ValidationInfo,
    field_validator,
    model_validator,
)
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, core_schema

from memorychat.lib import text

T = TypeVar("T")

PAGE_SIZE, LARGEST_PAGE = 50, 200
EARLIEST, LATEST = datetime(1000, 1, 1, tzinfo=UTC), datetime(3000, 1, 1, tzinfo=UTC)


class Body(BaseModel):
    """What a request brings. A null is as good as nothing, except in fields that can be emptied by it.

    A field that is not known is refused: it may be the misspelt one that asked for privacy.
    """

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)
    emptied_by_null: ClassVar[frozenset[str]] = frozenset()

    @model_validator(mode="before")
    @classmethod
    def _leave_nulls_out(cls, value: object) -> object:
        if not isinstance(value, dict):
            return value
        return {name: each for name, each in value.items() if each is not None or name in cls.emptied_by_null}


class PageQuery(BaseModel):
    """Which part of a list is wanted."""

    limit: int = Field(PAGE_SIZE, ge=1, le=LARGEST_PAGE)
    cursor: str | None = Field(None, description="`next` of the part before.")


class Listing(BaseModel, Generic[T]):
    """A part of a list; `next` is the cursor of the part after it, null at the end."""

    results: list[T]
    next: str | None


@dataclass(frozen=True)
class Words:
    """Makes a str one that can be stored: `Annotated[str, Words(100, "name")]`. All doors refuse in the same words."""

    limit: int
    name: str
    may_be_empty: bool = False

    def clean(self, value: str) -> str:
        if self.may_be_empty and not value.strip():
            return ""
        return text.clean(value, limit=self.limit, name=self.name)

    def __get_pydantic_core_schema__(self, source: type[str], handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_after_validator_function(self.clean, handler(source))

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        return {**handler(schema), "minLength": 0 if self.may_be_empty else 1, "maxLength": self.limit}


def _moment(value: datetime) -> datetime:
    """In UTC, also where nothing was said about the zone; within the years that every zone and calendar can show."""
    aware = value if value.tzinfo else value.replace(tzinfo=UTC)
    if not EARLIEST <= aware < LATEST:
        raise ValueError(f"A time lies between the years {EARLIEST.year} and {LATEST.year}.")
    return aware.astimezone(UTC)


Moment = Annotated[datetime, AfterValidator(_moment)]


class Span(BaseModel):
    """Narrows by the time that something held or happened."""

    since: Moment | None = Field(None, description="Held or happened then or later.")
    until: Moment | None = Field(None, description="Held or happened before then.")

    @field_validator("until")
    @classmethod
    def _after_since(cls, value: datetime | None, info: ValidationInfo) -> datetime | None:
        since = info.data.get("since")
        if value and since and value < since:
            raise ValueError("This time must not lie before `since`.")
        return value


def what_is_wrong(errors: Iterable[Mapping[str, Any]], *, skipped: int = 0) -> dict[str, str]:
    """Field → sentence, of the errors of pydantic; `skipped` parts of each place are no fields of the sender."""
    return {".".join(map(str, error["loc"][skipped:])) or "body": _sentence(error) for error in errors}


def in_one_sentence(fields: Mapping[str, str]) -> str:
    return " ".join(f"{name}: {sentence.rstrip('.')}." for name, sentence in fields.items())


def _sentence(error: Mapping[str, Any]) -> str:
    """Our own words where a validator of ours has spoken."""
    own = error.get("ctx", {}).get("error")
    return str(own) if own else str(error["msg"])
