#!/bin/sh
# Dead letters: shown, corrected, tried again, dropped; beside a running serve and without one. What
# is tried again happens once, and every act is in the audit log.
. "$(dirname "$0")/desk.inc"

dlq() { "$SLUICE" dlq "$@" > out 2> err; }
dead() { "$STAGE" query data/sluice.db "SELECT count(*) FROM dead"; }
dead_is() { [ "$(dead)" = "$1" ]; }
acts() { "$STAGE" query data/sluice.db "SELECT count(*) FROM audit WHERE act='$1'"; }
forbid() { "$STAGE" exec data/records.db "CREATE TRIGGER no BEFORE INSERT ON qa_photo_reviews BEGIN SELECT RAISE(ABORT, 'the table is closed'); END"; }
allow() { "$STAGE" exec data/records.db "DROP TRIGGER no"; }

desk 1
dlq list
is "exit code without a store" $? 0
dlq retry --all
is "exit code of retry without a store" $? 1
has "without a store" "$(cat err)" "nothing has run here yet"

post "'DR10000001 done'"
"$SLUICE" run 2>> sluice.log > /dev/null
forbid
post "'DR10000002 done'"
post "'DR10000003 done'"
post "'DR10000004 done'"
"$SLUICE" run 2>> sluice.log > /dev/null
is "exit code of a run with refusals" $? 2
is "dead letters" "$(dead)" 3

# Shown.
dlq show 1
is "exit code of show" $? 0
has "show" "$(cat out)" '"drop_number": "DR10000002"'
has "show" "$(cat out)" "the table is closed"
dlq show 1 --json
has "show --json" "$(cat out)" '"kind":"effect"'
dlq show 99
is "exit code of show for what is not there" $? 1
dlq show one
is "exit code of show for no number" $? 64
dlq show
is "exit code of show without an id" $? 64

# What makes no sense is refused before anything happens.
dlq retry
is "exit code of retry without anything" $? 64
dlq retry 1 --all
is "exit code of retry with both" $? 64
dlq drop 1
is "exit code of drop without a reason" $? 64
dlq edit 1 project
is "exit code of edit without a value" $? 1
dlq edit 1 nosuch=7
is "exit code of edit with an unknown column" $? 1
has "an unknown column" "$(cat err)" "nosuch"
printf '[1]' | dlq edit 1 --body -
is "exit code of edit with a list" $? 1
printf '{"values":{}}' | dlq edit 1 --body -
has "an unknown group" "$(cat err)" "'values' is not one of the objects set, insert, update, append, inc, push"
is "acts so far" "$(acts dlq.edit)" 0

# Corrected: a column, a Hebrew one, a file, an editor.
dlq edit 1 'user_name=דנה'
is "exit code of edit" $? 0
dlq show 1
has "the corrected name" "$(cat out)" "דנה"
dlq show 1 --json
sed 's/.*"body"://; s/}$//; s/DR10000002 done/x/' out | sed 's/דנה/Dana/' > body.json
dlq edit 1 --body body.json
is "exit code of edit from a file" $? 0
printf '{"merge":{"comment":[{"a":1}]}}' > merged.json
dlq edit 1 --body merged.json
! grep -q "is not one of the objects" err || fail "a merge is no group: $(cat err)"
printf '{"merged":{}}' > merged.json
dlq edit 1 --body merged.json
is "exit code of a group that is none" $? 1
has "a group that is none" "$(cat err)" "'merged' is not one of the objects"
dlq edit 1 --body body.json
printf '#!/bin/sh\nsed -i "s/Dana/Noa/" "$2"\n' > editor.sh
EDITOR='sh editor.sh --wait' dlq edit 1
is "exit code of edit by an editor" $? 0
dlq show 1
has "the name from the editor" "$(cat out)" '"Noa"'
EDITOR=false dlq edit 1
is "exit code of an editor that fails" $? 1
EDITOR='' VISUAL='' dlq edit 1
is "exit code without an editor" $? 78
is "what the editor left behind" "$(ls data | grep -c dead-letter)" 0
is "edits in the audit log" "$(acts dlq.edit)" 3

# Tried again while nothing is better, then beside a running serve.
dlq retry 1 99
is "exit code of retry with one that is not there" $? 2
"$SLUICE" run 2>> sluice.log > /dev/null
is "dead letters after a vain try" "$(dead)" 3
allow
serve
await 20 log_has . || fail "serve says nothing"
dlq retry --sink records --target qa_photo_reviews
is "exit code of retry" $? 0
has "retry" "$(cat out)" "3 back on their way"
await 15 rows_are 4 || fail "a running serve does not notice what came back: $(rows) rows"
stop
is "the corrected row" "$(records "SELECT user_name FROM qa_photo_reviews WHERE drop_number='DR10000002'")" Noa
is "comment blocks" "$(blocks)" 0

# Delivered and yet listed (the process died between write and mark): once more is not twice.
post "'DR10000001 again'"
"$SLUICE" run 2>> sluice.log > /dev/null
is "comment blocks after a resubmission" "$(blocks)" 1
"$STAGE" exec data/records.db "CREATE TRIGGER no BEFORE UPDATE ON qa_photo_reviews BEGIN SELECT RAISE(ABORT, 'closed'); END"
post "'DR10000001 once more'"
"$SLUICE" run 2>> sluice.log > /dev/null
allow
cp data/sluice.db copy.db
dlq retry --all
"$SLUICE" run 2>> sluice.log > /dev/null
is "comment blocks after the retry" "$(blocks)" 2
rm -f data/sluice.db-wal data/sluice.db-shm
cp copy.db data/sluice.db
dead_is 1 || fail "the old copy has no dead letter"
dlq retry --all
"$SLUICE" run 2>> sluice.log > /dev/null
is "comment blocks after a retry of what was done" "$(blocks)" 2
is "dead letters at last" "$(dead)" 0

# Dropped, counted and listable.
forbid
post "'DR10000009 done'"
"$SLUICE" run 2>> sluice.log > /dev/null
id=$("$STAGE" query data/sluice.db "SELECT id FROM dead")
dlq drop "$id" --why "a test message" --json
is "exit code of drop" $? 0
is "drop --json" "$(cat out)" '{"dropped":1,"missing":0}'
dead_is 0 || fail "dropped and still there"
is "count of dropped ones" "$("$STAGE" query data/sluice.db "SELECT value FROM counter WHERE name='dropped'")" 1
is "drops in the audit log" "$(acts dlq.drop)" 1
has "the reason" "$("$STAGE" query data/sluice.db "SELECT detail FROM audit WHERE act='dlq.drop'")" "a test message"

# What cannot be audited is not done.
allow; forbid
post "'DR10000010 done'"
"$SLUICE" run 2>> sluice.log > /dev/null
"$STAGE" exec data/sluice.db "CREATE TRIGGER deaf BEFORE INSERT ON audit BEGIN SELECT RAISE(ABORT, 'no audit'); END"
dlq retry --all
is "exit code without an audit log" $? 1
has "without an audit log" "$(cat err)" "cannot be written into the audit log, so it is not done"
dead_is 1 || fail "done without an audit entry"
"$STAGE" exec data/sluice.db "DROP TRIGGER deaf"

# A store that somebody else holds.
"$STAGE" hold data/sluice.db 8000 > held &
holder=$!
await 5 grep -q held held
dlq retry --all
is "exit code while the store is held" $? 75
wait $holder
finish
