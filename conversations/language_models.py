"""The page of the language models: who answers a person, in which order, how each of them does, what was used today."""

from dataclasses import dataclass

import structlog
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_POST

from accounts.forms import ProvidersForm
from accounts.models import User
from accounts.requests import PersonRequest, posted
from conversations.replies import TROUBLES
from conversations.usage import today_of
from memorychat.jobs import correlation_id
from memorychat.llm import breakers, outcomes
from memorychat.llm.builtin import BuiltinChat
from memorychat.llm.fallback import FallbackChat
from memorychat.llm.providers import complete, configured, is_local_provider, label_of, model_of, providers_of
from memorychat.llm.types import ChatMessage, Prompt, ProviderError

log = structlog.get_logger(__name__)

# Nobody's words: it is only to be seen whether an answer comes.
GREETING = Prompt("Answer with one short word.", [ChatMessage("user", "Hello")])
TEST_SECONDS = 10.0


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


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def language_models(request: PersonRequest) -> HttpResponse:
    form = ProvidersForm(posted(request), initial={"providers": request.user.providers})
    if form.is_valid():
        User.objects.filter(pk=request.user.pk).update(providers=form.cleaned_data["providers"])
        messages.success(request, "The order is saved.")
        return redirect("language-models")
    order = providers_of(_AsSet(request.user.providers))
    context = {
        "form": form,
        "providers": [_state(name, order) for name in configured()],
        "today": today_of(request.user),
    }
    return render(request, "conversations/language_models.html", context, status=422 if form.errors else 200)


@login_required
@require_POST
def try_out(request: PersonRequest, name: str) -> HttpResponse:
    """Asks one provider for a word, whoever stands before it in the order."""
    model = model_of(name) if name in configured() else None
    if model is None:
        raise Http404
    try:
        complete(FallbackChat([model], silence=TEST_SECONDS), GREETING, correlation_id=correlation_id())
        told = f"{label_of(name)} answered."
    except ProviderError as error:
        log.info("provider_tried", provider=name, code=error.code)
        told = f"{label_of(name)} did not answer. {TROUBLES.get(error.code, TROUBLES['internal'])}"
    if not request.htmx:
        messages.info(request, told)
        return redirect("language-models")
    state = _state(name, providers_of(_AsSet(request.user.providers)))
    return render(request, "conversations/_language_model.html", {"provider": state, "told": told})


@dataclass(frozen=True)
class _AsSet:
    """The order of a person, as `memorychat.llm.providers.Keeper` has it."""

    providers: list[str] | None
    local_only: bool = False
    embeds_here: bool = False


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
