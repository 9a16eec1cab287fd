"""What programs send and get about profiles."""

import dataclasses
import uuid
from datetime import datetime
from typing import Annotated, Any, ClassVar, Literal, Self, cast

from pydantic import BaseModel, Field, model_validator

from memories.engine.history import Held
from memories.models import Kind, LearningMode, MemoryProfile, PrivacyMode, Sector, Status
from memories.profiles import DESCRIPTION_LIMIT, NAME_LIMIT, Promises
from memorychat.lib.shapes import Body, Moment, PageQuery, Words

Name = Annotated[str, Words(NAME_LIMIT, "name")]
Description = Annotated[str, Words(DESCRIPTION_LIMIT, "description", may_be_empty=True)]
Provider = Literal["openai", "anthropic", "builtin"]
Providers = Annotated[list[Provider], Field(max_length=3)]
WHO_SEES = (
    "The only providers that may see its words, in order: an empty list is none, null is as its organization, or else"
    " its owner, has it."
)


class OrganizationOut(BaseModel):
    id: uuid.UUID
    name: str


class ProfileOut(BaseModel):
    id: uuid.UUID
    name: str
    description: str
    organization: OrganizationOut | None = Field(
        description="Where it is kept; null for a profile of the person alone."
    )
    is_default: bool
    default_mode: PrivacyMode
    learning: LearningMode
    local_only: bool
    own_providers: list[str] | None = Field(description=WHO_SEES)
    memory_count: int = Field(description="Active memories.")
    summary: str | None = Field(description="Of them; none for a while after something in it ceased to hold.")
    created_at: datetime

    @classmethod
    def of(cls, profile: MemoryProfile) -> "ProfileOut":
        return cls(
            id=profile.pk,
            name=profile.name,
            description=profile.description,
            organization=_organization_of(profile),
            is_default=profile.is_default,
            default_mode=PrivacyMode(profile.default_mode),
            learning=LearningMode(profile.learning),
            local_only=profile.local_only,
            own_providers=profile.own_providers,
            memory_count=profile.memory_count,
            summary=profile.summary,
            created_at=profile.created_at,
        )


def _organization_of(profile: MemoryProfile) -> OrganizationOut | None:
    at = profile.organization
    return OrganizationOut(id=at.pk, name=at.name) if at else None


class ProfileIn(Body):
    name: Name
    description: Description = ""
    default_mode: PrivacyMode = Field(PrivacyMode.NORMAL, description="Of new conversations.")
    learning: LearningMode = Field(LearningMode.AUTOMATIC, description="What becomes of what conversations tell.")
    local_only: bool = Field(False, strict=True, description="Only local models see its words.")
    own_providers: Providers | None = Field(None, description=WHO_SEES)


class ProfilePatch(Body):
    emptied_by_null: ClassVar[frozenset[str]] = frozenset({"own_providers"})

    name: Name | None = None
    description: Description | None = None
    default_mode: PrivacyMode | None = None
    learning: LearningMode | None = None
    local_only: bool | None = Field(None, strict=True)
    own_providers: Providers | None = Field(None, description=WHO_SEES)

    def promises(self) -> Promises:
        promises = self.model_dump(include={"default_mode", "learning", "local_only"}, exclude_none=True)
        promises |= self.model_dump(include={"own_providers"}, exclude_unset=True)
        return cast("Promises", promises)


class CopyIn(Body):
    """Where to: a new profile of this name, or one that is there."""

    name: Name | None = None
    profile_id: uuid.UUID | None = None

    @model_validator(mode="after")
    def _one_of_both(self) -> Self:
        if (self.name is None) == (self.profile_id is None):
            raise ValueError("Give either the name of a new profile, or the profile_id of another one.")
        return self


class CopiedOut(BaseModel):
    profile: ProfileOut
    count: int = Field(description="Memories that were copied.")
    known: int = Field(description="Memories that were known there in equal words.")
    change_id: uuid.UUID | None = Field(description="Undoes all of it at once; null where nothing was copied.")


class ForgottenOut(BaseModel):
    count: int
    preview: bool = Field(description="Whether this only says what would be forgotten.")
    change_id: uuid.UUID | None = Field(description="Undoes all of it at once.")


class HeldQuery(PageQuery):
    at: Moment | None = Field(None, description="Now unless given.")


class HeldOut(BaseModel):
    """A memory as it was then."""

    id: uuid.UUID
    content: str
    kind: Kind
    sector: Sector
    importance: int
    confidence: float
    occurred_at: datetime
    pinned: bool
    metadata: dict[str, Any] | None
    status_now: Status | None = Field(description="Null for what is not there any more.")

    @classmethod
    def of(cls, held: Held, status_now: str | None) -> "HeldOut":
        told = dataclasses.asdict(held)
        told.pop("status")
        return cls(id=told.pop("memory_id"), **told, status_now=Status(status_now) if status_now else None)
