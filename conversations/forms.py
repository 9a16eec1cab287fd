"""What the addresses and doors of a conversation may be asked for."""

from django import forms

from memories.models import PrivacyMode


class EarlierForm(forms.Form):
    """The turns before this message."""

    before = forms.UUIDField(required=False)


class BeginForm(forms.Form):
    """In which profile a new conversation is to begin."""

    profile = forms.UUIDField(required=False)


class PlaceForm(forms.Form):
    """Where a command was written, and under which privacy mode."""

    conversation = forms.UUIDField(required=False)
    profile = forms.UUIDField(required=False)
    privacy_mode = forms.ChoiceField(choices=PrivacyMode)
