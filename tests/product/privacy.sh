#!/bin/sh
# Secrets, telephone numbers, names and texts are planted everywhere; no log line, no verb (but those
# whose user asks to see data), no bundle and no crash shows one of them.
. "$(dirname "$0")/desk.inc"

# All invented.
secret=hunter2-invented-secret-9f8e7d
number=972501234567
bare=0547654321
name='Zelda Quagmire'
hebrew='יהודית כהן-ירקוני'
text='my grandmother was bitten by a badger'

cat > planted <<END
$secret
$number
$bare
$name
$hebrew
grandmother
badger
0501234567
501234567
7654321
Kfar Xyzzyx
END

cp "$repo/config/demo.yaml" sluice.yaml
printf 'projects:\n  - {name: Kfar Xyzzyx, enabled: true, group_jid: "120363000000000001@g.us", description: made up}\n' > projects.yaml
printf 'NEON_PASSWORD=%s\nSOME_TOKEN="%s"\n' "$secret" "$secret" > .env
chmod 600 .env
export PLANTED_TOKEN="$secret" LOG_LEVEL=DEBUG

bridge
say() { # say ID CHAT SENDER TEXT
    "$STAGE" exec messages.db "INSERT INTO messages(id, chat_jid, sender, content, timestamp, is_from_me)
        VALUES('$1', '$2', '$3', '$4', '2025-11-24 10:00:00+02:00', 0)"
}
say M1 "$north" "$name" "DR10000001 $text, call $number or +972-50-123-4567"
say M2 "$north" "$hebrew" "DR10000002 $text התקשרו ל$bare עכשיו"
say "3EB0$number" "$north" "$number" "DR10000003 $text"
say M4 "$number@s.whatsapp.net" "$number" "$text $bare"
say M5 "$north" "$name" "$text $bare"
"$STAGE" exec messages.db "INSERT INTO messages(id, chat_jid, sender, content, timestamp, is_from_me)
    VALUES('M6', '$north', '$name', '$text', 'no time at all $number', 0),
          ('M7', '$north', '$name', CAST('$text $number' AS BLOB), '2025-11-24 10:00:01+02:00', 0),
          ('', '$north', '$name', 'DR10000005 $text', '2025-11-24 10:00:02+02:00', 0)"

# hidden WHAT FILE...: none of the planted values, no number of seven digits or more but our keys.
hidden() {
    what=$1
    shift
    for file in "$@"; do
        while read -r value; do
            ! grep -q -F -e "$value" "$file" || fail "$what ($file) shows '$value': $(grep -F -e "$value" "$file" | head -n 2)"
        done < planted
        found=$(sed 's/DR1000000[0-9]//g; s/12036300000000000[0-9]@g\.us//g; s/\\u[0-9a-f]*//g' "$file" | grep -o -E '[0-9]{7,}' | head -n 3)
        [ -z "$found" ] || [ "$what" = names ] || fail "$what ($file) has a long number: $found"
    done
}
# The name of the project is the owner's own word and stands in the log by his wish.
grep -v Xyzzyx planted > people && grep Xyzzyx planted > places
cp people planted

# Serve at debug level, in both forms, with dead letters and refusals.
"$SLUICE" run > run.out 2> run.log
"$STAGE" exec data/records.db "CREATE TRIGGER no BEFORE INSERT ON qa_photo_reviews BEGIN SELECT RAISE(ABORT, 'closed'); END"
say M8 "$north" "$name" "DR10000008 $text $number"
LOG_FILE=sluice.json "$SLUICE" serve > serve.out 2> serve.err &
sluice=$!
dead() { [ "$("$STAGE" query data/sluice.db 'SELECT count(*) FROM dead' 2> /dev/null)" = 1 ]; }
await 20 dead || fail "no dead letter"
stop
grep -q '"run":"' sluice.json || fail "no line of the log names a run"
hidden "the log" run.log run.out serve.out serve.err sluice.json

# Every verb that does not show data by its owner's wish; text and JSON.
i=0
verb() {
    i=$((i + 1))
    "$SLUICE" "$@" > "verb.$i.out" 2> "verb.$i.err"
    code=$?
    [ "$code" -lt 126 ] || fail "sluice $*: exit code $code"
    hidden "sluice $*" "verb.$i.out" "verb.$i.err"
}
verb check
verb status
verb status --json
verb runs
verb runs --json
verb runs show 1
verb schedule
verb dlq list
verb refused list
verb refused list --json
verb audit list
verb audit list --json
verb audit verify
verb dlq edit 1 "user_name=$number" --body nothing
verb dlq edit 1 "nosuchcolumn=$number"
verb dlq edit 1 "qa_date=[$number"
printf '{"set":{"qa_date":{"a":"%s"},"x":"%s"}}' "$number" "$name" > body.json
verb dlq edit 1 --body body.json
printf '{"set":{"%s"' "$name" > body.json
verb dlq edit 1 --body body.json
verb dlq retry 1
verb run
"$SLUICE" version --verbose > version.out
hidden names version.out
verb backup out.tar.gz
sed -i 's/120[0-9TZ]*//' verb.$i.out
verb restore --verify out.tar.gz
verb tap --no-such-flag
verb bundle --list
verb bundle --list --verbose
verb bundle bundle.tar.gz
LOG_FILE=sluice.json verb bundle --force bundle.tar.gz

# The bundle, file by file: also no key of the business, no group, no project.
mkdir inside && tar xzf bundle.tar.gz -C inside || fail "the bundle cannot be unpacked"
cat people places > planted
for file in inside/*; do
    hidden "the bundle" "$file"
    found=$(grep -o -E '[0-9]{7,}' "$file" | head -n 3)
    [ -z "$found" ] || fail "the bundle ($file) has a long number: $found"
done
verb dlq drop 2 --why "no more"
is "files of the bundle" "$(ls inside | tr '\n' ' ')" \
    "README.txt config.txt environment.txt log.txt reasons.txt runs.txt schema.txt status.txt tables.txt "
has "names of variables" "$(cat inside/environment.txt)" PLANTED_TOKEN
has "names of variables in .env" "$(cat inside/environment.txt)" NEON_PASSWORD
has "reasons" "$(cat inside/reasons.txt)" closed
has "keys of the configuration" "$(cat inside/config.txt)" "kind: whatsapp-bridge"
has "the log in the bundle" "$(cat inside/log.txt)" '"level"'
has "tables" "$(cat inside/tables.txt)" qa_photo_reviews
cp people planted

# A wrong configuration says what is wrong and not what stands in .env.
# shellcheck disable=SC2016
printf 'sinks: {records: {kind: sqlite, path: "${SOME_TOKEN}", nosuch: "${SOME_TOKEN}"}}\nsources: {b: {kind: whatsapp-bridge, path: "${SOME_TOKEN}", pol: 1s}}\npipelines: {x: {kind: "${SOME_TOKEN}", source: b, zone: "${SOME_TOKEN}"}}\n' > wrong.yaml
verb --config wrong.yaml check
has "a wrong configuration" "$(cat verb.$i.err)" "wrong.yaml:3:"
verb --config wrong.yaml serve
verb --config wrong.yaml bundle --list --verbose

# A crash in the middle of work.
: > crash.err
"$SLUICE" serve > crash.out 2>> crash.err &
sluice=$!
await 10 grep -q MONITORING crash.err || fail "serve says nothing"
kill -SEGV "$sluice"
wait "$sluice" 2> /dev/null
sluice=''
has "the crash" "$(cat crash.err)" "crashed: SIGSEGV"
hidden "the crash" crash.err crash.out
finish
