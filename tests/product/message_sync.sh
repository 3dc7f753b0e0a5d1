#!/bin/sh
# The message-sync profile: chats become rows, on SQLite and on PostgreSQL alike; edits, deletions,
# kill -9, a replay, a lost store and a database that is down leave each message once. The assistant's
# requests go to a command, and its answers to a table. The six metrics.
. "$(dirname "$0")/desk.inc"
unset PG_URL ATTACHMENTS_DIR IMAGE_PROCESSING_ENABLED WHATSAPP_ENABLE_SENDING WHATSAPP_AGENT_CONTACT
unset WHATSAPP_AGENT_THREAD_NAME WHATSAPP_AGENT_URL WHATSAPP_AGENT_COMMAND EXTRACTION_URL EXTRACTION_COMMAND
unset WEBDRIVER_URL WHATSAPP_PROFILE_DIR WHATSAPP_SYNC_LOOKBACK_DAYS WHATSAPP_SYNC_INTERVAL_MINUTES WHATSAPP_OWN_NUMBER

cp "$repo/config/message-sync.yaml" sluice.yaml

# As it is handed out, on an empty folder.
"$SLUICE" check > out 2>&1
is "check on an empty folder" $? 0
WHATSAPP_ENABLE_SENDING=true "$SLUICE" check > out 2>&1
is "check with sending" $? 78
has "check with sending" "$(cat out)" "this program reads WhatsApp and never writes there"
has "check with sending" "$(cat out)" "set WHATSAPP_ENABLE_SENDING=false"

