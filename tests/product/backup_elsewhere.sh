#!/bin/sh
# A backup takes what sinks write elsewhere: tables of PostgreSQL in one snapshot, ledgers and files of
# a CSV sink. Taken under load, put back into empty, missing and full tables; what comes again changes
# nothing, and what others keep in a table comes back with it.
. "$(dirname "$0")/desk.inc"

command -v python3 > /dev/null && command -v openssl > /dev/null || {
    echo "[  SKIPPED ] backup_elsewhere needs python3 and openssl"
    exit 0
}
mkdir postgres && mkfifo in
chmod 711 "$folder" # PostgreSQL runs as nobody.
(cd "$repo" && exec python3 tests/db/postgres_server.py "$folder/postgres") < in > out.postgres 2> err.postgres &
exec 4> in
await 120 grep -q -e ready -e missing out.postgres || { cat err.postgres; fail "the server did not start"; finish; }
if grep missing out.postgres; then
    echo "[  SKIPPED ] backup_elsewhere: no PostgreSQL server"
    exit 0
fi
port=$(awk '$1 == "postgres" { print $2 }' out.postgres)
oks() { [ "$(grep -c '^ok' out.postgres)" = "$1" ]; }
# tell COMMAND: to the server, and wait for its answer.
tell() {
    before=$(grep -c '^ok' out.postgres)
    echo "$1" >&4
    await 60 oks $((before + 1)) || fail "the server did not answer '$1'"
}
export PG_URI="host=localhost user=app password=secret dbname=appdb sslmode=verify-full sslrootcert=$folder/postgres/ca.crt port=$port" # invented

desk 1
cat > sluice.yaml << 'END'
store: data
sources:
  bridge: {kind: whatsapp-bridge, path: messages.db}
sinks:
  crm: {kind: postgres, uri: "env:PG_URI", timeout: 5s}
  sheet: {kind: csv, path: "data/out/{target}.csv"}
  hook: {kind: http, url: "http://127.0.0.1:9/nobody", secret: "env:HOOK_KEY"}
pipelines:
  seen:
    source: bridge
    chats: all
    ops:
      - kind: write
        sink: crm
        target: seen
        key: "{uid}"
        set: {text: "{text}", who: "{sender}"}
  people:
    source: bridge
    chats: all
    ops:
      - {kind: count, key: "{sender}"}
      - kind: write
        sink: crm
        target: people
        key: "{sender}"
        set: {last: "{sent}", posts: "{count}"}
  sheet:
    source: bridge
    chats: all
    ops:
      - {kind: write, sink: sheet, target: posts, key: "{uid}", set: {text: "{text}"}}
END
export HOOK_KEY='an invented key of 32 bytes here'
"$SLUICE" migrate > out 2>&1 || fail "migrate: $(cat out)"
# What all tables say, in an order of its own.
tables() {
    PGPASSWORD=secret python3 - "$PG_URI" << 'PY' # invented
import os, subprocess, sys
root = subprocess.run(["ci/tool", "postgres"], capture_output=True, text=True, cwd=os.environ["REPO"]).stdout.strip()
env = dict(os.environ)
if root and not root.startswith("/usr/lib"):
    env["LD_LIBRARY_PATH"] = os.path.join(root.split("/usr/lib/postgresql")[0], "usr/lib", os.uname().machine + "-linux-gnu")
psql = os.path.join(root, "psql") if root else "psql"
for sql in ("SELECT key, text, who FROM seen ORDER BY key", "SELECT key, last, posts FROM people ORDER BY key",
            "SELECT count(*) FROM sluice_effects", "SELECT count(*) FROM sluice_seq"):
    done = subprocess.run([psql, "-X", "-A", "-t", "-c", sql, sys.argv[1]], capture_output=True, text=True, env=env)
    print(done.stdout, done.stderr)
PY
}
export REPO="$repo"

# Under load: a backup in the middle; its rows and its store go together.
fill 1 3000 1
serve
await 20 "$STAGE" query data/out/.posts.csv.sluice "SELECT 1" > /dev/null 2>&1 || fail "nothing is written"
fill 3001 3000 1 &
filling=$!
"$SLUICE" backup middle.tar.gz > out 2> err
is "exit code of a backup under load" $? 0
has "the hook is named as left out" "$(cat err)" "the sink 'hook'"
wait $filling
kill9
"$SLUICE" run > out 2>> sluice.log
is "exit code of run" $? 0
tables > expected
"$SLUICE" backup whole.tar.gz --json > out 2> err
is "exit code of the whole backup" $? 0
cp data/out/posts.csv posts.csv
is "lines of the sheet" "$(wc -l < posts.csv)" 6001

