#!/usr/bin/env python3
"""Makes .venv from the pinned requirements and starts manage.py in it. Needs Python and its venv module only.

    bootstrap.py [--dev] [--packages] [manage.py's arguments]

Written for Python 3.6 too: one that is too old shall say so, and look for a newer one.
"""

import glob
import hashlib
import importlib.util
import os
import shutil
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.dirname(HERE)
VENV = os.path.join(TOP, ".venv")
PYTHON = os.path.join(VENV, "bin", "python")
OLDEST = (3, 11)
NEWER = ("python3.13", "python3.12", "python3.11")
ROOM = 400 * 1024 * 1024  # bytes for the packages

# What the tests and benchmarks start, and the Debian package that has it; a path may have *.
PROGRAMS = (
    ("openssl", "openssl"),
    ("chromium", "chromium"),
    ("certutil", "libnss3-tools"),  # puts a root into Chromium's store
    ("firefox-esr", "firefox-esr"),
    ("/usr/lib/*/girepository-1.0/WebKit2-4.1.typelib", "gir1.2-webkit2-4.1"),  # WebKit, the engine of iOS,
    ("/usr/lib/python3/dist-packages/gi/__init__.py", "python3-gi"),  # which a test opens a window of
    ("Xvfb", "xvfb"),  # on a screen that is not there
    ("javac", "default-jdk-headless"),  # a test starts a program from its source; and keytool
    ("/usr/lib/postgresql/*/bin/initdb", "postgresql"),
    ("systemd-analyze", "systemd"),
    ("/usr/sbin/nginx", "nginx"),  # in a folder that people's PATH leaves out
    ("/usr/sbin/mosquitto", "mosquitto"),
    ("mosquitto_sub", "mosquitto-clients"),
    ("ab", "apache2-utils"),  # asks for OCSP answers in the benchmark
    ("curl", "curl"),
    ("ocsptool", "gnutls-bin"),
    ("node", "nodejs"),  # the benchmark's peer
    ("age", "age"),  # opens our backups, and makes what we open
    ("gcc", "gcc"),  # a small client like those in IoT devices
    ("/usr/include/stdlib.h", "libc6-dev"),
    ("/usr/include/mbedtls/ssl.h", "libmbedtls-dev"),
    ("scepclient", "scep"),
    ("/usr/bin/pki", "strongswan-pki"),
    ("/usr/lib/ipsec/plugins/libstrongswan-curl.so", "libstrongswan-extra-plugins"),
    ("/usr/lib/ipsec/plugins/libstrongswan-openssl.so", "libstrongswan-standard-plugins"),
    ("/usr/sbin/certmonger", "certmonger"),
    ("dbus-run-session", "dbus-daemon"),
    ("/usr/lib/*/faketime/libfaketime.so.1", "libfaketime"),  # a signer of last winter
    ("pdftoppm", "poppler-utils"),  # what was printed, as pictures
    # the letters of the pictures, and the same widths everywhere
    ("/usr/share/fonts/truetype/noto/NotoSans-Regular.ttf", "fonts-noto-core"),
)


class Obstacle(Exception):
    """What stands in the way, as a sentence with the way out."""


def main(arguments):
    dev = "--dev" in arguments
    packages = "--packages" in arguments
    rest = [word for word in arguments if word not in ("--dev", "--packages")]
    try:
        newer_python()
        install(requirements(dev))
        if packages:
            debian_packages()
    except Obstacle as obstacle:
        sys.exit("Latchkey cannot start: " + str(obstacle))
    if rest:
        os.chdir(TOP)
        os.execv(PYTHON, [PYTHON, os.path.join(TOP, "manage.py")] + rest)


def requirements(dev):
    """The pinned file this start needs; the drivers of PostgreSQL only where the database is one."""
    if dev:
        return "requirements-dev.txt"
    postgresql = (
        os.environ.get("DATABASE_URL", "").startswith("postgres") or "DATABASE_URL_FILE" in os.environ
    )
    return "requirements-postgresql.txt" if postgresql else "requirements.txt"


def newer_python():
    """Go on in a Python that is new enough, or say what to install."""
    if sys.version_info >= OLDEST:
        return
    for name in NEWER:
        found = shutil.which(name)
        if found and works(found):
            os.execv(found, [found] + sys.argv)
    raise Obstacle(
        f"it needs Python 3.11 or later, and this is {this_python()}. On Debian 12, Ubuntu 24.04 and later: "
        "sudo apt install python3 python3-venv"
    )


def this_python():
    return f"{sys.version_info[0]}.{sys.version_info[1]}"


def works(python):
    return subprocess.call([python, "-c", ""], stderr=subprocess.DEVNULL) == 0


