#!/bin/sh
# run --dry-run: what would be written is shown, and not one byte is: neither of the store and its log
# nor of the target, at rest, after a crash, and beside a running serve.
. "$(dirname "$0")/desk.inc"

# Every byte below `data` and of the bridge, and which files there are. Of the shared index of a
# log (-shm), which whoever reads after a crash works out anew, only that it is there.
hashes() {
    find data messages.db* -type f ! -name '*-shm' | sort | xargs sha256sum 2> /dev/null
    find data -name '*-shm' | sort
}
is_quiet() {
    hashes > quiet
    sleep 0.3
    hashes | cmp -s quiet -
}
# dry ARGUMENTS...: a dry run; what it shows is in `out`.
dry() {
    hashes > before
    "$SLUICE" run --dry-run "$@" > out 2> err
    code=$?
    hashes > after
    cmp -s before after || fail "run --dry-run $*: files were changed: $(diff before after)"
}
shows() { has "standard output" "$(cat out)" "$1"; }

desk 2
post "'DR10000001 done'"
post "'DR10000002 and DR10000003'"
post "'שלום, nothing here'"
mkdir -p empty && "$SLUICE" --data empty run --dry-run > out 2> err
is "exit code on an empty folder" $? 0
shows "+ qa_photo_reviews DR10000001"
shows "project: P1"
shows "3 new"
is "files in the empty folder" "$(find empty -type f | wc -l)" 0
"$SLUICE" --data nowhere run --dry-run > out 2> err
[ ! -e nowhere ] || fail "a dry run made a data folder"

# At rest: no file appears beside the store or the target.
"$SLUICE" run > out 2>> sluice.log
is "rows" "$(rows)" 3
dry
is "exit code" "$code" 0
shows "nothing would be written"
post "'DR10000001 again'"
post "'DR10000004'"
dry
shows "~ qa_photo_reviews DR10000001"
shows "~ resubmitted: (none) → true"
shows "+ qa_photo_reviews DR10000004"
shows "1 new, 1 changed"
dry drops --limit 1
shows "… and 1 more (--limit shows more)"
dry --json
shows '"key":"DR10000001","change":"changed"'
shows '"resubmitted":{"old":null,"new":true}'
shows '"new":1,"changed":1,"gone":0,"same":0,"more":0'
dry --since 2025-12-01
case $(cat out) in *DR10000004*) fail "--since does not limit what is shown" ;; esac
dry --since 2025-11-24 --until 2025-11-24
shows "DR10000004"
dry drosp
is "exit code of an unknown pipeline" "$code" 64
has "standard error" "$(cat err)" "did you mean 'drops'?"
dry --limit many
is "exit code of a wrong limit" "$code" 64

# What a person changed in the target counts: it is the target that is compared with.
"$STAGE" exec data/records.db "INSERT INTO qa_photo_reviews(drop_number, project) VALUES('DR10000004', 'by hand')"
rm -f data/records.db-wal data/records.db-shm
dry
shows "~ qa_photo_reviews DR10000004"

# Nothing was moved: the run afterwards does all of it.
"$SLUICE" run > out 2>> sluice.log
has "the run behind it" "$(cat out)" "2 messages, 2 records, 2 delivered"
is "comment blocks" "$(blocks)" 2

# Beside a running serve, which is not disturbed and does not disturb; nothing is left to do there.
serve
await 10 is_quiet || fail "serve does not come to rest"
dry
is "exit code beside serve" "$code" 0
has "standard error" "$(cat err)" "only what is archived is looked at"
post "'DR10000005'"
await 10 rows_are 5
stop

# After a crash there is a log: it is read and stays as it is.
post "'DR10000006'"
serve
await 10 rows_are 6
kill9
post "'DR10000007'"
dry
shows "+ qa_photo_reviews DR10000007"

# A source that cannot be read: said, and what is archived is looked at.
mv messages.db elsewhere.db
rm -f messages.db-wal messages.db-shm
"$SLUICE" run --dry-run > out 2> err
is "exit code without the bridge" $? 2
has "standard error" "$(cat err)" "bridge cannot be read"
finish
