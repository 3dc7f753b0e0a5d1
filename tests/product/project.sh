#!/bin/sh
# Projects are added, turned off and on by one command, beside a running serve and without one; the
# file keeps its comments, its order, its line ends, its mode. Production and development work side
# by side on one bridge file.
. "$(dirname "$0")/desk.inc"

g=120363000000000
desk 1
cat > projects.yaml << 'YAML'
# Our groups. Ask Dana before you change one.
projects:
  - name: P1        # the first one
    enabled: true
    group_jid: "120363000000000001@g.us"
    description: "made up"

  # Paused until spring.
  - name: "Old: one"
    enabled: false  # see above
    group_jid: "120363000000000009@g.us"
    description: made up
# The end.
YAML
chmod 640 projects.yaml
cp projects.yaml before.yaml

# Without a serve: written, and what comes next is said.
said=$("$SLUICE" project add "מודיעין צפון" ${g}002@g.us 2> err)
is "exit code of project add" $? 0
has "project add" "$said" "• מודיעין צפון: ${g}002@g.us"
has "project add without a serve" "$said" "nothing is serving; next: sluice --config sluice.yaml serve"
is "mode of the file" "$(stat -c %a projects.yaml)" 640
is "lines that are gone" "$(diff before.yaml projects.yaml | grep -c '^<')" 0
is "lines that are new" "$(diff before.yaml projects.yaml | grep -c '^>')" 4
has "the list" "$("$SLUICE" project list)" "מודיעין צפון"
conforms project-list project list
has "the list as JSON" "$("$SLUICE" project list --json)" '{"name":"Old: one","enabled":false,"group_jid":"120363000000000009@g.us","description":"made up"}'

# What is refused changes nothing.
cp projects.yaml before.yaml
refused() { # refused CODE PART WORDS...
    code=$1 part=$2
    shift 2
    "$SLUICE" project "$@" > out 2>&1
    is "exit code of project $*" $? "$code"
    has "project $*" "$(cat out)" "$part"
    cmp -s projects.yaml before.yaml || fail "project $* changed the file"
}
refused 1 "does not end in @g.us" add P3 27820000000@s.whatsapp.net # an invented number
refused 1 "the name is taken by the project 'P1'" add P1 ${g}003@g.us
refused 1 "the group is taken by the project 'Old: one' (${g}009@g.us, not enabled)" add P3 ${g}009@g.us
refused 1 "name is empty" add "" ${g}003@g.us
refused 1 "did you mean 'P1'" enable P2
refused 64 "sluice help project add" add P3
refused 64 "there is no pipeline 'nobody'" list --pipeline nobody

# Beside a serve: taken up at once, and what was posted before counts.
post "'DR10000001 is done'"
"$STAGE" exec messages.db "INSERT INTO messages(id, chat_jid, sender, content, timestamp, is_from_me) VALUES
    ('S1', '${g}003@g.us', 'Lerato', 'DR30000001', '2025-11-24 10:00:00+02:00', 0)"
serve
await 10 rows_are 1 || fail "the first review did not come"
from=$(now_ms)
said=$("$SLUICE" project add "O'Neil \"South\"" ${g}003@g.us --description 'a \ b' 2> err)
is "exit code of project add beside serve" $? 0
took=$(($(now_ms) - from))
[ "$took" -lt 5000 ] || fail "it took $took ms until the project was taken up"
echo "taken up after $took ms"
has "project add beside serve" "$said" "has taken it up"
await 5 rows_are 2 || fail "what was posted before the project was added does not count"
is "its name in the review" "$(records "SELECT project FROM qa_photo_reviews WHERE id=2")" "O'Neil \"South\""
has "project disable" "$("$SLUICE" project disable P1 2>&1)" "no longer reads it"
post "'DR10000002 while nobody reads'"
sleep 1
is "reviews while it is disabled" "$(rows)" 2
has "project enable" "$("$SLUICE" project enable ${g}001@g.us --json 2> /dev/null)" '"taken_up":"yes"'
await 5 rows_are 3 || fail "what came while it was disabled was not read afterwards"
"$SLUICE" project enable P1 > out 2>&1
has "enabled twice" "$(cat out)" "P1 is enabled already"
is "comments of the file" "$(grep -c '#' projects.yaml)" 5
is "resubmissions" "$(blocks)" 0
stop

