from django.urls import path

from conversations import views

urlpatterns = [
    path("", views.chat, name="chat"),
    path("chat/<uuid:conversation_id>/", views.conversation, name="conversation"),
    path("chat/<uuid:conversation_id>/notes/<uuid:message_id>/", views.turn_notes, name="turn-notes"),
    path("chat/messages/<uuid:message_id>/", views.message, name="message"),
]
