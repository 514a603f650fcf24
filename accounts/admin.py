"""People in Django's admin: to be looked at, without anything secret."""

from django.contrib import admin

from accounts.models import Household, Invitation, InvitationGroup, Passkey, RecoveryDevice, TotpDevice, User
from audit.readonly import ReadOnlyAdmin


@admin.register(User)
class UserAdmin(ReadOnlyAdmin):
    list_display = (
        "username",
        "full_name",
        "role_words",
        "is_active",
        "invited_by",
        "reset_by",
        "created_at",
    )
    list_filter = ("is_active", "is_requester", "is_officer", "is_auditor", "is_administrator")
    search_fields = ("username", "full_name", "email")
    exclude = ("password",)


@admin.register(Household)
class HouseholdAdmin(ReadOnlyAdmin):
    list_display = ("name", "time_zone", "one_person")


@admin.register(Invitation)
class InvitationAdmin(ReadOnlyAdmin):
    list_display = ("full_name", "account", "role_words", "made_by", "made_at", "lapses_at", "used_at")
    exclude = ("digest",)


@admin.register(InvitationGroup)
class InvitationGroupAdmin(ReadOnlyAdmin):
    list_display = ("name", "made_by", "made_at")


@admin.register(TotpDevice, RecoveryDevice)
class DeviceAdmin(ReadOnlyAdmin):
    list_display = ("user", "created_at", "last_used_at", "throttling_failure_count")
    exclude = ("sealed_secret",)


@admin.register(Passkey)
class PasskeyAdmin(ReadOnlyAdmin):
    list_display = ("user", "name", "host", "created_at", "last_used_at", "sign_count")
    exclude = ("public_key",)
