#!/bin/sh
# The drops desk on PostgreSQL, with the configuration that is handed out: over TLS with verify-full and
# a bound channel; then in a table of the users' own that has no unique index and rows of others,
# through PgBouncer in transaction mode, with sluice killed and the database lost again and again. Each
# drop and each comment block is there once: compared with an undisturbed run on SQLite.
. "$(dirname "$0")/desk.inc"

command -v python3 > /dev/null && command -v openssl > /dev/null || {
    echo "[  SKIPPED ] drops_postgres needs python3 and openssl"
    exit 0
}
total=60000 part=5000
chmod 711 "$folder"
mkdir pg && mkfifo hold replies
# start [pgbouncer]: false when this machine cannot have it.
start() {
    (cd "$repo" && exec python3 tests/db/postgres_server.py "$folder/pg" "$@") < hold > replies 2>> server.log &
    server=$!
    exec 5> hold 6< replies
    while read -r name value <&6; do
        case $name in
            postgres) postgres=$value ;;
            pgbouncer) pgbouncer=$value ;;
            ready) return 0 ;;
            missing:) echo "$value" >> missing; break ;;
        esac
    done
    exec 5>&- 6<&-
    wait "$server"
    return 1
}
# tell COMMAND...: and wait for its answer.
tell() {
    printf '%s\n' "$*" >&5
    read -r answer <&6 || { fail "the test's server has gone: $(tail -n 3 server.log)"; finish; }
    is "answer to $1" "$answer" ok
}
# ask SQL FILE: its rows as text.
ask() {
    tell sql "\\copy ($1) TO '$folder/pg/answer' WITH (NULL '')"
    cp pg/answer "$2"
}
value() {
    ask "$1" answer
    cat answer
}
pg_outcome="SELECT drop_number, project, user_name, to_char(whatsapp_message_date, 'YYYY-MM-DD\"T\"HH24:MI:SS.MS\"Z\"'), resubmitted::int, (length(comment) - length(replace(comment, 'PHOTOS UPDATED', ''))) / 14 FROM qa_photo_reviews ORDER BY drop_number COLLATE \"C\""

pgbouncer=''
start pgbouncer || start || { echo "[  SKIPPED ] drops_postgres: $(tail -n 1 missing 2> /dev/null || tail -n 1 server.log)"; exit 0; }
trap 'exec 5>&-; wait "$server" 2> /dev/null; cleanup' EXIT
[ -n "$pgbouncer" ] || echo "no PgBouncer here ($(tail -n 1 missing)): straight to the server instead"
more="sslmode=verify-full&sslrootcert=$folder/pg/ca.crt"
straight="postgresql://app:secret@localhost:$postgres/appdb?$more&channel_binding=require"
pooled="postgresql://app:secret@localhost:${pgbouncer:-$postgres}/appdb?$more"
# In UTC whatever the server's zone is, and rows of others in another zone stay what they are.
tell sql "ALTER DATABASE appdb SET TimeZone = 'Asia/Jerusalem'"
tell sql "ALTER ROLE boss SET TimeZone = 'UTC'"

# What has to come out: an undisturbed run on SQLite.
desk 5
cp "$repo/config/drops.yaml" sluice.yaml
export WHATSAPP_DB_PATH="$folder/messages.db"
fill 1 $total 5
"$SLUICE" run 2>> sluice.log > /dev/null
is "exit code on SQLite" $? 0
outcome expected
expected_blocks=$(blocks)
[ "$(rows)" -gt 1000 ] && [ "$expected_blocks" -gt 100 ] || fail "too little to compare: $(rows) rows, $expected_blocks blocks"
rm -rf data

# Straight, as Neon is reached. Nothing is made by writing, and nothing is lost by trying too early.
export NEON_DATABASE_URL="$straight"
"$SLUICE" run > out 2>&1
has "before migrate" "$(cat out)" "run sluice migrate"
is "dead letters before migrate" "$("$SLUICE" dlq list)" ""
"$SLUICE" migrate --dry-run > dry 2>> sluice.log || fail "migrate --dry-run"
has "migrate, dry" "$(cat dry)" "table qa_photo_reviews: created"
is "tables after a dry run" "$(value "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'")" 0
"$SLUICE" migrate > made 2>> sluice.log || fail "migrate: $(cat made)"
"$SLUICE" run 2>> sluice.log > /dev/null
is "exit code of run" $? 0
ask "$pg_outcome" found
cmp expected found || fail "PostgreSQL does not hold what SQLite does: $(diff expected found | head -n 4 | tr '\n' ' ')"
"$SLUICE" run 2>> sluice.log > /dev/null
ask "$pg_outcome" found
cmp expected found || fail "a second run changed something"
has "check --connect" "$("$SLUICE" check --connect 2>&1)" "TLSv1.2"
[ ! -e data/records.db ] || fail "records.db was made as well"

