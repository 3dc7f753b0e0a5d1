#!/bin/sh
# Files in, files out: orders that grow in a CSV file, a roster to look names up in, a clock; CSV,
# NDJSON and JSON files as results; killed in between, edited meanwhile; and all of it exported.
. "$(dirname "$0")/desk.inc"

cat > sluice.yaml << 'END'
store: data
sources:
  orders:
    kind: csv
    path: orders.csv
    id_column: מספר
    text_column: הודעה
    time_column: מתי
    time_format: DD.MM.YYYY HH:MM
    sender_column: טלפון
  roster: {kind: csv, path: roster.csv, reference: true, key: טלפון, settle: 200ms}
  clock: {kind: timer, every: 1s}
sinks:
  table: {kind: csv, path: "out/{target}.csv"}
  log: {kind: ndjson, path: out/log.ndjson}
  doc: {kind: json, path: out/doc.json, shape: object}
pipelines:
  orders:
    from: [{source: orders, chats: all}]
    ops:
      - {kind: lookup, reference: roster, key: "{sender}", add: {name: שם}, on_miss: park}
      - {kind: write, sink: table, target: orders, key: "{id}", set: {name: "{name}", text: "{text}", sent: "{sent}"}}
      - {kind: write, sink: log, target: log, key: "{id}", set: {name: "{name}", text: "{text}"}}
  beats:
    from: [{source: clock, chats: all}]
    ops:
      - {kind: write, sink: doc, target: beats, key: "{id}", set: {at: "{now}"}}
END
printf 'שם,טלפון\nדנה,055-0000001\n' > roster.csv
printf 'מספר,טלפון,מתי,הודעה\r\n1,055-0000001,24.11.2025 10:00,"=1+1, ברז"\r\n2,055-0000002,24.11.2025 10:05,"שתי\r\nשורות"\r\n' > orders.csv
sleep 0.4
"$SLUICE" check > out.txt 2>&1 || fail "check: $(cat out.txt)"
"$SLUICE" run > out.txt 2>> sluice.log || fail "run: $?"

is "the table: one is known, one waits for the roster" "$(tail -n +2 out/orders.csv | wc -l)" 1
has "a formula is none" "$(cat out/orders.csv)" "\"'=1+1, ברז\""
has "its name" "$(cat out/orders.csv)" "דנה"
has "its time in UTC" "$(cat out/orders.csv)" "2025-11-24T08:00:00.000Z"
is "the log" "$(wc -l < out/log.ndjson)" 1
has "the log counts" "$(cat out/log.ndjson)" '{"_seq":1,'
[ "$(stat -c %a out/orders.csv)" = 600 ] || fail "out/orders.csv is not private"
grep -q '"at":"20' out/doc.json || fail "no beat: $(cat out/doc.json)"

# The roster learns a number: what waited goes on. A bad row and a half one do no harm.
printf 'שם,טלפון\nדנה,055-0000001\nיוסי,055-0000002\nיוסי ב,055-0000002\n' > roster.csv
printf '3,055-0000001,yesterday,no time\r\n4,055-0000001,24.11.2025 10:10,four\r\n5,055-00' >> orders.csv
"$SLUICE" serve > serve.txt 2>> sluice.log &
sluice=$!
wait_for() { # WHAT COMMAND...: at most ten seconds
    what=$1 tries=0
    shift
    until "$@" > /dev/null 2>&1; do
        tries=$((tries + 1))
        [ "$tries" -lt 100 ] || { fail "$what did not come"; return; }
        sleep 0.1
    done
}
wait_for "the parked order" grep -q יוסי out/orders.csv
wait_for "order 4" grep -q four out/orders.csv
printf '00001,24.11.2025 10:15,five\r\n' >> orders.csv
wait_for "order 5" grep -q five out/orders.csv
kill -9 "$sluice"
wait "$sluice" 2> /dev/null
sluice=''
"$SLUICE" run > out.txt 2>> sluice.log
is "rows after a kill" "$(grep -c 'Z.$' out/orders.csv)" 4
is "lines of the log after a kill" "$(wc -l < out/log.ndjson)" 4
is "numbers of the log" "$(sed 's/.*"_seq":\([0-9]*\).*/\1/' out/log.ndjson | tr '\n' ' ')" "1 2 3 4 "
"$SLUICE" refused list > refused.txt
has "the bad row" "$(cat refused.txt)" "orders.csv line 5"
has "the doubled key" "$(cat refused.txt)" "roster.csv line 4"

