#!/bin/sh
# The audit log: listed with filters, and broken wherever somebody touched the file.
. "$(dirname "$0")/desk.inc"

audit() { "$SLUICE" audit "$@" > out 2> err; }

desk 1
audit list --json
is "the list without a store" "$(cat out)" "[]"
audit verify --json
is "verify without a store" "$(cat out)" '{"holds":true,"entries":0,"broken_at":0}'
post "'DR10000009 done'"
"$SLUICE" run > out 2>> sluice.log
"$STAGE" exec data/records.db "CREATE TRIGGER no BEFORE INSERT ON qa_photo_reviews BEGIN SELECT RAISE(ABORT, 'closed'); END"
post "'DR10000001 done'"
post "'DR10000002 done'"
post "'DR10000003 done'"
"$SLUICE" run > out 2>> sluice.log
"$SLUICE" dlq retry 1 > out 2>> sluice.log
"$SLUICE" dlq drop 2 --why 'בדיקה "one"' > out 2>> sluice.log
"$SLUICE" backup b.tar.gz > out 2>> sluice.log
"$SLUICE" dlq drop 3 --why two > out 2>> sluice.log

audit verify
is "exit code of verify" $? 0
has "verify" "$(cat out)" "the chain holds: 4 entries"
audit list
is "lines of the list" "$(wc -l < out)" 5
has "the actor" "$(cat out)" "cli:"
count() { grep -o '"id":' out | wc -l; }
audit list --json --act dlq
is "entries of dlq" "$(count)" 3
audit list --json --act dlq.drop --limit 1
is "one entry" "$(count)" 1
has "the newest comes first" "$(cat out)" '\"why\":\"two\"'
audit list --json --act dl
is "a part of an act" "$(count)" 0
audit list --json --actor nobody-of-this-name
is "somebody else's entries" "$(count)" 0
audit list --json --since 1h
is "entries since" "$(count)" 4
audit list --json --until 2020-01-01
is "entries until" "$(count)" 0
audit list --since gestern
is "exit code for no time" $? 64
audit list --limit 0
is "exit code for no number" $? 64
audit
is "exit code without an act" $? 64

# Somebody touches the file.
cp data/sluice.db whole.db
tampered() { # tampered ENTRY SQL
    rm -f data/sluice.db-wal data/sluice.db-shm
    cp whole.db data/sluice.db
    "$STAGE" exec data/sluice.db "$2"
    audit verify
    is "exit code of verify after: $2" $? 1
    has "verify after: $2" "$(cat out)" "broken at entry $1"
    audit verify --json
    is "exit code of verify --json after: $2" $? 1
    has "verify --json after: $2" "$(cat out)" "\"broken_at\":$1"
}
tampered 2 "UPDATE audit SET detail=replace(detail, 'one', 'two') WHERE id=2"
tampered 1 "UPDATE audit SET actor='cli:somebody' WHERE id=1"
tampered 4 "DELETE FROM audit WHERE id=3"
tampered 4 "DELETE FROM audit WHERE id=4"
tampered 3 "UPDATE audit SET at_ms=at_ms+1 WHERE id=3"
tampered 1 "DELETE FROM audit"
tampered 5 "INSERT INTO audit SELECT 5, at_ms, actor, act, object, detail, hash FROM audit WHERE id=4"
finish
