#!/bin/sh
# Databases as sources, built in YAML alone: a roster in PostgreSQL, MongoDB and SQLite is looked up,
# rows of all three are messages. Servers that are down at the start, later up, down again: rules wait
# or use the last snapshot, nothing is skipped, nothing comes twice, and no secret is printed.
. "$(dirname "$0")/desk.inc"

command -v python3 > /dev/null && command -v openssl > /dev/null || {
    echo "[  SKIPPED ] query_sources needs python3 and openssl"
    exit 0
}
# server NAME NUMBER: tests/db/NAME_server.py in a folder of that name; commands go to descriptor NUMBER.
server() {
    mkdir "$1" && mkfifo "$1.in"
    (cd "$repo" && exec python3 "tests/db/$1_server.py" "$folder/$1") < "$1.in" > "$1.out" 2> "$1.err" &
    eval "exec $2> $1.in"
}
# ready NAME: it is; or the test ends, where the machine lacks it.
ready() {
    await 120 grep -q -e ready -e missing "$1.out" || { cat "$1.err"; fail "$1 did not start"; finish; }
    if grep missing "$1.out"; then
        echo "[  SKIPPED ] query_sources: no server for $1"
        exit 0
    fi
}
oks() { [ "$(grep -c '^ok' "$1.out")" = "$2" ]; }
# tell NAME NUMBER COMMAND: and wait for its answer.
tell() {
    before=$(grep -c '^ok' "$1.out")
    echo "$3" >&"$2"
    await 60 oks "$1" $((before + 1)) || fail "$1 did not answer '$3'"
}
mongo() {
    (cd "$repo" && PYTHONPATH=$(ci/tool secantus) python3 - "$mongo_port" "$1") << 'PY' || fail "mongo: $1"
import json, sys, pymongo
client = pymongo.MongoClient("localhost", int(sys.argv[1]), username="app", password="secret", authSource="work",  # invented
                             tls=True, tlsAllowInvalidCertificates=True, directConnection=True)
name, documents = json.loads(sys.argv[2])
client["work"][name].insert_many(documents)
PY
}
answer() { records "SELECT person FROM people_$1 WHERE key='$2'"; }
answers() { [ "$(answer "$1" "$2")" = "$3" ]; }

chmod 711 "$folder" # PostgreSQL runs as nobody.
server postgres 4
server mongo 5
desk 1
ready postgres
ready mongo
pg_port=$(awk '$1 == "postgres" { print $2 }' postgres.out)
mongo_port=$(awk '$1 == "mongo" { print $2 }' mongo.out)
tell postgres 4 "sql CREATE TABLE roster(phone text PRIMARY KEY, name text); INSERT INTO roster VALUES('0550000001','Dana'); CREATE TABLE leads(id bigserial PRIMARY KEY, at timestamptz DEFAULT now(), note text); INSERT INTO leads(note) VALUES('first'); GRANT SELECT ON roster, leads TO reader"
mongo '["roster", [{"phone": "0550000001", "name": "Dana"}]]'
mongo '["leads", [{"note": "first"}]]'
"$STAGE" exec roster.db "CREATE TABLE roster(phone TEXT, name TEXT); INSERT INTO roster VALUES('0550000001','Dana');
    CREATE TABLE leads(id INTEGER PRIMARY KEY, note TEXT); INSERT INTO leads(note) VALUES('first')"
export PG_URI="host=localhost user=reader password=secret dbname=appdb sslmode=verify-full sslrootcert=$folder/postgres/ca.crt port=$pg_port" # invented
export MONGO_URI="mongodb://reader:secret@localhost:$mongo_port/work?tls=true&tlsCAFile=$folder/mongo/ca.crt" # invented

