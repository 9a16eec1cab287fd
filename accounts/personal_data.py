"""What of a person is kept where: a registry that every app fills, by which people are told everything and erased.

An app hands its tables over as `Belongings`, in `ready()`. A table with a way to a person that nobody handed over fails
a test (`memorychat/tests/test_personal_data.py`).
"""

import uuid
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

from django.db import DEFAULT_DB_ALIAS
from django.db.models import BinaryField, Field, ForeignKey, Model, QuerySet, UUIDField

from memorychat.lib.crypto import unlock
from memorychat.lib.fields import EncryptedTextField

AT_ONCE = 500

Rows = QuerySet[Any]


@dataclass(frozen=True)
class Belongings:
    """The rows of one table that belong to a person.

    `way` leads from a row to the person; where none does, `find` says which rows are theirs. They are deleted, unless
    `emptied_by` does something else. `why_untold` says why they are no part of what the person is told; `left_out` are
    columns with secrets. Hashes and keys are never told.
    """

    model: type[Model]
    way: str = "owner"
    find: Callable[[uuid.UUID], Rows] | None = None
    emptied_by: Callable[[uuid.UUID], int] | None = None
    left_out: frozenset[str] = field(default_factory=frozenset)
    why_untold: str = ""
    # Those that write for a person hold these rows; erasing takes them first, in the same order as everybody.
    locks: bool = False

    @property
    def name(self) -> str:
        return self.model._meta.label_lower

    def of(self, person_id: uuid.UUID) -> Rows:
        if self.find is not None:
            return self.find(person_id)
        return self.model._base_manager.filter(**{self.way: person_id})

    def erase(self, person_id: uuid.UUID) -> int:
        """How many rows; in one statement, without the cascades of Django: the registry knows what hangs on what."""
        if self.emptied_by is not None:
            return self.emptied_by(person_id)
        # None where Django knows without asking that there are no rows.
        return self.of(person_id)._raw_delete(DEFAULT_DB_ALIAS) or 0

    def told(self, person_id: uuid.UUID) -> Iterator[dict[str, Any]]:
        """Row by row, opened, in the order of their ids."""
        rows = self.of(person_id).order_by("pk").iterator(chunk_size=AT_ONCE)
        while chunk := list(islice(rows, AT_ONCE)):
            unlock(chunk)
            for row in chunk:
                yield {column.attname: getattr(row, column.attname) for column in self._told_columns()}

    def texts(self, person_id: uuid.UUID, most: int) -> Iterator[str]:
        """Some of its sealed words, opened."""
        columns = [column for column in self.model._meta.concrete_fields if type(column) is EncryptedTextField]
        rows = list(self.of(person_id).order_by("-pk")[:most]) if columns else []
        unlock(rows)
        for row in rows:
            yield from filter(None, (getattr(row, column.attname) for column in columns))

    def _told_columns(self) -> list[Any]:
        return [
            column
            for column in self.model._meta.concrete_fields
            if column.attname not in self.left_out and not isinstance(column, BinaryField)
        ]


_registered: dict[type[Model], Belongings] = {}


def register(belongings: Iterable[Belongings]) -> None:
    _registered.update({each.model: each for each in belongings})


def registered() -> list[Belongings]:
    return list(_registered.values())


def in_order() -> list[Belongings]:
    """As they can be erased: first what is found by the rows of others, then what hangs on others before them."""
    found_by_others = [each for each in registered() if each.find is not None]
    waiting = [each for each in registered() if each.find is None]
    ordered: list[Belongings] = []
    while waiting:
        free = [each for each in waiting if not any(_hangs_on(other, each) for other in waiting if other is not each)]
        ordered += free
        waiting = [each for each in waiting if each not in free]
    return found_by_others + ordered


def ids_of(person_id: uuid.UUID) -> set[str]:
    """The ids of a person and of all their rows, as texts of other tables name them."""
    ids = {str(person_id)}
    for each in registered():
        if each.find is None and isinstance(_key(each.model), UUIDField):
            ids.update(map(str, each.of(person_id).values_list("pk", flat=True)))
    return ids


def _hangs_on(child: Belongings, parent: Belongings) -> bool:
    columns = child.model._meta.concrete_fields
    return any(isinstance(column, ForeignKey) and column.related_model is parent.model for column in columns)


def _key(model: type[Model]) -> Field[Any, Any]:
    """The column behind the primary key, which may be that of another table."""
    column: Any = model._meta.pk
    while isinstance(column, ForeignKey):
        column = column.target_field
    return column
