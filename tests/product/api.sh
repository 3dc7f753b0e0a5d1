#!/bin/sh
# The API of `serve` with tokens: reads, pages, runs, the audit log.
. "$(dirname "$0")/desk.inc"
command -v python3 > /dev/null || { echo "skipped: there is no python3"; exit 0; }
PYTHONPATH=$repo/tests/product
PYTHONDONTWRITEBYTECODE=1
export PYTHONPATH PYTHONDONTWRITEBYTECODE
port=$(python3 -c 'import http_rig; print(http_rig.free_port())')

desk 2
printf 'http: {listen: "localhost:%s"}\n' "$port" >> sluice.yaml
fill 1 200 2
serve
await 20 log_has "http: listening on 127.0.0.1 port $port" || fail "it does not listen"
await 20 log_has "drops: .* delivered" || fail "nothing was delivered"
indexed() { [ "$("$SLUICE" messages --limit 1 --json | python3 -c 'import json, sys; print(json.load(sys.stdin)["not_indexed"])')" = 0 ]; }
await 20 indexed || fail "the search index does not get ready"

conforms token-add token add sample --scope read,run --expires 90d
conforms token-list token list
conforms token-remove token remove sample
"$SLUICE" token add sample --scope read,all 2> err
is "exit code of a scope that is none" $? 64
"$SLUICE" token add "sam ple" --scope read 2> err
is "exit code of a name that is none" $? 64
"$SLUICE" token remove nobody 2> err
is "exit code of a token that is none" $? 1

python3 "$repo/tests/product/api.py" "$port" 200 || fail "api.py"
stop
"$SLUICE" audit verify > out || fail "the audit log does not hold: $(cat out)"
grep -q 'slc_' sluice.log && fail "a token is in the log"
finish
