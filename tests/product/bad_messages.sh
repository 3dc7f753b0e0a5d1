#!/bin/sh
# Messages with bytes that do not belong there, and far too long ones: kept as far as they can be,
# counted and listed where they cannot, and the good ones around them all arrive.
. "$(dirname "$0")/desk.inc"

desk 1
post "'before DR10000001'"
post "'nul' || char(0) || 'inside DR10000002'"
post "CAST(x'42c3284452313030303030303320ff' AS TEXT)"
post "'bidi ' || char(8238) || ' and escape ' || char(27) || '[2J DR10000004'"
post "'DR10000005 ' || hex(zeroblob(5000000))"
post "NULL"
post "''"
post "x'00ff00'"
"$STAGE" exec messages.db "INSERT INTO messages(id, chat_jid, sender, content, timestamp, is_from_me)
    VALUES('', '$north', 's', 'an empty id DR10000006', '2025-11-24 10:00:00+02:00', 0),
          (hex(zeroblob(2000)), '$north', 's', 'a very long id DR10000007', '2025-11-24 10:00:00+02:00', 0),
          ('S1', '$north', hex(zeroblob(2000)), 'a very long sender DR10000008', '2025-11-24 10:00:00+02:00', 0),
          ('T1', '$north', 's', 'no time DR10000009', 'yesterday', 0),
          ('T2', '$north', NULL, 'nobody DR10000010', NULL, NULL)"
post "'after DR10000011'"

"$SLUICE" run > out 2>> sluice.log
code=$?
[ "$code" = 0 ] || [ "$code" = 2 ] || fail "exit code of run: $code"
for drop in DR10000001 DR10000002 DR10000003 DR10000004 DR10000005 DR10000007 DR10000008 \
    DR10000009 DR10000010 DR10000011; do
    is "review $drop" "$(records "SELECT count(*) FROM qa_photo_reviews WHERE drop_number='$drop'")" 1
done
"$SLUICE" refused list > refused
"$SLUICE" refused list --json > refused.json
refusals=$(tail -n +2 refused | wc -l) # Without the line of titles.
is "refused messages (the one without an id)" "$refusals" 1
has "status" "$("$SLUICE" status)" "refused       $refusals"
"$SLUICE" status --json | grep -q "\"refused\":$refusals" || fail "status --json does not count the refused"
is "longest text in the archive" "$("$STAGE" query data/sluice.db 'SELECT max(length(CAST(text AS BLOB))) <= 1048576 FROM archive')" 1
is "texts with NUL in the archive" "$("$STAGE" query data/sluice.db 'SELECT count(*) FROM archive WHERE instr(CAST(text AS BLOB), char(0)) > 0')" 0
is "dead letters" "$("$SLUICE" dlq list)" ""

# What was listed and logged steers no terminal.
if LC_ALL=C grep -q "$(printf '\033\\|\342\200\256')" refused sluice.log out; then
    fail "an escape or a bidi control reached the screen"
fi
"$SLUICE" run > out 2>> sluice.log
is "a second run reads nothing twice" "$(rows)" "$(records 'SELECT count(DISTINCT drop_number) FROM qa_photo_reviews')"
is "comment blocks" "$(blocks)" 0
finish
