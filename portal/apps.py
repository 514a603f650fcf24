from django.apps import AppConfig
from django.contrib.admin.apps import AdminConfig


class PortalConfig(AppConfig):
    name = "portal"


class WindowConfig(AdminConfig):
    """Django's admin with our site: second factor, and our own page to sign in."""

    default_site = "portal.admin_site.Window"
