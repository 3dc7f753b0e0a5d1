#!/bin/sh
# How it feels: the first output of every command that looks, on a small store. Promised are 20 ms on an
# idle machine; here the median of several runs may take FEEL_MS, because tests run beside each other.
. "$(dirname "$0")/desk.inc"
. "$repo/tests/product/stores.inc"
command -v python3 > /dev/null || { echo "skipped: there is no python3"; exit 0; }
: "${FEEL_MS:=100}"
store_busy
FEEL_MS=$FEEL_MS python3 - << 'P' || fail "a command is too slow"
import json, os, statistics, subprocess, sys, time

sluice, limit = os.environ["SLUICE"], float(os.environ["FEEL_MS"])
table = json.loads(subprocess.run([sluice, "help", "--json"], stdout=subprocess.PIPE, check=True).stdout)
more = {"tap": ["--last", "4", "--count", "4"], "runs show": ["1"], "dlq show": ["1"], "top": ["--count", "1"], "explain-error": ["E001"]}
changing = {"serve", "run", "init", "backup", "restore", "migrate", "replay", "test", "bundle", "export", "forget", "reconcile",
            "project", "dlq edit", "dlq retry", "dlq drop"}
slow, worst = [], (0, "")
for entry in table["commands"]:
    for last in [entry["command"]] + entry["acts"]:
        verb = entry["command"]["name"]
        name = verb if last is entry["command"] else verb + " " + last["name"]
        if not last["runs"] or verb in changing or name in changing:
            continue
        words = [sluice] + name.split() + more.get(name, ["1"] * last["words_min"])
        times = []
        for _ in range(7):
            begin = time.monotonic()
            child = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL)
            child.stdout.read(1)
            times.append((time.monotonic() - begin) * 1000)
            child.stdout.close()
            child.wait()
        median = statistics.median(times)
        worst = max(worst, (median, name))
        if median > limit:
            slow.append(f"{name}: {median:.1f} ms")
print(f"slowest first output: {worst[1]}, {worst[0]:.1f} ms (median of 7; the start of a process included)")
if slow:
    print("too slow:", ", ".join(slow))
sys.exit(1 if slow else 0)
P
finish
