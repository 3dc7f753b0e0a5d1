#!/bin/sh
# The verbs of a school: who is there, and what is paid. A lesson is marked as paid by an act of a
# person, once, while the product is killed, beside a running `serve`, in SQLite and (where this machine
# can have them) PostgreSQL and MongoDB; no run changes it, and no count changes with it.
. "$(dirname "$0")/desk.inc"

command -v python3 > /dev/null || {
    echo "[  SKIPPED ] students_verbs needs python3"
    exit 0
}
chmod 711 "$folder" # PostgreSQL runs as nobody.
sinks=sqlite
server() {
    mkdir "$1" && mkfifo "$1.in"
    (cd "$repo" && exec python3 "tests/db/$1_server.py" "$folder/$1") < "$1.in" > "$1.out" 2> "$1.err" &
    eval "exec $2> $1.in"
}
ready() {
    await 120 grep -q -e ready -e missing "$1.out" || { cat "$1.err"; fail "$1 did not start"; finish; }
    if grep missing "$1.out"; then
        echo "students_verbs: no server for $1, so not shown for it"
    else
        sinks="$sinks $1"
    fi
}
if command -v openssl > /dev/null; then
    server postgres 4
    server mongo 5
fi

cat > school.py << 'P'
"""A group and a roster, all invented: school.py FROM TO makes days of messages."""
import csv, os, sqlite3, sys
from datetime import datetime, timedelta, timezone

PEOPLE = [("0550000001", "דנה לוי"), ("0550000002", "<script>alert(1)</script>"), ("0550000003", "דנה כהן"), ("0550000004", "=cmd|'x'!A1")]
with open("roster.new", "w", newline="", encoding="utf-8") as out:
    rows = csv.writer(out)
    rows.writerow(["row", "phone_number", "name", "current_lesson", "teacher"])
    for i, (phone, name) in enumerate(PEOPLE):
        rows.writerow([i + 2, phone, name, 7 + i % 2, "נועה" if i % 2 else "Ron"])
os.replace("roster.new", "roster.csv")
db = sqlite3.connect("messages.db")
db.execute("CREATE TABLE IF NOT EXISTS messages(id INTEGER PRIMARY KEY, sender TEXT, text TEXT, timestamp TEXT, chat TEXT)")
for day in range(int(sys.argv[1]), int(sys.argv[2])):
    at = datetime(2025, 11, 20, 10, 0, tzinfo=timezone.utc) + timedelta(days=day)
    for i, (phone, name) in enumerate(PEOPLE[:3]):
        if day % (i + 1) == 0:
            db.execute("INSERT INTO messages(sender, text, timestamp, chat) VALUES(?,?,?,'School')", ("972" + phone[1:], ("סיימתי תרגול", "practice", "שאלה")[(day + i) % 3], at.isoformat()))
db.commit()
P
configure() {
    cat << 'END'
store: data
sources:
  group: {kind: whatsapp-bridge, path: messages.db, zone: Asia/Jerusalem}
  roster: {kind: csv, path: roster.csv, reference: true, key: row, settle: 0s}
sinks:
  sqlite: {kind: sqlite}
END
    case $sinks in *postgres*) echo '  postgres: {kind: postgres, uri: "env:PG_URI"}' ;; esac
    case $sinks in *mongo*) echo '  mongo: {kind: mongodb, uri: "env:MONGO_URI"}' ;; esac
    echo 'pipelines:'
    for sink in $sinks; do
        echo "  students_$sink: {kind: students, source: group, chats: [School], practice_words: 'תרגול,practice', message_words: שאלה, sink: $sink}"
    done
}
run() { "$SLUICE" run > out 2> err || fail "run: $(cat out err)"; }
# lessons SINK: name, lesson, counts and paid of every row, whatever database it is in.
lessons() {
    "$SLUICE" export records student_stats --sink "$1" --format ndjson > one 2>> sluice.log || fail "$1: export"
    python3 - << 'PY'
import json
for line in sorted(open("one", encoding="utf-8")):
    row = json.loads(line)
    lessons = row["lessons"] if isinstance(row["lessons"], list) else json.loads(row["lessons"])
    print(row["name"], [(l["lesson"], l["practice_count"], l["message_count"], l["paid"], l.get("note")) for l in lessons])
PY
}
# paid SINK NAME: is it paid?
paid() { "$SLUICE" students show "$2" --pipeline "students_$1" --json 2>> sluice.log | python3 -c 'import json,sys; print(json.load(sys.stdin)["lessons"][0]["paid"])'; }

