#!/bin/sh
# What the main commands look like in a real terminal (tmux), in three widths, against tests/screens.
#
#     ci/zig build, then: SCREENS=retake sh tests/product/screens.sh      takes them anew
#
# The clock of what is shown is fixed (stores.inc), so a difference is a change of what people see.
. "$(dirname "$0")/desk.inc"
. "$repo/tests/product/stores.inc"
if ! command -v tmux > /dev/null; then
    if [ "$(id -u)" = 0 ] && command -v apt-get > /dev/null; then
        apt-get install -y -q tmux > apt.log 2>&1 || apt-get update -q > apt.log 2>&1 && apt-get install -y -q tmux > apt.log 2>&1
    fi
    command -v tmux > /dev/null || { echo "skipped: there is no tmux, and it cannot be installed here"; exit 0; }
fi
locale=$(locale -a 2> /dev/null | grep -i -m 1 -e '^C\.utf-\?8$' -e '^en_US\.utf-\?8$')
[ -n "$locale" ] || { echo "skipped: there is no UTF-8 locale for tmux"; exit 0; }
export LC_ALL="$locale"
screens=$repo/tests/screens
server="sluice-test-$$"
tm() { tmux -L "$server" -f /dev/null "$@"; }
end() { tm kill-server 2> /dev/null; cleanup; }
trap end EXIT

# A server without a session ends, perhaps just when the next one is asked for.
tm new-session -d -s base -x 80 -y 24 "sleep 600" || fail "tmux does not start"

# shot NAME COLUMNS ROWS COMMAND...: the screen once the command is done.
shot() {
    name=$1 columns=$2 rows=$3
    shift 3
    rm -f done.$name
    tm new-session -d -s "$name" -x "$columns" -y "$rows" \
        "PS1= ; cd '$folder'; '$SLUICE' $* ; touch 'done.$name'; sleep 60" || fail "tmux does not start"
    await 20 test -e "done.$name" || fail "$name: the command did not end: sluice $*"
    sleep 0.2
    keep "$name"
    tm kill-session -t "$name"
}
# keep NAME: compare what is on the screen of the session, or take it.
keep() {
    # Sizes of the store depend on the version of the library; trailing blanks are not seen.
    tm capture-pane -p -t "$1" | sed -e 's/[0-9.]* KiB/NNN KiB/' -e 's/ *$//' | sed -e :a -e '/^\n*$/{$d;N;ba' -e '}' > "$1.txt"
    if [ "${SCREENS:-}" = retake ]; then
        cp "$1.txt" "$screens/$1.txt"
    else
        cmp -s "$1.txt" "$screens/$1.txt" || fail "the screen $1 is another one:
$(diff "$screens/$1.txt" "$1.txt")"
    fi
}

store_busy
for width in 40 80 200; do
    shot "status-$width" "$width" 90 status
    shot "messages-$width" "$width" 40 messages
    shot "runs-$width" "$width" 40 runs
    shot "dlq-list-$width" "$width" 40 dlq list
    shot "refused-list-$width" "$width" 40 refused list
    shot "schedule-$width" "$width" 60 --config clocks.yaml schedule --from 2026-03-26 --count 3
done
shot help-80 80 70 help
shot short-80 80 24 ''
shot help-messages-80 80 40 help messages
shot help-schedules-80 80 40 help schedules
shot tap-80 80 24 tap --last 4 --count 4
shot plain-80 80 60 status --plain
shot empty-80 80 10 status --data nothing

# Colours: the same command, with the sequences.
tm new-session -d -s colours -x 80 -y 60 "cd '$folder'; '$SLUICE' status; touch done.colours; sleep 60"
await 20 test -e done.colours || fail "status did not end"
sleep 0.2
tm capture-pane -e -p -t colours > colours
grep -q "$(printf '\033\\[31m')" colours || fail "nothing is red in a terminal"
tm kill-session -t colours
for plain in "NO_COLOR=1" "TERM=dumb"; do
    rm -f done.plain
    tm new-session -d -s plain -x 80 -y 60 "cd '$folder'; $plain '$SLUICE' status; touch done.plain; sleep 60"
    await 20 test -e done.plain || fail "status did not end"
    sleep 0.2
    tm capture-pane -e -p -t plain > colours
    ! grep -q "$(printf '\033\\[3[0-9]m')" colours || fail "colours with $plain"
    tm kill-session -t plain
