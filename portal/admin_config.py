"""Apart from portal/apps.py: an app's module may name one default configuration."""

from django.contrib.admin.apps import AdminConfig


class WindowConfig(AdminConfig):
    """Django's admin with our site: second factor, and our own page to sign in."""

    default_site = "portal.admin_site.Window"
