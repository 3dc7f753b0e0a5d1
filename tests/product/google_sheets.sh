#!/bin/sh
# A roster and leads in Google Sheets, built in YAML alone, against a double of it that the vendor's own client
# judges: the product is killed again and again, requests are lost, late and refused, the sheet goes away. Each
# lead stands there once; the roster has what was last written; no secret is printed.
. "$(dirname "$0")/desk.inc"

command -v python3 > /dev/null && command -v openssl > /dev/null || {
    echo "[  SKIPPED ] google_sheets needs python3 and openssl"
    exit 0
}
total=1200 part=150

# The double is what the vendor's client takes it for.
if client=$(cd "$repo" && ci/tool google 2> /dev/null); then
    is "the vendor's client" "$(python3 "$repo/tests/google/judge.py" "$client" 2>&1 | tail -n 3)" "ok"
else
    echo "the vendor's client is not to be had here: the double is not judged"
fi

mkdir google && mkfifo google.in
(cd "$repo" && exec python3 tests/google/sheets_server.py "$folder/google") < google.in > google.out 2> google.err &
exec 5> google.in
desk 1
await 60 grep -q ready google.out || { cat google.err; fail "the double did not start"; finish; }
port=$(awk '$1 == "google" { print $2 }' google.out)
control=$(awk '$1 == "control" { print $2 }' google.out)
oks() { [ "$(grep -c '^ok' google.out)" = "$1" ]; }
tell() {
    before=$(grep -c '^ok' google.out)
    echo "$1" >&5
    await 30 oks $((before + 1)) || fail "the double did not answer '$1'"
}
tell 'sheet {"id": "S", "title": "main", "rows": [["הערות", "טלפון", "שם", "תרגול אחרון"], ["=x", "055-000-0001", "דנה"], ["", 550000002, "רון"], ["", "+972 55 000 0003", "טל"]]}'
tell 'sheet {"id": "S", "title": "Leads 2025", "rows": [["name", "מקור"]]}'
cp google/credentials.json .
export CREDENTIALS_FILE="$folder/credentials.json"

cat > sluice.yaml << END
store: data
sources:
  bridge: {kind: whatsapp-bridge, path: messages.db}
  roster:
    kind: google-sheets
    credentials: file:\${CREDENTIALS_FILE}
    spreadsheet: "https://docs.google.com/spreadsheets/d/S/edit#gid=0"
    worksheet: main
    key: טלפון
    key_form: phone
    refresh: 1h
    rate: 10000
    api: https://localhost:$port
    authorities: google/ca.crt
sinks:
  leads:
    kind: google-sheets
    credentials: file:\${CREDENTIALS_FILE}
    spreadsheet: S
    worksheets: {leads: Leads 2025}
    settle: 1s
    rate: 10000
    api: https://localhost:$port
    authorities: google/ca.crt
  marks:
    kind: google-sheets
    credentials: file:\${CREDENTIALS_FILE}
    spreadsheet: S
    worksheets: {marks: main}
    rename: {טלפון: phone, תרגול אחרון: last}
    key_form: phone
    ledger: none
    new_rows: false
    settle: 1s
    rate: 10000
    api: https://localhost:$port
    authorities: google/ca.crt
pipelines:
  leads:
    source: bridge
    chats: all
    ops:
      - {kind: extract, pattern: '(?<phone>055\d+)'}
      - {kind: normalize, fields: {phone: phone}}
      - {kind: lookup, reference: roster, key: "{phone}", add: {student: שם}}
      - {kind: write, sink: leads, target: leads, key: "{id}", once: true,
         set: {name: "{student}", phone: "{phone}", text: "{text}", at: "{sent}"}}
  marks:
    source: bridge
    chats: all
    ops:
      - {kind: extract, pattern: '(?<phone>055\d+)'}
      - {kind: write, sink: marks, target: marks, key: "{phone}", key_column: phone, set: {last: "{sent|DD/MM/YYYY} {id}"}}
END
"$SLUICE" check > out 2>&1 || fail "check: $(cat out)"
chmod 644 credentials.json
"$SLUICE" check > out 2>&1 && fail "a key file that everybody can read was taken"
has "a key file for everybody" "$(cat out)" "chmod 600"
chmod 600 credentials.json
sed 's/service_account/authorized_user/' google/credentials.json > person.json
chmod 600 person.json
CREDENTIALS_FILE="$folder/person.json" "$SLUICE" check > out 2>&1 && fail "a key file of a person was taken"
has "a key file of a person" "$(cat out)" "it is of a person (authorized_user)"
"$SLUICE" check --connect > out 2>&1
has "what is missing" "$(cat out)" "there is no header 'key', 'phone', 'text', 'at'"
"$SLUICE" migrate --dry-run > out 2>&1 || fail "migrate --dry-run: $(cat out)"
has "what would be added" "$(cat out)" "worksheet 'Leads 2025':"
"$SLUICE" migrate > out 2>&1 || fail "migrate: $(cat out)"
has "the column that remembers" "$(cat out)" "'sluice' added to row 1"
"$SLUICE" check --connect > out 2>&1 || fail "check --connect: $(cat out)"
has "the account" "$(cat out)" "written as robot@invented-project.iam.gserviceaccount.com"

