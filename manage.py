#!/usr/bin/env python
"""Django's command line for Latchkey; `manage.py up` starts everything."""

import os
import sys

from django.core.exceptions import ImproperlyConfigured
from django.core.management import execute_from_command_line

if __name__ == "__main__":
    os.umask(os.umask(0o022) | 0o022)  # whatever started us: nobody else writes into the data folder
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")
    try:
        execute_from_command_line(sys.argv)
    except ImproperlyConfigured as error:  # a setting is wrong: the sentence, not the traceback
        sys.exit(str(error))
