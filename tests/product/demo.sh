#!/bin/sh
# The demo keeps what it promises, in under a minute; stopped in the middle it leaves nothing behind.
. "$(dirname "$0")/desk.inc"

mkdir tmp
before=$(now_ms)
TMPDIR=$folder/tmp sh "$repo/demo/demo.sh" > out 2>&1
is "exit code of the demo" $? 0
took=$(($(now_ms) - before))
[ "$took" -lt 60000 ] || fail "the demo took $took ms"
has "the demo" "$(cat out)" "14 reviews, 1 resubmission, exactly"
is "folders left" "$(ls tmp)" ""

# The whole group, as Ctrl-C does, or the script alone.
for whom in group script; do
    TMPDIR=$folder/tmp setsid sh "$repo/demo/demo.sh" > out 2>&1 &
    demo=$!
    await 10 grep -q "^2\. More" out || fail "the demo did not get to its second part"
    sleep 0.7
    if [ "$whom" = group ]; then
        kill -TERM "-$demo"
    else
        kill -TERM "$demo"
    fi
    wait "$demo"
    code=$?
    [ "$code" != 0 ] || fail "a demo that was stopped says that all went well"
    sleep 1.5 # A pause of the writer may still be running out.
    is "folders left after $whom" "$(ls tmp)" ""
    left=''
    for entry in /proc/[0-9]*; do
        case $(readlink "$entry/cwd" 2> /dev/null) in
            "$folder"/tmp/*) left="$left $(tr "\0" " " < "$entry/cmdline")" ;;
        esac
    done
    is "processes left after $whom" "$left" ""
done
finish
