"""The real settings, for a program that can encipher with single DES only (micromdm's scepclient)."""

from portal.settings import *  # noqa: F403 all of it

SCEP_SINGLE_DES = True
