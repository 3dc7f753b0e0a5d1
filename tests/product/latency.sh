#!/bin/sh
# From the bridge's commit to the row's: the median is under a second by noticing the change, with a
# SCAN_INTERVAL that is far longer. What an idle serve costs is printed.
. "$(dirname "$0")/desk.inc"

desk 1
sed -i 's/poll: 1s/poll: 15s/' sluice.yaml
serve
await 10 log_has MONITORING || fail "it did not start"
sleep 1
n=0
while [ "$n" -lt 15 ]; do
    n=$((n + 1))
    post "'DR$((20000000 + n)) is done'"
    from=$(now_ms)
    until [ "$(rows)" = "$n" ] || [ $(($(now_ms) - from)) -gt 20000 ]; do sleep 0.02; done
    echo $(($(now_ms) - from)) >> took
    sleep "0.$((n * 37 % 200 + 100))"
done
is "reviews" "$(rows)" 15
median=$(sort -n took | sed -n 8p)
[ "$median" -lt 1000 ] || fail "the median is $median ms"

# Voluntary switches of all threads are times that somebody woke up.
switches() { cat /proc/"$sluice"/task/*/status | awk '/^voluntary/ { sum += $2 } END { print sum }'; }
sleep 3
before=$(switches)
sleep 5
echo "median $median ms, slowest $(sort -n took | tail -n 1) ms; asleep it wakes $((($(switches) - before) / 5)) times a second"
stop
finish
