"""The `openssl` commands that make a key and a request, as help beside forms and refusals."""

import shlex
from collections.abc import Sequence
from typing import Literal

from pki.profiles import CertificateProfile

KeyKind = Literal["P-256", "RSA"]

_KEYS: dict[KeyKind, str] = {
    "P-256": "openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out device.key",
    "RSA": "openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048 -out device.key",
}
_FORMS = {"dns": "DNS", "ip": "IP"}
_EXAMPLE = ("dns:nas.home.arpa", "ip:192.168.1.2")


def openssl_lines(
    profile: CertificateProfile, key: KeyKind = "P-256", common_name: str = "", sans: Sequence[str] = ()
) -> tuple[str, ...]:
    """Shell lines that write device.key and device.csr; only the second file is ever sent.

    `common_name` and `sans` ("dns:…", "ip:…") as names.py made them; without, an example stands there.
    Quoted for a POSIX shell.
    """
    label = (
        (common_name or profile.title).replace("\\", "\\\\").replace("/", "\\/")
    )  # openssl splits -subj at /
    request = f"openssl req -new -key device.key -subj {shlex.quote(f'/CN={label}')} -utf8"
    if profile.san == "required":
        pairs = [name.partition(":") for name in (sans or _EXAMPLE)]
        wanted = ",".join(f"{_FORMS[form]}:{value}" for form, _, value in pairs)
        request += f" -addext {shlex.quote(f'subjectAltName={wanted}')}"
    return (_KEYS[key], f"{request} -out device.csr")