cat > sluice.yaml << 'END'
store: data
sources:
  bridge: {kind: whatsapp-bridge, path: messages.db}
  roster_pg: {kind: postgres, uri: "env:PG_URI", table: roster, reference: true, key: phone, refresh: 1s, poll: 1s}
  roster_mongo: {kind: mongodb, uri: "env:MONGO_URI", collection: roster, reference: true, key: phone, refresh: 1s, poll: 1s}
  roster_sqlite: {kind: sqlite, path: roster.db, table: roster, reference: true, key: phone, refresh: 1s, poll: 1s}
  leads_pg: {kind: postgres, uri: "env:PG_URI", table: leads, cursor_column: id, text_column: note, poll: 1s}
  leads_mongo: {kind: mongodb, uri: "env:MONGO_URI", collection: leads, text_column: note, poll: 1s}
  leads_sqlite: {kind: sqlite, path: roster.db, table: leads, cursor_column: id, text_column: note, poll: 1s}
sinks:
  records: {kind: sqlite}
pipelines:
END
for kind in pg mongo sqlite; do
    cat >> sluice.yaml << END
  look_$kind:
    source: bridge
    chats: all
    ops:
      - {kind: extract, pattern: '(?<phone>055\d+)'}
      - {kind: lookup, reference: roster_$kind, key: "{phone}", add: {person: name}, on_miss: park}
      - {kind: write, sink: records, target: people_$kind, key: "{id}", set: {person: "{person}"}}
  rows_$kind:
    source: leads_$kind
    chats: all
    ops:
      - {kind: write, sink: records, target: rows_$kind, key: "{uid}", set: {note: "{text}"}}
END
done
"$SLUICE" check > out 2>&1 || fail "check: $(cat out)"
"$SLUICE" check --connect > out 2>&1 || fail "check --connect: $(cat out)"
has "what it found" "$(cat out)" "table roster, 2 columns, in localhost:$pg_port/appdb"

# Both servers are down when it begins.
tell postgres 4 stop
tell mongo 5 stop
post "'call 0550000001'"
serve
await 10 answers sqlite M1 Dana || fail "SQLite: '$(answer sqlite M1)'"
await 10 log_has "leads_pg.*next try" || fail "nothing is said of PostgreSQL that is down"
is "rows before the servers" "$(records "SELECT count(*) FROM people_pg")$(records "SELECT count(*) FROM people_mongo")" 00
tell postgres 4 start
tell mongo 5 start
await 20 answers pg M1 Dana || fail "PostgreSQL: '$(answer pg M1)'"
await 20 answers mongo M1 Dana || fail "MongoDB: '$(answer mongo M1)'"

# The tables change: the next message sees it. Then they are down, and the last snapshot counts.
tell postgres 4 "sql INSERT INTO roster VALUES('0550000002','נועם'); INSERT INTO leads(note) VALUES('second')"
mongo '["roster", [{"phone": "0550000002", "name": "נועם"}]]'
mongo '["leads", [{"note": "second"}]]'
"$STAGE" exec roster.db "INSERT INTO roster VALUES('0550000002','נועם'); INSERT INTO leads(note) VALUES('second')"
post "'call 0550000002'"
for kind in pg mongo sqlite; do
    await 20 answers "$kind" M2 נועם || fail "$kind after a change: '$(answer "$kind" M2)'"
done
tell postgres 4 stop
tell mongo 5 stop
post "'again 0550000002'"
for kind in pg mongo sqlite; do
    await 10 answers "$kind" M3 נועם || fail "$kind while its server is down: '$(answer "$kind" M3)'"
done
kill9
tell postgres 4 start
tell mongo 5 start
tell postgres 4 "sql INSERT INTO leads(note) VALUES('third')"
mongo '["leads", [{"note": "third"}]]'
"$STAGE" exec roster.db "INSERT INTO leads(note) VALUES('third')"
"$SLUICE" run > out 2>> sluice.log
is "exit code of run" $? 0
for kind in pg mongo sqlite; do
    is "rows of $kind" "$(records "SELECT group_concat(note, ' ') FROM (SELECT note FROM rows_$kind ORDER BY id)")" "first second third"
    is "messages of $kind" "$("$STAGE" query data/sluice.db "SELECT count(*) FROM archive a JOIN chat c ON c.id=a.chat
        JOIN name n ON n.id=c.source WHERE n.text='leads_$kind'")" 3
done
is "dead letters" "$("$STAGE" query data/sluice.db "SELECT count(*) FROM dead")" 0
grep -q "secret" sluice.log out && fail "a password is in the log"
exec 4>&- 5>&-
finish
