"""Model fields that seal people's words before they reach SQL."""

import json
import uuid
from typing import Any

from django import forms
from django.core.exceptions import FieldError
from django.db import models
from django.db.models.query_utils import DeferredAttribute

from memorychat.lib.crypto import Sealed, seal, unseal


class EncryptedAttribute(DeferredAttribute):
    """Opens a sealed value when it is first read, and keeps the plain one on the instance."""

    field: "EncryptedTextField"

    def __get__(self, instance: models.Model | None, cls: type | None = None) -> Any:
        if instance is None:
            return self
        if self.field.attname not in vars(instance):
            super().__get__(instance, cls)
        value = vars(instance)[self.field.attname]
        if isinstance(value, Sealed):
            # What was erased is empty, and there is nothing to open.
            value = self.field.from_text(unseal(value, context=self.field.context(instance))) if value else None
            vars(instance)[self.field.attname] = value
        return value

    def __set__(self, instance: models.Model, value: Any) -> None:
        vars(instance)[self.field.attname] = value


class EncryptedTextField(models.Field[Any, Any]):
    """Text that is sealed before it reaches SQL.

    The model says which data key seals a row by an attribute or property `data_key_id`. Such a column can be read and
    written row by row; it cannot be filtered, ordered or updated in bulk, and says so when it is tried.
    """

    descriptor_class = EncryptedAttribute

    def get_internal_type(self) -> str:
        return "BinaryField"

    def context(self, instance: models.Model) -> bytes:
        return f"{self.model._meta.db_table}.{self.column}:".encode() + uuid.UUID(str(instance.pk)).bytes

    def to_text(self, value: Any) -> str:
        return str(value)

    def from_text(self, text: str) -> Any:
        return text

    def pre_save(self, model_instance: models.Model, add: bool) -> Sealed | None:
        value = vars(model_instance).get(self.attname)
        if value is None or isinstance(value, Sealed):
            return value
        key_id: uuid.UUID = model_instance.data_key_id  # type: ignore[attr-defined]  # promised by the docstring
        return seal(self.to_text(value), key_id=key_id, context=self.context(model_instance))

    def get_db_prep_value(self, value: Any, connection: Any, prepared: bool = False) -> bytes | None:
        if value is None or isinstance(value, Sealed):
            return value
        raise FieldError(f"{self.name} is encrypted: write it by saving or creating rows.")

    def from_db_value(self, value: Any, expression: object, connection: object) -> Sealed | None:
        return None if value is None else Sealed(value)

    def get_lookup(self, lookup_name: str) -> Any:
        if lookup_name != "isnull":
            raise FieldError(f"{self.name} is encrypted: it cannot be filtered or ordered by.")
        return super().get_lookup(lookup_name)

    def formfield(self, *args: Any, **kwargs: Any) -> forms.Field:
        return forms.CharField(required=not self.blank, label=self.verbose_name, help_text=self.help_text)


class EncryptedJSONField(EncryptedTextField):
    """A JSON value that is sealed before it reaches SQL."""

    def to_text(self, value: Any) -> str:
        return json.dumps(value, ensure_ascii=False, separators=(",", ":"))

    def from_text(self, text: str) -> Any:
        return json.loads(text)
