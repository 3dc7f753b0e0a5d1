#!/bin/sh
# A bridge's file that is missing, empty, no database, corrupt, cut, locked or swapped: a clear line
# each, nothing lost, and everything goes on by itself once the file is right again.
. "$(dirname "$0")/desk.inc"

# says PART: the log has it within ten seconds.
says() { await 10 log_has "$1" || fail "the log does not say '$1'"; }
# again: a fresh desk with an empty log.
again() {
    [ -z "$sluice" ] || stop
    cat sluice.log >> all.log
    rm -rf data messages.db*
    : > sluice.log
    number=0
    desk "${1:-1}"
}

# Missing at the start; made later.
desk 1
rm -f messages.db*
serve
says "messages.db: there is no such file yet"
bridge
post "'DR10000001'"
await 15 rows_are 1 || fail "the bridge that came later was not read"

# Taken away while it runs, and brought back.
: > sluice.log
mv messages.db away.db
for side in wal shm; do [ ! -e messages.db-$side ] || mv messages.db-$side away.db-$side; done
serve_seen=$(rows)
sleep 1
mv away.db messages.db
for side in wal shm; do [ ! -e away.db-$side ] || mv away.db-$side messages.db-$side; done
post "'DR10000002'"
await 15 rows_are 2 || fail "the bridge that came back was not read (had $serve_seen)"

# Not a database, empty, and then right.
again
echo "this is a text and no database, and long enough to be looked at: $(seq 1 200)" > messages.db
serve
says "not a SQLite database"
is "reviews from a text file" "$(rows)" 0
: > messages.db
sleep 1
rm -f messages.db*
bridge
post "'DR10000003'"
await 15 rows_are 1 || fail "the bridge was not read after it had been a text file"

# Corrupt in the middle; the good file comes back.
again
fill 1 2000 1
"$STAGE" exec messages.db "PRAGMA journal_mode=DELETE"
cp messages.db good.db
size=$(stat -c %s messages.db)
head -c $((size / 2)) /dev/zero | tr '\0' '\377' > noise
dd if=noise of=messages.db bs=4096 seek=2 conv=notrunc 2> /dev/null
serve
says "corrupt\|malformed\|damaged"
cp good.db messages.db
await 30 rows_are 90 || fail "after corruption $(rows) reviews, expected 90"

# Cut in the middle of a page.
again
fill 1 2000 1
"$STAGE" exec messages.db "PRAGMA journal_mode=DELETE"
cp messages.db good.db
head -c $((size / 2 + 100)) good.db > messages.db
serve
says "corrupt\|malformed\|damaged\|shorter\|truncated"
cp good.db messages.db
await 30 rows_are 90 || fail "after cutting $(rows) reviews, expected 90"

# Locked by somebody else, longer than one look waits.
again
"$STAGE" exec messages.db "PRAGMA journal_mode=DELETE"
post "'DR10000004'"
"$STAGE" hold messages.db 7000 > held &
holder=$!
await 5 test -s held || fail "the file could not be held"
serve
says "locked\|busy"
wait "$holder"
await 30 rows_are 1 || fail "the bridge was not read after it had been locked"

# Swapped for another one, with lower row numbers: all of it is read, nothing twice.
again
fill 1 2000 1
serve
await 20 rows_are 90 || fail "before the swap $(rows) reviews"
rm -f messages.db*
bridge
fill 101 400 1
swaps() { "$STAGE" query data/sluice.db "SELECT count(*) FROM event WHERE kind='swapped'"; }
noticed() { [ "$(swaps)" -ge 1 ]; }
await 30 noticed || fail "the swap was not noticed"
post "'DR10000005'"
await 20 rows_are 91 || fail "after the swap $(rows) reviews, expected 91"
sleep 1
is "messages after the swap" "$(archived)" 2001

# Not a bridge at all: the columns that are there, and those that are needed.
again
rm -f messages.db*
"$STAGE" exec messages.db "CREATE TABLE messages(a, b)"
serve
says 'lacks chat_jid'
stop
has "an unknown table" "$(cat sluice.log)" "column"
"$SLUICE" run > out 2>> sluice.log
is "exit code of run with an unknown table" $? 2
finish
