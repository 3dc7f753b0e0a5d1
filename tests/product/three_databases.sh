#!/bin/sh
# One archive, three databases: drops and a pipeline of generic steps write the same records into
# SQLite, PostgreSQL and MongoDB, also when each is killed in the middle; and a backup brings the rows of
# all three back.
. "$(dirname "$0")/desk.inc"

command -v python3 > /dev/null && command -v openssl > /dev/null || {
    echo "[  SKIPPED ] three_databases needs python3 and openssl"
    exit 0
}
chmod 711 "$folder" # PostgreSQL runs as nobody.
# server NAME NUMBER: tests/db/NAME_server.py in a folder of that name; commands go to descriptor NUMBER.
server() {
    mkdir "$1" && mkfifo "$1.in"
    (cd "$repo" && exec python3 "tests/db/$1_server.py" "$folder/$1") < "$1.in" > "$1.out" 2> "$1.err" &
    eval "exec $2> $1.in"
}
ready() {
    await 120 grep -q -e ready -e missing "$1.out" || { cat "$1.err"; fail "$1 did not start"; finish; }
    if grep missing "$1.out"; then
        echo "[  SKIPPED ] three_databases: no server for $1"
        exit 0
    fi
}
server postgres 4
server mongo 5

# The same messages for all of them: numbers, repeats, Hebrew, edits, one that is taken back.
desk 2
fill 1 2000 2
"$STAGE" exec messages.db "
    INSERT INTO messages(id, chat_jid, sender, content, timestamp, is_from_me) VALUES
    ('H1', '120363000000000001@g.us', 'דנה', 'שם: רות לוי' || char(10) || 'טלפון: 055-000-0001', '2025-11-24 10:00:00+02:00', 0),
    ('H2', '120363000000000002@g.us', 'נועם', 'שם: O''Hara ""x"" \$set' || char(10) || 'טלפון: 055 000 0002', '2025-11-24 10:01:00+02:00', 0),
    ('H3', '120363000000000001@g.us', 'דנה', 'שם: רות לוי' || char(10) || 'טלפון: 0550000001', '2025-11-24 10:02:00+02:00', 0)"

# configure: one archive, and each pipeline once for each database.
configure() {
    cat << 'END'
store: data
sources:
  bridge: {kind: whatsapp-bridge, path: messages.db}
sinks:
  sqlite: {kind: sqlite}
  postgres: {kind: postgres, uri: "env:PG_URI"}
  mongo: {kind: mongodb, uri: "env:MONGO_URI"}
pipelines:
END
    for sink in sqlite postgres mongo; do
        cat << END
  drops_$sink: {kind: drops, source: bridge, projects: projects.yaml, sink: $sink}
  leads_$sink:
    source: bridge
    chats: all
    ops:
      - kind: extract
        labels: {name: שם, phone: טלפון}
        required: [phone]
      - kind: normalize
        fields: {phone: phone}
        country: israel
      - kind: count
        key: "{phone}"
      - kind: write
        sink: $sink
        target: leads
        key: "{phone}"
        set: {name: "{name}", posts: "{count}", seen: "{sent}"}
        insert: {first_by: "{sender}"}
  words_$sink:
    source: bridge
    chats: all
    ops:
      - {kind: filter, pattern: "7"}
      - {kind: write, sink: $sink, target: words, key: "{uid}", set: {text: "{text}", who: "{sender}", at: "{sent}"}}
END
    done
}
# export_all SINK: every record, in an order that does not depend on the database.
export_all() {
    for table in qa_photo_reviews leads words; do
        "$SLUICE" export records "$table" --sink "$1" --format ndjson > one 2>> sluice.log || fail "$1: export of $table"
        python3 - "$table" one << 'PY'
import json, sys
# A column without a value may be there as null, or not be there.
rows = [json.dumps({k: v for k, v in json.loads(line).items() if v is not None}, sort_keys=True, ensure_ascii=False)
        for line in open(sys.argv[2], encoding="utf-8")]
print(sys.argv[1], len(rows))
print("\n".join(sorted(rows)))
PY
    done
}
# all_equal WHEN: the three hold what SQLite held first.
all_equal() {
    for sink in sqlite postgres mongo; do
        export_all $sink > found
        [ -f expected ] || cp found expected
        cmp expected found || fail "$sink $1: $(diff expected found | cut -c 1-300 | head -n 6)"
    done
}
ready postgres
ready mongo
export PG_URI="host=localhost user=app password=secret dbname=appdb sslmode=verify-full sslrootcert=$folder/postgres/ca.crt port=$(awk '$1 == "postgres" { print $2 }' postgres.out)" # invented
export MONGO_URI="mongodb://app:secret@localhost:$(awk '$1 == "mongo" { print $2 }' mongo.out)/work?tls=true&tlsCAFile=$folder/mongo/ca.crt" # invented
configure > sluice.yaml
"$SLUICE" check > out 2>&1 || fail "check: $(cat out)"
"$SLUICE" migrate > out 2>&1 || fail "migrate: $(cat out)"

# Killed in the middle, and run to the end.
for pause in 0.3 0.6; do
    "$SLUICE" run > /dev/null 2>> sluice.log &
    sluice=$!
    sleep $pause
    kill9
done
"$SLUICE" run > out 2>> sluice.log
is "exit code of run" $? 0
all_equal "after the first run"
is "reviews" "$(grep -m 1 qa_photo_reviews expected)" "qa_photo_reviews 90"
is "leads" "$(grep -m 1 leads expected)" "leads 2"
is "dead letters" "$("$STAGE" query data/sluice.db "SELECT count(*) FROM dead")" 0

# A backup of all three; the servers' rows are taken away and put back.
"$SLUICE" backup whole.tar.gz > out 2> err
is "exit code of the backup" $? 0
"$SLUICE" restore whole.tar.gz --rows > out 2> err
is "exit code over rows" $? 1
has "over rows" "$(cat err)" "--replace"
all_equal "after a refusal"
"$SLUICE" restore whole.tar.gz --rows --dry-run > out 2> err
is "exit code of looking" $? 0
has "looking at PostgreSQL" "$(cat out)" "sink postgres: leads: 2 rows would be put back; it holds 2 rows now"
has "looking at MongoDB" "$(cat out)" "sink mongo: leads: 2 documents would be put back; it holds 2 now"
"$SLUICE" restore whole.tar.gz --rows --replace > out 2> err
is "exit code of putting back" $? 0
all_equal "after they were put back"

# MongoDB loses a collection and its ledger: they are made again, and nothing else is touched.
(cd "$repo" && PYTHONPATH=$(ci/tool secantus) python3 -c "
import os, pymongo
uri = os.environ['MONGO_URI'].split('?')[0] + '?tls=true&tlsAllowInvalidCertificates=true&directConnection=true'
db = pymongo.MongoClient(uri)['work']
for name in ('leads', 'sluice_effects', 'words', 'qa_photo_reviews'):
    db.drop_collection(name)
") || fail "the collections could not be dropped"
"$SLUICE" restore whole.tar.gz --rows --sink mongo > out 2> err
is "exit code into missing collections" $? 0
all_equal "after MongoDB was made again"

# The store is lost: the history is read anew, and the ledgers know what was done.
rm -f data/sluice.db*
"$SLUICE" run > out 2>> sluice.log
is "exit code of the run without a store" $? 0
all_equal "after the loss of the store"
exec 4>&- 5>&-
finish
