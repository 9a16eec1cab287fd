from django.contrib import admin
from django.urls import include, path

from memorychat import views

urlpatterns = [
    path("health/live", views.live, name="health-live"),
    path("accounts/", include("allauth.urls")),
    path("admin/", admin.site.urls),
]
