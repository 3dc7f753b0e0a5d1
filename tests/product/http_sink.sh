#!/bin/sh
# Records as signed requests over HTTPS: each arrives once, in an outage nothing is lost and nothing
# becomes a dead letter, and a kill in the middle repeats only under the same id.
. "$(dirname "$0")/desk.inc"

command -v python3 > /dev/null && command -v openssl > /dev/null || {
    echo "[  SKIPPED ] http_sink needs python3 and openssl"
    exit 0
}
export HOOK_KEY='an invented key of 32 bytes here'
mkfifo hold
receiver=''
# receive: the test's servers (the one named rsa), until `hold` is closed.
receive() {
    python3 "$repo/tests/net/servers.py" "$folder/certs" rsa < hold > ports 2> servers.log &
    receiver=$!
    exec 4> hold
    await 30 grep -q ready ports || { cat servers.log; fail "the receiver did not start"; }
    port=$(awk '$1 == "rsa" { print $2 }' ports)
}
# What the receiver has: requests, and how many of them are repeats of an id.
seen() {
    python3 - "$port" << 'PY'
import json, ssl, sys, urllib.request
none = ssl._create_unverified_context()
got = json.load(urllib.request.urlopen("https://localhost:%s/hooks" % sys.argv[1], context=none))
print(len(got), sum(len(v) for v in got.values()),
      all(len({r["body"] for r in v}) == 1 and "webhook-signature" in v[0]["headers"] for v in got.values()))
PY
}
configure() {
    sed -e "s|kind: sqlite|kind: http\n    url: https://localhost:$1/$2\n    secret: env:HOOK_KEY\n    authorities: certs/ca.crt\n    timeout: 3s|" \
        "$repo/config/demo.yaml" > sluice.yaml
}

mkdir certs
desk 1
receive
configure "$port" hook
fill 1 300 1
"$SLUICE" check > out 2>&1 || fail "check: $(cat out)"
"$SLUICE" run > out 2>> sluice.log
is "exit code of run" $? 0
first=$(seen)
has "ids, requests, equal bodies" "$first" "True"
ids=${first%% *}
[ "$ids" -gt 0 ] || fail "nothing arrived"
is "requests" "$first" "$ids $ids True"
"$SLUICE" run > out 2>> sluice.log
is "requests after a second run" "$(seen)" "$first"

# Killed under load: what comes again has its id and its bytes.
fill 2 2000 1
serve
await 20 log_has "MONITORING"
sleep 0.5
kill9
"$SLUICE" run > out 2>> sluice.log
is "exit code after the kill" $? 0
after=$(seen)
has "equal bodies after the kill" "$after" "True"
[ "${after%% *}" -gt "$ids" ] || fail "nothing new after the kill: $after"
echo "ids, requests, equal bodies after a kill: $after"

# The service is down: the records wait, none is a dead letter.
configure 1 hook
rm -rf data
"$SLUICE" run > out 2>> sluice.log
is "dead letters in an outage" "$("$STAGE" query data/sluice.db "SELECT count(*) FROM dead" 2> /dev/null)" 0

# A wrong authority, in words.
configure "$port" hook
sed -i 's|certs/ca.crt|certs/otherca.crt|' sluice.yaml
"$SLUICE" run > out 2>&1
has "a wrong authority" "$(cat out)" "not signed by an authority we know"
cat out >> sluice.log

# No secret in anything that was printed.
grep -q "invented key" sluice.log out && fail "the secret is in the log"

exec 4>&-
wait "$receiver" 2> /dev/null
finish
