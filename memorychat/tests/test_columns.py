"""A person's words are sealed wherever they are stored, and every row says whose it is."""

import re
from collections.abc import Iterable

import pytest
from django.apps import apps
from django.db import connection
from django.db.models import ForeignKey, Model

from accounts.models import Tombstone, User
from conversations.models import Receipt
from memories.models import Conflict, Memory, MemoryEmbedding, MemoryEvent, MemoryLink, MemorySource, MemoryTerm
from memorychat.lib.environment import ROOT
from memorychat.lib.fields import EncryptedTextField

OUR_APPS = [config for config in apps.get_app_configs() if (ROOT / config.name / "migrations").exists()]

# Types that cannot hold words. Any other may, one that nobody thought of too.
WORDLESS = {"uuid", "bool", "int2", "int4", "int8", "float8", "numeric", "date", "timestamptz", "interval", "halfvec"}

# Why a column need not be sealed.
SIGN_IN = "how a person signs in"
HASH = "a hash under a key, or of random bits"
CHOICE = "one of a fixed list of words of ours"
OF_A_PROGRAM = "the name or version of a program"
RANDOM_ID = "an id that a page or a request was given"
PLAIN = {
    "accounts_apikey.digest": HASH,
    "accounts_apikey.prefix": "random, and there to be shown",
    "accounts_apikey.scopes": CHOICE,
    "accounts_datakey.master": "the name of a master key",
    "accounts_datakey.purpose": CHOICE,
    "accounts_datakey.wrapped": "a key, sealed by a master key",
    "accounts_idempotencyrecord.key_digest": HASH,
    "accounts_idempotencyrecord.request_digest": HASH,
    "accounts_membership.role": CHOICE,
    "accounts_organization.providers": CHOICE,
    "accounts_tombstone.certificate": "the names of tables, and numbers",
    "accounts_user.email": SIGN_IN,
    "accounts_user.language": "the tag of a language",
    "accounts_user.password": SIGN_IN,
    "accounts_user.providers": CHOICE,
    "accounts_user.time_zone": "the name of a time zone",
    "conversations_conversation.mode": CHOICE,
    "conversations_message.client_message_id": RANDOM_ID,
    "conversations_message.mode": CHOICE,
    "conversations_message.role": CHOICE,
    "conversations_message.status": CHOICE,
    "conversations_receipt.degraded": CHOICE,
    "conversations_receipt.model": OF_A_PROGRAM,
    "conversations_receipt.provider": OF_A_PROGRAM,
    "conversations_message.offered": "ids",
    "conversations_receipt.prompt": "ids, numbers, and names of ours",
    "conversations_receipt.recalled": "ids and numbers",
    "conversations_receipt.seen_by": OF_A_PROGRAM,
    "conversations_usage.model": OF_A_PROGRAM,
    "conversations_usage.purpose": CHOICE,
    "conversations_usage.provider": OF_A_PROGRAM,
    "memories_memory.digest": HASH,
    "memories_memory.kind": CHOICE,
    "memories_memory.origin": CHOICE,
    "memories_memory.sector": CHOICE,
    "memories_memory.slot": HASH,
    "memories_memory.status": CHOICE,
    "memories_memorybatch.purpose": CHOICE,
    "memories_memoryembedding.model": OF_A_PROGRAM,
    "memories_memoryevent.action": CHOICE,
    "memories_memoryevent.correlation_id": RANDOM_ID,
    "memories_memoryevent.door": CHOICE,
    "memories_memoryevent.found_by": CHOICE,
    "memories_memoryevent.found_version": OF_A_PROGRAM,
    "memories_memoryevent.outcome": CHOICE,
    "memories_memoryprofile.default_mode": CHOICE,
    "memories_memoryprofile.languages": "the tags of languages",
    "memories_memoryprofile.learning": CHOICE,
    "memories_memoryprofile.own_providers": CHOICE,
    "memories_memorysource.thread": HASH,
}

# Rows that are a part of another one, and by which way they belong to a person.
OWNED_BY_WAY_OF: dict[type[Model], str] = {
    MemoryEmbedding: "profile__owner",  # Recall reads inside one profile, in an index that holds no more than it needs.
    MemoryTerm: "profile__owner",
    MemoryLink: "profile__owner",
    Conflict: "profile__owner",
    MemorySource: "memory__owner",
    Receipt: "message__owner",
}


def columns_that_may_hold_words() -> set[str]:
    """As the database knows them, so that it does not matter how they were made."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT table_name, column_name, udt_name FROM information_schema.columns WHERE table_schema = 'public'"
        )
        ours = re.compile("|".join(f"{config.label}_" for config in OUR_APPS))
        return {
            f"{table}.{column}"
            for table, column, type_name in cursor.fetchall()
            if ours.match(table) and type_name.removeprefix("_") not in WORDLESS
        }


def sealed_columns() -> set[str]:
    return {
        f"{model._meta.db_table}.{field.column}"
        for model in our_models()
        for field in model._meta.concrete_fields
        if isinstance(field, EncryptedTextField)
    }


def our_models() -> Iterable[type[Model]]:
    return [model for config in OUR_APPS for model in config.get_models()]


@pytest.mark.django_db
def test_every_column_that_may_hold_words_is_sealed_or_has_a_reason_not_to_be() -> None:
    assert columns_that_may_hold_words() - sealed_columns() - PLAIN.keys() == set()


@pytest.mark.django_db
def test_no_reason_outlives_its_column() -> None:
    assert PLAIN.keys() - columns_that_may_hold_words() == set()
    assert PLAIN.keys() & sealed_columns() == set()


@pytest.mark.django_db
@pytest.mark.parametrize("type_name", ["text", "varchar(20)", "varchar(20)[]", "jsonb", "bytea", "xml", "tsvector"])
def test_a_new_plain_column_is_found(type_name: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"ALTER TABLE memories_memory ADD COLUMN remark {type_name}")

    assert columns_that_may_hold_words() - sealed_columns() - PLAIN.keys() == {"memories_memory.remark"}


def test_every_row_says_whose_it_is() -> None:
    without = {model for model in our_models() if not points_at_a_person(model, "owner")}

    assert without - OWNED_BY_WAY_OF.keys() == {User, Tombstone}
    assert without >= OWNED_BY_WAY_OF.keys()


def test_a_row_without_an_owner_of_its_own_is_part_of_one_that_has_it() -> None:
    lost = [model for model, way in OWNED_BY_WAY_OF.items() if not leads_to_a_person(model, way)]

    assert lost == []


def test_a_way_that_not_every_row_goes_leads_to_nobody() -> None:
    assert points_at_a_person(MemoryEvent, "owner")
    assert not points_at_a_person(MemoryEvent, "actor")
    assert leads_to_a_person(Memory, "profile__owner")
    assert not leads_to_a_person(Memory, "superseded_by__owner")


def points_at_a_person(model: type[Model], name: str) -> bool:
    field = next((field for field in model._meta.concrete_fields if field.name == name), None)
    return isinstance(field, ForeignKey) and field.related_model is User and not field.null


def leads_to_a_person(model: type[Model], way: str) -> bool:
    """Each step of the way is taken by every row."""
    *steps, last = way.split("__")
    for step in steps:
        field = model._meta.get_field(step)
        if field.null or not field.related_model:
            return False
        model = field.related_model
    return points_at_a_person(model, last)
