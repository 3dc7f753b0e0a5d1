#!/bin/sh
# check --connect: each source and sink says whether it can be used, nothing is made, and what is
# wrong comes with what to do.
. "$(dirname "$0")/desk.inc"
desk 1
rm -f messages.db
"$SLUICE" check --connect > out 2> err
is "exit code without a bridge" $? 69
has "the source" "$(cat out)" "start the bridge, or correct the option"
has "the sink" "$(cat out)" "records.db: to be made"
has "what to do" "$(cat err)" "1 of 2 cannot be used"
[ ! -e data ] || fail "a data folder was made"
conforms check check --connect

bridge
post "'DR10000001 done'"
"$SLUICE" check --connect > out 2> err
is "exit code with a bridge" $? 0
[ ! -e data ] || fail "a data folder was made"
"$SLUICE" run > /dev/null 2>> sluice.log
before=$(cat data/*.db | cksum)
"$SLUICE" check --connect > out 2> err
is "exit code afterwards" $? 0
has "the table" "$(cat out)" "1 tables are there"
is "the files" "$(cat data/*.db | cksum)" "$before"

# What is no database, and a sink that may not be written.
echo "this is text" > messages.db
"$SLUICE" check --connect > out 2> err
is "exit code with a bridge that is none" $? 69
printf 'sinks: {}\n' > wrong.yaml
"$SLUICE" --config wrong.yaml check --connect --json > out 2> /dev/null
is "exit code with mistakes" $? 78
has "connections with mistakes" "$(cat out)" '"connections":null'
finish
