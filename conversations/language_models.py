"""The page of the language models: who answers a person, in which order, how each of them does, what was used today."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

import structlog
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.timesince import timesince
from django.views.decorators.http import require_http_methods, require_POST

from accounts.forms import AS_EACH_PERSON_HAS_IT, OrganizationProvidersForm, ProvidersForm, told_order
from accounts.models import Membership, Organization, User
from accounts.organizations import memberships_of
from accounts.requests import PersonRequest, posted
from conversations.crowding import may_test
from conversations.replies import TROUBLES
from conversations.usage import USED_UP, today_of
from memories.models import MemoryProfile
from memories.organizations import choose_providers, profile_at
from memorychat.jobs import correlation_id
from memorychat.lib.crypto import unlock
from memorychat.llm import breakers, outcomes
from memorychat.llm.builtin import BuiltinChat
from memorychat.llm.fallback import FallbackChat
from memorychat.llm.metering import Purpose
from memorychat.llm.providers import complete, configured, is_local_provider, label_of, model_of, providers_of
from memorychat.llm.types import ChatMessage, ChatModel, Prompt, ProviderError

log = structlog.get_logger(__name__)

# Nobody's words: it is only to be seen whether an answer comes.
GREETING = Prompt("Answer with one short word.", [ChatMessage("user", "Hello")])
TEST_SECONDS = 10.0
A_MOMENT = 60
TOLD = TROUBLES | {"used_up": USED_UP}
TOO_OFTEN = "You had models tested often in a short time. Wait a moment."


@dataclass(frozen=True)
class ProviderState:
    """`trouble` is how its last answer to this process failed, if it did; `place` its place in the person's order."""

    name: str
    label: str
    model: str
    is_local: bool
    place: int | None
    is_asked: bool
    is_resting: bool
    trouble: str
    seconds_ago: int

    @property
    def ago(self) -> str:
        """Nobody counts seconds for long."""
        if self.seconds_ago < A_MOMENT:
            return "just now"
        return f"{timesince(timezone.now() - timedelta(seconds=self.seconds_ago), depth=1)} ago"


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def language_models(request: PersonRequest) -> HttpResponse:
    form = ProvidersForm(posted(request), initial={"providers": request.user.providers})
    if form.is_valid():
        User.objects.filter(pk=request.user.pk).update(providers=form.cleaned_data["providers"])
        messages.success(request, "The order is saved.")
        return redirect("language-models")
    return _page(request, form)


@login_required
@require_POST
def organization_order(request: PersonRequest, organization_id: uuid.UUID) -> HttpResponse:
    """Who answers at an organization: its members see it, its owners and admins choose."""
    membership = _membership(request.user, organization_id)
    if not Membership.Role(membership.role).runs_it:
        raise PermissionDenied
    form = OrganizationProvidersForm(request.POST, auto_id=_auto_id(membership.organization))
    if not form.is_valid():
        return _page(request, ProvidersForm(initial={"providers": request.user.providers}), {organization_id: form})
    choose_providers(membership.organization, form.cleaned_data["providers"], actor=request.user)
    messages.success(request, "The order is saved.")
    return redirect("language-models")


@login_required
@require_POST
def organization_profile(request: PersonRequest, organization_id: uuid.UUID) -> HttpResponse:
    """The profile of one of its people there, made on first use."""
    organization = _membership(request.user, organization_id).organization
    try:
        return redirect("profile-edit", profile_at(request.user, organization).pk)
    except MemoryProfile.DoesNotExist:
        messages.error(request, "You deleted your profile there. It can be restored here.")
        return redirect("profile-list")


