"""Profiles, memories and the ledger under /admin/, to look at: what changes them are their owners and the verbs."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.contrib import admin
from django.contrib.admin import display
from django.template.loader import render_to_string
from django.utils.translation import gettext_lazy as _

from memories import biography
from memories.models import Memory, MemoryEvent, MemoryProfile
from memorychat.lib.admin import BaseAdmin, Made, id_of, link_to_list, moment_of, own_id


@admin.register(MemoryProfile)
class MemoryProfileAdmin(BaseAdmin):
    list_display = (
        own_id,
        id_of("owner"),
        id_of("organization"),
        "is_default",
        "default_mode",
        "memory_count",
        moment_of("created_at"),
        moment_of("deleted_at"),
    )
    list_filter = ("is_default", "default_mode", ("deleted_at", admin.EmptyFieldListFilter), Made)
    search_fields = ("id", "owner", "organization")
    fieldsets = (
        (None, {"fields": ("name", "description", "memories")}),
        (_("What it is"), {"fields": ("id", "owner", "organization", "is_default", "default_mode", "languages")}),
        (_("Who sees its words"), {"fields": ("local_only", "own_providers")}),
        (_("Kept for ranking"), {"fields": ("memory_count", "term_count")}),
        (_("Dates"), {"fields": ("created_at", "deleted_at")}),
    )

    @display(description=_("memories"))
    def memories(self, profile: MemoryProfile) -> str:
        return link_to_list("memories_memory", _("Those of this profile"), profile=profile.pk)


@admin.register(Memory)
class MemoryAdmin(BaseAdmin):
    list_display = (
        own_id,
        id_of("owner"),
        id_of("profile"),
        "status",
        "kind",
        "origin",
        moment_of("created_at"),
    )
    list_filter = ("status", "kind", "sector", "origin", "pinned", Made)
    search_fields = ("id", "owner", "profile")
    fieldsets = (
        (None, {"fields": ("content", "metadata", "sources", "history")}),
        (_("Whose"), {"fields": ("id", "owner", "profile", "superseded_by")}),
        (
            _("What it is"),
            {
                "fields": (
                    ("status", "origin"),
                    ("kind", "sector"),
                    ("importance", "confidence"),
                    ("salience", "salience_at"),
                    ("times_said", "pinned"),
                )
            },
        ),
        (_("Dates"), {"fields": ("occurred_at", "created_at", "last_said_at")}),
    )

    @display(description=_("said in these words"))
    def sources(self, memory: Memory) -> str:
        return render_to_string("admin/_sources.html", {"sources": biography.sources_of(memory)})

    @display(description=_("history"))
    def history(self, memory: Memory) -> str:
        return render_to_string("admin/_history.html", {"chapters": biography.history_of(memory)})


@dataclass(frozen=True)
class ChangedColumn:
    """What one column of a memory held before an event and after it; None before: there was nothing."""

    name: str
    before: str | None
    after: str


@admin.register(MemoryEvent)
class LedgerAdmin(BaseAdmin):
    list_display = (
        own_id,
        "number",
        moment_of("created_at"),
        "action",
        "door",
        id_of("owner"),
        id_of("memory"),
        id_of("actor"),
    )
    list_filter = ("action", "door", "found_by", Made)
    search_fields = ("id", "owner", "profile", "memory", "change_id", "undoes", "batch", "message_id")
    fieldsets = (
        (None, {"fields": ("changes", "reason")}),
        (_("Who and how"), {"fields": (("action", "door"), "actor", "found_by", "found_version", "confidence")}),
        (
            _("Of what"),
            {"fields": ("id", "number", "owner", "profile", "memory", "change_id", "undoes", "batch", "message_id")},
        ),
        (_("When"), {"fields": ("created_at", "milliseconds", "correlation_id")}),
    )

    @display(description=_("changes"))
    def changes(self, event: MemoryEvent) -> str:
        return render_to_string("admin/_changes.html", {"changes": list(_changes(event))})


def _changes(event: MemoryEvent) -> Iterator[ChangedColumn]:
    before: dict[str, Any] = event.before or {}
    for name, value in event.after.items():
        yield ChangedColumn(name, _told(before[name]) if name in before else None, _told(value))


def _told(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
