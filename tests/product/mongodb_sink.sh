#!/bin/sh
# MongoDB as a sink, built in YAML alone: what pipelines write is the same in MongoDB and in SQLite, while
# the product is killed again and again and the server is killed and paused. Nothing is lost, nothing is
# doubled, and no secret is printed.
. "$(dirname "$0")/desk.inc"

command -v python3 > /dev/null && command -v openssl > /dev/null || {
    echo "[  SKIPPED ] mongodb_sink needs python3 and openssl"
    exit 0
}
total=4000 part=500

mkdir mongo && mkfifo mongo.in
(cd "$repo" && exec python3 tests/db/mongo_server.py "$folder/mongo") < mongo.in > mongo.out 2> mongo.err &
exec 5> mongo.in
desk 1
await 120 grep -q -e ready -e missing mongo.out || { cat mongo.err; fail "the server did not start"; finish; }
if grep missing mongo.out; then
    echo "[  SKIPPED ] mongodb_sink: no server"
    exit 0
fi
oks() { [ "$(grep -c '^ok' mongo.out)" = "$1" ]; }
tell() {
    before=$(grep -c '^ok' mongo.out)
    echo "$1" >&5
    await 60 oks $((before + 1)) || fail "the server did not answer '$1'"
}
port=$(awk '$1 == "mongo" { print $2 }' mongo.out)
export MONGO_URI="mongodb://app:secret@localhost:$port/work?tls=true&tlsCAFile=$folder/mongo/ca.crt" # invented

cat > sluice.yaml << 'END'
store: data
sources:
  bridge: {kind: whatsapp-bridge, path: messages.db}
sinks:
  records: {kind: sqlite}
  school:
    kind: mongodb
    uri: "env:MONGO_URI"
    timeout: 10s
    indexes: {people: "phone -seen (sparse)"}
    schema: {calls: '{"properties": {"note": {"maxLength": 200}}}'}
pipelines:
END
for sink in records school; do
    cat >> sluice.yaml << END
  to_$sink:
    source: bridge
    chats: all
    ops:
      - {kind: extract, pattern: '(?<phone>055\d+)'}
      - {kind: write, sink: $sink, target: calls, key: "{id}", set: {note: "{text}", phone: "{phone}", sent: "{sent}"}}
      - {kind: write, name: first, sink: $sink, target: people, key: "{phone}", key_column: phone, once: true,
         set: {seen: "{sent}"}, insert: {status: new}, append: {history: "{text}"}, inc: {calls: "{revision}"},
         push: {notes: "{text}"}}
END
done
"$SLUICE" check > out 2>&1 || fail "check: $(cat out)"
"$SLUICE" check --connect > out 2>&1 || fail "check --connect: $(cat out)"
has "what it found" "$(cat out)" "localhost:$port/work: 0 collections are ready, 2 wait for sluice migrate"
"$SLUICE" migrate --dry-run > out 2>&1 || fail "migrate --dry-run: $(cat out)"
has "what is missing" "$(cat out)" "collection people: a unique index phone_1"
post "'before 0550000000'"
"$SLUICE" run > out 2>&1
has "without its index" "$(cat out)" "run sluice migrate"
"$SLUICE" migrate > out 2>&1 || fail "migrate: $(cat out)"
has "what was made" "$(cat out)" "collection people: an index phone_1_seen_-1"

# Messages come all the while; product and server go down at random.
first=1 seed=$$
while [ "$first" -le "$total" ]; do
    serve
    case $first in
        1001) tell stop ;;
        2001) tell pause ;;
        1501) tell start ;;
        2501) tell resume ;;
    esac
    "$STAGE" exec messages.db "WITH RECURSIVE n(i) AS (SELECT $first UNION ALL SELECT i + 1 FROM n WHERE i < $first + $part - 1)
        INSERT INTO messages(id, chat_jid, sender, content, timestamp, is_from_me)
        SELECT 'N' || i, '120363000000000001@g.us', 'Dana', 'שיחה \$set.x 055' || printf('%07d', i % 700), '2025-11-24 10:00:00+02:00', 0 FROM n"
    first=$((first + part))
    seed=$(((seed * 1103515245 + 12345) % 2147483648))
    sleep "0.$(printf %03d $((300 + seed / 65536 % 600)))"
    kill9
done
"$SLUICE" run > out 2>> sluice.log
is "exit code of the last run" $? 0

for table in calls people; do
    for sink in records school; do
        "$SLUICE" export records "$table" --sink "$sink" -o "$table.$sink.ndjson" > out 2>&1 || fail "export: $(cat out)"
        LC_ALL=C sort "$table.$sink.ndjson" > "$table.$sink"
    done
    cmp "$table.records" "$table.school" || fail "$table: MongoDB and SQLite hold other rows"
done
is "calls" "$(wc -l < calls.school | tr -d ' ')" $((total + 1))
is "people" "$(wc -l < people.school | tr -d ' ')" 700
is "people with one note each" "$(grep -c '"notes":\["[^,]*"\]' people.school)" 700
is "dead letters" "$("$SLUICE" dlq list)" ""
(cd "$repo" && PYTHONPATH=$(ci/tool secantus) python3 - "$port") << 'PY' > out 2>&1 || fail "MongoDB: $(cat out)"
import sys, pymongo
client = pymongo.MongoClient("localhost", int(sys.argv[1]), username="app", password="secret", authSource="work",  # invented
                             tls=True, tlsAllowInvalidCertificates=True, directConnection=True)
work = client["work"]
assert work.calls.count_documents({"sent": {"$type": "date"}}) == 4001, "dates"
assert work.people.count_documents({"status": "new", "_sluice.new": {"$exists": False}}) == 700, "people"
assert work.sluice_effects.count_documents({}) == 700, "the ledger"
PY
grep -q "secret@\|:secret" sluice.log out && fail "a password is in the log"
exec 5>&-
finish
