#!/bin/sh
# keep: {size}: the oldest messages go when the store grows past it, the rows stay, and what was seen stays known.
. "$(dirname "$0")/desk.inc"
desk 2
fill 1 60000 2
printf 'keep: {size: 6MiB}\n' >> sluice.yaml
"$SLUICE" check > out 2>&1 || fail "check: $(cat out)"
"$SLUICE" run > out 2>> sluice.log
is "reviews" "$(rows)" 2700
shrunk() { [ "$("$STAGE" query data/sluice.db "SELECT count(*) FROM archive")" -lt 50000 ]; }
# After each run a little upkeep is done; the pipelines note first what they remembered.
for _ in 1 2 3 4 5 6; do
    shrunk || "$SLUICE" run > out 2>> sluice.log
done
shrunk || fail "nothing went: $("$STAGE" query data/sluice.db "SELECT count(*) FROM archive")"
left=$("$STAGE" query data/sluice.db "SELECT count(*) FROM archive")
[ "$left" -gt 100 ] || fail "too much went: $left messages are left"
"$STAGE" query data/sluice.db "SELECT min(id) FROM archive" > out
[ "$(cat out)" -gt 1 ] || fail "not the oldest went"
is "reviews" "$(rows)" 2700
blocks=$(blocks)
# The source is read once more from the beginning: nothing that went comes in again.
"$SLUICE" run --since 2020-01-01 > out 2>> sluice.log
is "exit code" $? 0
is "reviews after it was read again" "$(rows)" 2700
is "comment blocks after it was read again" "$(blocks)" "$blocks"
[ "$("$STAGE" query data/sluice.db "SELECT count(*) FROM archive")" -le "$left" ] || fail "what went came in again"
finish