done

# top draws, and goes at q and at Ctrl-C, leaving the terminal as it was.
for key in q C-c killed; do
    rm -f done.top
    tm new-session -d -s top -x 100 -y 24 "cd '$folder'; echo before; '$SLUICE' top; echo code \$?; stty -a | grep -o -- '-*echo ' ; touch done.top; sleep 60"
    drawn() { tm capture-pane -p -t top | grep -q 'q ends'; }
    await 30 drawn || fail "top draws nothing"
    [ "$key" = q ] && keep_top=$(tm capture-pane -p -t top) && has "top" "$keep_top" "a second"
    if [ "$key" = killed ]; then
        tm resize-window -t top -x 60
        sleep 1.5
        widest=$(tm capture-pane -p -t top | awk '{ if (length($0) > most) most = length($0) } END { print most }')
        [ "$widest" -le 60 ] || fail "top does not fit a smaller window: $widest"
        kill -TERM "$(tm list-panes -t top -F '#{pane_pid}' | xargs -I % ps -o pid= --ppid % | tr -d ' ' | head -n 1)"
    else
        tm send-keys -t top "$key"
    fi
    await 30 test -e done.top || fail "top does not end at $key"
    sleep 0.2
    [ "$key" = killed ] && code=143 || code=0
    has "behind top, after $key" "$(tm capture-pane -p -t top)" "code $code"
    has "behind top, after $key" "$(tm capture-pane -p -t top)" "before"
    has "echo, after $key" "$(tm capture-pane -p -t top)" "echo"
    tm kill-session -t top
done

# Ctrl-C in a terminal: `run` ends its batch and says how to go on; `tap` just goes.
rm -rf data
fill 1 1500000 5
tm new-session -d -s run -x 100 -y 24 "cd '$folder'; LOG_FILE=run.log '$SLUICE' run; echo code \$?; touch done.run; sleep 60"
moving() { tm capture-pane -p -t run | grep -q 'a second'; }
await 20 moving || fail "run shows no rate in a terminal"
tm send-keys -t run C-c
await 20 test -e done.run || fail "run does not end at Ctrl-C"
sleep 0.2
seen=$(tm capture-pane -p -t run)
has "run after Ctrl-C" "$seen" "code 2"
has "run after Ctrl-C" "$seen" "goes on where this one was"
! echo "$seen" | grep -q 'a second' || fail "the moving line stays behind: $seen"
has "run at Ctrl-C" "$seen" "once more stops now"
tm kill-session -t run

# Twice: now.
rm -rf data done.run
tm new-session -d -s run -x 100 -y 24 "cd '$folder'; LOG_FILE=run.log '$SLUICE' run; echo code \$?; touch done.run; sleep 60"
await 20 moving || fail "run shows no rate in a terminal"
tm send-keys -t run C-c C-c
await 20 test -e done.run || fail "run does not end at two Ctrl-C"
sleep 0.2
case $(tm capture-pane -p -t run) in
    *"code 130"* | *"code 2"*) ;; # 2: the batch was just done.
    *) fail "run after two Ctrl-C: $(tm capture-pane -p -t run)" ;;
esac
tm kill-session -t run

# Nothing moves where the owner wants it still.
rm -rf data done.run
tm new-session -d -s run -x 100 -y 24 "cd '$folder'; LOG_FILE=run.log NO_COLOR=1 '$SLUICE' run; touch done.run; sleep 60"
await 30 test -e done.run || fail "run does not end"
tm capture-pane -p -t run | grep -q 'a second' && fail "a moving line with NO_COLOR"
finish
