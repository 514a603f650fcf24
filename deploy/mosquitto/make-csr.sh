#!/bin/sh
# Makes this broker's key, here, where it stays; and the request to paste into Latchkey's portal.
# Run it as root on the machine that runs the broker, in @ETC@/latchkey.
set -eu
umask 077
cd "$(dirname "$0")"
if [ -e broker.key ]; then
    echo "There is a key already: $PWD/broker.key. To make another one, move it away first." >&2
    exit 1
fi

@LINES@

# Mosquitto reads its key after it has given up being root.
if [ "$(id -u)" = 0 ]; then chown @USER@ broker.key; fi
cat broker.csr
cat >&2 <<'END'

Paste the lines above into Latchkey's portal (@PORTAL_URL@/requests/new):
    purpose       @TITLE@
    device        @NAME@
@ASK@Somebody else approves it. Then "Download with chain" and save it here as broker.pem.
END
