"""Encryption of people's words: master keys, data keys and key rings. The model fields are in `fields.py`.

A *master key* (in `KEYS_FILE`, never in the database) wraps *data keys* (rows of an upper layer, one per person and one
per profile), and a data key seals words. A sealed value is::

    version (1 byte) | id of the data key (16) | nonce (12) | AES-256-GCM ciphertext and tag

with "table.column:" and the id of the row as associated data, so that a value moved to another row or column does not
open. Unwrapped keys live in a `key_ring()` for one request, frame, job or command, and never longer.
"""

import base64
import binascii
import hashlib
import json
import os
import uuid
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from django.conf import settings
from django.db import models

VERSION = b"\x01"
NONCE_BYTES = 12
HEADER_BYTES = 1 + 16 + NONCE_BYTES


class KeysError(Exception):
    """The key file is missing, unreadable or not the one this database was written with."""


class SealedError(Exception):
    """A sealed value does not open: its key is unknown or destroyed, or it was tampered with."""


@dataclass(frozen=True)
class MasterKeys:
    """The keys of `KEYS_FILE`: name → 32 bytes, and the name of the one that wraps new data keys."""

    current: str
    keys: dict[str, bytes] = field(repr=False)

    @classmethod
    def read(cls, path: Path) -> "MasterKeys":
        try:
            content = json.loads(path.read_text())
            keys = {name: base64.b64decode(value, validate=True) for name, value in content["keys"].items()}
            current = content["current"]
        except OSError as error:
            raise KeysError(f"The key file {path} cannot be read: {error.strerror}.") from error
        except (ValueError, KeyError, TypeError, AttributeError, binascii.Error) as error:
            raise KeysError(f"The key file {path} is not a MemoryChat key file.") from error
        if current not in keys or any(len(key) != 32 for key in keys.values()):
            raise KeysError(f"The key file {path} is not a MemoryChat key file.")
        return cls(current, keys)

    @staticmethod
    def create(path: Path) -> None:
        """Write a fresh key file with mode 0600; another process that was first wins."""
        content = {"current": "1", "keys": {"1": base64.b64encode(os.urandom(32)).decode()}}
        path.parent.mkdir(parents=True, exist_ok=True)
        draft = path.with_name(f"{path.name}.{uuid.uuid4().hex}")
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as file:
            json.dump(content, file)
            file.flush()
            os.fsync(file.fileno())
        try:
            os.link(draft, path)
        except FileExistsError:
            pass
        finally:
            draft.unlink()


@dataclass(frozen=True)
class WrappedKey:
    """A data key as it is stored: the name of the master key that wraps it, and nonce + ciphertext."""

    master: str
    wrapped: bytes


class DataKeyStore(Protocol):
    """Where wrapped data keys are kept; the layer that owns the rows registers itself."""

    def load(self, key_ids: Iterable[uuid.UUID]) -> dict[uuid.UUID, WrappedKey]: ...

    def is_empty(self) -> bool: ...


_stores: list[DataKeyStore] = []


def register_data_key_store(store: DataKeyStore) -> None:
    _stores[:] = [store]


def data_key_store() -> DataKeyStore:
    if not _stores:
        raise KeysError("No store of data keys is registered.")
    return _stores[0]


def master_keys() -> MasterKeys:
    """Read `KEYS_FILE`; make it when it is absent and nothing was ever written with a key of it."""
    path = Path(settings.KEYS_FILE)
    if not path.exists():
        if not data_key_store().is_empty():
            raise KeysError(f"The key file {path} is missing, and without it the stored words cannot be read.")
        MasterKeys.create(path)
    return MasterKeys.read(path)


def wrap_new_data_key(key_id: uuid.UUID) -> WrappedKey:
    """Make 32 random bytes and wrap them; the key goes into the current ring, so the next use asks nothing."""
    masters = master_keys()
    key, nonce = os.urandom(32), os.urandom(NONCE_BYTES)
    wrapped = nonce + AESGCM(masters.keys[masters.current]).encrypt(nonce, key, key_id.bytes)
    current_ring().keys[key_id] = key
    return WrappedKey(masters.current, wrapped)


