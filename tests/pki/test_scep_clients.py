"""Real SCEP clients of Debian against the codec: micromdm's scepclient, strongSwan's pki, certmonger."""

import hashlib
import os
import shutil
import subprocess
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from tests.pki.scep_client import rsa_key
from tests.pki.scep_house import House, Responder, house, served

pytestmark = pytest.mark.slow


@pytest.fixture
def home() -> House:
    return house()


def needs(program: str) -> None:
    if not (shutil.which(program) or Path(program).exists()):
        pytest.skip(f"{program} is not installed")


def ran(folder: Path, *command: str, seconds: int = 60) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=seconds)


def scepclient(
    folder: Path, ra: x509.Certificate, url: str, challenge: str
) -> subprocess.CompletedProcess[str]:
    """In a fresh folder: it takes an old csr.pem from beside the key."""
    folder.mkdir()
    fingerprint = hashlib.sha256(ra.public_bytes(Encoding.DER)).hexdigest()
    command = ["scepclient", "-server-url", url, "-challenge", challenge, "-private-key", "d/k.key"]
    command += ["-certificate", "d/c.crt", "-cn", "X", "-ca-fingerprint", fingerprint]
    (folder / "d").mkdir()
    return ran(folder, *command)


def test_scepclient_enrols_with_single_des_allowed(home: House, tmp_path: Path) -> None:
    needs("scepclient")
    responder = Responder(home, single_des=True)
    with served(responder) as url:
        done = scepclient(tmp_path / "good", home.ra.certificate, url, "secret")
        assert done.returncode == 0, done.stdout + done.stderr
        assert scepclient(tmp_path / "wrong", home.ra.certificate, url, "guessed").returncode != 0
    leaf = x509.load_pem_x509_certificate((tmp_path / "good" / "d" / "c.crt").read_bytes())
    assert leaf.subject.rfc4514_string() == "CN=approved"
    assert not (tmp_path / "wrong" / "d" / "c.crt").exists()
    assert responder.seen[0].startswith("PKCS_REQ AES-128")


def test_scepclient_is_refused_with_single_des(home: House, tmp_path: Path) -> None:
    needs("scepclient")
    responder = Responder(home)
    with served(responder) as url:
        assert scepclient(tmp_path / "des", home.ra.certificate, url, "secret").returncode != 0
    assert responder.seen == ["refused algorithm"]


@pytest.fixture
def strongswan(home: House, tmp_path: Path) -> Path:
    """A folder with the CA certificates and a key, as `pki --scepca` leaves it."""
    needs("pki")
    for plugin in ("curl", "openssl"):  # the latter for a CA with an EC key
        needs(f"/usr/lib/ipsec/plugins/libstrongswan-{plugin}.so")
    form = (Encoding.DER, PrivateFormat.TraditionalOpenSSL, NoEncryption())
    (tmp_path / "k.der").write_bytes(rsa_key("strongswan").private_bytes(*form))
    with served(Responder(home)) as url:
        command = ["pki", "--scepca", "--url", url, "--caout", "ca.der", "--raout", "ra.der", "--force"]
        done = ran(tmp_path, *command)
        assert done.returncode == 0, done.stderr
    return tmp_path


def pki_scep(folder: Path, url: str, *more: str) -> subprocess.CompletedProcess[str]:
    command = ["pki", "--scep", "--url", url, "--dn", "O=House,CN=swan", "--cacert-enc", "ra.der"]
    command += ["--cacert-sig", "ra.der", "--cacert", "ca.der", "--cacert", "ca-1.der", "--cipher", "des3"]
    command += ["--digest", "sha256", "--interval", "2", "--maxpolltime", "30", "--outform", "pem", *more]
    return ran(folder, *command)


def test_strongswan_enrols_waits_and_renews(home: House, strongswan: Path) -> None:
    responder = Responder(home, waits=True)
    with served(responder) as url:
        done = pki_scep(strongswan, url, "--in", "k.der", "--password", "secret")
        assert done.returncode == 0, done.stderr
        leaf = x509.load_pem_x509_certificate(done.stdout.encode())
        assert leaf.public_key() == rsa_key("strongswan").public_key()
        (strongswan / "old.der").write_bytes(leaf.public_bytes(Encoding.DER))
        form = (Encoding.DER, PrivateFormat.TraditionalOpenSSL, NoEncryption())
        (strongswan / "new.der").write_bytes(rsa_key("new swan").private_bytes(*form))
        done = pki_scep(strongswan, url, "--in", "new.der", "--cert", "old.der", "--key", "k.der")
        assert done.returncode == 0, done.stderr
    renewed = x509.load_pem_x509_certificate(done.stdout.encode())
    assert renewed.public_key() == rsa_key("new swan").public_key()
    assert [seen.split()[:2] for seen in responder.seen] == [
        ["PKCS_REQ", "3DES"],
        ["CERT_POLL", "3DES"],
        ["RENEWAL_REQ", "3DES"],
    ]


