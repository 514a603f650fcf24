"""Django's own admin as a window: everything to be seen, nothing to be changed there."""

from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

if TYPE_CHECKING:
    Base = admin.ModelAdmin[Any]
else:  # generic in the type stubs only
    Base = admin.ModelAdmin


class ReadOnlyAdmin(Base):
    """No adding, changing or deleting; rules live in the pages, and this must not bypass them."""

    actions = None
    list_per_page = 50
    search_words = 5  # a condition each: thousands are more than a database nests

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest) -> bool:
        """What is not shown cannot be guessed letter by letter either (`?password__startswith=`)."""
        hidden = lookup.partition("__")[0] in (self.exclude or ())
        return not hidden and super().lookup_allowed(lookup, value, request)

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        words = search_term[:100].split()[: self.search_words]
        return super().get_search_results(request, queryset, " ".join(words))

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False