# Messages come all the while; the product dies, requests are lost, late, refused; the sheet goes away.
first=1 seed=$$ round=0
while [ "$first" -le "$total" ]; do
    round=$((round + 1))
    case $round in
        1) tell 'fault {"on": "append", "what": "lost"}' ;;
        2) tell 'fault {"on": "append", "what": "late", "seconds": 0.6}' ;;
        3) tell 'fault {"on": "append", "what": "half"}' ;;
        4) tell stop ;;
        5) tell start; tell 'fault {"on": "any", "times": 2, "what": "status", "code": 429, "retry_after": "1"}' ;;
        6) tell 'fault {"on": "append", "skip": 1, "what": "status", "code": 500}' ;;
        7) tell expire; tell 'fault {"on": "update", "what": "lost"}' ;;
    esac
    serve
    "$STAGE" exec messages.db "WITH RECURSIVE n(i) AS (SELECT $first UNION ALL SELECT i + 1 FROM n WHERE i < $first + $part - 1)
        INSERT INTO messages(id, chat_jid, sender, content, timestamp, is_from_me)
        SELECT 'N' || i, '120363000000000001@g.us', 'Dana', '=שלום 055' || printf('%07d', i % 3 + 1), '2025-11-24 10:00:00+02:00', 0 FROM n"
    first=$((first + part))
    seed=$(((seed * 1103515245 + 12345) % 2147483648))
    sleep "0.$(printf %03d $((300 + seed / 65536 % 600)))"
    kill9
done
tell calm
for turn in 1 2 3 4 5 6 7 8; do
    "$SLUICE" run > out 2>> sluice.log && break
    [ "$turn" = 8 ] && fail "the last run: $(cat out)"
    sleep 1
done
python3 - "$control" "$total" << 'PY' > out 2>&1 || fail "the sheet: $(cat out)"
import json, sys, urllib.request
world = json.load(urllib.request.urlopen("http://127.0.0.1:%s/" % sys.argv[1]))
total = int(sys.argv[2])
book = world["sheets"]["S"]
head, *rows = book["Leads 2025"]
place = {name: i for i, name in enumerate(head)}
assert head[:2] == ["name", "מקור"], head
keys = [row[place["key"]] for row in rows]
assert len(set(keys)) == len(keys), "%d rows, %d keys" % (len(keys), len(set(keys)))
assert sorted(keys) == sorted("N%d" % i for i in range(1, total + 1)), "%d of %d" % (len(keys), total)
names = {1: "דנה", 2: "רון", 3: "טל"}
for row, key in zip(rows, keys):
    student = int(key[1:]) % 3 + 1
    assert row[place["name"]] == names[student], row
    assert row[place["phone"]] == "97255000000%d" % student, row
    assert row[place["text"]] == "=שלום 055000000%d" % student, row
    assert row[place["at"]] == "24/11/2025 10:00", row
main = book["main"]
assert [row[0] for row in main] == ["הערות", "=x", "", ""], main
lasts = [row[3] for row in main[1:]]
wanted = ["24/11/2025 N%d" % max(i for i in range(1, total + 1) if i % 3 == k) for k in range(3)]
assert lasts == wanted, (lasts, wanted)
assert world["bad"] == [], world["bad"][:3]
print(world["calls"])
PY
echo "requests: $(cat out)"
is "dead letters" "$("$SLUICE" dlq list)" ""
calls() { python3 -c "import json, urllib.request as u; c = json.load(u.urlopen('http://127.0.0.1:$control/'))['calls']; print(c.get('append', 0), c.get('update', 0))"; }
before=$(calls)
"$SLUICE" run > out 2>> sluice.log
is "a run with nothing new writes nothing" "$(calls)" "$before"

# What would be written is shown for each cell, and nothing is.
post "'0550000002'"
"$SLUICE" run --dry-run > out 2>&1
cp out dry.txt
has "a dry run" "$(cat out)" "24/11/2025 M1"
is "a dry run writes nothing" "$(calls)" "$before"

# A header that somebody renames: nothing is written, nothing is lost, and the words say which.
tell 'edit {"id": "S", "title": "main", "op": "set", "row": 1, "column": 4, "value": "תרגול"}'
post "'0550000001'"
"$SLUICE" run > out 2>&1
cat out >> sluice.log
has "a renamed header" "$("$SLUICE" status)" "there is no header 'תרגול אחרון'"
tell 'edit {"id": "S", "title": "main", "op": "set", "row": 1, "column": 4, "value": "תרגול אחרון"}'
tell 'deny S'
"$SLUICE" check --connect > out 2>&1 && fail "a sheet that is not shared is no mistake"
has "a sheet that is not shared" "$(cat out)" "not shared with robot@invented-project.iam.gserviceaccount.com"
tell 'allow S'
"$SLUICE" run > out 2>> sluice.log
is "exit code when all is well again" $? 0
is "dead letters at the end" "$("$SLUICE" dlq list)" ""

grep reloaded sluice.log && fail "the same configuration was taken for a changed one"
grep -q -e "PRIVATE KEY" -e "ya29" sluice.log out && fail "a secret is in the log"
exec 5>&-
finish
