"""Django's admin as a window on requests and certificates; deciding is done in the queue."""

from django.contrib import admin
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from audit.readonly import ReadOnlyAdmin
from enrollment.models import CertificationRequest
from pki.models import Certificate


@admin.register(CertificationRequest)
class CertificationRequestAdmin(ReadOnlyAdmin):
    list_display = ("common_name", "owner", "profile", "status", "created_at", "queue")
    list_filter = ("status", "profile")
    list_select_related = ("owner",)
    exclude = ("csr",)
    ordering = ("-created_at", "-id")
    show_full_result_count = False

    @admin.display(description="Queue")
    def queue(self, request: CertificationRequest) -> SafeString:
        """The page where it is looked at and decided."""
        return format_html('<a href="{}">Look at it</a>', reverse("enrollment:review", args=[request.pk]))


@admin.register(Certificate)
class CertificateAdmin(ReadOnlyAdmin):
    list_display = ("subject", "authority", "profile", "serial", "not_after", "revoked_at")
    list_filter = ("authority", "profile")
    exclude = ("der",)
    ordering = ("-issued_at",)
    show_full_result_count = False
