"""People and groups under /admin/, who did what there, and the door to it."""

from typing import Any, ClassVar

from allauth.account.decorators import secure_admin_login
from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.usersessions.models import UserSession
from django.contrib import admin
from django.contrib.admin import display
from django.contrib.admin.models import ADDITION, CHANGE, DELETION, LogEntry
from django.contrib.admin.utils import flatten_fieldsets
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.contrib.auth.models import Group, Permission
from django.db.models import BooleanField, ManyToManyField, Model, Q, QuerySet
from django.db.models.functions import Lower
from django.forms import ModelForm
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.html import format_html_join
from django.utils.translation import gettext_lazy as _
from procrastinate.contrib.django.models import ProcrastinateJob
from unfold.admin import ModelAdmin
from unfold.decorators import action
from unfold.forms import AdminPasswordChangeForm
from unfold.widgets import UnfoldAdminCheckboxSelectMultipleWidget, UnfoldBooleanWidget

from accounts.models import Membership, Organization, User
from memorychat.lib.admin import OPENED, BaseAdmin, Made, id_of, link, link_to_list, moment_of, own_id

# Everybody comes in by the same door, with its second factor, its limits and its list of sessions.
admin.site.login = secure_admin_login(admin.site.login)  # type: ignore[method-assign]  # as allauth has it

# What packages bring for these shows secrets and addresses, in pages that record nothing.
admin.site.unregister([EmailAddress, Authenticator, UserSession, ProcrastinateJob, Group])


@admin.register(User)
class UserAdmin(BaseAdmin, DjangoUserAdmin):  # type: ignore[misc]  # unfold's attributes have no types
    """A person's account. Only a superuser gives rights, and touches an account that has them all."""

    form = ModelForm
    change_password_form = AdminPasswordChangeForm
    list_display = (
        own_id,
        "email",
        "is_active",
        "is_staff",
        "is_superuser",
        moment_of("date_joined"),
        moment_of("last_login"),
    )
    list_filter = ("is_active", "is_staff", "is_superuser", "is_guest", Made)
    search_help_text = _("A whole id, or a whole e-mail address.")
    fieldsets = (
        (None, {"fields": (("email", "is_verified"), "id", "belongings")}),
        (_("Rights"), {"fields": ("is_active", "is_staff", "is_superuser", "groups")}),
        (_("Settings"), {"fields": ("language", "time_zone", "is_guest")}),
        (_("Dates"), {"fields": ("date_joined", "last_login")}),
    )
    formfield_overrides = {
        ManyToManyField: {"widget": UnfoldAdminCheckboxSelectMultipleWidget},
        # Unfold's switch is green, which is the colour of what was read.
        BooleanField: {"widget": UnfoldBooleanWidget},
    }
    filter_horizontal = ()
    actions_detail = ("set_password",)

    def get_readonly_fields(self, request: HttpRequest, obj: Model | None = None) -> list[str]:
        editable = {"is_active", "is_staff", "groups"} if request.user.is_superuser else {"is_active"}
        return [name for name in flatten_fieldsets(self.fieldsets) if name not in editable]

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        is_above = isinstance(obj, User) and obj.is_superuser and not request.user.is_superuser
        return ModelAdmin.has_change_permission(self, request, obj) and not is_above

    def has_set_password_permission(self, request: HttpRequest, object_id: str) -> bool:
        return self.has_change_permission(request, self.get_object(request, object_id))

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        if "@" in search_term:
            return queryset.alias(lower_email=Lower("email")).filter(lower_email=search_term.lower()), False
        return super().get_search_results(request, queryset, search_term)

    @action(description=_("Set a password"), permissions=["set_password"], icon="key")  # type: ignore[untyped-decorator]  # unfold
    def set_password(self, request: HttpRequest, object_id: str) -> HttpResponse:
        return redirect("admin:auth_user_password_change", object_id)

    @display(description=_("verified"), boolean=True)
    def is_verified(self, user: User) -> bool:
        return EmailAddress.objects.filter(user=user, email=user.email.lower(), verified=True).exists()

    @display(description=_("belongings"))
    def belongings(self, user: User) -> str:
        lists = (
            ("accounts_membership", _("Organizations")),
            ("memories_memoryprofile", _("Profiles")),
            ("memories_memory", _("Memories")),
            ("memories_memoryevent", _("Ledger")),
            ("conversations_conversation", _("Conversations")),
        )
        return format_html_join(" · ", "{}", [(link_to_list(view, text, owner=user.pk),) for view, text in lists])


@admin.register(Group)
class GroupAdmin(BaseAdmin):
    """A group gives its members rights, so it is the superusers' own."""

    list_display = ("name",)
    list_filter = ()
    search_fields = ()
    formfield_overrides = UserAdmin.formfield_overrides

    def formfield_for_manytomany(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        """Of all that Django names, only the rights that open something here."""
        opened = [
            Q(content_type__app_label=model._meta.app_label, codename=f"view_{model._meta.model_name}")
            for model in self.admin_site._registry
        ]
        grantable = Q(*opened, Q(codename="change_user"), _connector=Q.OR)
        kwargs["queryset"] = Permission.objects.filter(grantable).select_related("content_type")
        return super().formfield_for_manytomany(db_field, request, **kwargs)

    def has_add_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return request.user.is_superuser

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return request.user.is_superuser

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return request.user.is_superuser


@admin.register(Organization)
class OrganizationAdmin(BaseAdmin):
    """To look at; what changes it are its people and the verbs."""

    list_display = (own_id, id_of("owner"), moment_of("created_at"))
    list_filter = (Made,)
    search_fields = ("id", "owner")
    fieldsets = (
        (None, {"fields": ("name", "belongings")}),
        (_("What it is"), {"fields": ("id", "owner", "providers", "created_at")}),
    )

    @display(description=_("belongings"))
    def belongings(self, organization: Organization) -> str:
        lists = (("accounts_membership", _("Members")), ("memories_memoryprofile", _("Profiles")))
        links = [(link_to_list(view, text, organization=organization.pk),) for view, text in lists]
        return format_html_join(" · ", "{}", links)


@admin.register(Membership)
class MembershipAdmin(BaseAdmin):
    list_display = (own_id, id_of("owner"), id_of("organization"), "role", moment_of("created_at"))
    list_filter = ("role", Made)
    search_fields = ("id", "owner", "organization")
    fields = ("id", "owner", "organization", "role", "created_at")


@admin.register(LogEntry)
class TrailAdmin(BaseAdmin):
    """Who opened and changed which row."""

    ACTIONS: ClassVar[dict[int, Any]] = {
        OPENED: _("Opened"),
        CHANGE: _("Changed"),
        ADDITION: _("Added"),
        DELETION: _("Deleted"),
    }
    list_display = (moment_of("action_time"), id_of("user"), "what", "content_type", "row")
    list_display_links = None
    list_filter = (("content_type", admin.RelatedOnlyFieldListFilter),)
    list_select_related = ("content_type",)
    date_hierarchy = "action_time"
    search_fields = ("user", "object_id")
    fields = ("action_time", "user", "what", "content_type", "row", "change_message")

    @display(description=_("action"))
    def what(self, entry: LogEntry) -> Any:
        return self.ACTIONS[entry.action_flag]

    @display(description=_("row"))
    def row(self, entry: LogEntry) -> str:
        model = entry.content_type and entry.content_type.model_class()
        return link(model, entry.object_id, str(entry.object_id)) if model else ""
