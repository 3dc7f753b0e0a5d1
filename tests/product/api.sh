#!/bin/sh
# The API of `serve` with tokens: reads, pages, runs, the audit log.
. "$(dirname "$0")/desk.inc"
command -v python3 > /dev/null || { echo "skipped: there is no python3"; exit 0; }
PYTHONPATH=$repo/tests/product
PYTHONDONTWRITEBYTECODE=1
export PYTHONPATH PYTHONDONTWRITEBYTECODE
port=$(python3 -c 'import http_rig; print(http_rig.free_port())')

desk 2
cat >> sluice.yaml << 'END'
  notes:
    source: bridge
    chats: all
    ops: [{kind: write, sink: records, target: notes, key: "{uid}", set: {who: "{sender}", text: "{text}"}}]
END
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

python3 "$repo/tests/product/api.py" "$port" 200 all || fail "api.py"

# A sink that refuses for good: what it is not given are dead letters.
"$STAGE" exec data/records.db "CREATE TRIGGER no BEFORE INSERT ON qa_photo_reviews BEGIN SELECT RAISE(ABORT, 'closed'); END"
post "'DR99999991 secret words'"
post "'DR99999992 secret words'"
buried() { [ "$("$SLUICE" dlq list --json | python3 -c 'import json, sys; print(len(json.load(sys.stdin)))')" -gt 1 ]; }
await 20 buried || fail "there are no dead letters: $("$SLUICE" status 2>&1 | tail -n 20)"
python3 "$repo/tests/product/api.py" "$port" 200 dead || fail "api.py dead"
stop
"$SLUICE" audit verify > out || fail "the audit log does not hold: $(cat out)"
grep -q 'slc_' sluice.log && fail "a token is in the log"
finish
