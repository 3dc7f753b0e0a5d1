#!/bin/sh
# Alerts by all channels: each tells once that something is wrong, and once that it is well again, across kill -9.
. "$(dirname "$0")/desk.inc"
command -v python3 > /dev/null || { echo "skipped: there is no python3"; exit 0; }
PYTHONDONTWRITEBYTECODE=1
export PYTHONDONTWRITEBYTECODE
export MAIL_PASSWORD=secret SLACK_URL='' BOT_TOKEN=123:secretbot GREEN_TOKEN=secretgreen HOOK_SECRET='an invented secret, for alerts'
mkfifo hold hold2
mkdir certs
(cd "$repo" && exec python3 tests/net/mail_server.py "$folder/certs") < hold > ports 2> servers.log &
exec 4> hold
python3 "$repo/tests/product/alerts_rig.py" "$folder/calls" < hold2 > double &
exec 5> hold2
await 30 grep -q -e ready -e missing ports || fail "the mail server did not start: $(cat servers.log)"
await 10 test -s double || fail "the double did not start"
: > calls
double=http://127.0.0.1:$(cat double)
SLACK_URL=$double/services/T0/B0/secretpath

manager='' managed=''
if program=$("$repo/ci/tool" alertmanager 2> tool.log); then
    manager=$(PYTHONPATH=$repo/tests/product python3 -c 'import http_rig; print(http_rig.free_port())')
    printf 'route: {receiver: nobody}\nreceivers: [{name: nobody}]\n' > am.yml
    "$program" --config.file=am.yml --storage.path=am --web.listen-address="127.0.0.1:$manager" --cluster.listen-address= > am.log 2>&1 &
    managed=$!
fi
cleanup_more() { [ -z "$managed" ] || kill "$managed" 2> /dev/null; }
trap 'cleanup_more; cleanup' EXIT

desk 1
cat >> sluice.yaml << END
alerts:
  settle: 1s
  to:
    post: {kind: email, server: "smtp://localhost:$(awk '$1 == "starttls" { print $2 }' ports)", user: desk, password: "env:MAIL_PASSWORD", from: desk@example.org, to: [office@example.org], authorities: certs/ecca.crt}
    team: {kind: slack, url: "env:SLACK_URL"}
    phone: {kind: telegram, token: "env:BOT_TOKEN", chat: "4242", server: "$double"}
    wa: {kind: green-api, instance: "7", token: "env:GREEN_TOKEN", chat: 10000000009@c.us, server: "$double"}
    hook: {kind: webhook, url: "$double/hook", secret: "env:HOOK_SECRET"}
    away: {kind: slack, url: "env:AWAY_URL"}
    few: {kind: slack, url: "env:FEW_URL", only: [session_expired]}
${manager:+    manager: {kind: alertmanager, server: "http://127.0.0.1:$manager"\}}
END
export AWAY_URL="$double/down" FEW_URL="$double/only"
"$SLUICE" check > out 2>&1 || fail "check: $(cat out)"
conforms alerts-list alerts list
"$SLUICE" alerts test > out 2> err
is "exit code of a test with one that is down" $? 69
has "a test" "$(cat out)" "post (email): told"
has "a test of who is down" "$(cat out)" "away (slack): channel away"
conforms alerts-test alerts test team
"$SLUICE" alerts test nobody > out 2> err
is "exit code of a channel that is none" $? 64
: > calls
: > certs/mails

serve
await 20 log_has "P1" || fail "serve did not start"
post "'DR10000009 fine'"
await 20 rows_are 1 || fail "nothing is delivered"
"$STAGE" exec data/records.db "CREATE TRIGGER no BEFORE INSERT ON qa_photo_reviews BEGIN SELECT RAISE(ABORT, 'closed'); END"
post "'DR10000001 secret words'"
told() { "$SLUICE" alerts list --json > list && python3 -c "import json, sys; sys.exit(0 if any(len([t for t in a['told'] if t['news'] == '$1']) >= $2 for a in json.load(open('list')) if a['what'] == 'dead_letters') else 1)"; }
await 30 told firing 5 || fail "not everybody was told: $(cat list) $(tail -n 5 sluice.log)"
conforms alerts-list alerts list
has "the list" "$("$SLUICE" alerts list)" "dead_letters"
kill9
touch calls.up
serve
await 30 grep -q '"/down", "status": 200' calls || fail "who was down is not told afterwards"
sleep 3
python3 "$repo/tests/product/alerts.py" calls certs/mails "$HOOK_SECRET" firing || fail "firing"
if [ -n "$manager" ]; then
    active() { python3 -c "import json, sys, urllib.request as u; found = json.load(u.urlopen('http://127.0.0.1:$manager/api/v2/alerts')); sys.exit(0 if [a['labels'] for a in found if a['labels']['alertname'] == 'dead_letters'] == ${1:-[]} else 1)"; }
    await 20 active "[{'alertname': 'dead_letters', 'name': 'records', 'part': 'sink', 'service': 'sluice'}]" || fail "Alertmanager does not have it"
fi
kill9

# Well again, while it does not run; told after the start, once.
"$STAGE" exec data/records.db "DROP TRIGGER no"
serve
"$SLUICE" dlq retry --all > out 2>&1 || fail "dlq retry: $(cat out)"
await 20 rows_are 2 || fail "what came back is not delivered"
gone() { "$SLUICE" alerts list --json > list && ! grep -q dead_letters list; }
await 40 gone || fail "it is not over: $(cat list)"
[ -z "$manager" ] || await 20 active || fail "Alertmanager still has it"
sleep 2
python3 "$repo/tests/product/alerts.py" calls certs/mails "$HOOK_SECRET" over || fail "over"

# A channel is taken away and the settings change while it runs; a wrong one is refused with its place.
sed -i 's/settle: 1s/settle: 2s/; /  team: /d' sluice.yaml
kill -HUP "$sluice"
await 20 log_has "read again\|reloaded" || fail "the reload is not told"
sed -i 's/only: \[session_expired\]/only: [sesion_expired]/' sluice.yaml
"$SLUICE" check > out 2>&1
is "exit code of check" $? 78
has "a misspelt name" "$(cat out)" "session_expired"
stop
! grep -qF -e secretbot -e secretgreen -e secretpath -e "$HOOK_SECRET" sluice.log data/sluice.db* || fail "a secret is in the log or the store"
finish
