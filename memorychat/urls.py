from django.contrib import admin
from django.urls import include, path
from django.views.generic import RedirectView

from memorychat import views
from memorychat.api import api, redoc

urlpatterns = [
    path("health", views.health, name="health"),
    path("health/live", views.live, name="health-live"),
    path("health/ready", views.ready, name="health-ready"),
    path("metrics", views.metrics, name="metrics"),
    path("", include("conversations.urls")),
    path("", include("memories.urls")),
    path("", include("accounts.urls")),
    path("accounts/", include("allauth.urls")),
    path("api/v1/redoc", redoc, name="redoc"),
    path("api/", api.urls),
    path("docs", RedirectView.as_view(pattern_name="api:openapi-view")),
    path("redoc", RedirectView.as_view(pattern_name="redoc")),
    path("admin/", admin.site.urls),
]
