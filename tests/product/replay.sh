#!/bin/sh
# replay and explain: the diff after a rule change, applying it alone and beside a running serve, and
# where a row comes from.
. "$(dirname "$0")/desk.inc"

try() {
    want=$1
    shift
    "$SLUICE" "$@" > out 2> err
    is "exit code of: sluice $*" $? "$want"
}
shows() { has "standard output" "$(cat out)" "$1"; }
says() { has "standard error" "$(cat err)" "$1"; }
# It has its lease: until then another command may take it.
serving() { "$SLUICE" status 2> /dev/null | grep "^at work" | grep -qv nobody; }
hashes() { find data -type f ! -name '*-shm' | sort | xargs sha256sum; }

desk 1
post "'DR10000001 done'"
post "'DS10000002 שלום'"
post "'DR10000001 again'"
try 0 run
is "rows" "$(rows)" 1
hashes > before
try 0 replay drops
shows "3 messages by today's rules, 0 refused"
shows "no difference"

# Today's rules know another kind of number.
sed -i "s/^    zone:/    pattern: 'D[RS][0-9]{8}'\n    zone:/" sluice.yaml
try 0 replay drops
shows "+ qa_photo_reviews DS10000002"
shows "to put it in place: sluice replay drops --apply"
try 0 replay drops --json
shows '"applied":false,"messages":3'
shows '"key":"DS10000002","change":"new"'
try 0 replay drops --since 2025-12-01
case $(cat out) in *DS10000002*) fail "--since does not limit what is shown" ;; esac
try 0 explain drops DR10000001
hashes > after
cmp -s before after || fail "looking changed a file: $(diff before after)"

# Another pattern makes other keys, so somebody has to want that.
try 78 replay drops --apply
says "sluice keys accept drops"
try 0 keys accept drops
try 0 replay drops --apply --effects qa_photo_reviews
is "rows after it was applied" "$(rows)" 2
is "comment blocks: nothing was repeated" "$(blocks)" 1
try 0 replay drops
shows "no difference"
try 0 replay drops --apply --json
shows '"applied":true,"messages":3,"records":0'
is "rows after a second time" "$(rows)" 2
is "acts in the audit log" "$("$STAGE" query data/sluice.db "SELECT count(*) FROM audit WHERE act='replay.apply'")" 2

# Beside a running serve, which carries it out; and it goes on with what comes.
serve
await 10 serving || fail "serve does not answer"
try 0 replay drops --apply
shows "3 messages, 0 records queued"
post "'DS10000003'"
await 10 rows_are 3
stop

# Where a row comes from.
try 0 explain drops DR10000001
shows "message 1 of 2025-11-24 10:00:00, S•••"
shows "message 3 of"
shows "records qa_photo_reviews DR10000001: delivered"
shows "caused by hand"
try 0 explain qa_photo_reviews DS10000002 --show-people
shows "Sipho"
try 0 explain DS10000003 --json
shows '"fate":"delivered"'
shows '"trigger":"message"'
try 1 explain drops DR10000009
has "standard error" "$(cat err)" "did you mean 'DR10000001'?"
try 64 explain drosp DR10000001
has "standard error" "$(cat err)" "did you mean 'drops'?"
try 64 replay drosp
try 64 replay drops --delete
try 64 replay drops --apply --since 2h
try 64 replay
finish
