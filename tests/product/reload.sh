#!/bin/sh
# The configuration changes under load, well and badly, with storms of SIGHUP and a kill -9 now and
# then: in the end the reviews are those of an undisturbed run, to the last comment block.
. "$(dirname "$0")/desk.inc"

total=60000 part=800

# group N: its id. entry N NAME [enabled]
group() { printf '12036300000000%04d@g.us' "$1"; }
entry() { printf '  - name: %s\n    enabled: %s\n    group_jid: "%s"\n    description: made up\n' "$2" "${3:-true}" "$(group "$1")"; }
# put: standard input becomes projects.yaml, as an editor does it.
put() { cat > .projects.new && mv .projects.new projects.yaml; }
all() {
    echo "projects:"
    for n in 1 2 3 4 5 6 7; do entry $n P$n; done
}
facts() {
    records "SELECT drop_number, user_name, whatsapp_message_date, resubmitted,
        (length(comment) - length(replace(comment, 'PHOTOS UPDATED', ''))) / 14
        FROM qa_photo_reviews ORDER BY drop_number" > "$1"
}
log_count() { grep -c -e "$1" sluice.log; }
log_reaches() { [ "$(log_count "$1")" -ge "$2" ]; }

# The undisturbed run.
desk 7
fill 1 $total 7
"$SLUICE" run 2>> sluice.log > /dev/null
is "exit code of the undisturbed run" $? 0
facts expected
reviews=$(rows) resubmissions=$(blocks)
rm -rf data messages.db*

# One project at first. What was posted elsewhere before counts when its project is added.
: > sluice.log
bridge
{ echo "projects:"; entry 1 P1; } | put
fill 1 $part 7
serve
await 20 log_has "drops: .* delivered" || fail "nothing was delivered at first"
before=$(rows)
{ echo "projects:"; entry 1 P1; entry 2 P2; } | put
await 5 log_has "reloaded: pipeline drops: 1 project added; everything else as before" || fail "the reload is not told"
await 5 log_has "• P2: $(group 2)" || fail "the new project has no line"
more_rows() { [ "$(rows)" -gt "$before" ]; }
await 5 more_rows || fail "what was posted before in the new project's group was not read"

# A bad file, and half a file: the old one goes on.
{ echo "projects:"; entry 1 P1; echo "  - nam: oops"; } | put
await 5 log_has "did you mean 'name'" || fail "the mistake is not told"
await 5 log_has "the one before goes on" || fail "it is not told that the old one goes on"
reloads=$(log_count "reloaded:")
exec 3> projects.yaml
{ echo "projects:"; entry 1 P1; } >&3 # Whole by its look: one project is missing.
sleep 2
is "reloads while a file was being written" "$(log_count "reloaded:")" "$reloads"
{ entry 2 P2; entry 3 P3; } >&3
exec 3>&-
await 5 log_has "• P3: $(group 3)" || fail "the file that was written slowly was not read in the end"
is "projects taken out by half a file" "$(log_count "removed")" 0

answer="reloaded:\|the one before goes on\|says what it said before"
answered() { [ "$(log_count "$answer")" -gt "$answers" ]; }

# Seventy changes while messages arrive.
at=$((part + 1)) turn=0 kills=0 seed=$$
while [ "$turn" -lt 70 ]; do
    turn=$((turn + 1))
    answers=$(log_count "$answer")
    seed=$(((seed * 1103515245 + 12345) % 2147483648))
    dice=$((seed / 65536))
    fill "$at" $part 7 &
    filling=$!
    at=$((at + part))
    {
        echo "projects:"
        for n in 1 2 3 4 5 6 7; do
            case $((dice / (n * 7) % 4)) in
                0) ;; # Taken out.
                1) entry $n P$n false ;;
                2) entry $n "R$turn-$n" ;; # Called otherwise.
                3) entry $n P$n ;;
            esac
        done
        [ $((dice % 5)) != 0 ] || echo "  - broken: ["
    } | put
    case $((dice % 7)) in
        1) for n in 1 2 3 4 5 6 7 8 9; do kill -HUP "$sluice"; done ;;
        2) sleep 0.3 ;;
        3) sed -i "s/poll: .*/poll: $((turn + 1))s/" sluice.yaml ;;
        4) sed -i "s/attempts: .*//; s/kind: sqlite/kind: sqlite\n    attempts: $((turn + 5))/" sluice.yaml ;;
    esac
    if [ $((turn % 16)) = 0 ]; then # Around a reload: it changes nothing.
        sleep "0.$(printf %03d $((dice % 700)))"
        kill9
        kills=$((kills + 1))
        all | put
        serve
    elif [ $((dice % 6)) = 0 ]; then
        sleep 0.2 # The next change comes before this one is taken up.
    else
        await 3 answered || fail "turn $turn: the change was neither taken up nor refused"
    fi
    wait "$filling"
done
fill "$at" $((total - at + 1)) 7
cp "$repo/config/demo.yaml" sluice.yaml
all | put
await 60 rows_are "$reviews" || fail "$(rows) reviews, expected $reviews"
blocks_are() { [ "$(blocks)" = "$1" ]; }
await 20 blocks_are "$resubmissions" || fail "$(blocks) comment blocks, expected $resubmissions"
echo "$(log_count "reloaded:") reloads, $(log_count "the one before goes on") refused, $kills kills"
[ "$(log_count "reloaded:")" -ge 40 ] || fail "too few reloads took place"
[ "$(log_count "the one before goes on")" -ge 2 ] || fail "too few were refused"
stop
facts found
cmp expected found || fail "the reviews are not those of an undisturbed run"
is "dead letters" "$("$SLUICE" dlq list)" ""

# The log moves and gets quieter; the store stays where it is.
serve
sleep 1
printf 'LOG_LEVEL=WARNING\nLOG_FILE=moved.log\n' > .env
moved() { [ -f moved.log ]; }
await 8 moved || fail "LOG_FILE was not taken up"
: > .env # An empty value counts as missing.
sleep 1
kill -HUP "$sluice"
reloads=$(log_count "says what it said before")
await 5 log_reaches "says what it said before" $((reloads + 1)) || fail "SIGHUP without a change is not told"
sed -i 's/^store: data/store: elsewhere/' sluice.yaml
await 5 log_has "restart it for that" || fail "another store was not refused"
[ ! -e elsewhere ] || fail "another store was made"
sed -i 's/^store: elsewhere/store: data/' sluice.yaml
stop
finish
