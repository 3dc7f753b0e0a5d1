#!/bin/sh
# demo/demo.sh: what sluice does, in under a minute, on made-up messages. Run: ci/zig build demo
#
# Everything happens in a temporary folder and with this machine's processes only; whatever happens,
# nothing is left behind. Ends with 0 only if the final counts are what was promised.
set -u
unset NEON_DATABASE_URL LOG_FILE LOG_LEVEL ENV SLUICE_DATA SLUICE_CONFIG SCAN_INTERVAL
: "${SLUICE:?run this with: ci/zig build demo}" "${STAGE:?run this with: ci/zig build demo}"
here=$(cd "$(dirname "$0")/.." && pwd)
folder=$(mktemp -d) || exit 1
sluice= writer=

if [ -t 1 ] && [ -z "${NO_COLOR:-}" ]; then bold=$(printf '\033[1m') dim=$(printf '\033[2m') plain=$(printf '\033[0m')
else bold= dim= plain=
fi
say() { breathe 2; printf '\n%s%s%s\n' "$bold" "$*" "$plain"; }
note() { printf '%s%s%s\n' "$dim" "$*" "$plain"; }

finish() {
    code=$?
    trap '' INT TERM
    trap - EXIT
    for pid in $writer $sluice; do
        kill -9 "$pid" 2> /dev/null && wait "$pid" 2> /dev/null
    done
    cd / && rm -rf "$folder"
    exit "$code"
}
trap finish EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
cd "$folder" || exit 1

north=120363000000000001@g.us south=120363000000000002@g.us number=0