# A store that is lost: the history is read again, and the target knows what was done.
rm -rf data
"$SLUICE" run 2>> sluice.log > /dev/null
ask "$pg_outcome" found
cmp expected found || fail "a lost store did something twice"

# The users' own table: no unique index, narrow columns, times without a zone, rows of others.
rm -rf data messages.db*
steps=$(sed -n 's/^    {"\(step_[a-z_0-9]*\)".*/\1 BOOLEAN DEFAULT FALSE,/p' "$repo/src/domain/drops.c" | tr -d '\n')
tell sql "DROP TABLE qa_photo_reviews, sluice_effects, sluice_seq CASCADE"
tell sql "SET ROLE app; CREATE TABLE public.qa_photo_reviews(id SERIAL PRIMARY KEY, drop_number VARCHAR(20) NOT NULL, review_date DATE NOT NULL, user_name VARCHAR(20), project VARCHAR(50), whatsapp_message_date TIMESTAMP, $steps outstanding_photos_loaded_to_1map BOOLEAN DEFAULT FALSE, comment TEXT, incomplete BOOLEAN DEFAULT FALSE, completed BOOLEAN DEFAULT FALSE, feedback_sent TIMESTAMP, resubmitted BOOLEAN, created_at TIMESTAMP DEFAULT now(), updated_at TIMESTAMP)"
export NEON_DATABASE_URL="$pooled"
"$SLUICE" migrate > made 2>> sluice.log || fail "migrate of the users' own table: $(cat made)"
has "migrate" "$(cat made)" "table qa_photo_reviews: added a unique index on drop_number"
tell sql "DROP INDEX qa_photo_reviews_drop_number_key"
theirs=$(awk -F '\t' 'NR % 50 == 7 { print $1 }' expected)
for one in $theirs; do
    echo "('$one', now(), 'Thandi', 'by hand'),"
done | tr -d '\n' > theirs
tell sql "INSERT INTO qa_photo_reviews(drop_number, review_date, user_name, comment) VALUES $(sed 's/,$//' theirs)"

bridge
first=1 turn=0
while [ "$first" -le "$total" ]; do
    serve
    fill "$first" $part 5 &
    filling=$!
    first=$((first + part))
    turn=$((turn + 1))
    sleep "0.$(printf %03d $((turn * 7919 % 400)))"
    case $turn in
        3 | 8) tell stop ;;
        4 | 9) tell start ;;
    esac
    kill9
    wait "$filling"
done
# PgBouncer does not ask a server that was away for some seconds.
turn=0
until "$SLUICE" run 2>> sluice.log > /dev/null || [ "$turn" -gt 10 ]; do
    turn=$((turn + 1))
    sleep 1
done
[ "$turn" -le 10 ] || fail "what waited was not delivered"
is "rows that stand twice" "$(value "SELECT count(*) - count(DISTINCT drop_number) FROM qa_photo_reviews")" 0
ask "SELECT drop_number, (length(comment) - length(replace(comment, 'PHOTOS UPDATED', ''))) / 14 FROM qa_photo_reviews ORDER BY drop_number COLLATE \"C\"" found
# A row of others makes the first sight a resubmission: one block more.
awk -F '\t' -v theirs="$(echo "$theirs" | tr '\n' ' ')" 'BEGIN { n = split(theirs, t, " "); for (i = 1; i <= n; i++) more[t[i]] = 1 }
    { print $1 "\t" $6 + more[$1] }' expected > wanted
cmp wanted found || fail "not each drop and each block once: $(diff wanted found | head -n 6 | tr '\n' ' ')"
is "rows of others" "$(value "SELECT count(*) FROM qa_photo_reviews WHERE user_name = 'Thandi' AND comment LIKE 'by hand%' AND resubmitted AND NOT incomplete")" "$(echo "$theirs" | wc -l)"
is "times in UTC" "$(value "SELECT count(*) FROM qa_photo_reviews WHERE user_name <> 'Thandi' AND created_at AT TIME ZONE 'Asia/Jerusalem' - whatsapp_message_date AT TIME ZONE 'UTC' < interval '0'")" 0
is "dead letters" "$("$SLUICE" dlq list)" ""
is "records that wait" "$("$SLUICE" status --json | grep -o '"waiting":[0-9]*' | head -n 1)" '"waiting":0'

# Down while it works: the record waits, and comes through by itself.
serve
await 20 log_has "MONITORING"
tell stop
post "'DR90000001 is done'"
sleep 1
is "dead letters while it is down" "$("$SLUICE" dlq list)" ""
tell start
await 30 sh -c "[ \"\$($SLUICE status --json | grep -o '\"waiting\":[0-9]*' | head -n 1)\" = '\"waiting\":0' ]" || fail "the record still waits"
stop
is "the drop that came meanwhile" "$(value "SELECT count(*) FROM qa_photo_reviews WHERE drop_number = 'DR90000001'")" 1
grep -q "app:secret" sluice.log out made && fail "the URI is in the log"
finish
