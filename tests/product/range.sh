#!/bin/sh
# run --since: the sources are read once more from then on; what is there already changes nothing, and
# what was out of sight comes in. Alone, and beside a running serve.
. "$(dirname "$0")/desk.inc"

desk 1
sed -i 's/^    path:/    lookback: 30d\n    path:/' sluice.yaml
post "'DR10000001 long ago'"
# old TEXT DATE: a message of another day.
old() {
    number=$((number + 1))
    "$STAGE" exec messages.db "INSERT INTO messages(id, chat_jid, sender, content, timestamp, is_from_me)
        VALUES('M$number', '$north', 'Sipho', '$1', '$2', 0)"
}
old "DR10000002 now" "$(date -u '+%Y-%m-%d %H:%M:%S+00:00')"
old "DR10000003 far back" "2024-01-01 10:00:00+02:00"
"$SLUICE" run > out 2>> sluice.log
is "messages within the lookback" "$(archived)" 1
"$SLUICE" run --since 2025-11-01 > out 2>> sluice.log
is "exit code" $? 0
[ "$(archived)" -ge 2 ] || fail "the range was not read: $(cat out)"
is "rows" "$(records "SELECT count(*) FROM qa_photo_reviews WHERE drop_number='DR10000001'")" 1
before=$(archived)
"$SLUICE" run --since 2025-11-01 > out 2>> sluice.log
is "messages after it was read again" "$(archived)" "$before"
is "comment blocks" "$(blocks)" 0
"$SLUICE" run --until 2025-11-01 > out 2> err
is "exit code of an end without a beginning" $? 64
"$SLUICE" run --since tomorrowish > out 2> err
is "exit code of a wrong time" $? 64
serve
old "DR10000004 now" "$(date -u '+%Y-%m-%d %H:%M:%S+00:00')"
await 10 rows_are 3 || fail "serve did not take the new message: $(rows) rows"
"$SLUICE" run --since 2023-12-01 > out 2>> sluice.log
is "exit code beside serve" $? 0
is "messages" "$(archived)" 4
is "rows of all" "$(rows)" 4
stop
"$SLUICE" run --since 2023-12-01 > out 2>> sluice.log
is "rows at the end" "$(rows)" 4
is "messages at the end" "$(archived)" 4
finish