if command -v openssl > /dev/null; then
    ready postgres
    ready mongo
fi
export PG_URI="host=localhost user=app password=secret dbname=appdb sslmode=verify-full sslrootcert=$folder/postgres/ca.crt port=$(awk '$1 == "postgres" { print $2 }' postgres.out)" # invented
export MONGO_URI="mongodb://app:secret@localhost:$(awk '$1 == "mongo" { print $2 }' mongo.out)/work?tls=true&tlsCAFile=$folder/mongo/ca.crt" # invented
configure > sluice.yaml
p='--pipeline students_sqlite'

# Before anything ran.
"$SLUICE" students $p > out 2> err
is "an empty school's code" $? 0
has "an empty school" "$(cat err)" "no student is known yet"
"$SLUICE" migrate > out 2>&1 || fail "migrate: $(cat out)"
python3 school.py 0 30
run

# ---- Who is there ----
"$SLUICE" students $p > out 2> err
has "the list" "$(cat out)" "דנה לוי"
has "the list's first line" "$(head -n 1 out)" "practices"
case $(cat out) in *972\ 55-000-0001*) fail "a number is shown without --show-people" ;; esac
has "the list with people" "$("$SLUICE" students list $p --show-people 2> err)" "972 55-000-0001"
is "students of a teacher" "$("$SLUICE" students list $p --teacher נועה --json 2> err | grep -o '"uniq_id"' | wc -l)" 2
conforms students students $p
conforms students-list students list $p --limit 1
conforms students-show students show 055-000-0001 $p
for who in 0550000001 "+972 55-000-0001" "דנה לוי" 'לוי'; do
    is "who is $who" "$("$SLUICE" students show "$who" $p --json 2> err | grep -o '"name":"[^"]*"')" '"name":"דנה לוי"'
done
"$SLUICE" students show דנה $p > out 2> err
is "the code for two of one name" $? 1
has "two of one name" "$(cat err)" "may be 2 students"
"$SLUICE" students show Nobody $p > out 2> err
is "the code for nobody" $? 1
"$SLUICE" students show $p > out 2> err
is "the code without a word" $? 64

# ---- Reports ----
"$SLUICE" students report $p --out report.csv 2> err || fail "report as CSV: $(cat err)"
is "mode of a report" "$(stat -c %a report.csv)" 600
python3 - << 'PY' || fail "the CSV report"
import csv, json, sqlite3, sys
from datetime import datetime
rows = list(csv.DictReader(open("report.csv", encoding="utf-8", newline="")))
assert len(rows) == 4, rows
by = {r["name"]: r for r in rows}
assert "'=cmd|'x'!A1" in by, by.keys()  # No formula.
for name, lessons in sqlite3.connect("data/records.db").execute("SELECT name, lessons FROM student_stats"):
    for lesson in json.loads(lessons):
        row = by[name]
        assert int(row["practices"]) == lesson["practice_count"] and int(row["messages"]) == lesson["message_count"], (row, lesson)
        months = {k: int(v) for k, v in row.items() if k[:2] == "20"}
        assert sum(months.values()) == lesson["practice_count"], (months, lesson)
        # Straight from the group: who practised when.
        want = {m: 0 for m in months}
        digits = row["phone_number"].replace(" ", "").replace("-", "")
        for text, at in sqlite3.connect("messages.db").execute("SELECT text, timestamp FROM messages WHERE sender=?", (digits,)):
            if "practice" in text or "תרגול" in text:
                want[at[:7]] += 1
        assert want == months, (want, months)
PY
is "a byte order mark" "$("$SLUICE" students report $p --bom 2> err | head -c 3 | od -An -tx1 | tr -d ' ')" efbbbf
is "rows without the guard" "$("$SLUICE" students report $p --no-guard 2> err | grep -c ',=cmd')" 1
is "teachers" "$("$SLUICE" students report $p --per teacher 2> err | wc -l)" 3
"$SLUICE" students report $p --since 2025-11-20 --until 2025-11-29 --by day --json > report.json 2> err
python3 - << 'PY' || fail "the JSON report of ten days"
import json
r = json.load(open("report.json"))
assert r["periods"][0] == "2025-11-20" and r["periods"][-1] == "2025-11-29" and len(r["periods"]) == 10, r["periods"]
dana = [s for s in r["students"] if s["name"] == "דנה לוי"][0]
assert dana["lessons"][0]["over_time"] == [int(d % 3 != 2) for d in range(10)], dana
assert dana["practices_in_range"] == 7 and dana["practices"] == 20 and dana["silent"] and dana["lessons"][0]["unpaid"], dana
never = [s for s in r["students"] if s["name"].startswith("=")][0]
assert never["silent"] and never["silent_days"] is None and never["lessons"] == [], never
assert sum(t["practices"] for t in r["teachers"]) == r["practices"] and r["silent"] == 4, r
PY
conforms students-report students report $p --by week
conforms students-report students report $p --teacher Ron --silent 30000
"$SLUICE" students report $p --out report.html 2> err || fail "report as HTML: $(cat err)"
python3 - << 'PY' || fail "the page"
import html.parser
class Page(html.parser.HTMLParser):
    tags, attrs, text, open = set(), set(), "", []
    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        self.attrs |= {k for k, v in attrs}
        for k, v in attrs:
            assert not (v and ("//" in v or "javascript" in v)), (tag, k, v)
        if tag not in ("meta", "path"):
            self.open.append(tag)
    def handle_endtag(self, tag):
        if tag != "path":
            assert self.open.pop() == tag, tag
    def handle_data(self, data):
        self.text += data
page, text = Page(), open("report.html", encoding="utf-8").read()
page.feed(text)
assert not page.open, page.open
assert not page.tags & {"script", "link", "img", "iframe", "object", "a"}, page.tags
assert not [a for a in page.attrs if a.startswith("on") or a in ("src", "href")], page.attrs
assert "<script>alert(1)</script>" in page.text and "<script" not in text  # A name, and no script.
assert 'dir="auto"' in text and "svg" in page.tags and "@media print" in text and "דנה לוי" in page.text
PY
has "a page's direction" "$(cat report.html)" '<html lang="en" dir="ltr">'
"$SLUICE" students report $p --by day --since 2000-01-01 > out 2> err
is "the code for too many periods" $? 78
"$SLUICE" students report $p --format pdf > out 2> err
is "the code for another format" $? 64

# ---- What almost counted ----
sqlite3 messages.db "INSERT INTO messages(sender, text, timestamp, chat) VALUES
    ('972550000001', 'סיימתי תירגול', '2025-12-19T10:00:00+02:00', 'School'), ('972550000001', 'תִּרְגּוּל', '2025-12-19T10:01:00+02:00', 'School'),
    ('972550000001', 'בוקר טוב', '2025-12-19T10:02:00+02:00', 'School'), ('972551000003', 'practice', '2025-12-19T10:03:00+02:00', 'School'),
    ('דנה  לוי', 'practice', '2025-12-19T10:04:00+02:00', 'School'), ('972558888888', 'practice', '2025-12-19T10:05:00+02:00', 'School')"
run
"$SLUICE" students near-misses $p --since 2025-12-01 --show-people > out 2> err
has "one letter more" "$(cat out)" "add 'תירגול' to practice_words"
has "points" "$(cat out)" "set \`fold: true\`"
has "a digit off" "$(cat out)" "correct phone_number in the roster's row of 'דנה כהן'"
has "others" "$(cat err)" "1 other senders"
case $(cat out) in *'בוקר טוב'*) fail "what is near to nothing is near" ;; esac
"$SLUICE" students near-misses $p --since 2025-12-01 > out 2> err
case $(cat out) in *551000003*) fail "near-misses show a number without --show-people" ;; esac
is "near messages of a day before" "$("$SLUICE" students near-misses $p --until 2025-12-18 --json 2> err | grep -o '"fix":"[^"]*practice_words' | wc -l)" 0
conforms students-near-misses students near-misses $p --since 2025-12-01 --limit 1

# ---- Paid ----
lessons sqlite > before
"$SLUICE" students paid 0550000001 7 --dry-run $p > out 2> err
has "a dry run" "$(cat out)" "would be marked as paid"
"$SLUICE" students paid 0550000001 9 $p > out 2> err
is "the code for a lesson that is not there" $? 1
has "a lesson that is not there" "$(cat err)" "there are: 7"
run
lessons sqlite > after
cmp before after || fail "a dry run or a refusal changed something"
for sink in $sinks; do
    "$SLUICE" students paid 0550000001 7 --pipeline "students_$sink" > out 2> err || fail "$sink: paid: $(cat err)"
    "$SLUICE" students paid "=cmd" 8 --pipeline "students_$sink" > out 2> err || fail "$sink: paid before the first practice: $(cat err)"
done
conforms students-paid students paid 0550000001 7 --dry-run $p
# Killed while it is written, and again.
for pause in 0.02 0.05 0.1 0.2; do
    "$SLUICE" run > out 2>> sluice.log &
    sluice=$!
    sleep $pause
    kill9
done
run
for sink in $sinks; do
    lessons "$sink" > "after_$sink"
    cmp after_sqlite "after_$sink" || fail "$sink differs from SQLite: $(diff after_sqlite "after_$sink" | head -n 4)"
    is "$sink: paid" "$(paid "$sink" 0550000001)" True
    is "$sink: paid before the first practice" "$(paid "$sink" =cmd)" True
    is "$sink: not paid" "$(paid "$sink" 'דנה כהן')" False
done
grep -v cmd after_sqlite | sed 's/True/False/' | sort > counts
sort before | cmp - counts || fail "a count changed with it: $(cat before counts)"

# ---- Explained ----
id=$("$SLUICE" students show 0550000001 $p --json 2> err | python3 -c 'import json,sys; print(json.load(sys.stdin)["uniq_id"])')
"$SLUICE" explain "student_stats/$id" > out 2> err || fail "explain: $(cat err)"
has "the word" "$(cat out)" "of practice_words"
has "what it changed" "$(cat out)" "merge  lessons 7: practice_count 1 → 2"
has "the act" "$(cat out)" "merge  lessons 7: paid false → true"
conforms explain explain students_sqlite "$id"
"$SLUICE" explain "student_stats/$id" --item 7 --json > explained.json 2> err
python3 - << 'PY' || fail "explain does not tell what counted"
import json, sqlite3
told = [d for d in json.load(open("explained.json"))["decisions"] if d["sink"] == "sqlite"]
lesson = json.loads(sqlite3.connect("data/records.db").execute("SELECT lessons FROM student_stats WHERE name='דנה לוי'").fetchone()[0])[0]
for word, field in (("practice", "practice_count"), ("message", "message_count")):
    counted = [d for d in told if any(c["field"] == field and c["before"] is not None or c["field"] == field and c["after"] != "0" for c in d["changes"])]
    assert len(counted) == lesson[field] == len({d["message"]["id"] for d in counted}), (field, len(counted), lesson)
    for d in counted:
        assert d["counted"]["as"] == word and d["counted"]["word"] in d["message"]["text"], d
PY
"$SLUICE" explain "student_stats/$id" --item 99 > out 2> err
is "the code for a lesson that nothing changed" $? 1

# No run changes it; what a person does in the row stays, too, and a second act is a second act.
sqlite3 data/records.db "UPDATE student_stats SET lessons=json_set(lessons,'\$[0].note','by hand') WHERE name='דנה לוי'"
python3 school.py 30 60
run
for sink in $sinks; do
    is "$sink: still paid after a run that counts" "$(paid "$sink" 0550000001)" True
    "$SLUICE" students paid 0550000001 7 --undo --pipeline "students_$sink" > out 2> err || fail "$sink: undo"
done
has "what stood beside it" "$(lessons sqlite)" "by hand"
# Beside a running `serve`.
serve
undone() { [ "$(paid "$1" 0550000001)" = False ]; }
for sink in $sinks; do
    await 20 undone "$sink" || fail "$sink: serve did not take the act: $(lessons "$sink")"
done
"$SLUICE" students paid 0550000001 7 $p > out 2> err || fail "paid beside serve: $(cat err)"
redone() { [ "$(paid sqlite 0550000001)" = True ]; }
await 20 redone || fail "serve did not take a new act"
stop
has "the audit log" "$("$SLUICE" audit list --act students --json)" '"act":"students.unpaid"'
case $("$SLUICE" audit list --act students --json) in *דנה*) fail "a name is in the audit log" ;; esac
"$SLUICE" audit verify > out 2>&1 || fail "audit verify: $(cat out)"
is "refused messages" "$("$SLUICE" refused list --json | grep -o '"why"' | wc -l)" 0
# What cannot be audited is not done.
acts() { "$STAGE" query data/sluice.db "SELECT count(*) FROM archive WHERE flags&15=6"; }
count=$(acts)
"$STAGE" exec data/sluice.db "CREATE TRIGGER no_audit BEFORE INSERT ON audit BEGIN SELECT RAISE(FAIL, 'no'); END"
"$SLUICE" students paid 0550000001 7 --undo $p > out 2> err && fail "an act that cannot be audited was done"
"$STAGE" exec data/sluice.db "DROP TRIGGER no_audit"
is "acts in the archive" "$(acts)" "$count"
# A replay does nothing of it a second time: what people set since then stays.
sqlite3 data/records.db "UPDATE student_stats SET lessons=json_set(lessons,'\$[0].paid',json('false')) WHERE name='דנה לוי'"
"$SLUICE" replay students_sqlite --apply > out 2>> sluice.log || fail "replay: $(cat out)"
run
is "paid, after a replay" "$(paid sqlite 0550000001)" False
# ---- Rows of an older program, in each database ----
cat > old.py << 'P'
"""Lessons that lack fields, a row without an object for its current lesson, one that lacks nothing. old.py sql|mongo"""
import json, os, sys

