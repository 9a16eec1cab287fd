"""Where the wrapped data keys are kept: the rows of `DataKey`, handed to `memorychat.lib.crypto`."""

import uuid
from collections.abc import Iterable

from accounts.models import DataKey
from memorychat.lib.crypto import WrappedKey, current_ring, master_keys


class DataKeyRows:
    def load(self, key_ids: Iterable[uuid.UUID]) -> dict[uuid.UUID, WrappedKey]:
        rows = DataKey.objects.filter(pk__in=list(key_ids), wrapped__isnull=False)
        columns = rows.values_list("pk", "master", "wrapped")
        return {key_id: WrappedKey(master, bytes(wrapped or b"")) for key_id, master, wrapped in columns}

    def is_empty(self) -> bool:
        return not DataKey.objects.exists()


def verify_key_file() -> None:
    """Refuse to start, by a KeysError of one sentence, with a key file that is missing or not this database's."""
    master_keys()
    newest = DataKey.objects.filter(wrapped__isnull=False).order_by("-pk").first()
    if newest is not None:
        current_ring().load([newest.pk])
