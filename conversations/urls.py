from django.urls import path

from conversations import commands, language_models, margin, views

# A memory that stands in the margin of the turn of a message.
BESIDE = "chat/messages/<uuid:message_id>/memories/<uuid:memory_id>"

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
    path("chat/remember/", commands.remember, name="remember"),
    path("chat/forget/which/", commands.forget_which, name="forget-which"),
    path("chat/forget/", commands.forget, name="forget"),
]
