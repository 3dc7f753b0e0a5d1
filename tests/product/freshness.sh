#!/bin/sh
# Two groups of one message an hour for nine weeks; one falls silent: health says so, until it speaks again.
. "$(dirname "$0")/desk.inc"
command -v python3 > /dev/null || { echo "skipped: there is no python3"; exit 0; }
port=$(PYTHONPATH=$repo/tests/product PYTHONDONTWRITEBYTECODE=1 python3 -c 'import http_rig; print(http_rig.free_port())')
desk 2
sed -i 's/^    path:/    lookback: 90d\n    path:/' sluice.yaml
printf 'http: {listen: "127.0.0.1:%s"}\n' "$port" >> sluice.yaml
# hours FROM TO GROUP: a message in each of those hours ago.
hours() {
    "$STAGE" exec messages.db "WITH RECURSIVE n(i) AS (VALUES($1) UNION ALL SELECT i - 1 FROM n WHERE i > $2)
        INSERT INTO messages(id, chat_jid, sender, content, timestamp, is_from_me)
        SELECT 'H$3-'||i, '12036300000000000$3@g.us', 'Sipho', 'hour '||i, strftime('%Y-%m-%d %H:%M:%S+00:00', 'now', '-'||i||' hours'), 0 FROM n"
}
hours 1510 72 1
hours 1510 0 2
serve
asked() { "$SLUICE" health --json > health.json 2> /dev/null; python3 -c "import json, sys; h = json.load(open('health.json')); s = h['sources'][0]; sys.exit(0 if $1 else 1)" 2> /dev/null; }
await 30 asked "s['watched_chats'] == 2" || fail "no habit is learned: $(cat health.json)"
await 20 asked "s['quiet_chats'] == 1 and not s['silent']" || fail "the silent group is not noticed: $(cat health.json)"
asked "{'part': 'source', 'name': 'bridge', 'what': 'chat_silent', 'status': 'degraded'} in h['culprits']" || fail "no culprit: $(cat health.json)"
grep -q "120363" health.json && fail "a chat is named without a token"
token=$("$SLUICE" token add watch --scope metrics 2> /dev/null)
sleep 1
PYTHONDONTWRITEBYTECODE=1 python3 - "$port" "$token" << 'END' || fail "the details"
import json, sys, urllib.request
def get(path):
    return urllib.request.urlopen(urllib.request.Request(f"http://127.0.0.1:{sys.argv[1]}{path}", headers={"Authorization": "Bearer " + sys.argv[2]})).read().decode()
quiet = json.loads(get("/health"))["sources"][0]["quiet"]
assert [one["chat"] for one in quiet] == ["120363000000000001@g.us"] and 150 < quiet[0]["usual_a_week"] < 180, quiet
assert quiet[0]["newest_message"] < quiet[0]["expected_by"], quiet
assert 'sluice_quiet_chats{source="bridge"} 1' in get("/metrics"), get("/metrics")
END
conforms health health
"$STAGE" exec messages.db "INSERT INTO messages(id, chat_jid, sender, content, timestamp, is_from_me)
    VALUES('NOW', '$north', 'Sipho', 'here again', strftime('%Y-%m-%d %H:%M:%S+00:00', 'now'), 0)"
await 30 asked "s['quiet_chats'] == 0 and h['status'] == 'ok'" || fail "who speaks again is still called silent: $(cat health.json)"
stop
finish
