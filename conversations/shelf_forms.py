"""What a person may write about a conversation as a whole."""

from django import forms

from conversations.titles import OWN_LENGTH
from memories.forms import WordsField

# What is never the name of a preview: nothing was shown, so nothing may be taken back.
NOTHING = "nothing"


class RenameForm(forms.Form):
    title = WordsField(
        limit=OWN_LENGTH,
        name="title",
        label="Title",
        widget=forms.TextInput(attrs={"maxlength": OWN_LENGTH, "autocomplete": "off"}),
    )


class DeleteForm(forms.Form):
    """Whether the memories that came of the words are kept, or taken back as they were shown."""

    KEEP, TAKE_BACK = "keep", "take_back"

    memories = forms.ChoiceField(choices=[(KEEP, "Keep"), (TAKE_BACK, "Take back")], required=False)
    seen = forms.CharField(max_length=64, required=False)

    @property
    def takes_back(self) -> bool:
        return bool(self.cleaned_data["memories"] == self.TAKE_BACK)

    @property
    def shown(self) -> str:
        """The name of what was shown and is to be taken back; empty where all is kept."""
        return (self.cleaned_data["seen"] or NOTHING) if self.takes_back else ""

    def done(self, deleted: str) -> str:
        return f"{deleted} What was remembered of it is taken back." if self.takes_back else deleted
