"""What a certification request asks for that no honest one does: refused at the door, in a sentence.

Nothing that a CSR asks for is ever issued (the signer builds from profile and account alone), so no safety
hangs on this. It spares the officer what was made to deceive, and helps whoever took a wrong template.
Harmless surplus (a key usage, an e-mail address, a name of the household) is not refused but shown as
"left out".
"""

from collections.abc import Callable

from cryptography import x509

from pki import asked, names
from pki.csr import ParsedCSR
from pki.errors import CSRRejected, IssuanceRefused
from pki.text import hidden

MAX_VALUE = 200  # characters of one subject attribute; RFC 5280 A.1 gives a common name 64

_ANEW = "Make the request again without it; the commands shown below ask for nothing extra."
OBJECTIONS: dict[str, tuple[str, str]] = {
    "asks-ca": (
        "This request asks to be a CA, which could make certificates of its own. No device gets that.",
        _ANEW,
    ),
    "asks-critical": (
        "This request asks for an extension that is marked critical and unknown here: it may not be ignored.",
        _ANEW,
    ),
    "asks-login": (
        "This request asks for a Windows login name (UPN), which no certificate from here carries.",
        _ANEW,
    ),
    "asks-foreign": (
        "This request asks for the name of a website or address that is not this household's.",
        f"{_ANEW} For a server of yours choose “Web server” and one of your own names.",
    ),
    "subject-long": (f"A name in the subject of this request is longer than {MAX_VALUE} characters.", _ANEW),
    "subject-hidden": (
        "A name in the subject of this request holds characters that cannot be seen, such as NUL, a new line "
        "or a change of writing direction.",
        "Make the request again with a subject of letters, digits and plain punctuation.",
    ),
}


def check(parsed: ParsedCSR, permitted: Callable[[str], bool]) -> None:
    """Raise CSRRejected for one of OBJECTIONS, or when the subject only looks like another name.

    `permitted` tells of each "dns:…" and "ip:…" asked for whether it may stand in a request for this purpose.
    """
    request = x509.load_der_x509_csr(parsed.der)
    for attribute in request.subject:
        if isinstance(attribute.value, str):
            _name(attribute.value)
    for extension in request.extensions:
        value = extension.value
        if isinstance(value, x509.BasicConstraints) and value.ca:
            raise _objection("asks-ca")
        if isinstance(value, x509.UnrecognizedExtension) and extension.critical:
            raise _objection("asks-critical")
    for san in parsed.sans:
        if san.startswith(("upn:", f"other:{asked.UPN} ")):
            raise _objection("asks-login")
        if san.startswith(("dns:", "ip:")) and not permitted(san):
            raise _objection("asks-foreign")


def _name(value: str) -> None:
    if len(value) > MAX_VALUE:
        raise _objection("subject-long")
    if any(hidden(character) for character in value):
        raise _objection("subject-hidden")
    try:
        names.check_lookalikes(value, "subject of this request")
    except IssuanceRefused as error:
        raise CSRRejected(str(error), code="subject-alike", remedy=error.remedy) from None


def _objection(code: str) -> CSRRejected:
    sentence, remedy = OBJECTIONS[code]
    return CSRRejected(sentence, code=code, remedy=remedy)
