from django.urls import path

from memories import inbox, retrospect, transfer, views

urlpatterns = [
    path("memories/", views.memory_list, name="memory-list"),
    path("memories/pending/", inbox.pending_list, name="pending-list"),
    path("memories/conflicts/", inbox.conflict_list, name="conflict-list"),
    path("memories/conflicts/<uuid:conflict_id>/", inbox.conflict_decide, name="conflict-decide"),
    path("memories/<uuid:memory_id>/confirm/", inbox.memory_confirm, name="memory-confirm"),
    path("memories/<uuid:memory_id>/reject/", inbox.memory_reject, name="memory-reject"),
    path("memories/<uuid:memory_id>/", views.memory_detail, name="memory-detail"),
    path("memories/<uuid:memory_id>/row/", views.memory_row, name="memory-row"),
    path("memories/<uuid:memory_id>/edit/", views.memory_edit, name="memory-edit"),
    path("memories/<uuid:memory_id>/forget/", views.memory_forget, name="memory-forget"),
    path("memories/<uuid:memory_id>/restore/", views.memory_restore, name="memory-restore"),
    path("memories/import/", transfer.memory_import, name="memory-import"),
    path("memories/import/write/", transfer.memory_import_write, name="memory-import-write"),
    path("memories/export/", transfer.memory_export, name="memory-export"),
    path("memories/changes/<uuid:change_id>/undo/", views.change_undo, name="change-undo"),
    path("memories/changes/<uuid:change_id>/preview/", views.undo_preview, name="undo-preview"),
    path(
        "profiles/<uuid:profile_id>/conversations/<uuid:conversation_id>/undo/",
        views.conversation_undo,
        name="conversation-undo",
    ),
    path("memories/changes/<uuid:change_id>/", views.change_done, name="change-done"),
    path("profiles/", views.profile_list, name="profile-list"),
    path("profiles/new/", views.profile_create, name="profile-create"),
    path("profiles/<uuid:profile_id>/", views.profile_edit, name="profile-edit"),
    path("profiles/<uuid:profile_id>/history/", retrospect.profile_history, name="profile-history"),
    path("profiles/<uuid:profile_id>/copy/", views.profile_copy, name="profile-copy"),
    path("profiles/<uuid:profile_id>/default/", views.profile_default, name="profile-default"),
    path("profiles/<uuid:profile_id>/delete/", views.profile_delete, name="profile-delete"),
    path("profiles/<uuid:profile_id>/restore/", views.profile_restore, name="profile-restore"),
]
