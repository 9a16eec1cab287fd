"""What a person may write about memories and profiles."""

from collections.abc import Iterable
from typing import Any, cast

from django import forms
from django.core.exceptions import ValidationError
from django.core.files.uploadedfile import UploadedFile
from django.http import QueryDict
from django.utils.datastructures import MultiValueDict

from memories.engine.types import CONTENT_LIMIT
from memories.models import Kind, LearningMode, MemoryProfile, PrivacyMode, Status
from memories.profiles import DESCRIPTION_LIMIT, NAME_LIMIT
from memorychat.lib import text


class WordsField(forms.CharField):
    """Words that can be stored; a refusal is the sentence that every other door gives."""

    def __init__(self, *, limit: int, name: str, **kwargs: object) -> None:
        super().__init__(strip=False, **kwargs)  # type: ignore[arg-type]  # handed on as they are
        self.limit, self.name = limit, name

    def run_validators(self, value: str) -> None:
        """None of Django's: `clean` refuses a NUL and too long a text with a better sentence."""

    def clean(self, value: object) -> str:
        words: str = super().clean(value)
        if not words.strip() and not self.required:
            return ""
        try:
            return text.clean(words, limit=self.limit, name=self.name)
        except text.TextError as error:
            raise ValidationError(str(error)) from error


class FilterForm(forms.Form):
    """What the address of the list may ask for."""

    status = forms.ChoiceField(choices=Status, required=False)
    kind = forms.ChoiceField(choices=Kind, required=False)
    profile = forms.UUIDField(required=False)
    cursor = forms.UUIDField(required=False)


class MemoryForm(forms.Form):
    content = WordsField(
        limit=CONTENT_LIMIT, name="memory", label="Memory", widget=forms.Textarea(attrs={"rows": 3, "autofocus": True})
    )


class ProfileForm(forms.Form):
    name = WordsField(limit=NAME_LIMIT, name="name", label="Name")
    description = WordsField(
        limit=DESCRIPTION_LIMIT,
        name="description",
        label="Description",
        required=False,
        widget=forms.Textarea(attrs={"rows": 3}),
    )
    default_mode = forms.ChoiceField(label="New conversations begin in", choices=PrivacyMode)
    learning = forms.ChoiceField(
        label="What conversations tell",
        choices=LearningMode,
        required=False,
        initial=LearningMode.AUTOMATIC,
        help_text="What waits for you stands in the inbox. What you write into a memory yourself is always kept.",
    )
    local_only = forms.BooleanField(
        label="Local models only",
        required=False,
        help_text="Its words reach the built-in embedder and models on this machine alone.",
    )

    def clean_learning(self) -> str:
        """A program that does not know of it leaves it as it is."""
        return str(self.cleaned_data["learning"] or self.get_initial_for_field(self.fields["learning"], "learning"))


class CopyForm(forms.Form):
    """Where a profile is copied to: another one of the same person, or a new one of this name."""

    into = forms.ChoiceField(label="Into", required=False)
    name = WordsField(limit=NAME_LIMIT, name="name", label="Name of a new profile", required=False)

    def __init__(self, data: QueryDict | None, *, others: Iterable[MemoryProfile]) -> None:
        super().__init__(data)
        known = [(str(profile.pk), profile.name) for profile in others]
        cast("forms.ChoiceField", self.fields["into"]).choices = [("", "A new profile"), *known]

    def clean(self) -> dict[str, Any]:
        values = super().clean() or self.cleaned_data
        if not values.get("into") and not values.get("name") and not self.errors:
            self.add_error("name", "A new profile needs a name.")
        return values


class ImportForm(forms.Form):
    """A file of memories or lines that were pasted, and the profile that is to know them."""

    file = forms.FileField(
        label="File",
        required=False,
        allow_empty_file=True,
        help_text="MemoryChat’s own export; conversations.json of ChatGPT or Claude; memories.json of Claude; mem0’s"
        " JSON; or plain lines. At most 50 MB.",
    )
    text = forms.CharField(
        label="Or paste a list",
        required=False,
        strip=False,
        widget=forms.Textarea(attrs={"rows": 4}),
        help_text="One memory on each line, as other assistants show what they remember.",
    )
    profile = forms.ChoiceField(label="Into")

    def __init__(
        self,
        data: QueryDict | None,
        files: MultiValueDict[str, UploadedFile] | None = None,
        *,
        profiles: Iterable[MemoryProfile],
        needs_words: bool = True,
    ) -> None:
        super().__init__(data, files)
        self.needs_words = needs_words
        choices = [(str(profile.pk), profile.name) for profile in profiles]
        cast("forms.ChoiceField", self.fields["profile"]).choices = choices

    def clean(self) -> dict[str, Any]:
        values = super().clean() or self.cleaned_data
        if self.needs_words and not values.get("file") and not values.get("text", "").strip() and not self.errors:
            self.add_error("file", "Choose a file, or paste a list.")
        return values

    def body(self) -> bytes:
        file = self.cleaned_data["file"]
        return bytes(file.read()) if file else str(self.cleaned_data["text"]).encode(errors="surrogatepass")


class ExportForm(forms.Form):
    JSON, MARKDOWN = "json", "markdown"

    format = forms.ChoiceField(
        label="As",
        choices=[(JSON, "JSON, with history and provenance"), (MARKDOWN, "Markdown, to read")],
        widget=forms.RadioSelect,
        initial=JSON,
    )
    profile = forms.ChoiceField(label="From", required=False)

    def __init__(self, data: QueryDict | None, *, profiles: Iterable[MemoryProfile]) -> None:
        super().__init__(data)
        choices = [("", "All profiles"), *((str(profile.pk), profile.name) for profile in profiles)]
        cast("forms.ChoiceField", self.fields["profile"]).choices = choices