def row(key, phone, name, lesson, total, lessons):
    return {"uniq_id": key * 32, "phone_number": phone, "name": name, "current_lesson": lesson, "total_messages": total, "lessons": lessons, "created_at": "10:00, 01.01.2025", "updated_at": "10:00, 01.01.2025"}

rows = [
    row("a", "972 55-000-0011", "רות", "3", 12, [{"lesson": "2", "practice_count": 4, "mine": [1]}, {"lesson": "3", "practice_count": 1, "paid": True}]),
    row("b", "972 55-000-0012", "O'Hara", "4", 5, [{"lesson": "3", "practice_count": 2, "paid": False, "message_count": 7}, {"lesson": 9, "practice_count": 1}]),
    row("c", "972 55-000-0013", "New", "5", 9, [{"lesson": "4", "practice_count": 2, "message_count": 0, "paid": True}]),
    row("d", "972 55-000-0014", "Done", "1", 3, [{"lesson": "1", "practice_count": 2, "message_count": 3, "paid": True}]),
]
if sys.argv[1] == "mongo":
    import pymongo
    pymongo.MongoClient(os.environ["MONGO_URI"])["work"]["student_stats"].insert_many(rows)
else:
    for r in rows:
        r["lessons"] = json.dumps(r["lessons"], ensure_ascii=False)
        values = ",".join(str(v) if isinstance(v, int) else "'" + v.replace("'", "''") + "'" for v in r.values())
        print(f"INSERT INTO student_stats({','.join(r)}) VALUES({values});", end=" ")
