#!/bin/sh
# The store is lost and records.db is not: the history is read again, nothing happens twice, and what
# is new is not taken for something that happened before. The same for an old copy of the store.
. "$(dirname "$0")/desk.inc"

desk 1
post "'DR10000001 done'"
post "'DR10000001 again'"
"$SLUICE" run 2>> sluice.log > /dev/null
cp data/sluice.db old.db
outcome before
is "comment blocks" "$(blocks)" 1

# Lost, and read again from the beginning.
rm -f data/sluice.db data/sluice.db-wal data/sluice.db-shm
"$SLUICE" run 2>> sluice.log > /dev/null
outcome after
cmp before after || fail "reading the history again changed the reviews"

# Another message under a number that the lost store had given to something else.
rm -f data/sluice.db data/sluice.db-wal data/sluice.db-shm
"$STAGE" exec messages.db "DELETE FROM messages"
post "'DR10000002 done'"
"$SLUICE" run 2>> sluice.log > /dev/null
is "the new drop's row" "$(records "SELECT count(*) FROM qa_photo_reviews WHERE drop_number='DR10000002'")" 1
is "comment blocks" "$(blocks)" 1

# An old copy is put back: it does not know the last message, the table does.
rm -f data/sluice.db-wal data/sluice.db-shm
cp old.db data/sluice.db
post "'DR10000003 done'"
"$SLUICE" run 2>> sluice.log > /dev/null
is "reviews" "$(rows)" 3
is "comment blocks" "$(blocks)" 1
finish
