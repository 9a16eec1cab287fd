"""The pages of conversations as wholes: their lists, what is done with one, its export, and the search over all.

What the sidebar asks for is answered with its list as it is now, a plain form with a redirect.
"""

import uuid
from collections.abc import Callable
from urllib.parse import urlsplit

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import Resolver404, resolve
from django.utils.http import content_disposition_header
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.models import User
from accounts.requests import PersonRequest, posted
from conversations import exporting, keeping, searching, sidebar
from conversations.branches import UnknownMessage
from conversations.keeping import Brought
from conversations.models import Conversation
from conversations.shelf_forms import DeleteForm, RenameForm
from conversations.turns import TurnRefused, UnknownConversation
from memories.engine.types import StaleChange
from memorychat.lib.crypto import unlock
from memorychat.lib.text import TextError

INVALID = 422
# What is shown below the field in which one types, and on a page of its own.
FEW, MANY = 6, 50

Verb = Callable[[User, uuid.UUID], None]


@login_required
@require_safe
def conversation_list(request: PersonRequest) -> HttpResponse:
    return _render_list(request, archived=False)


@login_required
@require_safe
def archived_list(request: PersonRequest) -> HttpResponse:
    return _render_list(request, archived=True)


@login_required
@require_safe
def sidebar_list(request: PersonRequest) -> HttpResponse:
    """What the sidebar fetches when it hears that something changed."""
    return _answer_sidebar(request)


@login_required
@require_safe
def options(request: PersonRequest, conversation_id: uuid.UUID) -> HttpResponse:
    """What can be done with a conversation: a menu, or a page where there is no script to open one."""
    template = "conversations/_conversation_menu.html" if request.htmx else "conversations/conversation_options.html"
    return render(request, template, {"entry": _find(request, conversation_id)})


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def rename(request: PersonRequest, conversation_id: uuid.UUID) -> HttpResponse:
    conversation = _find(request, conversation_id)
    form = RenameForm(posted(request), initial={"title": conversation.title})
    if form.is_valid():
        keeping.rename(request.user, conversation_id, form.cleaned_data["title"])
        return _answer_sidebar(request) if request.htmx else redirect(conversation)
    template = "conversations/_rename_form.html" if request.htmx else "conversations/conversation_rename.html"
    context = {"entry": conversation, "form": form}
    return render(request, template, context, status=INVALID if form.errors else 200)


@login_required
@require_POST
def pin(request: PersonRequest, conversation_id: uuid.UUID) -> HttpResponse:
    return _do(request, keeping.pin, conversation_id, "Pinned.")


@login_required
@require_POST
def unpin(request: PersonRequest, conversation_id: uuid.UUID) -> HttpResponse:
    return _do(request, keeping.unpin, conversation_id, "Unpinned.")


@login_required
@require_POST
def archive(request: PersonRequest, conversation_id: uuid.UUID) -> HttpResponse:
    return _do(request, keeping.archive, conversation_id, "Archived. It comes back when you write in it.")


@login_required
@require_POST
def unarchive(request: PersonRequest, conversation_id: uuid.UUID) -> HttpResponse:
    return _do(request, keeping.unarchive, conversation_id, "It is back among your conversations.")


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def delete(request: PersonRequest, conversation_id: uuid.UUID) -> HttpResponse:
    """Asks first: what came of it is shown, to be kept or taken back."""
    conversation = _find(request, conversation_id)
    form = DeleteForm(posted(request))
    if form.is_valid():
        try:
            keeping.delete(request.user, conversation_id, seen=form.shown)
        except (TurnRefused, StaleChange) as error:
            messages.warning(request, str(error))
            return redirect("conversation-delete", conversation_id)
        messages.success(request, form.done("The conversation is deleted."))
        return redirect("chat")
    context = {"entry": conversation, "messages_count": conversation.messages.count()}
    return _ask(request, "conversations/conversation_delete.html", form, keeping.brought_by(conversation), context)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def delete_turn(request: PersonRequest, conversation_id: uuid.UUID, message_id: uuid.UUID) -> HttpResponse:
    """The same for one message with its answers."""
    try:
        question = keeping.find_question(request.user, conversation_id, message_id)
    except UnknownMessage as error:
        raise Http404 from error
    form = DeleteForm(posted(request))
    if form.is_valid():
        try:
            keeping.delete_turn(request.user, conversation_id, message_id, seen=form.shown)
        except (TurnRefused, StaleChange) as error:
            messages.warning(request, str(error))
            return redirect("turn-delete", conversation_id, message_id)
        messages.success(request, form.done("The message and its answer are deleted."))
        return redirect("conversation", conversation_id)
    unlock([question, question.conversation])
    context = {"entry": question.conversation, "question": question, "answers": question.children.count()}
    return _ask(request, "conversations/turn_delete.html", form, keeping.brought_by_turn(question), context)