@login_required
@require_POST
def try_out(request: PersonRequest, name: str) -> HttpResponse:
    """Asks one provider for a word, whoever stands before it in the order. It counts like any question to it."""
    model = model_of(name) if name in configured() else None
    if model is None:
        raise Http404
    if not may_test(request.user.pk):
        return HttpResponse(TOO_OFTEN, status=429, content_type="text/plain; charset=utf-8")
    try:
        _try(model, request.user)
        told = f"{label_of(name)} answered."
    except ProviderError as error:
        log.info("provider_tried", provider=name, code=error.code)
        told = f"{label_of(name)} did not answer. {TOLD.get(error.code, TOLD['internal'])}"
    if not request.htmx:
        messages.info(request, told)
        return redirect("language-models")
    state = _state(name, providers_of(_AsSet.of(request.user)))
    return render(request, "conversations/_language_model.html", {"provider": state, "told": told})


def _page(
    request: PersonRequest, form: ProvidersForm, refused: Mapping[uuid.UUID, OrganizationProvidersForm] | None = None
) -> HttpResponse:
    order = providers_of(_AsSet.of(request.user))
    context = {
        "form": form,
        "providers": [_state(name, order) for name in configured()],
        "today": today_of(request.user),
        "organizations": _sections(request.user, refused or {}),
    }
    return render(request, "conversations/language_models.html", context, status=422 if form.errors or refused else 200)


@dataclass(frozen=True)
class Section:
    """An organization that a person belongs to; `form` is there for whoever decides for it."""

    organization: Organization
    role: str
    order: str
    form: OrganizationProvidersForm | None
    profile: MemoryProfile | None


def _sections(user: User, refused: Mapping[uuid.UUID, OrganizationProvidersForm]) -> list[Section]:
    memberships = list(memberships_of(user))
    profiles = {
        row.organization_id: row for row in MemoryProfile.objects.for_user(user).active() if row.organization_id
    }
    unlock([*(each.organization for each in memberships), *profiles.values()])
    return [
        Section(
            each.organization,
            each.get_role_display(),
            told_order(each.organization.providers, otherwise=AS_EACH_PERSON_HAS_IT.lower()),
            (refused.get(each.organization_id) or _form_of(each.organization))
            if Membership.Role(each.role).runs_it
            else None,
            profiles.get(each.organization_id),
        )
        for each in memberships
    ]


def _form_of(organization: Organization) -> OrganizationProvidersForm:
    return OrganizationProvidersForm(initial={"providers": organization.providers}, auto_id=_auto_id(organization))


def _auto_id(organization: Organization) -> str:
    return f"organization-{organization.pk}-%s"


def _membership(user: User, organization_id: uuid.UUID) -> Membership:
    return get_object_or_404(memberships_of(user), organization=organization_id)


@dataclass(frozen=True)
class _AsSet:
    """The order of a person, as `memorychat.llm.providers.Keeper` has it."""

    owner_id: uuid.UUID
    providers: list[str] | None
    local_only: bool = False
    embeds_here: bool = False

    @classmethod
    def of(cls, user: User) -> "_AsSet":
        return cls(user.pk, user.providers)


def _try(model: ChatModel, user: User) -> None:
    """Raises ProviderError."""
    complete(
        FallbackChat([model], silence=TEST_SECONDS),
        GREETING,
        keeper=_AsSet.of(user),
        correlation_id=correlation_id(),
        purpose=Purpose.TRIALS,
    )


def _place(name: str, order: tuple[str, ...]) -> int | None:
    """Among those of the order of whom something can be asked."""
    asked = [each for each in order if each in configured()]
    return asked.index(name) + 1 if name in asked else None


def _state(name: str, order: tuple[str, ...]) -> ProviderState:
    model, outcome = model_of(name), outcomes.last.get(name)
    return ProviderState(
        name,
        label_of(name),
        model.model if model and name != BuiltinChat.provider else "",
        is_local_provider(name),
        _place(name, order),
        is_asked=outcome is not None,
        is_resting=breakers.state(name) == "opened",
        trouble=TROUBLES.get(outcome.code, "") if outcome and outcome.code else "",
        seconds_ago=round(outcome.seconds_ago) if outcome else 0,
    )
