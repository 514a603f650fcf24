#!/bin/sh
# install-debian.sh ROOT PACKAGE…: what the tests start, as root (ROOT is / but for the test of this script).
# Debian starts and enables a service as soon as it is installed. A developer's machine shall run after this
# what it ran before: nothing starts during the installation, and what came new is disabled again.
root=$1
shift
SERVICES="nginx mosquitto postgresql"
policy=$root/usr/sbin/policy-rc.d

enabled() {
    for link in "$root"/etc/rc[2-5].d/S[0-9][0-9]"$1" "$root"/etc/systemd/system/*.wants/"$1".service; do
        if [ -e "$link" ] || [ -L "$link" ]; then return 0; fi
    done
    return 1
}

# invoke-rc.d(8): 101 forbids every start. Whoever has such a file already has decided for themselves.
if ! [ -e "$policy" ]; then
    trap 'rm -f "$policy"' EXIT
    trap 'exit 1' HUP INT TERM
    printf '#!/bin/sh\nexit 101\n' >"$policy" && chmod 755 "$policy"
fi

for service in $SERVICES; do
    enabled "$service" || absent="$absent $service"
done
export DEBIAN_FRONTEND=noninteractive # here, as sudo passes no environment on
apt-get update -qq
apt-get install -y -qq --no-install-recommends "$@"
result=$?
for service in $absent; do
    if enabled "$service"; then
        service "$service" stop >/dev/null 2>&1 # a policy of the machine's own may have let it start
        update-rc.d "$service" disable && echo "$service is installed for the tests, and stays switched off."
    fi
done
exit "$result"