def test_strongswan_is_told_no(home: House, strongswan: Path) -> None:
    with served(Responder(home)) as url:
        done = pki_scep(strongswan, url, "--in", "k.der", "--password", "guessed")
    assert done.returncode != 0 and "badRequest" in done.stderr


# No service folder: else the bus itself starts a certmonger, which works in /var/lib.
BUS = """<busconfig><type>session</type><listen>unix:tmpdir=/tmp</listen><policy context="default">
<allow send_destination="*" eavesdrop="true"/><allow eavesdrop="true"/><allow own="*"/>
</policy></busconfig>"""
CERTMONGER = """
/usr/sbin/certmonger -s -n & daemon=$!
trap 'kill $daemon; wait $daemon' EXIT
until getcert list-cas -s >/dev/null 2>&1; do sleep 0.2; done
getcert add-scep-ca -s -c g -u "$1"
for turn in $(seq 40); do getcert list-cas -s | grep -A9 "CA 'g'" | grep -q SCEP && break; sleep 0.2; done
sleep 3
getcert request -s -c g -I i -k "$PWD/m.key" -f "$PWD/m.crt" -N CN=x -L "$4" -G rsa -g 2048
until_it_is() {
    for turn in $(seq 40); do
        getcert list -s -i i > listed
        grep -q "status: $1" listed && break
        sleep 0.5
    done
    cat listed
}
until_it_is "$2"
until [ -e "$5" ]; do sleep 0.2; done
getcert "$3" -s -i i
sleep 1
until_it_is MONITORING
"""


def certmonger(
    folder: Path, url: str, status: str, then: str, challenge: str = "secret", when: str = "."
) -> str:
    """What certmonger tells: until the request has this `status` and the file `when` is there, `then` another
    order, until its end."""
    needs("/usr/sbin/certmonger")
    needs("dbus-run-session")
    (folder / "bus.conf").write_text(BUS)
    places = {
        f"CERTMONGER_{name}_DIR": str(folder / name) for name in ("REQUESTS", "CAS", "LOCAL_CA", "CONFIG")
    }
    for place in places.values():
        Path(place).mkdir()
    command = ["dbus-run-session", "--config-file=bus.conf", "--", "bash", "-c", CERTMONGER, "bash"]
    done = subprocess.run(
        [*command, url, status, then, challenge, when],
        cwd=folder,
        env=os.environ | places | {"HOME": str(folder), "CERTMONGER_TMPDIR": str(folder)},
        capture_output=True,
        text=True,
        timeout=120,
    )
    return done.stdout + done.stderr


def test_certmonger_enrols_and_renews(home: House, tmp_path: Path) -> None:
    responder = Responder(home)
    with served(responder) as url:
        told = certmonger(tmp_path, url, "MONITORING", "rekey")
    assert (tmp_path / "m.crt").exists(), f"{told} {responder.seen}"
    leaf = x509.load_pem_x509_certificate((tmp_path / "m.crt").read_bytes())
    assert leaf.subject.rfc4514_string() == "CN=approved"
    # It renews with a PKCSReq, signed by the old key (the old draft's way; RFC 8894 2.3 allows both).
    assert [seen.split()[0] for seen in responder.seen] == ["PKCS_REQ", "PKCS_REQ"], told
    assert "renewal" in responder.seen[1]


def test_certmonger_waits_for_the_officer_and_asks_again(home: House, tmp_path: Path) -> None:
    responder = Responder(home, waits=True)
    with served(responder) as url:
        told = certmonger(tmp_path, url, "CA_WORKING", "refresh")
    assert "status: CA_WORKING" in told, f"{told} {responder.seen}"
    assert (tmp_path / "m.crt").exists(), f"{told} {responder.seen}"
    assert [seen.split()[0] for seen in responder.seen] == ["PKCS_REQ", "PKCS_REQ"]