# Looking, and refusing.
conforms restore restore --verify whole.tar.gz
"$SLUICE" restore --verify whole.tar.gz > out 2> err
is "exit code of verifying" $? 0
has "what it says of rows elsewhere" "$(cat err)" "tables of the sink 'crm'"
"$SLUICE" restore whole.tar.gz --rows > out 2> err
is "exit code over full tables" $? 1
has "a full table" "$(cat err)" "holds rows, and nothing was changed"
tables > found
cmp expected found || fail "a refusal changed something"
conforms restore restore whole.tar.gz --rows --dry-run
has "dry run" "$(cat conforms.json)" "seen: 6000 rows would be put back; it holds 6000 rows now"
"$SLUICE" restore whole.tar.gz --rows --sink other > out 2> err
is "exit code for another sink" $? 1
"$SLUICE" restore whole.tar.gz --replace > out 2> err
is "exit code of --replace alone" $? 64

# Missing, empty and changed tables; a column of somebody else.
tell "sql ALTER TABLE people ADD COLUMN note text DEFAULT 'mine'; ALTER TABLE people OWNER TO app"
"$SLUICE" backup noted.tar.gz > out 2> err
tell "sql DROP TABLE seen, people; DROP TABLE sluice_effects CASCADE; DROP TABLE sluice_seq"
"$SLUICE" restore noted.tar.gz --rows --dry-run > out 2> err
has "dry run over missing tables" "$(cat out)" "people: 500 rows would be put back; it is missing and would be made"
"$SLUICE" restore noted.tar.gz --rows > out 2> err
is "exit code into missing tables" $? 0
tables > found
cmp expected found || fail "missing tables: $(diff expected found | head -n 5) $(cat err)"
tell "sql DO \$\$ BEGIN IF EXISTS (SELECT FROM people WHERE note IS DISTINCT FROM 'mine') THEN RAISE EXCEPTION 'gone'; END IF; END \$\$"
tell "sql DELETE FROM seen WHERE key < '3'; UPDATE people SET posts = '7'"
"$SLUICE" restore whole.tar.gz --rows --replace > out 2> err
is "exit code of --replace" $? 0
tables > found
cmp expected found || fail "replaced: $(diff expected found | head -n 5)"

# Everything is lost; the backup of the middle, and the work goes on: the same as if nothing had been.
rm -rf data
"$SLUICE" restore middle.tar.gz > out 2> err
is "exit code of restoring the middle" $? 0
has "what stays elsewhere" "$(cat err)" "left as they are there"
"$SLUICE" restore middle.tar.gz --rows --replace > out 2> err
is "exit code of its rows" $? 0
"$SLUICE" run > out 2>> sluice.log
is "exit code of the run behind it" $? 0
tables > found
cmp expected found || fail "behind the middle: $(diff expected found | head -n 5)"
sort posts.csv > expected.csv
sort data/out/posts.csv > found.csv
cmp expected.csv found.csv || fail "the sheet behind the middle: $(diff expected.csv found.csv | head -n 5)"

# Only the database is lost, and the store knows what it delivered since: both go back to the backup.
fill 6001 500 1
"$SLUICE" run > out 2>> sluice.log
tables > expected
"$SLUICE" restore whole.tar.gz --force > out 2> err
is "exit code of the older store" $? 0
"$SLUICE" restore whole.tar.gz --rows --replace > out 2> err
is "exit code of the older rows" $? 0
"$SLUICE" run > out 2>> sluice.log
tables > found
cmp expected found || fail "behind both: $(diff expected found | head -n 5)"

# The database is down: the backup is made without it, and says so.
tell stop
"$SLUICE" backup down.tar.gz --json > out 2> err
is "exit code while the database is down" $? 2
has "what is left out" "$(cat out)" '"left_out":["hook","crm"]'
has "why" "$(cat err)" "the sink 'crm' writes: "
"$SLUICE" restore --verify down.tar.gz > out 2> err
is "exit code of verifying that one" $? 0

# A backup whose rows were touched is refused.
mkdir opened && tar xzf whole.tar.gz -C opened
rows=$(ls opened/targets/*.rows)
sed -i 's/"P/"Q/' "$rows"
tar czf touched.tar.gz -C opened sluice-backup sluice.db targets manifest.json
"$SLUICE" restore --verify touched.tar.gz > out 2> err
is "exit code of a touched backup" $? 1
grep -q "secret" sluice.log out err && fail "a password is in the log"
exec 4>&-
finish
