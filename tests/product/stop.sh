#!/bin/sh
# Asked to stop under load, frozen and thawed, started twice, run beside a running one.
. "$(dirname "$0")/desk.inc"

# SIGTERM under load: well within eight seconds, and the rest is done by the next start.
desk 5
fill 1 400000 5
serve
await 20 log_has "MONITORING" || fail "it did not start"
sleep 0.3
before=$(now_ms)
stop
took=$(($(now_ms) - before))
[ "$took" -lt 8000 ] || fail "stopping under load took $took ms"
partly=$(archived)
[ "$partly" -lt 400000 ] || fail "all was read before the stop: the load is too small for this test"
echo "stopped under load in $took ms, with $partly of 400000 messages archived"
"$SLUICE" run > out 2>> sluice.log
is "exit code of run" $? 0
is "messages" "$(archived)" 400000
is "reviews" "$(rows)" 18000
is "comment blocks" "$(blocks)" 2000

# Ctrl-C in the middle of `run`: partial, and the next one goes on.
rm -rf data
"$SLUICE" run > out 2> run.log &
sluice=$!
sleep 0.4
kill -INT "$sluice" # Background jobs of sh ignore SIGINT unless the program asks for it, as sluice does.
wait "$sluice"
code=$?
sluice=''
case $code in
    2) has "stopped run" "$(cat run.log)" "goes on where this one was" ;;
    0) echo "the run was over before Ctrl-C" ;;
    *) fail "exit code of a stopped run: $code" ;;
esac
"$SLUICE" run > out 2>> sluice.log
is "reviews after the stopped run" "$(rows)" 18000
is "comment blocks after the stopped run" "$(blocks)" 2000

# Twice is at once, and loses nothing either.
rm -rf data
serve
await 20 log_has "MONITORING"
sleep 0.4
kill -TERM "$sluice"
kill -INT "$sluice" 2> /dev/null
wait "$sluice"
code=$?
sluice=''
[ "$code" = 130 ] || [ "$code" = 0 ] || fail "exit code after two signals: $code"
"$SLUICE" run > out 2>> sluice.log
is "reviews after two signals" "$(rows)" 18000
is "comment blocks after two signals" "$(blocks)" 2000

# A second serve is refused with the owner's name; a run beside it is carried out by it.
rm -rf data
serve
await 20 rows_are 18000 || fail "$(rows) reviews, expected 18000"
second=$("$SLUICE" serve 2>&1)
is "exit code of a second serve" $? 75
has "a second serve" "$second" "$sluice"
"$STAGE" fill messages.db 400001 200 5
"$SLUICE" run > out 2>> sluice.log
is "exit code of run beside serve" $? 0
is "reviews after run beside serve" "$(rows)" 18009

# Frozen for three seconds, then thawed: goes on as if nothing had been.
kill -STOP "$sluice"
"$STAGE" fill messages.db 400201 200 5
sleep 3
kill -CONT "$sluice"
await 15 rows_are 18018 || fail "after SIGSTOP and SIGCONT $(rows) reviews, expected 18018"

# SIGHUP is no reason to die.
kill -HUP "$sluice"
sleep 0.3
kill -0 "$sluice" || fail "SIGHUP killed it"
stop
is "comment blocks at the end" "$(blocks)" 2002
finish
