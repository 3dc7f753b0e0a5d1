#!/bin/sh
# migrate: tables are made or completed when a person asks for it; a dry run changes no byte.
. "$(dirname "$0")/desk.inc"

migrate() { "$SLUICE" migrate "$@" > out 2> err; }

desk 1
migrate --dry-run
is "exit code of a dry run" $? 0
has "a dry run" "$(cat out)" "store: to be made"
has "a dry run" "$(cat out)" "sink records: table qa_photo_reviews: created"
[ ! -e data ] || fail "a dry run made a data folder: $(ls -a data)"
migrate
is "exit code of migrate" $? 0
has "migrate" "$(cat out)" "sink records: table qa_photo_reviews: created"
is "the table" "$(rows)" 0
migrate --json
is "a second migrate" "$(cat out)" '{"dry_run":false,"store_exists":true,"version":3,"sinks":[{"sink":"records","report":["nothing to do"]}]}'
is "migrations in the audit log" "$("$STAGE" query data/sluice.db "SELECT count(*) FROM audit WHERE act='migrate'")" 2

# A table of the user's own: a column is missing and no index on the key.
"$STAGE" exec data/records.db "DROP INDEX IF EXISTS qa_photo_reviews_drop_number; ALTER TABLE qa_photo_reviews RENAME TO r;
    CREATE TABLE qa_photo_reviews AS SELECT * FROM r; DROP TABLE r; ALTER TABLE qa_photo_reviews DROP COLUMN comment;
    INSERT INTO qa_photo_reviews(drop_number, user_name) VALUES('DR10000001', 'mine')"
before=$("$STAGE" query data/records.db "SELECT group_concat(sql) FROM sqlite_schema")
migrate --dry-run
is "exit code of a dry run over a user's table" $? 0
has "a dry run" "$(cat out)" "comment"
is "the tables after a dry run" "$("$STAGE" query data/records.db "SELECT group_concat(sql) FROM sqlite_schema")" "$before"
dry=$(grep '^sink' out)
migrate
is "exit code over a user's table" $? 0
is "what was done is what was said" "$(grep '^sink' out)" "$dry"
has "the index on the key" "$("$STAGE" query data/records.db "SELECT group_concat(sql) FROM sqlite_schema")" "UNIQUE INDEX"
is "rows are left alone" "$(records "SELECT user_name FROM qa_photo_reviews")" mine
post "'DR10000002 done'"
"$SLUICE" run > out 2>> sluice.log
is "exit code of a run behind it" $? 0
is "rows" "$(rows)" 2

# Not beside serve; not on a newer store; not with a wrong configuration.
serve
await 20 log_has 'MONITORING' || fail "serve says nothing"
sleep 1
migrate
is "exit code beside serve" $? 75
migrate --dry-run
is "exit code of a dry run beside serve" $? 0
stop
# A store of version 1, of which a copy stays, knows what it knew.
"$STAGE" exec data/sluice.db "DROP TABLE seen_block; DROP TABLE habit; PRAGMA user_version=1"
migrate --dry-run
has "a dry run over an older store" "$(cat out)" "version 1"
migrate
is "exit code for an older store" $? 0
is "the version of an older store" "$("$STAGE" query data/sluice.db "PRAGMA user_version")" 3
[ -e data/sluice.db.version-1 ] || fail "no copy of the older store: $(ls data)"
"$SLUICE" run > out 2>> sluice.log
is "exit code of a run on a migrated store" $? 0
is "what a migrated store takes for new" "$(cat out)" "0 messages, 0 records, 0 delivered, 0 failed"
"$STAGE" exec data/sluice.db "PRAGMA user_version=9"
migrate
is "exit code for a newer store" $? 78
has "a newer store" "$(cat err)" "the store has version 9"
migrate now
is "exit code of a word too many" $? 64
echo nonsense > sluice.yaml
migrate
is "exit code with a wrong configuration" $? 78
finish
