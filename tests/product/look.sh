#!/bin/sh
# Looking beside a running `serve`: tap follows what arrives, messages finds it, top counts it.
. "$(dirname "$0")/desk.inc"
desk 1
post "'the tap leaks, call 050-1234567'"
serve
await 10 log_has MONITORING || fail "serve did not start"
arrived() { [ "$(archived)" -ge "$1" ]; }
await 10 arrived 1 || fail "the first message did not arrive"

"$SLUICE" tap --count 2 > tapped 2> /dev/null &
tap=$!
"$SLUICE" tap --json --count 2 > tapped.json 2> /dev/null &
second=$!
"$SLUICE" tap --chat nowhere > nothing 2> /dev/null &
third=$!
sleep 1
post "'שָׁלוֹם, the roof leaks too'"
post "'DR10000001 done' || char(27) || '[31m'"
ended() { ! kill -0 "$1" 2> /dev/null; }
await 10 ended "$tap" || fail "tap --count 2 does not end"
await 10 ended "$second" || fail "tap --json --count 2 does not end"
is "lines of tap" "$(wc -l < tapped)" 2
has "tap" "$(cat tapped)" "the roof leaks too"
has "tap, a sequence" "$(cat tapped)" '\u{1B}[31m'
is "sender in tap" "$(grep -c Sipho tapped)" 0
is "lines of tap --json" "$(grep -c '"kind":"chat"' tapped.json)" 2
kill -0 "$third" 2> /dev/null || fail "tap without --count ended by itself"
kill -INT "$third" 2> /dev/null; kill "$third" 2> /dev/null
is "what another chat's tap shows" "$(cat nothing)" ""

found() { [ "$("$SLUICE" messages "$@" 2> /dev/null | grep -c -e leaks)" = "$want" ]; }
want=2
await 15 found leaks || fail "search finds: $("$SLUICE" messages leaks)"
want=1
found שלום || fail "Hebrew is not found without its points: $("$SLUICE" messages שלום)"
found "tap leaks" || fail "words together are not found"
want=0
found "leaks tap" || fail "words that do not stand together are found"
has "a masked number" "$("$SLUICE" messages tap)" "050•••67"
has "a number that was asked for" "$("$SLUICE" messages tap --show-people)" "050-1234567"
first=$("$SLUICE" messages --limit 1 --json)
has "more" "$first" '"more":true'
before=$(echo "$first" | sed 's/.*"before":\([0-9]*\).*/\1/')
is "going on" "$("$SLUICE" messages --limit 5 --before "$before" --json | grep -o '"id":' | wc -l)" 2
has "status" "$("$SLUICE" status)" "All is well."
has "status" "$("$SLUICE" status --json)" '"verdict":"ok"'
has "top" "$("$SLUICE" top --json)" '"messages":3'
is "lines of top" "$("$SLUICE" top --json --count 3 --interval 100ms | wc -l)" 3
has "status of a source that was not seen for years" "$(SLUICE_NOW=2090-01-01T00:00:00Z "$SLUICE" status)" "source bridge: last good look"

# A source that can no longer be read: no run waits for it, and status says so all the same.
mv messages.db away.db
said() { "$SLUICE" status | grep -q 'source bridge (last good look'; }
await 30 said || fail "status does not speak of the bridge: $("$SLUICE" status)"
mv away.db messages.db
well() { "$SLUICE" status | grep -q 'All is well'; }
await 30 well || fail "status goes on about the bridge: $("$SLUICE" status)"
stop
has "status without serve" "$("$SLUICE" status)" "nobody is at work here"

# A sink that fails as a whole: no record of it failed, and status says so all the same.
mv data/records.db away.db; mkdir data/records.db
post "'DR10000002 done'"
"$SLUICE" run > out 2>> sluice.log
has "status of a sink that cannot be opened" "$("$SLUICE" status)" "1 waiting: sink records"
rmdir data/records.db; mv away.db data/records.db
"$SLUICE" run > out 2>> sluice.log
case $("$SLUICE" status) in *waiting:*) fail "status goes on about the sink" ;; esac

# A reader that goes away early ends the writer without a word.
fill 1 20000 1
"$SLUICE" run > out 2>> sluice.log
{ "$SLUICE" messages --limit 1000 2> err; echo $? > code; } | head -n 1 > out
case $(cat code) in 0 | 1 | 141) ;; *) fail "exit code $(cat code) behind head" ;; esac
grep -q crashed err && fail "words behind head: $(cat err)"
finish