def unwrap_data_key(masters: MasterKeys, key_id: uuid.UUID, key: WrappedKey) -> bytes:
    if key.master not in masters.keys:
        raise KeysError(f"The key file {settings.KEYS_FILE} lacks the key {key.master!r} that this database needs.")
    nonce, ciphertext = key.wrapped[:NONCE_BYTES], key.wrapped[NONCE_BYTES:]
    try:
        return AESGCM(masters.keys[key.master]).decrypt(nonce, ciphertext, key_id.bytes)
    except InvalidTag as error:
        raise KeysError(f"The key file {settings.KEYS_FILE} is not the one this database was written with.") from error


@dataclass
class KeyRing:
    """The unwrapped data keys of one request, frame, job or command."""

    keys: dict[uuid.UUID, bytes] = field(default_factory=dict, repr=False)
    derived: dict[tuple[uuid.UUID, str], bytes] = field(default_factory=dict, repr=False)

    def load(self, key_ids: Iterable[uuid.UUID]) -> None:
        """One query for all keys that are not here yet."""
        # Not by subtracting sets, which goes through the whole ring.
        missing = {key_id for key_id in key_ids if key_id not in self.keys}
        if not missing:
            return
        masters = master_keys()
        for key_id, wrapped in data_key_store().load(missing).items():
            self.keys[key_id] = unwrap_data_key(masters, key_id, wrapped)

    def key(self, key_id: uuid.UUID) -> bytes:
        self.load([key_id])
        try:
            return self.keys[key_id]
        except KeyError as error:
            raise SealedError(f"The data key {key_id} does not exist or was destroyed.") from error

    def derive(self, key_id: uuid.UUID, purpose: str) -> bytes:
        """A key of its own for hashing, so that a hash never tells anything about the sealing key."""
        slot = (key_id, purpose)
        if slot not in self.derived:
            self.derived[slot] = hashlib.blake2b(purpose.encode(), key=self.key(key_id), digest_size=32).digest()
        return self.derived[slot]


_ring: ContextVar[KeyRing | None] = ContextVar("key_ring", default=None)


@contextmanager
def key_ring() -> Iterator[KeyRing]:
    """Everything inside may read and write words; the keys are forgotten at the end."""
    ring = KeyRing()
    token = _ring.set(ring)
    try:
        yield ring
    finally:
        _ring.reset(token)


def current_ring() -> KeyRing:
    ring = _ring.get()
    if ring is None:
        raise KeysError("Words are read and written inside a key_ring() only.")
    return ring


class Sealed(bytes):
    """A sealed value as it stands in the database."""

    @property
    def key_id(self) -> uuid.UUID:
        return uuid.UUID(bytes=bytes(self[1:17]))


def seal(text: str, *, key_id: uuid.UUID, context: bytes) -> Sealed:
    nonce = os.urandom(NONCE_BYTES)
    ciphertext = AESGCM(current_ring().key(key_id)).encrypt(nonce, text.encode(), context)
    return Sealed(VERSION + key_id.bytes + nonce + ciphertext)


def unseal(sealed: Sealed, *, context: bytes) -> str:
    if len(sealed) <= HEADER_BYTES or sealed[:1] != VERSION:
        raise SealedError("This is not a sealed value of a known version.")
    nonce, ciphertext = sealed[HEADER_BYTES - NONCE_BYTES : HEADER_BYTES], sealed[HEADER_BYTES:]
    try:
        return AESGCM(current_ring().key(sealed.key_id)).decrypt(nonce, ciphertext, context).decode()
    except InvalidTag as error:
        raise SealedError("A sealed value does not belong to this row, or was changed.") from error


def keyed_hash(key_id: uuid.UUID, purpose: str, value: str, *, size: int = 16) -> bytes:
    """A hash of `size` bytes that nobody can look up or compare without the data key."""
    return hashlib.blake2b(value.encode(), key=current_ring().derive(key_id, purpose), digest_size=size).digest()


def unlock(rows: Iterable[models.Model]) -> None:
    """Fetch the keys of all encrypted values of these rows with one query."""
    sealed = (value for row in rows for value in vars(row).values() if isinstance(value, Sealed) and value)
    current_ring().load({value.key_id for value in sealed})