export WHATSAPP_DB_PATH="$folder/messages.db"
# A bridge's file with everything in it. People and numbers are invented; times are of the last days.
make_bridge() {
    "$STAGE" exec messages.db "PRAGMA journal_mode=WAL;
        CREATE TABLE messages(id TEXT, chat_jid TEXT, sender TEXT, content TEXT, timestamp TIMESTAMP,
            is_from_me BOOLEAN, media_type TEXT, filename TEXT, deleted_at TEXT, PRIMARY KEY(id, chat_jid))"
}
post_people() {
    "$STAGE" exec messages.db "INSERT INTO messages(id, chat_jid, sender, content, timestamp, is_from_me, media_type) VALUES
        ('P1', '972550000002@s.whatsapp.net', '972550000002', 'שלום, מה שלומך?', datetime('now', '-1 day') || '+00:00', 0, ''),
        ('P2', '972550000002@s.whatsapp.net', '972550000001', 'O''Hara \"x\" \\ {y}', datetime('now', '-1 day', '+1 minute') || '+00:00', 1, ''),
        ('P3', '972550000002@s.whatsapp.net', '972550000002', '', datetime('now', '-1 day', '+2 minutes') || '+00:00', 0, 'image'),
        ('G1', '120363000000000001@g.us', '972550000003', 'Kenny, dinner on Friday', datetime('now', '-2 hours') || '+00:00', 0, ''),
        ('G2', '120363000000000001@g.us', '972550000003', 'soon gone', datetime('now', '-1 day', '+4 minutes') || '+00:00', 0, ''),
        ('OLD', '120363000000000001@g.us', '972550000003', 'too old', datetime('now', '-40 days') || '+00:00', 0, '')"
}
# fill_bridge FIRST COUNT: messages of twenty chats.
fill_bridge() {
    "$STAGE" exec messages.db "INSERT INTO messages(id, chat_jid, sender, content, timestamp, is_from_me, media_type)
        WITH RECURSIVE n(i) AS (SELECT $1 UNION ALL SELECT i + 1 FROM n WHERE i < $1 + $2 - 1)
        SELECT 'F' || i, printf('1203630000000001%02d@g.us', i % 20), '97255000' || (1000 + i % 30), 'message ' || i,
            datetime('now', '-20 hours', '+' || (i * 2) || ' seconds') || '+00:00', i % 3 = 0, '' FROM n" || fail "the bridge could not be filled"
}
columns="id, platform, external_id, thread_external_id, sender_id"
flags="is_outgoing recipients_known is_agent_channel exclude_from_automation has_attachments edited deleted"
# What a run leaves behind, alike for both databases.
sqlite_outcome() {
    "$STAGE" query "$1/records.db" "SELECT $columns, recipient_ids, content_snippet, ts, $(echo $flags | tr ' ' ',') FROM messages ORDER BY id" > "$2"
    "$STAGE" query "$1/records.db" "SELECT source, last_seen_ts FROM sync_state" >> "$2"
    "$STAGE" query "$1/records.db" "SELECT id, request, status FROM proposals ORDER BY id" >> "$2"
}
value() { "$STAGE" query "$1/records.db" "$2"; }
metric() { "$SLUICE" --data "$1" status --json 2> /dev/null | python3 -c "
import json, sys
for one in json.load(sys.stdin)['metrics']:
    if one['name'] == '$2':
        print(int(one['value']) if '$2' != 'whatsapp_sync_cycle_seconds' else one['count'])"; }
health() { "$SLUICE" --data "$1" status --json 2> /dev/null | python3 -c "
import json, sys
status = json.load(sys.stdin)
print([str(s['ready']).lower() for s in status['sinks'] if s['name'] == 'records'][0], [s['good_at'] is not None for s in status['sources']][0])"; }
run() {
    data=$1
    shift
    "$SLUICE" --data "$data" run "$@" > out 2>> sluice.log || fail "run: $(cat out) $(tail -n 3 sluice.log)"
}

make_bridge
fill_bridge 1 500
post_people # Last, so that a later look sees what is changed of them.
run s
is "rows within the lookback" "$(value s "SELECT count(*) FROM messages")" 505
is "a recipient" "$(value s "SELECT recipient_ids FROM messages WHERE id = 'whatsapp:P2'")" '["972550000002"]'
is "the assistant's" "$(value s "SELECT id FROM messages WHERE is_agent_channel AND exclude_from_automation")" "whatsapp:G1"
is "a request that is only kept" "$(value s "SELECT status FROM proposals")" open
is "a picture" "$(value s "SELECT has_attachments FROM messages WHERE id = 'whatsapp:P3'")" 1
is "sync_state" "$(value s "SELECT last_seen_ts = (SELECT max(ts) FROM messages) FROM sync_state WHERE source = 'whatsapp'")" 1
is "whatsapp_sync_messages_fetched" "$(metric s whatsapp_sync_messages_fetched)" 505
is "whatsapp_sync_upserts" "$(metric s whatsapp_sync_upserts)" 505
is "whatsapp_attachments_saved" "$(metric s whatsapp_attachments_saved)" 0
is "whatsapp_extraction_jobs_enqueued" "$(metric s whatsapp_extraction_jobs_enqueued)" 0
is "whatsapp_sync_errors" "$(metric s whatsapp_sync_errors)" 0
is "whatsapp_sync_cycle_seconds" "$(metric s whatsapp_sync_cycle_seconds)" 1
is "health" "$(health s)" "true True"
conforms status --data s status

# An edit and a deletion are the same row; a replay and a second run change nothing.
"$STAGE" exec messages.db "UPDATE messages SET content = 'שלום שלום' WHERE id = 'P1';
    UPDATE messages SET deleted_at = datetime('now') || '+00:00' WHERE id = 'G2'"
run s
is "an edit" "$(value s "SELECT content_snippet, edited, deleted FROM messages WHERE id = 'whatsapp:P1'")" "$(printf 'שלום שלום\t1\t0')"
is "a deletion" "$(value s "SELECT coalesce(content_snippet, 'none'), edited, deleted FROM messages WHERE id = 'whatsapp:G2'")" "$(printf 'none\t0\t1')"
is "rows" "$(value s "SELECT count(*) FROM messages")" 505
is "history in the archive" "$("$STAGE" query s/sluice.db "SELECT count(*) FROM archive WHERE external_id = 'P1'")" 2
sqlite_outcome s before
run s
sqlite_outcome s after
cmp before after || fail "a second run changed something"
"$SLUICE" --data s replay messages --json > out 2>> sluice.log
is "replay" $? 0
has "replay" "$(cat out)" '"new":0,"changed":0'

# The store is lost: the same rows, each once.
rm -f s/sluice.db*
run s
sqlite_outcome s after
cmp before after || fail "a lost store made other rows: $(diff before after | head -n 4)"

# Requests to the assistant go to a command, and its answers to the table; each is asked once.
cat > ask.sh << 'A'
#!/bin/sh
cat >> asked
echo >> asked
echo '{"proposals":[{"kind":"calendar","title":"ארוחת ערב"}],"secret":"'"${PG_URL:-none}"'"}'
A
chmod 755 ask.sh
export WHATSAPP_AGENT_COMMAND="$folder/ask.sh"
run a
run a
is "times the assistant was asked" "$(wc -l < asked)" 1
has "what it was asked" "$(cat asked)" '"entity":"whatsapp:G1","kind":"question","data":{"message_id":"whatsapp:G1"'
is "its answer" "$(value a "SELECT status, proposal FROM proposals")" "$(printf 'answered\t{"proposals":[{"kind":"calendar","title":"ארוחת ערב"}],"secret":"none"}')"
unset WHATSAPP_AGENT_COMMAND

# Killed in the middle, again and again, while messages come.
first=501
while [ "$first" -le 4500 ]; do
    fill_bridge "$first" 1000
    first=$((first + 1000))
    "$SLUICE" --data s run > out 2>> sluice.log &
    sluice=$!
    sleep "0.$(printf %03d $((first * 7919 % 300)))"
    kill9
done
run s
is "rows after kills" "$(value s "SELECT count(*), count(DISTINCT id) FROM messages")" "$(printf '4505\t4505')"
is "dead letters" "$("$SLUICE" --data s dlq list)" ""
sqlite_outcome s expected
is "sync_state after kills" "$(value s "SELECT last_seen_ts = (SELECT max(ts) FROM messages) FROM sync_state")" 1

# A table of another program with the same name is said at once.
mkdir theirs
"$STAGE" exec theirs/records.db "CREATE TABLE messages(id INTEGER PRIMARY KEY, body TEXT)"
"$SLUICE" --data theirs check --connect > out 2>&1
has "a table of another program" "$(cat out)" "column 'id' of table messages holds numbers only"

# The same on PostgreSQL.
command -v python3 > /dev/null && command -v openssl > /dev/null || { echo "[  SKIPPED ] PostgreSQL: needs python3 and openssl"; finish; }
chmod 711 "$folder"
mkdir pg && mkfifo hold replies
(cd "$repo" && exec python3 tests/db/postgres_server.py "$folder/pg") < hold > replies 2>> server.log &
server=$!
exec 5> hold 6< replies
port=''
while read -r name rest <&6; do
    case $name in
        postgres) port=$rest ;;
        ready) break ;;
        missing:) echo "[  SKIPPED ] PostgreSQL: $rest"; finish ;;
    esac
