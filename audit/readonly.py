"""Django's own admin as a window: everything to be seen, nothing to be changed there."""

from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.http import HttpRequest

if TYPE_CHECKING:
    Base = admin.ModelAdmin[Any]
else:  # generic in the type stubs only
    Base = admin.ModelAdmin


class ReadOnlyAdmin(Base):
    """No adding, changing or deleting; rules live in the pages, and this must not bypass them."""

    actions = None
    list_per_page = 50

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False