# post GROUP SENDER TEXT: as the WhatsApp bridge stores a message.
post() {
    number=$((number + 1))
    "$STAGE" exec messages.db "INSERT OR REPLACE INTO messages(id, chat_jid, sender, content, timestamp, is_from_me)
        VALUES('3EB0$number', '$1', '$2', '$3', '$(date -u '+%Y-%m-%d %H:%M:%S')+00:00', 0)" || exit 1
}
# Time to read, where somebody reads.
breathe() { [ ! -t 1 ] || sleep "$1"; }
rows() { "$STAGE" query data/records.db "SELECT count(*) FROM qa_photo_reviews" 2> /dev/null || echo 0; }
# How often "PHOTOS UPDATED" stands in all comments.
blocks() {
    "$STAGE" query data/records.db "SELECT coalesce(sum((length(comment) - length(replace(comment,
        'PHOTOS UPDATED', ''))) / 14), 0) FROM qa_photo_reviews" 2> /dev/null || echo 0
}
# await ROWS BLOCKS: until the reviews stand there, 10 seconds at most.
await() {
    tries=0
    until [ "$(rows)" = "$1" ] && [ "$(blocks)" = "$2" ]; do
        tries=$((tries + 1))
        if [ "$tries" -gt 100 ]; then
            echo "expected $1 reviews and $2 resubmissions, found $(rows) and $(blocks)"
            cat sluice.log
            exit 1
        fi
        sleep 0.1
    done
}
reviews() {
    "$STAGE" table data/records.db "SELECT drop_number, project, user_name,
        CASE resubmitted WHEN 1 THEN 'yes' ELSE 'no' END AS resubmitted,
        substr(whatsapp_message_date, 12, 8) AS sent FROM qa_photo_reviews ORDER BY id"
}
# live ID ROWS: print each review behind row ID as soon as it is there, until there are ROWS.
live() {
    last=$1 turns=0
    while :; do
        new=$("$STAGE" query data/records.db "SELECT id, drop_number || '  ' || project || '  ' || user_name
            FROM qa_photo_reviews WHERE id > $last ORDER BY id")
        if [ -n "$new" ]; then
            echo "$new" | cut -f 2 | sed 's/^/  new review: /'
            last=$(echo "$new" | tail -n 1 | cut -f 1)
        fi
        [ "$last" -lt "$2" ] || return 0
        turns=$((turns + 1))
        [ "$turns" -lt 150 ] || { echo "the reviews did not come"; cat sluice.log; exit 1; }
        sleep 0.1
    done
}
start() {
    "$SLUICE" serve 2>> sluice.log &
    sluice=$!
}
project() {
    printf '  - name: %s\n    enabled: true\n    group_jid: "%s"\n    description: "Made up for the demo"\n' "$1" "$2" >> projects.yaml
}

cp "$here/config/demo.yaml" sluice.yaml
echo "projects:" > projects.yaml
project North "$north"
"$STAGE" exec messages.db "PRAGMA journal_mode=WAL;
    CREATE TABLE chats(jid TEXT PRIMARY KEY, name TEXT, last_message_time TIMESTAMP);
    CREATE TABLE messages(id TEXT, chat_jid TEXT, sender TEXT, content TEXT, timestamp TIMESTAMP,
        is_from_me BOOLEAN, media_type TEXT, filename TEXT, url TEXT, media_key BLOB, file_sha256 BLOB,
        file_enc_sha256 BLOB, file_length INTEGER, PRIMARY KEY(id, chat_jid))" || exit 1

say "1. A WhatsApp bridge writes messages to a file; sluice reads them."
"$SLUICE" check || exit 1
start
post "$north" "Sipho Dlamini" "Good morning team"
post "$north" "Sipho Dlamini" "DR10000001 is done, please check the photos"
await 1 0
reviews
note "(one message was only a greeting: no review)"

say "2. More arrive while it runs. One message may name several drops; a sender may write Hebrew."
{
    sleep 0.5
    post "$north" "Anna Example with a very long name" "DR10000002 and DR10000003, customer signed"
    sleep 1
    post "$north" "Lerato" "ok noted"
    sleep 0.5
    post "$north" "יעל כהן" "שלחתי תמונות DR10000004 בוקר טוב"
} &
writer=$!
number=10
live 1 4
wait "$writer"
writer=
await 4 0

say "3. A drop that was posted before is a resubmission: its review goes back to the desk, once."
post "$north" "Sipho Dlamini" "new photos for DR10000001"
await 4 1
reviews
"$STAGE" query data/records.db "SELECT comment FROM qa_photo_reviews WHERE drop_number='DR10000001'"

say "4. kill -9 in the middle of the work. Messages go on arriving; nothing is lost, nothing is doubled."
for n in 1 2 3 4 5 6 7 8 9; do
    post "$north" "Sipho Dlamini" "DR2000000$n is ready"
    if [ "$n" = 5 ]; then
        kill -9 "$sluice"
        wait "$sluice" 2> /dev/null
        echo "killed with $(rows) reviews written; 4 more messages come while it is dead"
    fi
done
start
await 13 1
echo "after the restart: $(rows) reviews, $(blocks) resubmission: as if nothing had happened"
kill -9 "$sluice"
wait "$sluice" 2> /dev/null
start
sleep 1
await 13 1
echo "killed and started again: still $(rows) reviews, $(blocks) resubmission"

say "5. A second project, while it runs. What was posted in its group before counts too."
post "$south" "Lerato" "DR30000001 in the south, posted before anybody listened"
"$SLUICE" project add South "$south" || exit 1
await 14 1
"$STAGE" table data/records.db "SELECT project, count(*) AS reviews FROM qa_photo_reviews GROUP BY project"

say "6. What it knows about itself."
"$SLUICE" status
kill -TERM "$sluice"
wait "$sluice" || { echo "sluice did not end well"; exit 1; }
sluice=
dead=$("$SLUICE" dlq list) || exit 1
[ -z "$dead" ] && [ "$(rows)" = 14 ] && [ "$(blocks)" = 1 ] || {
    echo "the demo did not end as promised: $(rows) reviews, $(blocks) resubmissions, dead letters: $dead"
    exit 1
}

say "Shown: live reading, rules, resubmission, two kills, a project added live. 14 reviews, 1 resubmission, exactly."
echo "Next: \"Five minutes\" in README.md; config/drops.yaml and config/projects.yaml are the profile to start"
echo "from; docs/ARCHITECTURE.md is the map. Nothing is left of this demo: its folder is removed."
