#!/bin/sh
# A disk that is full, for the store and for the reviews: said clearly, nothing lost, nothing
# doubled, and everything goes on once there is room.
. "$(dirname "$0")/desk.inc"

all_written() { [ "$(rows)" = 2700 ] && [ "$(blocks)" = 300 ]; }

desk 5
fill 1 60000 5
"$SLUICE" run > out 2>> sluice.log
outcome expected
is "reviews of the undisturbed run" "$(rows)" 2700
rm -rf data

mkdir data
small=''
if mount -t tmpfs -o size=3m,mode=0700 tmpfs data 2> /dev/null; then
    small=tmpfs
    trap 'umount -l "$folder/data" 2> /dev/null; cleanup' EXIT
    "$SLUICE" run > out 2>> sluice.log
    code=$?
else
    # No right to mount: files that may not grow are as good as a full disk.
    (
        ulimit -f 4000
        "$SLUICE" run > out 2>> sluice.log
    )
    code=$?
fi
[ "$code" != 0 ] || fail "a run on a full disk ended well"
case $code in
    1 | 2 | 69 | 75) ;;
    *) fail "exit code of a run on a full disk: $code" ;;
esac
grep -q -i "full\|no space\|disk" sluice.log || fail "the log does not say what is wrong with the disk"
echo "on a full disk (${small:-a limit on files}): exit code $code, $(archived) messages, $(rows) reviews"

if [ -n "$small" ]; then
    # Serve meets the same and goes on by itself when there is room.
    # Not a byte is free when it starts.
    dd if=/dev/zero of=data/filler bs=4k 2> /dev/null
    serve
    await 10 log_has "the start waits" || fail "the start does not wait for room"
    sleep 2
    kill -0 "$sluice" 2> /dev/null || fail "serve died of a full disk"
    mount -o remount,size=200m data || fail "the disk could not be made larger"
    await 60 all_written || fail "after making room: $(rows) reviews and $(blocks) comment blocks"
    stop
else
    "$SLUICE" run > out 2>> sluice.log
    is "exit code once there is room" $? 0
fi
outcome found
cmp expected found || fail "the reviews are not those of an undisturbed run"
is "messages" "$(archived)" 60000
is "dead letters" "$("$SLUICE" dlq list)" ""
is "integrity" "$("$STAGE" query data/sluice.db 'PRAGMA integrity_check')" ok
finish
