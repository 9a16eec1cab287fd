"""A person's profile at an organization, and who may see its words."""

import json
from collections.abc import Callable, Iterator
from functools import partial

import pytest
from django.db import IntegrityError, transaction
from pytest_django import Settings

from accounts import erasing, organizations
from accounts.models import Membership, Organization, User
from accounts.tests.programs import EVERY_SCOPE, Program
from memories import profiles
from memories.engine import copying, writing
from memories.engine.types import Candidate, NotAllowed
from memories.models import MemoryEmbedding, MemoryProfile
from memories.organizations import choose_providers, profile_at
from memorychat.lib.identifiers import uuid7
from memorychat.llm import providers
from memorychat.llm.fakes import FakeChat, FakeEmbedder
from memorychat.llm.minilm import MiniLM
from memorychat.llm.providers import get_chat_model, get_embedder, providers_of

pytestmark = pytest.mark.django_db(transaction=True)

Order = list[str] | None


@pytest.fixture(autouse=True)
def two_models(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for name in ("one", "two"):
        monkeypatch.setitem(providers.CHAT_MODELS, name, partial(FakeChat, provider=name))
        monkeypatch.setitem(providers.BASE_URLS, name, lambda: "https://models.example/v1")
    monkeypatch.setattr(providers, "EMBEDDERS", [FakeEmbedder])
    settings.LLM_PROVIDERS = ["one", "two", "builtin"]
    providers.forget_models()
    yield
    monkeypatch.undo()
    providers.forget_models()


@pytest.fixture
def pilots(alice: User) -> Organization:
    return organizations.found(alice, "The harbour pilots")


def fresh(profile: MemoryProfile) -> MemoryProfile:
    return profiles.get(profile.owner, profile.pk)


def test_a_profile_at_an_organization_is_made_on_first_use_and_is_one(pilots: Organization, bob: User) -> None:
    made = profile_at(bob, pilots)
    assert (made.owner, made.organization, made.is_default) == (bob, pilots, False)
    assert made.name == "The harbour pilots"
    assert profile_at(bob, pilots) == made
    assert profiles.default_for(bob) != made
    with pytest.raises(IntegrityError), transaction.atomic():
        profiles._make(bob, "Another", organization=pilots)


def test_two_organizations_share_no_profile_of_the_same_person(pilots: Organization, alice: User, bob: User) -> None:
    bakers = organizations.found(alice, "The bakers")
    writing.remember(profiles.by_hand(bob, profile_at(bob, pilots)), Candidate("I own a red boat"))
    assert profile_at(bob, bakers) != profile_at(bob, pilots)
    assert not profile_at(bob, bakers).memories.exists()
    assert profile_at(alice, pilots) != profile_at(bob, pilots)


def test_who_deleted_their_profile_there_is_given_none_anew(pilots: Organization, bob: User) -> None:
    profiles.delete(profile_at(bob, pilots))
    with pytest.raises(MemoryProfile.DoesNotExist):
        profile_at(bob, pilots)
    assert MemoryProfile.objects.for_user(bob).filter(organization=pilots).count() == 1


@pytest.mark.parametrize(
    ("own", "organizations_order", "persons", "counts"),
    [
        (None, None, None, ("one", "two", "builtin")),
        (None, None, ["two"], ("two",)),
        (None, ["two", "one"], ["one"], ("two", "one")),
        (["one"], ["two"], ["two", "one"], ("one",)),
        # Nobody is nobody, and not everybody.
        (None, [], ["two"], ()),
        ([], ["two"], ["two"], ()),
        (["two"], [], None, ("two",)),
    ],
)
def test_whose_order_counts(
    pilots: Organization, bob: User, own: Order, organizations_order: Order, persons: Order, counts: tuple[str, ...]
) -> None:
    Organization.objects.update(providers=organizations_order)
    User.objects.filter(pk=bob.pk).update(providers=persons)
    bob.refresh_from_db()
    profile = profile_at(bob, Organization.objects.get())
    profiles.describe(profile, profile.name, "", own_providers=own)
    assert providers_of(fresh(profile)) == counts
    assert get_chat_model(fresh(profile)).provider == next(iter(counts), "builtin")
    # Its other profiles, and those of others, know nothing of it.
    assert providers_of(profiles.default_for(bob)) == tuple(persons or ("one", "two", "builtin"))
    assert providers_of(profiles.default_for(pilots.owner)) == ("one", "two", "builtin")


def test_local_only_narrows_the_order_of_an_organization_too(
    pilots: Organization, bob: User, settings: Settings
) -> None:
    settings.LOCAL_PROVIDERS = ["two"]
    choose_providers(pilots, ["one", "two"], actor=pilots.owner)
    profile = profile_at(bob, pilots)
    profiles.describe(profile, profile.name, "", local_only=True)
    assert providers_of(fresh(profile)) == ("two",)
    settings.LOCAL_PROVIDERS = []
    assert get_chat_model(fresh(profile)).provider == "builtin"


@pytest.mark.parametrize("role", Membership.Role)
def test_only_owners_and_admins_choose(pilots: Organization, bob: User, role: Membership.Role) -> None:
    organizations.admit(pilots, bob, role)
    if role.runs_it:
        choose_providers(pilots, ["two"], actor=bob)
    else:
        with pytest.raises(organizations.NotAllowed):
            choose_providers(pilots, ["two"], actor=bob)
    pilots.refresh_from_db()
    assert pilots.providers == (["two"] if role.runs_it else None)


@pytest.mark.parametrize(
    ("own", "order", "local_only", "is_here"),
    [
        (None, None, False, False),
        (None, ["one"], False, True),
        (None, [], False, True),
        (["one"], None, False, True),
        (None, None, True, True),
    ],
)
def test_whoever_names_who_sees_the_words_has_named_no_embedder(
    pilots: Organization, bob: User, own: Order, order: Order, local_only: bool, is_here: bool
) -> None:
    choose_providers(pilots, order, actor=pilots.owner)
    profile = profile_at(bob, pilots)
    profiles.describe(profile, profile.name, "", own_providers=own, local_only=local_only)
    elsewhere = profiles.default_for(bob)
    assert fresh(profile).embeds_here is is_here
    assert isinstance(get_embedder(fresh(profile)), MiniLM) is is_here
    # And the same of rows as of one.
    assert (profile in MemoryProfile.objects.embedded_here(True)) is is_here
    assert (profile in MemoryProfile.objects.embedded_here(False)) is not is_here
    assert elsewhere in MemoryProfile.objects.embedded_here(False)


def test_an_order_that_is_chosen_or_left_has_the_memories_embedded_anew(
    pilots: Organization, bob: User, run_jobs: Callable[[], int]
) -> None:
    def embedded_by() -> set[str]:
        run_jobs()
        return {get_embedder(profile_at(bob, Organization.objects.get())).name} & set(
            MemoryEmbedding.objects.values_list("model", flat=True)
        )

    writing.remember(profiles.by_hand(bob, profile_at(bob, pilots)), Candidate("I own a red boat"))
    assert embedded_by() == {FakeEmbedder.name}
    choose_providers(pilots, ["one"], actor=pilots.owner)
    assert embedded_by() == {MiniLM.name}
    choose_providers(pilots, None, actor=pilots.owner)
    assert embedded_by() == {FakeEmbedder.name}


def test_what_is_copied_out_of_an_organization_is_seen_by_nobody_else(pilots: Organization, bob: User) -> None:
    choose_providers(pilots, ["two"], actor=pilots.owner)
    profile = fresh(profile_at(bob, pilots))
    access = profiles.by_hand(bob, profile)
    writing.remember(access, Candidate("I own a red boat"))
    with pytest.raises(NotAllowed):
        copying.copy(access, profiles.default_for(bob))
    like = profiles.create_like(profile, "Mine", profile_id=uuid7())
    assert (like.organization, like.own_providers) == (None, ["two"])
    assert copying.copy(access, like).count == 1


def test_a_profile_outlives_its_organization_and_nobody_sees_more_of_it(
    pilots: Organization, alice: User, bob: User
) -> None:
    choose_providers(pilots, ["two"], actor=alice)
    named = profile_at(bob, pilots)
    carol = User.objects.create_user("carol@example.com")
    her = profile_at(carol, pilots)
    profiles.describe(her, her.name, "", own_providers=["one"])
    bakers = profile_at(bob, organizations.found(carol, "The bakers"))
    writing.remember(profiles.by_hand(bob, named), Candidate("I own a red boat"))
    certificate = erasing.erase(alice.pk)

    assert certificate["search"]["found"] == {}
    assert certificate["rows"]["accounts.organization"] == 1
    assert (fresh(named).organization, fresh(named).own_providers) == (None, ["two"])
    assert fresh(her).own_providers == ["one"]
    assert fresh(bakers).organization is not None
    assert fresh(named).memories.get().content == "I own a red boat"


def test_a_program_is_told_where_a_profile_is_kept_and_cannot_say_it(pilots: Organization, bob: User) -> None:
    program = Program(bob, *EVERY_SCOPE)
    profile = profile_at(bob, pilots)
    told = json.loads(program.call("GET", f"/profiles/{profile.pk}").content)
    assert told["organization"] == {"id": str(pilots.pk), "name": "The harbour pilots"}
    listed = json.loads(program.call("GET", "/profiles").content)["results"]
    assert [row["organization"] and row["organization"]["name"] for row in listed] == ["The harbour pilots", None]
    body = {"organization": str(pilots.pk)}
    assert program.call("PATCH", f"/profiles/{profile.pk}", body).status_code == 422
    assert program.call("POST", "/profiles", {"name": "Mine", **body}).status_code == 422
