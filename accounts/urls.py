from django.urls import path

from accounts import views

urlpatterns = [
    path("settings/", views.settings, name="settings"),
    path("settings/time-zone/", views.time_zone, name="time-zone"),
]