def install(name):
    """Install `name` into .venv unless exactly that is there: the second start is at once."""
    wanted = fingerprint(name)
    if installed(name) == wanted and os.path.exists(PYTHON):
        return
    make_venv()
    print("Fetching what Latchkey needs. This takes some minutes, once.", flush=True)
    pip(os.path.join(TOP, name))
    with open(stamp(name), "w") as file:
        file.write(wanted)
    if name != "requirements.txt":  # they hold everything of requirements.txt too
        with open(stamp("requirements.txt"), "w") as file:
            file.write(fingerprint("requirements.txt"))


def fingerprint(name):
    with open(os.path.join(TOP, name), "rb") as file:
        return f"{this_python()} {hashlib.sha256(file.read()).hexdigest()}"


def stamp(name):
    return os.path.join(VENV, "installed-" + name)


def installed(name):
    try:
        with open(stamp(name)) as file:
            return file.read()
    except OSError:
        return ""


def make_venv():
    """An empty .venv of this Python. One that another Python made is replaced."""
    if not (importlib.util.find_spec("venv") and importlib.util.find_spec("ensurepip")):
        raise Obstacle(
            f"Python's venv module is missing. Install it: sudo apt install python{this_python()}-venv"
        )
    room()
    if os.path.exists(PYTHON) and works(PYTHON) and same_version():
        return
    try:
        subprocess.check_output([sys.executable, "-m", "venv", "--clear", VENV], stderr=subprocess.STDOUT)
    except subprocess.CalledProcessError as error:
        raise Obstacle(f"{VENV} cannot be made: {last_line(error.output)}") from None


def same_version():
    word = "import sys; print('%d.%d' % sys.version_info[:2])"
    found = subprocess.run([PYTHON, "-c", word], stdout=subprocess.PIPE).stdout.decode().strip()
    return found == this_python()


def room():
    if not os.access(TOP, os.W_OK):
        raise Obstacle(f"{TOP} is not writable for this user. Clone Latchkey into a folder of your own.")
    free = shutil.disk_usage(TOP).free
    if free < ROOM:
        raise Obstacle(
            f"only {free >> 20} MB are free where {TOP} lies; {ROOM >> 20} MB are needed. Make room."
        )


def pip(requirements):
    command = [PYTHON, "-m", "pip", "install", "--disable-pip-version-check", "--require-hashes"]
    command += ["--progress-bar", "off", "-r", requirements]
    with open(requirements) as file:
        total = sum("==" in line for line in file)
    running = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    said = []
    for line in running.stdout:
        said.append(line.decode("utf-8", "replace"))
        tell(said, total)
    if running.wait():
        raise Obstacle(why_pip_failed("".join(said)))


def tell(said, total):
    """What pip's newest line means, for whoever waits: which package of how many."""
    if said[-1].startswith("Collecting "):
        number = sum(line.startswith("Collecting ") for line in said)
        print(f"  {number} of {total}: {said[-1].split()[1].replace('==', ' ')}", flush=True)
    elif said[-1].startswith("Installing collected packages"):
        print("  All fetched. Unpacking them.", flush=True)


def why_pip_failed(output):
    """pip's many lines as one sentence."""
    if "No space left" in output:
        return "the disk is full. Make room and start again."
    offline = ("NewConnectionError", "name resolution", "Network is unreachable", "timed out", "Max retries")
    if any(word in output for word in offline):
        return "the packages cannot be downloaded: no network. Once installed, Latchkey needs none."
    if "THESE PACKAGES DO NOT MATCH THE HASHES" in output:
        return "a downloaded package is not the one that was pinned. Try again; if it stays, report it."
    return "pip could not install the packages. Its last words: " + last_line(output.encode())


def last_line(output):
    lines = [line for line in output.decode("utf-8", "replace").splitlines() if line.strip()]
    return lines[-1].strip() if lines else "nothing was said"


def debian_packages():
    """Install the programs the tests and benchmarks start. With CI=true a missing one is a failure."""
    missing = [package for program, package in PROGRAMS if not there(program)]
    if missing and shutil.which("apt-get"):
        root = [] if os.geteuid() == 0 else ["sudo", "-n"]
        subprocess.call(root + ["sh", os.path.join(HERE, "install-debian.sh"), "/"] + missing)
        missing = [package for program, package in PROGRAMS if not there(program)]
    if missing and os.environ.get("CI") == "true":
        raise Obstacle(f"the tests need {', '.join(missing)}. Run: sudo apt install {' '.join(missing)}")
    if missing:
        print("Skipping the tests that need: " + ", ".join(missing), flush=True)


def there(program):
    return bool(glob.glob(program)) if "/" in program else shutil.which(program) is not None


if __name__ == "__main__":
    main(sys.argv[1:])
