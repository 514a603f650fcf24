"""The status face as `manage.py up` serves it, with one view more (bench/ocsp_urls.py), on the port given."""

import sys

import django
from django.conf import settings
from django.urls import set_urlconf

from portal import ports


def main(port: int) -> None:
    django.setup()
    faces = __import__("portal.faces", fromlist=["faces"])  # its modules want the settings first
    settings.ROOT_URLCONF = "bench.ocsp_urls"
    settings.MIDDLEWARE = settings.STATUS_MIDDLEWARE
    set_urlconf(None)
    faces._serve(ports.listen("127.0.0.1", port, ""), lambda: print("ready", flush=True), {})


if __name__ == "__main__":
    main(int(sys.argv[1]))
