"""`python -m pki.pkilinter`: pkilint over PEM on stdin (certificates, CRLs, OCSP answers), findings as JSON.

A process of its own, short-lived: pkilint's libraries take 50 MB and most of a second to load.
"""

import fnmatch
import json
import re
import sys

from pkilint import loader, pkix
from pkilint.document import PDUNode
from pkilint.pkix import certificate, crl, extension, name, ocsp
from pkilint.validation import ValidationFindingSeverity, Validator

_BLOCK = re.compile(r"-----BEGIN (CERTIFICATE|X509 CRL|OCSP RESPONSE)-----.+?-----END \1-----", re.DOTALL)

# What pkilint reports and we accept, and why: its code, where (a pattern), which values (regular expression).
ACCEPTED: tuple[tuple[str, str, str], ...] = (
    # A home has hosts of one label (localhost, nas), which the syntax of RFC 1034 allows (RFC 5280 4.2.1.6).
    ("pkix.invalid_domain_name_syntax", "*.dNSName", r"[a-z0-9]([a-z0-9-]*[a-z0-9])?"),
    # The same in the addresses of our own status face.
    (
        "pkix.invalid_uri_syntax",
        "*.uniformResourceIdentifier",
        r"https?://[a-z0-9-]+(:\d+)?/((crl|ca)/[a-z-]+\.(crl|cer)|ocsp/[a-z]+)",
    ),
    # In a name constraint these are a bare host (4.2.1.10); pkilint reads them as a mail address and a URI.
    ("pkix.invalid_email_address_syntax", "*.permittedSubtrees.*.rfc822Name", "invalid"),
    ("pkix.invalid_uri_syntax", "*.permittedSubtrees.*.uniformResourceIdentifier", "invalid"),
)


def main() -> None:
    documents = _BLOCK.finditer(sys.stdin.read())
    json.dump(
        [finding for match in documents for finding in lint(match.group(1), match.group(0))], sys.stdout
    )


def lint(kind: str, pem: str) -> list[dict[str, str]]:
    """Findings of WARNING and above on one document, without the accepted ones."""
    if kind == "CERTIFICATE":
        document = loader.load_pem_certificate(pem, "stdin")
        results = _certificate_validator().validate(document.root)
    elif kind == "OCSP RESPONSE":
        document = loader.RFC6960OCSPResponseDocumentLoader().load_pem_document(pem, "stdin")
        results = _ocsp_validator().validate(document.root)
    else:
        document = loader.RFC5280CertificateListDocumentLoader().load_pem_document(pem, "stdin")
        results = _crl_validator().validate(document.root)
    return [
        {"severity": str(found.finding.severity), "code": found.finding.code, "at": result.node.path}
        for result in results
        for found in result.finding_descriptions
        if found.finding.severity <= ValidationFindingSeverity.WARNING  # FATAL is 0
        and not _accepted(found.finding.code, result.node)
    ]


def _accepted(code: str, node: PDUNode) -> bool:
    return any(
        code == known and fnmatch.fnmatch(node.path, place) and re.fullmatch(value, str(node.pdu))
        for known, place, value in ACCEPTED
    )


def _certificate_validator() -> Validator:
    return certificate.create_pkix_certificate_validator_container(
        certificate.create_decoding_validators(name.ATTRIBUTE_TYPE_MAPPINGS, extension.EXTENSION_MAPPINGS),
        [
            certificate.create_issuer_validator_container([]),
            certificate.create_validity_validator_container(),
            certificate.create_subject_validator_container([]),
            certificate.create_extensions_validator_container([]),
            certificate.create_spki_validator_container([]),
        ],
    )


def _crl_validator() -> Validator:
    return crl.create_pkix_crl_validator_container(
        [
            pkix.create_attribute_decoder(name.ATTRIBUTE_TYPE_MAPPINGS),
            pkix.create_extension_decoder(extension.EXTENSION_MAPPINGS),
        ],
        [
            crl.create_issuer_validator_container([]),
            crl.create_validity_validator_container([]),
            crl.create_extensions_validator_container([]),
        ],
    )


def _ocsp_validator() -> Validator:
    return ocsp.create_pkix_ocsp_response_validator_container(
        [
            ocsp.create_response_decoder(),
            pkix.create_attribute_decoder(name.ATTRIBUTE_TYPE_MAPPINGS),
            pkix.create_extension_decoder(extension.EXTENSION_MAPPINGS),
        ],
        [],
    )


if __name__ == "__main__":
    main()
