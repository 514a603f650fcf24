"""What a page loads to make a key, a request and a .p12, and how long that takes, beside libraries.

Like is put beside like: all of them bundled and made small by the same program, and ours also as it is sent.
The libraries come from the npm registry into var/, as bench/npm/package-lock.json pins them.
"""

import gzip
import shutil
import statistics
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

from playwright.sync_api import Page

from portal.static_files import bare
from tests.js.household import Household
from tests.js.site import running
from tests.pictures import chromium

TOP = Path(__file__).resolve().parent.parent
FOLDER = TOP / "static" / "js"
PINNED = TOP / "bench" / "npm"
FETCHED = TOP / "var" / "bench-npm"
BUNDLE = ("--bundle", "--minify", "--format=esm", "--log-level=error")
OURS = ("csr", "chain", "p12", "password", "store")
# Each does all of it that the library can, so that nothing else is left out of the bundle.
LIBRARIES = {
    "node-forge (RSA alone)": """import forge from "node-forge";
        const { pki, pkcs12, asn1 } = forge; globalThis.used = [pki, pkcs12, asn1];""",
    "pkijs (no triple DES)": """import { fromBER } from "asn1js";
        import { Attribute, AttributeTypeAndValue, AuthenticatedSafe, CertBag, Certificate,
          CertificationRequest, PFX, PKCS8ShroudedKeyBag, PrivateKeyInfo, SafeContents } from "pkijs";
        globalThis.used = [fromBER, Attribute, AttributeTypeAndValue, AuthenticatedSafe, CertBag, Certificate,
          CertificationRequest, PFX, PKCS8ShroudedKeyBag, PrivateKeyInfo, SafeContents];""",
    "@peculiar/x509 (no .p12)": """import "reflect-metadata";
        import * as x509 from "@peculiar/x509";
        globalThis.used = [x509.Pkcs10CertificateRequestGenerator, x509.X509Certificate];""",
}
# The work itself, as far as each library does it. forge makes keys by WebCrypto where it can, as ours do.
WORK = {
    "node-forge: RSA-2048, key, request, .p12 (3DES)": """import forge from "node-forge";
        const { pki, pkcs12, asn1 } = forge;
        globalThis.work = async () => {
          const made = (done) => pki.rsa.generateKeyPair({ bits: 2048 }, (_, pair) => done(pair));
          const keys = await new Promise(made);
          const csr = pki.createCertificationRequest();
          csr.publicKey = keys.publicKey;
          csr.setSubject([{ name: "commonName", value: "x" }]);
          csr.sign(keys.privateKey, forge.md.sha256.create());
          const own = pki.createCertificate();
          own.publicKey = keys.publicKey;
          own.sign(keys.privateKey, forge.md.sha256.create());
          const how = { algorithm: "3des", count: 2048 };
          const file = pkcs12.toPkcs12Asn1(keys.privateKey, [own], "secret", how);
          return asn1.toDer(file).length();
        };""",
    "@peculiar/x509: P-256, key and request": """import "reflect-metadata";
        import * as x509 from "@peculiar/x509";
        globalThis.work = async () => {
          const algorithm = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" };
          const keys = await crypto.subtle.generateKey(algorithm, true, ["sign", "verify"]);
          const made = { name: "CN=x", keys, signingAlgorithm: algorithm };
          return (await x509.Pkcs10CertificateRequestGenerator.create(made)).rawData.byteLength;
        };""",
}
ROUNDS = 9


def rows() -> list[tuple[str, str, str, str]]:
    """What, value, ratio, target."""
    trouble = fetched()
    if trouble:
        return [sent(), ("beside libraries", trouble, "", ""), *times()]
    return [sent(), *sizes(), *times(), *times_of_libraries()]


def sent() -> tuple[str, str, str, str]:
    return "script as it is sent", f"{served():,} B", "1", "<= 6,000 B"


