from django.contrib import admin

from audit.models import AuditEvent
from audit.readonly import ReadOnlyAdmin


@admin.register(AuditEvent)
class AuditEventAdmin(ReadOnlyAdmin):
    list_display = ("sequence", "at", "actor", "address", "action", "target")
    list_filter = ("action",)
    search_fields = ("actor", "action", "target", "address")
    show_full_result_count = False
