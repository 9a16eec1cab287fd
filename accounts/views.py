"""The settings page."""

from allauth.account.models import EmailAddress
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_POST

from accounts.forms import TimeZoneForm
from accounts.models import User
from accounts.requests import PersonRequest, posted


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def settings(request: PersonRequest) -> HttpResponse:
    form = TimeZoneForm(posted(request), initial={"time_zone": request.user.time_zone})
    if form.is_valid():
        _keep_time_zone(request.user, form.cleaned_data["time_zone"])
        messages.success(request, "The time zone is saved.")
        return redirect("settings")
    is_verified = EmailAddress.objects.filter(user=request.user, primary=True, verified=True).exists()
    context = {"form": form, "is_verified": is_verified}
    return render(request, "accounts/settings.html", context, status=422 if form.errors else 200)


@login_required
@require_POST
def time_zone(request: PersonRequest) -> HttpResponse:
    """Told by the browser in passing; one that this machine does not know is left alone."""
    form = TimeZoneForm(request.POST)
    if form.is_valid():
        _keep_time_zone(request.user, form.cleaned_data["time_zone"])
    return HttpResponse(status=204 if form.is_valid() else 422)


def _keep_time_zone(user: User, zone: str) -> None:
    User.objects.filter(pk=user.pk).update(time_zone=zone)