# An edit of a row is an edit of the message; a person's change in the table is kept.
sed -i 's/four/FOUR/' orders.csv
echo 'mine,,,' >> out/orders.csv
"$SLUICE" run > out.txt 2>> sluice.log
has "the edited row" "$(cat out/orders.csv)" FOUR
has "what a person added" "$(cat out/orders.edited-000001.csv)" mine
before=$(cat out/orders.csv out/log.ndjson | sha256sum)
"$SLUICE" run > out.txt 2>> sluice.log
is "a run with nothing new" "$(cat out/orders.csv out/log.ndjson | sha256sum)" "$before"

# Ticks: none twice, none between two planned seconds.
is "ticks that come twice" "$(grep -o '"key":"[^"]*"' out/doc.json | sort | uniq -d | wc -l)" 0
python3 - << 'END' || fail "out/doc.json or out/log.ndjson is no JSON"
import json
beats = json.load(open("out/doc.json"))
assert all(row["at"] == key for key, row in beats.items()), beats
assert len({key[-5:] for key in beats}) == 1, "they drift"
[json.loads(line) for line in open("out/log.ndjson")]
END

# Out again.
"$SLUICE" export messages -o messages.csv 2> said.txt || fail "export messages: $?"
has "what export says" "$(cat said.txt)" "4 messages in messages.csv"
[ "$(stat -c %a messages.csv)" = 600 ] || fail "messages.csv is not private"
"$SLUICE" export messages --json > messages.ndjson || fail "export --json: $?"
"$SLUICE" export messages --format json -o messages.json --since 2025-11-24T10:05 2> /dev/null
"$SLUICE" export messages --everything --json > all.ndjson
"$SLUICE" export records orders -o rows.csv 2> /dev/null || fail "export records: $?"
"$SLUICE" export records orders --json > rows.ndjson
"$SLUICE" export records beats --format json > beats.json
python3 - << 'END' || fail "what was exported is not what is there"
import csv, json
table = list(csv.DictReader(open("messages.csv", encoding="utf-8", newline="")))
lines = [json.loads(line) for line in open("messages.ndjson", encoding="utf-8")]
assert [row["external_id"] for row in table] == [row["external_id"] for row in lines]
assert sorted(row["external_id"] for row in lines) == ["1", "2", "4", "5"], lines
texts = {row["external_id"]: row["text"] for row in lines}
assert texts["1"] == "=1+1, ברז" and texts["2"] == "שתי\r\nשורות" and texts["4"] == "FOUR", texts
cells = {row["external_id"]: row["text"] for row in table}
assert cells["1"] == "'=1+1, ברז", cells
assert lines[0]["sender"] == "055-0000001" and lines[0]["extra"]["הודעה"] == "=1+1, ברז"
late = json.load(open("messages.json", encoding="utf-8"))
assert sorted(row["external_id"] for row in late) == ["2", "4", "5"], late
kinds = {json.loads(line)["kind"] for line in open("all.ndjson")}
assert {"chat", "tick", "reference"} <= kinds, kinds
rows = list(csv.DictReader(open("rows.csv", encoding="utf-8", newline="")))
ours = list(csv.DictReader(open("out/orders.csv", encoding="utf-8", newline="")))
assert rows == ours, (rows, ours)
assert [json.loads(line)["key"] for line in open("rows.ndjson")] == [row["key"] for row in ours]
assert len(json.load(open("beats.json"))) == len(json.load(open("out/doc.json")))
END
python3 "$repo/tests/product/schema.py" "$repo/docs/reference/json/export-messages.schema.json" all.ndjson --lines > faults.txt ||
    fail "export messages --json is not what its schema says: $(head -n 3 faults.txt)"
python3 "$repo/tests/product/schema.py" "$repo/docs/reference/json/export-records.schema.json" rows.ndjson --lines > faults.txt ||
    fail "export records --json is not what its schema says: $(head -n 3 faults.txt)"

# Wrong words, and nothing half.
usage() { # PART COMMAND...
    part=$1
    shift
    text=$("$SLUICE" "$@" 2>&1 > /dev/null)
    code=$?
    is "code of: $*" "$code" 64
    has "text of: $*" "$text" "$part"
}
usage "not 'xml'" export messages --format xml
usage "contradict" export messages --format csv --json
usage "there are: " export records nothing
usage "needs a value" export messages --output=
"$SLUICE" export messages -o no/such/folder/x.csv 2> said.txt
is "code of a folder that is not there" "$?" 78
has "its text" "$(cat said.txt)" "no/such/folder"
is "parts that were left" "$(find . -name '*.part' | wc -l)" 0
"$SLUICE" --data empty export messages 2>> sluice.log | head -n 1 | grep -q '^id,kind,' || fail "an empty archive has no header"
finish
