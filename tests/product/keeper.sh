#!/bin/sh
# Planned backups of serve: made under load, tested, the oldest removed; a full or missing place is told; kill -9 in the middle.
. "$(dirname "$0")/desk.inc"
command -v python3 > /dev/null || { echo "skipped: there is no python3"; exit 0; }
port=$(PYTHONPATH=$repo/tests/product PYTHONDONTWRITEBYTECODE=1 python3 -c 'import http_rig; print(http_rig.free_port())')
desk 2
printf 'http: {listen: "127.0.0.1:%s"}\nbackups: {schedule: {every: 1s}, to: saved, keep: 3}\n' "$port" >> sluice.yaml
asked() { "$SLUICE" health --json > health.json 2> /dev/null; python3 -c "import json, sys; h = json.load(open('health.json')); sys.exit(0 if $1 else 1)" 2> /dev/null; }
count() { find saved -name 'sluice-*.tar.gz' 2> /dev/null | wc -l; }
made() { [ "$(grep -c 'backup: one more' sluice.log)" -ge "$1" ]; }
"$SLUICE" check > out 2>&1 || fail "check: $(cat out)"
fill 1 20000 2 &
filling=$!
serve
await 30 made 6 || fail "there are no backups: $(tail -n 5 sluice.log)"
wait "$filling"
[ "$(count)" -le 3 ] || fail "$(count) backups are kept, not 3"
asked "h['backup']['last_good'] and not h['backup']['last_failed'] and h['backup']['bytes'] > 1000" || fail "health does not say it: $(cat health.json)"
conforms health health
kill9
newest=$(find saved -name 'sluice-*.tar.gz' | sort | tail -n 1)
"$SLUICE" restore --verify "$newest" > out 2>&1 || fail "the newest does not verify: $(cat out)"

# Killed at any moment: what is there is whole, nothing half is left after the next one.
for pause in 0.1 0.25 0.4 0.6 0.85 1.1; do
    serve
    sleep "$pause"
    kill9
done
for one in saved/sluice-*.tar.gz; do
    "$SLUICE" restore --verify "$one" > out 2>&1 || fail "$one does not verify: $(cat out)"
done
before=$(grep -c 'backup: one more' sluice.log)
serve
await 30 made $((before + 2)) || fail "no backup after the kills"
is "what else lies there" "$(find saved -mindepth 1 -maxdepth 1 ! -name 'sluice-*.tar.gz' | wc -l)" 0

# The place is gone: the older ones stay, health and alerts say so, and it goes on when it is there again.
mv saved away
: > saved
await 30 log_has "backup: none was made" || fail "a failure is not told"
await 10 asked "{'part': 'backup', 'name': 'planned', 'what': 'backup_failed', 'status': 'degraded'} in h['culprits']" || fail "health does not say it: $(cat health.json)"
has "metrics" "$(python3 -c "import urllib.request; print(urllib.request.urlopen('http://127.0.0.1:$port/metrics').read().decode())")" "sluice_backup_bad 1"
stop
rm saved
mv away saved
kept=$(count)
[ "$kept" -ge 1 ] || fail "older backups are gone"
before=$(grep -c 'backup: one more' sluice.log)
serve
await 30 made $((before + 1)) || fail "it does not go on"
await 10 asked "h['culprits'] == []" || fail "health does not get well: $(cat health.json)"
# By reload: no plan any more.
sed -i '/^backups:/d' sluice.yaml
await 20 asked "h['backup'] is None" || fail "a plan that is gone is still told: $(cat health.json)"
stop
[ "$("$SLUICE" audit list --limit 1000 --json | python3 -c 'import json, sys; print(sum(one["act"] == "backup" for one in json.load(sys.stdin)))')" -ge 8 ] || fail "backups are not in the audit log"
printf 'backups: {to: saved}\n' >> sluice.yaml
"$SLUICE" check > out 2>&1
is "exit code without a schedule" $? 78
sed -i '/^backups:/d' sluice.yaml
printf 'backups: {schedule: {on: message}}\n' >> sluice.yaml
"$SLUICE" check > out 2>&1
is "exit code of a schedule that is none" $? 78
has "what to write" "$(cat out)" "every: 24h"
finish