def served() -> int:
    """Bytes on the line, as portal/static_files.py sends them: each file by itself."""
    return sum(packed(bare(file.read_bytes())) for file in FOLDER.glob("*.js"))


def packed(text: bytes) -> int:
    return len(gzip.compress(text, 9))


def fetched() -> str:
    """ "" when the libraries lie there, else why not."""
    if shutil.which("npm") is None:
        return "npm is not installed"
    FETCHED.mkdir(parents=True, exist_ok=True)
    for file in PINNED.iterdir():
        shutil.copy(file, FETCHED)
    command = ["npm", "ci", "--silent", "--ignore-scripts", "--no-audit", "--no-fund"]
    done = subprocess.run(command, cwd=FETCHED, capture_output=True, timeout=300)
    return "npm could not fetch them" if done.returncode else ""


def sizes() -> list[tuple[str, str, str, str]]:
    mine, ours = served(), packed(bundle(taking_ours()))
    found = [("the same, bundled and made small", f"{ours:,} B", "", "")]
    for library, text in LIBRARIES.items():
        size = packed(bundle(text))
        found.append((library, f"{size:,} B", f"{size / mine:.1f}; bundled {size / ours:.1f}", ">= 10"))
    return found


def taking_ours() -> str:
    lines = [f'import * as {name} from "{FOLDER}/{name}.js";' for name in OURS]
    return "\n".join([*lines, f"globalThis.used = [{', '.join(OURS)}];"])


def bundle(text: str) -> bytes:
    (FETCHED / "entry.js").write_text(text)
    command = [FETCHED / "node_modules" / ".bin" / "esbuild", "entry.js", *BUNDLE]
    return subprocess.run(command, cwd=FETCHED, capture_output=True, check=True, timeout=60).stdout


def times() -> list[tuple[str, str, str, str]]:
    """Milliseconds in Chromium, medians."""
    house, found = Household(), []
    with running() as site, chromium() as browser:
        page = browser.new_page()
        page.goto(site.address)
        page.wait_for_function("document.title === 'ready'")
        for kind in ("P-256", "RSA-2048"):
            asked = timed(page, ROUNDS, lambda kind=kind: ("ask", kind, kind, "x"))
            found.append((f"{kind}: key, request, kept", f"{asked:.0f} ms", "", ""))
            csr = step(page, "ask", kind, kind, "x")[1]["csr"]
            chain = house.chain(house.issue(bytes.fromhex(csr), "Alice"))
            for mode in ("compat", "modern"):
                spent = timed(
                    page, ROUNDS, lambda kind=kind, mode=mode, chain=chain: ("finish", kind, chain, "x", mode)
                )
                found.append((f"{kind}: chain looked at, .p12 ({mode})", f"{spent:.0f} ms", "", ""))
    return found


def times_of_libraries() -> list[tuple[str, str, str, str]]:
    """Milliseconds in Chromium, medians, on a page without a policy: bundles are put into it as they are."""
    found = []
    with running() as site, chromium() as browser:
        for what, text in WORK.items():
            page = browser.new_page(bypass_csp=True)
            page.goto(site.address)
            page.add_script_tag(content=bundle(text).decode(), type="module")
            page.wait_for_function("window.work !== undefined", timeout=10_000)
            spent = statistics.median(page.evaluate(TIMED) for _ in range(ROUNDS))
            found.append((what, f"{spent:.0f} ms", "", ""))
    return found


TIMED = "async () => { const began = performance.now(); await work(); return performance.now() - began; }"


def step(page: Page, *given: Any) -> Any:
    """Milliseconds, and what the step gives."""
    script = """async ([name, ...given]) => {
        const began = performance.now(), value = await window.steps[name](...given);
        return [performance.now() - began, value]; }"""
    return page.evaluate(script, list(given))


def timed(page: Page, rounds: int, given: Callable[[], tuple[Any, ...]]) -> float:
    return statistics.median(step(page, *given())[0] for _ in range(rounds))
