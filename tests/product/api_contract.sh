#!/bin/sh
# The API does what its OpenAPI document says: schemathesis makes calls of it, good ones and bad ones, and compares.
. "$(dirname "$0")/desk.inc"
command -v python3 > /dev/null || { echo "skipped: there is no python3"; exit 0; }
packages=$("$repo/ci/tool" schemathesis) || { echo "skipped: schemathesis cannot be had"; exit 0; }
port=$(PYTHONPATH=$repo/tests/product PYTHONDONTWRITEBYTECODE=1 python3 -c 'import http_rig; print(http_rig.free_port())')

desk 2
cat >> sluice.yaml << 'END'
  notes:
    source: bridge
    chats: all
    ops: [{kind: write, sink: records, target: notes, key: "{uid}", set: {who: "{sender}", text: "{text}"}}]
END
printf 'http: {listen: "127.0.0.1:%s"}\n' "$port" >> sluice.yaml
fill 1 60 2
serve
await 20 log_has "http: listening on 127.0.0.1 port $port" || fail "it does not listen"
await 20 log_has "notes: .* delivered" || fail "nothing was delivered"
"$STAGE" exec data/records.db "CREATE TRIGGER no BEFORE INSERT ON qa_photo_reviews BEGIN SELECT RAISE(ABORT, 'closed'); END"
post "'DR99999991 secret words'"
buried() { "$SLUICE" dlq list --json | grep -q DR99999991; }
await 20 buried || fail "there is no dead letter"
token=$("$SLUICE" token add contract --scope admin,people)
sleep 1

try() {
    PYTHONPATH=$packages PYTHONDONTWRITEBYTECODE=1 timeout 240 python3 -m schemathesis.cli --no-color run \
        "http://127.0.0.1:$port/api/v1/openapi.json" -H "Authorization: Bearer $token" \
        --generation-deterministic --suppress-health-check all "$@"
}
# A cursor is opaque, and an argument that is not known is refused: no document can say which are accepted.
# Wrong tokens are answered with 429 after ten (api.py looks at each call without one).
try --exclude-checks positive_data_acceptance,ignored_auth --warnings off --phases examples,coverage,fuzzing --max-examples 40 --no-shrink > out 2>&1 || fail "schemathesis: $(grep -v '^$' out | tail -n 80)"
tail -n 12 out
"$SLUICE" audit verify > out || fail "the audit log does not hold: $(cat out)"
! grep -q '"level":"error".*http' sluice.log || fail "an error of ours: $(grep '"level":"error".*http' sluice.log | head -n 3)"
stop
finish