P
python3 old.py sql | sqlite3 data/records.db
case $sinks in *postgres*)
    before=$(grep -c '^ok' postgres.out)
    echo "sql $(python3 old.py sql)" >&4
    told() { [ "$(grep -c '^ok' postgres.out)" -gt "$before" ]; }
    await 20 told || fail "PostgreSQL did not take old rows"
    ;;
esac
case $sinks in *mongo*) PYTHONPATH=$(cd "$repo" && ci/tool secantus) python3 old.py mongo || fail "MongoDB did not take old rows" ;; esac
"$SLUICE" migrate students --dry-run > out 2> err || fail "migrate students --dry-run: $(cat err)"
has "what would be done" "$(cat out)" "lesson 2: paid false, message_count 0; lesson 3: message_count 12"
cp data/records.db before.db
conforms migrate-students migrate students --dry-run
"$SLUICE" migrate students > out 2> err
is "code of migrate students" $? 0
for sink in $sinks; do
    "$SLUICE" export records student_stats --sink "$sink" --format ndjson > one 2>> sluice.log
    python3 - "$sink" << 'PY' || fail "$sink: migrated rows"
import json, sys
rows = {}
for line in open("one", encoding="utf-8"):
    row = json.loads(line)
    row["lessons"] = row["lessons"] if isinstance(row["lessons"], list) else json.loads(row["lessons"])
    rows[row["uniq_id"][0] if len(set(row["uniq_id"])) == 1 else row["name"]] = row
