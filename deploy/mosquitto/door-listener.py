#!/usr/bin/env python3
"""Opens a door without Home Assistant: listens at the broker at home, checks, runs a command, answers.

    sudo apt install python3-paho-mqtt
    ./door-listener.py front-door /usr/local/bin/open-front-door

A message that comes late (after its deadline) or twice (its nonce was there before) does nothing.
"""

import json
import subprocess
import sys
import time

import paho.mqtt.client as mqtt

AHEAD = 60  # seconds that a deadline may lie in the future: more than that is a wrong clock or a trick
seen = {}  # nonce -> deadline


def is_good(message, door, now):
    """The nonce of an "open" for our door that is in time and new; None for anything else."""
    try:
        said = json.loads(message.payload)
        nonce, deadline = str(said["nonce"]), float(said["deadline"])
    except (ValueError, KeyError, TypeError):
        return None
    for old in [old for old, until in seen.items() if until < now]:
        del seen[old]
    if message.retain or said.get("v") != 1 or said.get("door") != door or nonce in seen:
        return None
    if not now <= deadline <= now + AHEAD:
        return None
    seen[nonce] = deadline
    return nonce


def works(command):
    try:
        return subprocess.run([command], timeout=30).returncode == 0
    except (OSError, subprocess.TimeoutExpired) as error:
        print(error, file=sys.stderr, flush=True)
        return False


def main(door, command, host="127.0.0.1", port="1883"):
    def connected(client, *_):
        client.subscribe(f"latchkey/{door}/open", qos=1)

    def heard(client, _, message):
        nonce = is_good(message, door, time.time())
        if nonce is None:
            print("ignored:", message.payload[:200], flush=True)
            return
        word = "opened" if works(command) else "denied"
        client.publish(f"latchkey/{door}/state", json.dumps({"nonce": nonce, "state": word}), qos=1)
        print(word, flush=True)

    # Debian 12 has paho-mqtt 1.6, without CallbackAPIVersion. A clean session: nothing waits for us.
    version = getattr(mqtt, "CallbackAPIVersion", None)
    client = mqtt.Client(*([version.VERSION2] if version else []), protocol=mqtt.MQTTv5)
    client.on_connect, client.on_message = connected, heard
    client.connect(host, int(port), clean_start=True)
    client.loop_forever()


if __name__ == "__main__":
    if not 3 <= len(sys.argv) <= 5:
        sys.exit("usage: door-listener.py DOOR COMMAND [HOST [PORT]]")
    main(*sys.argv[1:])
