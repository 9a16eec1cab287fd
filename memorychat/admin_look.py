"""How the pages under /admin/ are dressed and ordered: the value of UNFOLD."""

from collections.abc import Callable
from typing import Any

from django.http import HttpRequest
from django.templatetags.static import static
from django.urls import reverse_lazy
from django.utils.translation import gettext_lazy as _


def _may_view(model: str) -> Callable[[HttpRequest], bool]:
    app, name = model.split(".")
    return lambda request: request.user.has_perm(f"{app}.view_{name}")


def _section(title: Any, *pages: tuple[Any, str, str]) -> dict[str, Any]:
    """Pages are (title, model, icon); who may not view the model does not see its page."""
    items = [
        {
            "title": name,
            "icon": icon,
            "link": reverse_lazy(f"admin:{model.replace('.', '_')}_changelist"),
            "permission": _may_view(model),
        }
        for name, model, icon in pages
    ]
    return {"title": title, "items": items}


# Warm paper, as tokens.css has it.
PAPER = {
    "50": "#faf6ef",
    "100": "#f2eadc",
    "200": "#e5dccd",
    "300": "#cfc4b2",
    "400": "#a89d8a",
    "500": "#6f6557",
    "600": "#655c4f",
    "700": "#4a4238",
    "800": "#39322a",
    "900": "#211d19",
    "950": "#191613",
}
# A button is ink, for red tells what was written; this ink is seen on dark paper too.
INK = PAPER | {"400": "#b3a898", "500": "#b3a898", "600": "#655c4f"}

UNFOLD: dict[str, Any] = {
    "SITE_TITLE": "MemoryChat",
    "SITE_HEADER": "MemoryChat",
    "SITE_SUBHEADER": _("Administration"),
    "SITE_SYMBOL": "menu_book",
    "SITE_FAVICONS": [{"rel": "icon", "type": "image/svg+xml", "href": lambda request: static("favicon.svg")}],
    "STYLES": [lambda request: static("css/admin.css")],
    "BORDER_RADIUS": "4px",
    "COLORS": {"base": PAPER, "primary": INK},
    "SIDEBAR": {
        "navigation": [
            _section(
                _("People"),
                (_("Users"), "accounts.user", "person"),
                (_("Organizations"), "accounts.organization", "domain"),
                (_("Members"), "accounts.membership", "badge"),
                (_("Groups"), "auth.group", "group"),
            ),
            _section(
                _("Memory"),
                (_("Profiles"), "memories.memoryprofile", "folder_shared"),
                (_("Memories"), "memories.memory", "bookmark"),
                (_("Ledger"), "memories.memoryevent", "receipt_long"),
            ),
            _section(_("Chat"), (_("Conversations"), "conversations.conversation", "forum")),
            _section(_("Here"), (_("Who opened what"), "admin.logentry", "visibility")),
        ],
    },
}