# The desk's report: "today" is the day on which sluice took a message in.
post "'DR10000001 again, and DR10000004'"
"$SLUICE" run >> sluice.log 2>&1
conforms drops-status drops status
conforms drops-list drops list
report=$("$SLUICE" drops status --json)
has "drops status" "$report" '"name":"P1","group_jid":"120363000000000001@g.us","numbers":3,"resubmissions":1,"numbers_today":3,"resubmissions_today":1'
has "drops status of another group" "$report" "\"group_jid\":\"${g}003@g.us\",\"numbers\":1,\"resubmissions\":0"
has "drops status for people" "$("$SLUICE" drops status)" "all"
is "drops list --again" "$("$SLUICE" drops list --again --json | grep -o '"number":"[^"]*","project":"[^"]*","posted":[0-9]*')" '"number":"DR10000001","project":"P1","posted":2'
is "drops list --project" "$("$SLUICE" drops list --json --project P1 | grep -o DR[0-9]* | sort | tr '\n' ' ')" "DR10000001 DR10000002 DR10000004 "
has "drops list --limit" "$("$SLUICE" drops list --json --limit 1)" '"more":true'

# Line ends of Windows, no line end at the end, a list that is empty, one in one line, a link.
printf 'projects:\r\n- name: P1\r\n  enabled: true\r\n  group_jid: "%s001@g.us"\r\n  description: x' $g > projects.yaml
"$SLUICE" project add P2 ${g}002@g.us > out 2>&1 || fail "CRLF: $(cat out)"
is "lines with CRLF" "$(grep -c "$(printf '\r')" projects.yaml)" 9
"$SLUICE" check > out 2>&1 || fail "check after CRLF: $(cat out)"
echo 'projects: []' > real.yaml
rm projects.yaml
ln -s real.yaml projects.yaml
"$SLUICE" project add P1 ${g}001@g.us > out 2>&1 || fail "an empty list: $(cat out)"
[ -L projects.yaml ] || fail "the link is none any more"
has "the file behind the link" "$(cat real.yaml)" '- name: "P1"'
rm projects.yaml
echo "projects: [{name: P1, enabled: true, group_jid: \"${g}001@g.us\", description: x}]" > projects.yaml
cp projects.yaml before.yaml
refused 1 "add the entry by hand" add P2 ${g}002@g.us
"$SLUICE" project disable P1 > out 2>&1 || fail "disable in one line: $(cat out)"
has "disable in one line" "$(cat projects.yaml)" "enabled: false"

# Production and development: two folders, two stores, one program, one bridge file.
for desk in prod dev; do
    mkdir -p $desk/config $desk/logs
    cp "$repo/config/drops.yaml" $desk/config/
    printf 'WHATSAPP_DB_PATH=%s/messages.db\nSCAN_INTERVAL=1\nLOG_FILE=../logs/%s.log\nENV=%s\nSLUICE_DATA=../data\n' "$folder" $desk $desk > $desk/config/.env
    { echo "projects:"; printf '  - name: %s\n    enabled: true\n    group_jid: "%s001@g.us"\n    description: x\n' $desk $g; } > $desk/config/projects.yaml
done
"$SLUICE" --config prod/config/drops.yaml serve 2>> sluice.log &
prod=$!
"$SLUICE" --config dev/config/drops.yaml serve 2>> sluice.log &
dev=$!
count() { "$STAGE" query $1/data/records.db "SELECT count(*) FROM qa_photo_reviews" 2> /dev/null || echo 0; }
both() { [ "$(count prod)" = "$1" ] && [ "$(count dev)" = "$2" ]; }
await 10 both 3 3 || fail "prod has $(count prod), dev has $(count dev) reviews"
"$SLUICE" --config dev/config/drops.yaml project add Try ${g}003@g.us > out 2>&1 || fail "add in dev: $(cat out)"
await 5 both 3 4 || fail "a project of dev: prod has $(count prod), dev has $(count dev)"
has "the log of dev" "$(cat dev/logs/dev.log)" "• Try: ${g}003@g.us"
kill -9 "$dev"
wait "$dev" 2> /dev/null
post "'DR10000003 is done'"
await 5 both 4 4 || fail "prod does not go on without dev"
kill "$prod"
wait "$prod" || fail "prod did not end well"
finish
