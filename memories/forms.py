"""What a person may write about memories and profiles."""

from collections.abc import Iterable
from datetime import date, datetime, time, timedelta
from typing import Any, cast

from django import forms
from django.core.exceptions import ValidationError
from django.core.files.uploadedfile import UploadedFile
from django.core.validators import MaxValueValidator, MinValueValidator
from django.http import QueryDict
from django.utils import timezone
from django.utils.datastructures import MultiValueDict

from accounts.forms import ProvidersField
from memories.engine.types import CONTENT_LIMIT
from memories.models import Kind, LearningMode, MemoryProfile, PrivacyMode, Sector, Status
from memories.profiles import DESCRIPTION_LIMIT, NAME_LIMIT
from memories.searching import Narrowing
from memorychat.lib import text
from memorychat.lib.shapes import EARLIEST, LATEST

ONE_DAY = timedelta(days=1)


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


class DayField(forms.DateField):
    """A day that every zone and calendar can show; browsers that know `date` send it as 2026-11-21."""

    widget = forms.DateInput(format="%Y-%m-%d", attrs={"type": "date"})

    def __init__(self, **kwargs: Any) -> None:
        bounds = [MinValueValidator(EARLIEST.date()), MaxValueValidator(LATEST.date() - ONE_DAY)]
        super().__init__(input_formats=["%Y-%m-%d"], validators=bounds, required=False, **kwargs)


def start_of(day: date) -> datetime:
    """In the reader's zone."""
    return datetime.combine(day, time.min, tzinfo=timezone.get_current_timezone())


class FilterForm(forms.Form):
    """What the list may be asked for; a value that makes no sense is as good as none, but for an impossible span."""

    status = forms.ChoiceField(choices=Status, required=False)
    kind = forms.ChoiceField(choices=Kind, required=False)
    sector = forms.ChoiceField(label="Sector", choices=[("", "All"), *Sector.choices], required=False)
    profile = forms.UUIDField(required=False)
    since = DayField(label="From")
    until = DayField(label="To")
    also = forms.MultipleChoiceField(
        label="Also show",
        choices=[(Status.ARCHIVED, "archived"), (Status.SUPERSEDED, "earlier versions")],
        widget=forms.CheckboxSelectMultiple,
        required=False,
    )
    cursor = forms.UUIDField(required=False)

    def clean(self) -> dict[str, Any]:
        values = super().clean() or self.cleaned_data
        since, until = values.get("since"), values.get("until")
        if since and until and until < since:
            raise ValidationError("The time that you ask for ends before it begins.")
        return values

    def narrowing(self) -> Narrowing:
        values = self.cleaned_data
        kind, sector, since, until = (values.get(name) for name in ("kind", "sector", "since", "until"))
        return Narrowing(
            status=Status(values.get("status") or Status.ACTIVE),
            kind=Kind(kind) if kind else None,
            sector=Sector(sector) if sector else None,
            profile_id=values.get("profile"),
            since=start_of(since) if since else None,
            until=start_of(until + ONE_DAY) if until else None,
            also=tuple(Status(each) for each in values.get("also", ())),
        )


class DayForm(forms.Form):
    on = DayField(label="On")
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
    own_providers = ProvidersField(
        label="Who may see its words",
        otherwise="As in my settings",
        help_text="The first answers; the next one when that one fails. Nobody else sees them: the embedder is the"
        " built-in one.",
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