done
[ -n "$port" ] || { echo "[  SKIPPED ] PostgreSQL: $(tail -n 1 server.log)"; finish; }
trap 'exec 5>&-; wait "$server" 2> /dev/null; cleanup' EXIT
tell() {
    printf '%s\n' "$*" >&5
    read -r answer <&6 || { fail "the test's server has gone: $(tail -n 3 server.log)"; finish; }
    is "answer to $1" "$answer" ok
}
ask() {
    tell sql "\\copy ($1) TO '$folder/pg/answer' WITH (NULL '')"
    cat pg/answer
}
postgres_outcome() {
    bools=$(for flag in $flags; do printf ', %s::int' "$flag"; done)
    ask "SELECT $columns, replace(recipient_ids::text, ', ', ','), content_snippet, to_char(ts AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.MS\"Z\"')$bools FROM messages ORDER BY id COLLATE \"C\"" > "$1"
    ask "SELECT source, to_char(last_seen_ts AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.MS\"Z\"') FROM sync_state" >> "$1"
    ask "SELECT id, request, status FROM proposals ORDER BY id" >> "$1"
}
export PG_URL="postgresql://app:secret@localhost:$port/appdb?sslmode=verify-full&sslrootcert=$folder/pg/ca.crt"
tell sql "SET ROLE app; CREATE TABLE public.messages(id BIGSERIAL PRIMARY KEY, platform TEXT, external_id TEXT, UNIQUE(platform, external_id))"
"$SLUICE" --data p migrate > out 2>&1 && fail "a table of another program was adopted"
has "a table of another program" "$(cat out)" "column 'id' of table public.messages is of type int8"
is "its columns" "$(ask "SELECT count(*) FROM information_schema.columns WHERE table_name = 'messages'")" 3
tell sql "DROP TABLE public.messages"
"$SLUICE" --data p migrate > made 2>> sluice.log || fail "migrate: $(cat made)"
for table in messages attachments extraction_jobs extractions sync_state proposals; do
    has "migrate" "$(cat made)" "table $table: created"
done
turn=0
while [ "$turn" -lt 3 ]; do
    turn=$((turn + 1))
    "$SLUICE" --data p run > out 2>> sluice.log &
    sluice=$!
    sleep "0.$((turn * 2))"
    kill9
done
run p
postgres_outcome found
# \copy writes a backslash twice.
sed 's/\\\\/\\/g' found > found.plain
# This store saw P1 in its edited form only.
sed 's/^\(whatsapp:P1\t.*\)\t1\t0$/\1\t0\t0/' expected > wanted
cmp wanted found.plain || fail "PostgreSQL does not hold what SQLite does: $(diff wanted found.plain | head -n 6)"
is "health" "$(health p)" "true True"

# Down: nothing is lost, the metrics and the health say so; up again: it comes through.
errors=$(metric p whatsapp_sync_errors)
tell stop
fill_bridge 4501 10
"$SLUICE" --data p run > out 2>> sluice.log
[ "$(metric p whatsapp_sync_errors)" -gt "$errors" ] || fail "an unreachable database is no error"
is "health while it is down" "$(health p)" "false True"
before=$(metric p whatsapp_sync_upserts)
tell start
run p
is "rows that came meanwhile" "$(ask "SELECT count(*) FROM messages WHERE id IN ('whatsapp:F4501', 'whatsapp:F4510')")" 2
is "upserts" "$(metric p whatsapp_sync_upserts)" $((before + 10))
is "health" "$(health p)" "true True"

# And a lost store: no row twice.
rm -rf p
run p
is "rows after a lost store" "$(ask "SELECT count(*), count(DISTINCT (platform, external_id)) FROM messages")" "$(printf '4515\t4515')"
grep -q "app:secret" sluice.log out made && fail "the URI is in the log"
finish
