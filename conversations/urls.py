from django.urls import path

from conversations import commands, language_models, margin, shelf, views

# A memory that stands in the margin of the turn of a message.
BESIDE = "chat/messages/<uuid:message_id>/memories/<uuid:memory_id>"
# A conversation as a whole.
WHOLE = "chat/<uuid:conversation_id>"
# An organization on the page of the language models.
AT_ORGANIZATION = "settings/models/organizations/<uuid:organization_id>"

urlpatterns = [
    path("", views.chat, name="chat"),
    path("chat/<uuid:conversation_id>/", views.conversation, name="conversation"),
    path("chat/<uuid:conversation_id>/notes/<uuid:message_id>/", views.turn_notes, name="turn-notes"),
    path("chat/<uuid:conversation_id>/show/<uuid:message_id>/", views.show_version, name="show-version"),
    path("chat/<uuid:conversation_id>/seen/<uuid:answer_id>/", views.seen, name="seen"),
    path("chat/messages/<uuid:message_id>/", views.message, name="message"),
    path("chat/messages/<uuid:message_id>/forget/", margin.forget_ticked, name="margin-forget-ticked"),
    path("chat/messages/<uuid:message_id>/take-back/", margin.take_back, name="take-back"),
    path(f"{BESIDE}/correct/", margin.correct, name="margin-correct"),
    path(f"{BESIDE}/forget/", margin.forget, name="margin-forget"),
    path(f"{BESIDE}/lower/", margin.lower, name="margin-lower"),
    path(f"{BESIDE}/keep/", margin.keep, name="margin-keep"),
    path(f"{BESIDE}/discard/", margin.discard, name="margin-discard"),
    path("settings/models/", language_models.language_models, name="language-models"),
    path("settings/models/<slug:name>/test/", language_models.try_out, name="language-model-test"),
    path(f"{AT_ORGANIZATION}/order/", language_models.organization_order, name="organization-order"),
    path(f"{AT_ORGANIZATION}/profile/", language_models.organization_profile, name="organization-profile"),
    path("chat/remember/", commands.remember, name="remember"),
    path("chat/forget/which/", commands.forget_which, name="forget-which"),
    path("chat/forget/", commands.forget, name="forget"),
    path("chats/", shelf.conversation_list, name="shelf"),
    path("chats/archived/", shelf.archived_list, name="shelf-archived"),
    path("chats/list/", shelf.sidebar_list, name="sidebar-list"),
    path("search/", shelf.search, name="search"),
    path(f"{WHOLE}/options/", shelf.options, name="conversation-options"),
    path(f"{WHOLE}/rename/", shelf.rename, name="conversation-rename"),
    path(f"{WHOLE}/pin/", shelf.pin, name="conversation-pin"),
    path(f"{WHOLE}/unpin/", shelf.unpin, name="conversation-unpin"),
    path(f"{WHOLE}/archive/", shelf.archive, name="conversation-archive"),
    path(f"{WHOLE}/unarchive/", shelf.unarchive, name="conversation-unarchive"),
    path(f"{WHOLE}/delete/", shelf.delete, name="conversation-delete"),
    path(f"{WHOLE}/export.md", shelf.export_markdown, name="conversation-export-markdown"),
    path(f"{WHOLE}/export.json", shelf.export_json, name="conversation-export-json"),
    path(f"{WHOLE}/found/<uuid:message_id>/", shelf.found_elsewhere, name="found-elsewhere"),
    path(f"{WHOLE}/turns/<uuid:message_id>/delete/", shelf.delete_turn, name="turn-delete"),
]
