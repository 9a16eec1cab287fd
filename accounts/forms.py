"""What a person may set about themselves."""

import zoneinfo

from django import forms


def time_zone_choices() -> list[tuple[str, str]]:
    """Every place of the time zone database, by its readable name."""
    zones = zoneinfo.available_timezones() - {"localtime", "posixrules", "Factory"}
    return [(zone, zone.replace("_", " ")) for zone in sorted(zones)]


class TimeZoneForm(forms.Form):
    time_zone = forms.ChoiceField(label="Time zone", choices=time_zone_choices)
