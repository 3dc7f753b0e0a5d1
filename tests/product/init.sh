#!/bin/sh
# init: answers through a pipe or by flags; what it writes passes check and works; nothing is
# overwritten.
. "$(dirname "$0")/desk.inc"

init() { "$SLUICE" init "$@" > out 2> err; }

# By answers; a wrong one is asked again. Hebrew is a name like any other.
bridge
printf 'dorps\ndrops\n\nרמת גן "צפון"\n12345\n%s\n\n' "$north" > answers
init < answers
is "exit code of answers" $? 0
has "a wrong profile" "$(cat err)" "did you mean 'drops'?"
has "a wrong group" "$(cat err)" "looks like 120363000000000001@g.us"
has "the next commands" "$(cat out)" "sluice check"
has "the next commands" "$(cat out)" "sluice serve"
"$SLUICE" check > out 2> err
is "exit code of check" $? 0
post "'DR10000001 done'"
"$SLUICE" run > out 2> sluice.log
is "exit code of run" $? 0
is "rows" "$(rows)" 1
is "the project" "$(records "SELECT project FROM qa_photo_reviews")" 'רמת גן "צפון"'

# Nothing is overwritten.
cp sluice.yaml before.yaml
init --profile rows --yes
is "exit code over a configuration" $? 1
has "over a configuration" "$(cat err)" "sluice.yaml is there already; nothing was written"
cmp sluice.yaml before.yaml || fail "the configuration was changed"

# By flags, elsewhere; the bridge's file is named from here.
init 'the desk' --profile drops --bridge messages.db --project P1 --group "$north" --zone Africa/Johannesburg --yes
is "exit code of flags" $? 0
has "where to go" "$(cat out)" "cd 'the desk' && sluice check"
(cd 'the desk' && "$SLUICE" check > out 2> err && "$SLUICE" run > out 2>> ../sluice.log) || fail "the desk of the flags does not work"
is "rows elsewhere" "$("$STAGE" query 'the desk/data/records.db' 'SELECT count(*) FROM qa_photo_reviews')" 1
is "mode of the configuration" "$(stat -c %a 'the desk/sluice.yaml')" 600

# A row for each message with a word.
post "'please send the חשבונית today'"
post "'INVOICE 7'"
post "'nothing of the kind'"
init rows --profile rows --words 'invoice, חשבונית' --bridge messages.db --yes
is "exit code of rows" $? 0
(cd rows && "$SLUICE" run > out 2>> ../sluice.log) || fail "the rows do not work: $(cat rows/out)"
is "rows with a word" "$("$STAGE" query rows/data/records.db 'SELECT count(*) FROM messages')" 2
init all --profile rows --bridge messages.db --yes
(cd all && "$SLUICE" run > out 2>> ../sluice.log) || fail "all rows do not work"
is "all rows" "$("$STAGE" query all/data/records.db 'SELECT count(*) FROM messages')" 4

# Chats as rows of the sync domain.
init synced --profile sync --bridge messages.db --yes
is "exit code of sync" $? 0
(cd synced && "$SLUICE" run > out 2>> ../sluice.log) || fail "the sync profile does not work: $(cat synced/out)"
is "messages of sync" "$("$STAGE" query synced/data/records.db "SELECT count(*) FROM messages WHERE platform = 'whatsapp'")" 4

# What is missing or wrong.
init new --yes < /dev/null
is "exit code without a project" $? 64
has "without a project" "$(cat err)" "--project is needed"
init new < /dev/null
is "exit code without answers" $? 64
init new --profile drops --project P --group 123 --yes
is "exit code of a wrong group" $? 64
init new --zone Nowhere/Land --profile rows --yes
is "exit code of a wrong zone" $? 64
init new --profile rows --bridge "$(printf 'a\nb')" --yes
is "exit code of a name with a line break" $? 64
[ ! -e new/sluice.yaml ] || fail "something was written for a wrong answer"
init /proc/nowhere --profile rows --yes
is "exit code of a folder that cannot be made" $? 78
init a b
is "exit code of two folders" $? 64
finish
