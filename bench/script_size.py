"""What a page loads to make a key, a request and a .p12: our modules beside the libraries that do part of it.

Like is put beside like: all of them bundled and made small by the same program. Ours are served as they are
written, which is told too. The libraries come from the npm registry into a throw-away folder.
"""

import gzip
import shutil
import statistics
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from playwright.sync_api import Page

from tests.js.household import Household
from tests.js.site import running
from tests.pictures import chromium

FOLDER = Path(__file__).resolve().parent.parent / "static" / "js"
PACKAGES = ("esbuild@0.28.2", "node-forge@1.4.3", "pkijs@4.0.0", "asn1js", "@peculiar/x509@2.2.0")
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
    "@peculiar/x509 (no .p12)": """import * as x509 from "@peculiar/x509";
        globalThis.used = [x509.Pkcs10CertificateRequestGenerator, x509.X509Certificate];""",
}
ROUNDS = 9


def rows() -> list[tuple[str, str, str, str]]:
    """What, value, ratio, target."""
    return sizes() + times()


def served() -> int:
    """Bytes on the line, as portal/static_files.py sends them: each file by itself."""
    return sum(packed(bare(file.read_bytes())) for file in FOLDER.glob("*.js"))


def packed(text: bytes) -> int:
    return len(gzip.compress(text, 9))


def sizes() -> list[tuple[str, str, str, str]]:
    if shutil.which("npm") is None:
        return [("beside libraries", "npm is not installed", "", "")]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        command = ["npm", "install", "--silent", "--ignore-scripts", "--no-audit", "--no-fund", *PACKAGES]
        if subprocess.run(command, cwd=folder, capture_output=True, timeout=300).returncode:
            return [("beside libraries", "npm could not fetch them", "", "")]
        ours = packed(bundle(folder, taking_ours()))
        found = [("script, made small", f"{ours:,} B", "1", "<= 6,000 B")]
        for library, text in LIBRARIES.items():
            size = packed(bundle(folder, text))
            found.append((library, f"{size:,} B", f"{size / ours:.0f}", ">= 8"))
        return found


def taking_ours() -> str:
    lines = [f'import * as {name} from "{FOLDER}/{name}.js";' for name in OURS]
    return "\n".join([*lines, f"globalThis.used = [{', '.join(OURS)}];"])


def bundle(folder: Path, text: str) -> bytes:
    (folder / "entry.js").write_text(text)
    command = [folder / "node_modules" / ".bin" / "esbuild", "entry.js", *BUNDLE]
    return subprocess.run(command, cwd=folder, capture_output=True, check=True, timeout=60).stdout


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


def step(page: Page, *given: Any) -> Any:
    """Milliseconds, and what the step gives."""
    script = """async ([name, ...given]) => {
        const began = performance.now(), value = await window.steps[name](...given);
        return [performance.now() - began, value]; }"""
    return page.evaluate(script, list(given))


def timed(page: Page, rounds: int, given: Callable[[], tuple[Any, ...]]) -> float:
    return statistics.median(step(page, *given())[0] for _ in range(rounds))
