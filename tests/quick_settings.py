"""The real settings, for backups whose passphrase is stretched little: each opening would take a second."""

from portal.keeping import age
from portal.settings import *  # noqa: F403 all of it

age.WORK = 10
