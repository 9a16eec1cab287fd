"""What a person may set about themselves."""

import zoneinfo
from collections.abc import Sequence
from itertools import permutations
from typing import Any

from django import forms

from memorychat.llm.providers import configured, label_of


def time_zone_choices() -> list[tuple[str, str]]:
    """Every place of the time zone database, by its readable name."""
    zones = zoneinfo.available_timezones() - {"localtime", "posixrules", "Factory"}
    return [(zone, zone.replace("_", " ")) for zone in sorted(zones)]


class TimeZoneForm(forms.Form):
    time_zone = forms.ChoiceField(label="Time zone", choices=time_zone_choices)


class ProvidersField(forms.ChoiceField):
    """Who may see the words: one of the orders of those that are configured, or None for `otherwise`."""

    def __init__(self, *, otherwise: str, **kwargs: Any) -> None:
        self.otherwise = otherwise
        super().__init__(choices=self._orders, required=False, **kwargs)

    def prepare_value(self, value: Any) -> str:
        return value if isinstance(value, str) else ",".join(value or ())

    def clean(self, value: Any) -> list[str] | None:
        chosen: str = super().clean(value)
        return chosen.split(",") if chosen else None

    def _orders(self) -> list[tuple[str, str]]:
        names = configured()
        orders = [order for count in range(1, len(names) + 1) for order in permutations(names, count)]
        return [("", self.otherwise), *((",".join(order), _told(order)) for order in orders if _makes_sense(order))]


def _makes_sense(order: Sequence[str]) -> bool:
    """Nobody is asked after the built-in responder, and it takes nobody's place."""
    return "builtin" not in order or len(order) == 1


def _told(order: Sequence[str]) -> str:
    return ", then ".join(map(label_of, order)) + ("" if len(order) > 1 else " alone")


def told_order(order: Sequence[str] | None, *, otherwise: str) -> str:
    """As people read it."""
    if order is None:
        return otherwise
    return _told(order) if order else "Nobody"


class ProvidersForm(forms.Form):
    providers = ProvidersField(label="Who answers", otherwise="As this server has it")


AS_EACH_PERSON_HAS_IT = "As each person has it"


class OrganizationProvidersForm(forms.Form):
    """One of several on a page: `auto_id` says of which organization."""

    providers = ProvidersField(label="Who answers there", otherwise=AS_EACH_PERSON_HAS_IT)