def same(key, want):
    got = rows[key]["lessons"]
    assert got == want, (sys.argv[1], key, got)
same("a", [{"lesson": "2", "practice_count": 4, "mine": [1], "paid": False, "message_count": 0}, {"lesson": "3", "practice_count": 1, "paid": True, "message_count": 12}])
same("b", [{"lesson": "3", "practice_count": 2, "paid": False, "message_count": 7}, {"lesson": 9, "practice_count": 1, "paid": False, "message_count": 0}])
same("c", [{"lesson": "4", "practice_count": 2, "message_count": 0, "paid": True},
           {"lesson": "5", "practice_count": 0, "first_practice": None, "last_practice": None, "paid": False, "message_count": 9}])
same("d", [{"lesson": "1", "practice_count": 2, "message_count": 3, "paid": True}])
for key in "abcd":
    assert rows[key]["updated_at"] == "10:00, 01.01.2025" and rows[key]["total_messages"] in (12, 5, 9, 3), rows[key]
PY
done
"$SLUICE" migrate students --json > out 2> err || fail "migrate students, again: $(cat err)"
is "changes of a second time" "$(grep -o '"change":' out | wc -l)" 0
for file in before.db data/records.db; do
    sqlite3 "$file" "SELECT * FROM student_stats WHERE name NOT IN ('רות','New','O''Hara')" > "rows.$(basename "$file")"
done
cmp rows.before.db rows.records.db || fail "rows that lack nothing were touched"
has "migrate in the audit log" "$("$SLUICE" audit list --act migrate --json)" '"act":"migrate.students"'
serve
served() { "$SLUICE" status --json 2> /dev/null | grep -q '"served":true'; }
await 20 served || fail "serve does not begin"
"$SLUICE" migrate students > out 2> err && fail "migrate students beside serve"
has "migrate students beside serve" "$(cat err)" "stop it first"
stop
# more
finish
