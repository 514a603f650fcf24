"""One rule for names, whoever types them: accounts and pki are strangers to each other, and meet here."""

from django.core.exceptions import ValidationError

from pki.errors import IssuanceRefused
from pki.names import common_name


def plain_name(typed: str) -> str:
    """The name of a person or household as a certificate could carry it; ValidationError otherwise."""
    try:
        return common_name(typed)
    except IssuanceRefused as refused:
        raise ValidationError(f"{refused} {refused.remedy}") from None
