"""Everything that is kept of a person, opened, as one JSON file. Its form is described in docs/personal-data.md."""

import json
import os
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from django.core.serializers.json import DjangoJSONEncoder
from django.utils import timezone

from accounts import personal_data
from accounts.models import User

FORMAT, VERSION = "memorychat.person", 1


def export(user: User, path: Path) -> dict[str, int]:
    """Write the file, for its owner's eyes alone, or leave what was there; say how many rows of each table it holds.

    Raises OSError.
    """
    counts: dict[str, int] = {}
    draft = path.with_name(f".{path.name}.{uuid.uuid4().hex}")
    try:
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            for part in _parts(user, counts):
                file.write(part)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)
    return counts


def _parts(user: User, counts: dict[str, int]) -> Iterator[str]:
    """Row by row, so that a large person needs no large memory."""
    head = {"format": FORMAT, "version": VERSION, "exported_at": timezone.now(), "person": user.pk}
    yield f'{_json(head)[:-1]}, "untold": {_json(_untold())}, "tables": {{'
    for number, each in enumerate(_told()):
        yield f"{',' if number else ''}\n{_json(each.name)}: ["
        counts[each.name] = 0
        for row in each.told(user.pk):
            yield f"{',' if counts[each.name] else ''}\n{_json(row)}"
            counts[each.name] += 1
        yield "]"
    yield f'}},\n"counts": {_json(counts)}}}\n'


def _told() -> list[personal_data.Belongings]:
    told = (each for each in personal_data.registered() if not each.why_untold)
    return sorted(told, key=lambda each: each.name)


def _untold() -> dict[str, str]:
    return {each.name: each.why_untold for each in personal_data.registered() if each.why_untold}


def _json(value: Any) -> str:
    return json.dumps(value, cls=DjangoJSONEncoder, ensure_ascii=False)
