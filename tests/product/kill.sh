#!/bin/sh
# Killed twenty times at random moments, with messages arriving all the while: the reviews are those
# of an undisturbed run, to the last comment block.
. "$(dirname "$0")/desk.inc"

total=300000 part=15000

# The undisturbed run.
desk 5
fill 1 $total 5
"$SLUICE" run 2>> sluice.log > /dev/null
is "exit code of the undisturbed run" $? 0
outcome expected
is "reviews" "$(rows)" 13500
is "comment blocks" "$(blocks)" 1500
rm -rf data messages.db*

bridge
first=1 kills=0 midway=0 seed=$$
while [ "$first" -le "$total" ]; do
    serve
    fill "$first" $part 5 &
    filling=$!
    first=$((first + part))
    seed=$(((seed * 1103515245 + 12345) % 2147483648))
    sleep "0.$(printf %03d $((seed / 65536 % 150)))"
    kill9
    wait "$filling"
    kills=$((kills + 1))
    [ "$(archived)" -ge $((first - 1)) ] || midway=$((midway + 1))
done
is "kills" "$kills" 20
echo "$midway of $kills kills came before all was archived"
[ "$midway" -ge 3 ] || fail "too few kills came in the middle of work"
"$SLUICE" run 2>> sluice.log > /dev/null
is "exit code of the last run" $? 0
outcome found
cmp expected found || fail "the reviews are not those of an undisturbed run"
is "messages in the archive" "$(archived)" "$total"
is "dead letters" "$("$SLUICE" dlq list)" ""
is "records that wait" "$("$SLUICE" status --json | grep -o '"waiting":[0-9]*' | head -n 1)" '"waiting":0'
for file in data/sluice.db data/records.db; do
    is "integrity of $file" "$("$STAGE" query $file 'PRAGMA integrity_check')" ok
done
finish
