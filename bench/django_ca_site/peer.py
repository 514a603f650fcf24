"""django-ca as its documentation sets it up, without what it does not need here."""

import os
from pathlib import Path

HERE = Path(os.environ["PEER"])
SECRET_KEY = "of a benchmark, and nobody's secret"
ALLOWED_HOSTS = ["*"]
ROOT_URLCONF = "peer_urls"
USE_TZ = True
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django_object_actions",
    "django_ca",
]
MIDDLEWARE: list[str] = []
DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": HERE / "db.sqlite3"}}
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
    "django-ca": {
        "BACKEND": "django.core.files.storage.FileSystemStorage",
        "OPTIONS": {"location": str(HERE / "ca")},
    },
}
CA_DEFAULT_HOSTNAME = "127.0.0.1"
CA_USE_CELERY = False
