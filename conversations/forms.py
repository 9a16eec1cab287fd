"""What the address of a conversation may ask for."""

from django import forms


class EarlierForm(forms.Form):
    """The turns before this message."""

    before = forms.UUIDField(required=False)