@login_required
@never_cache
@require_safe
def export_markdown(request: PersonRequest, conversation_id: uuid.UUID) -> HttpResponse:
    conversation = _find(request, conversation_id)
    return _attachment(exporting.as_markdown(conversation), "text/markdown; charset=utf-8", conversation, "md")


@login_required
@never_cache
@require_safe
def export_json(request: PersonRequest, conversation_id: uuid.UUID) -> HttpResponse:
    conversation = _find(request, conversation_id)
    return _attachment(exporting.as_json(conversation), "application/json", conversation, "json")


@login_required
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def search(request: PersonRequest) -> HttpResponse:
    """The words come by POST, so that no address, log or history holds them."""
    query = request.POST.get("query", "").strip()
    found, trouble = _search(request, query)
    context = {"found": found, "trouble": trouble, "query": query}
    if request.htmx and not request.htmx.boosted:
        return render(request, "conversations/_search_results.html", context)
    return render(request, "conversations/search.html", context, status=INVALID if trouble else 200)


@login_required
@require_safe
def found_elsewhere(request: PersonRequest, conversation_id: uuid.UUID, message_id: uuid.UUID) -> HttpResponse:
    """A message of a branch that is not shown: to be shown, that branch is chosen first."""
    try:
        question = keeping.find_question(request.user, conversation_id, message_id)
    except UnknownMessage as error:
        raise Http404 from error
    unlock([question, question.conversation])
    return render(request, "conversations/found_elsewhere.html", {"question": question})


def _find(request: PersonRequest, conversation_id: uuid.UUID) -> Conversation:
    try:
        conversation = keeping.find(request.user, conversation_id)
    except UnknownConversation as error:
        raise Http404 from error
    unlock([conversation])
    return conversation


def _do(request: PersonRequest, verb: Verb, conversation_id: uuid.UUID, done: str) -> HttpResponse:
    """The list in which it stands now says that it is done; the sidebar shows it."""
    try:
        verb(request.user, conversation_id)
    except UnknownConversation as error:
        raise Http404 from error
    if request.htmx:
        return _answer_sidebar(request)
    messages.success(request, done)
    return redirect("shelf-archived" if verb is keeping.archive else "shelf")


def _ask(
    request: PersonRequest, template: str, form: DeleteForm, brought: Brought, context: dict[str, object]
) -> HttpResponse:
    context |= {"preview": brought.preview()}
    return render(request, template, context, status=INVALID if form.errors else 200)


def _answer_sidebar(request: PersonRequest) -> HttpResponse:
    context = {"groups": sidebar.groups_of(request.user), "open_id": _open_id(request)}
    return render(request, "conversations/_conversation_list.html", context)


def _open_id(request: PersonRequest) -> uuid.UUID | None:
    """The conversation of the page that asks."""
    try:
        found = resolve(urlsplit(request.htmx.current_url or "").path)
    except Resolver404:
        return None
    return found.kwargs.get("conversation_id")


def _render_list(request: PersonRequest, *, archived: bool) -> HttpResponse:
    page = sidebar.page_of(request.user, request.GET.get("page", "1"), archived=archived)
    return render(request, "conversations/conversation_list.html", {"page": page, "is_archived": archived})


def _attachment(text: str, content_type: str, conversation: Conversation, ending: str) -> HttpResponse:
    header = content_disposition_header(True, exporting.file_name(conversation, ending))
    return HttpResponse(text, content_type=content_type, headers={"Content-Disposition": header})


def _search(request: PersonRequest, query: str) -> tuple[searching.Found, str]:
    """What is found, and why nothing can be. A field that was emptied asks for nothing."""
    if not query:
        return searching.Found(), ""
    try:
        return searching.search(request.user, query, most=FEW if request.htmx else MANY), ""
    except TextError as error:
        return searching.Found(), str(error)
