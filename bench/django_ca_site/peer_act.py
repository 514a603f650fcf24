"""Makes its CA and one certificate; then, told so, its list of many. Prints what the benchmark needs."""

import sys
import time
from contextlib import redirect_stdout
from datetime import timedelta
from pathlib import Path

import django
from django.core.management import call_command, execute_from_command_line
from django.utils import timezone


def prepare(folder: Path, csr: str) -> None:
    call_command("migrate", verbosity=0)
    call_command("init_ca", "peer", "CN=peer", key_type="EC", elliptic_curve="secp256r1", verbosity=0)
    models = __import__("django_ca.models", fromlist=["models"])  # after django.setup()
    ca = models.CertificateAuthority.objects.get()
    (folder / "ca.pem").write_text(ca.pub.pem)
    with (folder / "leaf.txt").open("w") as out, redirect_stdout(out):
        execute_from_command_line(["", "sign_cert", "--csr", csr, "--subject", "CN=a.example"])
    print(ca.serial)


def list_of(count: int) -> None:
    """Seconds for a list of so many, as it makes it for its view or `dump_crl`."""
    models = __import__("django_ca.models", fromlist=["models"])
    ca, known = models.CertificateAuthority.objects.get(), models.Certificate.objects.latest("pk")
    now = timezone.now()
    fields = {field.name: getattr(known, field.name) for field in models.Certificate._meta.concrete_fields}
    del fields["id"]
    changed = {"revoked": True, "revoked_date": now, "revoked_reason": "superseded"}
    changed |= {"not_after": now + timedelta(days=90)}
    rows = (models.Certificate(**{**fields, **changed, "serial": f"5{n:039X}"}) for n in range(count))
    models.Certificate.objects.bulk_create(rows, batch_size=500)
    start = time.perf_counter()
    models.CertificateRevocationList.objects.create_certificate_revocation_list(
        ca=ca, key_backend_options=ca.key_backend.get_use_private_key_options(ca, {})
    )
    print(time.perf_counter() - start)


if __name__ == "__main__":
    django.setup()
    if sys.argv[1] == "prepare":
        prepare(Path(sys.argv[2]), sys.argv[3])
    else:
        list_of(int(sys.argv[2]))
