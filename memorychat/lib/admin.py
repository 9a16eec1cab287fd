"""What everything under /admin/ has in common.

Lists hold ids; words are shown where one row is opened, and whoever opens it is written down.
"""

import json
import uuid
from collections.abc import Callable, Iterable, Sequence
from datetime import timedelta
from typing import Any, ClassVar

import structlog
from django.contrib import admin
from django.contrib.admin import display
from django.contrib.admin.models import ADDITION, CHANGE, DELETION, LogEntry
from django.contrib.contenttypes.models import ContentType
from django.core.paginator import Paginator
from django.db.models import Model, Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.html import format_html
from django.utils.timezone import localtime
from django.utils.translation import gettext_lazy as _
from unfold.admin import ModelAdmin
from unfold.paginator import InfinitePaginator
from unfold.views import ChangeList

from memorychat.lib.fields import EncryptedTextField
from memorychat.lib.identifiers import before_uuid7

log = structlog.get_logger(__name__)

# Beside Django's own ADDITION, CHANGE and DELETION.
OPENED = 4
NOTHING = "–"


def words_of(model: type[Model]) -> list[str]:
    """The names of its sealed fields."""
    return [field.name for field in model._meta.concrete_fields if isinstance(field, EncryptedTextField)]


class WordlessList(ChangeList):
    """Fetches no words, so that a list can show none."""

    def get_queryset(self, request: HttpRequest, exclude_parameters: list[str | None] | None = None) -> QuerySet[Any]:
        return super().get_queryset(request, exclude_parameters).defer(*words_of(self.model))


class BaseAdmin(ModelAdmin):
    """Rows to look at. What may be changed by hand, and by whom, a subclass says itself.

    `search_fields` are columns of ids: a search finds the row of an id, and what belongs to it. It stands in the
    address, where no person's words may.
    """

    actions = None
    list_per_page = 50
    list_fullwidth = True
    # No list counts or sorts a whole table.
    show_full_result_count = False
    show_facets = admin.ShowFacets.NEVER
    sortable_by = ()
    view_on_site = False
    ordering: ClassVar[Sequence[str]] = ("-pk",)
    search_fields: ClassVar[Sequence[str]] = ("id",)
    search_help_text: ClassVar[Any] = _("A whole id, as lists and logs hold it.")

    def has_add_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return WordlessList

    def get_paginator(self, request: HttpRequest, queryset: QuerySet[Any], *args: Any, **kwargs: Any) -> Paginator:
        """The history of one row is short, and its page wants a count."""
        counting = Paginator if queryset.model is LogEntry else InfinitePaginator
        return counting(queryset, *args, **kwargs)

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        if not search_term:
            return queryset, False
        try:
            wanted = uuid.UUID(search_term)
        except ValueError:
            return queryset.none(), False
        return queryset.filter(Q(*[(name, wanted) for name in self.search_fields], _connector=Q.OR)), False

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, obj: Model | None = None, **kwargs: Any
    ) -> HttpResponse:
        if obj is not None:
            record(request, obj, OPENED, "Opened.")
        return super().render_change_form(request, context, *args, obj=obj, **kwargs)

    def log_addition(self, request: HttpRequest, obj: Model, message: Any) -> LogEntry:
        return record(request, obj, ADDITION, message)

    def log_change(self, request: HttpRequest, obj: Model, message: Any) -> LogEntry:
        return record(request, obj, CHANGE, message)

    def log_deletions(self, request: HttpRequest, queryset: Iterable[Model]) -> list[LogEntry]:
        return [record(request, row, DELETION, "") for row in queryset]


def record(request: HttpRequest, row: Model, action: int, message: Any) -> LogEntry:
    """Who did what to which row, by ids alone: Django's own way copies what the row calls itself."""
    log.info("admin", action=action, model=row._meta.label, row=str(row.pk))
    return LogEntry.objects.create(
        user_id=str(request.user.pk),
        content_type=ContentType.objects.get_for_model(row),
        object_id=str(row.pk),
        object_repr=str(row.pk),
        action_flag=action,
        change_message=message if isinstance(message, str) else json.dumps(message),
    )


class Made(admin.SimpleListFilter):
    """When a row was made, told by its id, so that the primary key finds it."""

    title = _("made")
    parameter_name = "made"
    DAYS: ClassVar[dict[str, int]] = {"day": 1, "week": 7, "month": 30, "year": 365}

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [
            ("day", _("In the last 24 hours")),
            ("week", _("In the last 7 days")),
            ("month", _("In the last 30 days")),
            ("year", _("In the last 365 days")),
        ]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        days = self.DAYS.get(self.value() or "")
        return queryset.filter(pk__gte=before_uuid7(timezone.now() - timedelta(days=days))) if days else queryset


@display(description=_("id"))
def own_id(row: Model) -> str:
    """A column for the row's own id, whole."""
    return format_html('<span class="id">{}</span>', row.pk)


def moment_of(name: str) -> Callable[[Model], str]:
    """A column for a time, in the zone of whoever looks."""

    @display(description=name.replace("_", " "))
    def show(row: Model) -> str:
        value = getattr(row, name)
        shown = date_format(localtime(value), "Y-m-d H:i") if value else NOTHING
        return format_html('<span class="moment">{}</span>', shown)

    return show


def id_of(name: str) -> Callable[[Model], str]:
    """A column for a foreign key: the end of its id, which tells rows apart, leading to the row; nothing is fetched."""

    @display(description=name.replace("_", " "))
    def show(row: Model) -> str:
        field: Any = row._meta.get_field(name)
        value = getattr(row, field.attname)
        return link(field.related_model, value, f"…{str(value)[-12:]}") if value else NOTHING

    return show


def link(model: type[Model], pk: object, text: object) -> str:
    """To the page of one row."""
    address = reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_change", args=[pk])
    return format_html('<a href="{}" title="{}" class="id">{}</a>', address, pk, text)


def link_to_list(view: str, text: object, **filters: object) -> str:
    """To the list of those rows that the filters leave."""
    address = reverse(f"admin:{view}_changelist", query=filters)
    return format_html('<a href="{}" class="text-link">{}</a>', address, text)
