#!/bin/sh
# What a person types: help, mistakes with their exit codes, variables, the lines of the runbook.
. "$(dirname "$0")/desk.inc"

# run EXPECTED-CODE ARGUMENTS...: stdout in `out`, stderr in `err`.
try() {
    want=$1
    shift
    "$SLUICE" "$@" > out 2> err
    is "exit code of: sluice $*" $? "$want"
}
shows() { has "standard output" "$(cat out)" "$1"; }
says() { has "standard error" "$(cat err)" "$1"; }

# Without anything: ten lines, led by examples.
try 0
is "lines of the short help" "$(wc -l < out)" 9
is "talk of the short help" "$(cat err)" ""
try 0 help
shows "serve"
try 0 help run
shows "sluice run drops"
try 0 run --help
shows "sluice run drops"
try 64 help nonsense
try 64 srve
says "did you mean 'serve'?"
try 64 --confg x check
says "did you mean '--config'?"
try 64 --config
says "--config needs a value"
try 64 check now
says "'now' is one word too many"
try 64 check --data a --data=b
says "--data is given twice"
try 64 dlq lst
says "did you mean 'list'?"
try 64 check --json=yes
says "--json takes no value"
try 64 dlq
says "one of: list"
try 0 version
shows "sluice "
try 0 --version
shows "sluice "
try 0 version --verbose
shows "sqlite"
shows "time zones 20"

# No configuration, a missing one, a wrong one.
try 78 check
says "there is no configuration"
try 78 --config nowhere.yaml check
says "nowhere.yaml"
printf 'sources:\n  bridge: {kind: whatsap-bridge}\nsinks:\n  records: {kind: sqlite}\npipelines: {}\n' > wrong.yaml
try 78 --config wrong.yaml check
says "wrong.yaml:2:18: error[E0301]: source 'bridge': there is no kind 'whatsap-bridge'"
says "  help: did you mean 'whatsapp-bridge'?"
says "wrong.yaml:5:12: error[E0211]: pipelines: between 1 and 256 are expected"
try 78 --config wrong.yaml serve
try 78 --config wrong.yaml run

# The profile, from an empty folder, as the documents say.
"$STAGE" exec messages.db "CREATE TABLE messages(id INTEGER PRIMARY KEY, sender TEXT, text TEXT, timestamp TEXT, chat TEXT);
    INSERT INTO messages(sender, text, timestamp, chat)
        VALUES('27820000001', 'DR12345678 done', '2025-11-09 12:00:00', '120363000000000001@g.us')"
try 78 --config "$repo/config/drops.yaml" check
says "the variable WHATSAPP_DB_PATH is not set"
export WHATSAPP_DB_PATH=messages.db
SLUICE_DATA=data try 0 --config "$repo/config/drops.yaml" run
shows "1 messages, 1 records, 1 delivered, 0 failed"
is "reviews" "$(rows)" 1
is "mode of the data folder" "$(stat -c %a data)" 700
is "modes of the files" "$(stat -c %a data/*.db | sort -u)" 600
SLUICE_DATA=data try 0 --config "$repo/config/drops.yaml" run --json
shows '"messages":0'
SLUICE_CONFIG=$repo/config/drops.yaml try 0 --data data status
shows "messages      1"
SLUICE_CONFIG=$repo/config/drops.yaml try 0 --data data status --json
shows '"messages":1'
shows '"dead_letters":0'
SLUICE_CONFIG=$repo/config/drops.yaml try 0 --data fresh status
shows "nothing has run here yet"
[ ! -e fresh ] || fail "status made a data folder"
SLUICE_CONFIG=$repo/config/drops.yaml try 64 --data data run drosp
says "did you mean 'drops'?"
NEON_DATABASE_URL=postgresql://u:hunter2@h/d try 0 --config "$repo/config/drops.yaml" check
grep -q hunter2 out err && fail "the value of NEON_DATABASE_URL was shown"
NEON_DATABASE_URL=postgresql://u:hunter2@h/d try 78 --config "$repo/config/demo.yaml" check
says "NEON_DATABASE_URL is set"
says "no sink here is of kind postgres"
grep -q hunter2 out err && fail "the value of NEON_DATABASE_URL was shown"

# A folder as the document has it: config/projects.yaml, .env beside it, LOG_FILE, ENV.
mkdir -p prod/config prod/logs
cp "$repo/config/drops.yaml" prod/config/
cat > prod/config/projects.yaml <<'P'
# WhatsApp Monitor - Production Projects
projects:
  - name: Lawley
    enabled: true
    group_jid: "120363000000000001@g.us"
    description: "Made up"

  - name: Velo Test
    enabled: true
    group_jid: "120363000000000002@g.us"
    description: "Made up"
P
cat > prod/config/.env <<P
NEON_DATABASE_URL=
WHATSAPP_DB_PATH=$folder/messages.db
SCAN_INTERVAL=1
LOG_LEVEL=INFO
LOG_FILE=../logs/monitor.log
P
unset WHATSAPP_DB_PATH
ENV=production "$SLUICE" --config prod/config/drops.yaml --data prod/data serve 2> err &
sluice=$!
await 10 grep -q "• Velo Test: 120363000000000002@g.us" prod/logs/monitor.log || fail "the runbook's line is not in the log"
grep -q "MONITORING 2 PROJECTS:" prod/logs/monitor.log || fail "the number of projects is not in the log"
says "sluice "
says "(production)"
says "2 projects"
stop
printf '  - name: Third\n    enabled: true\n    group_jid: "12036x@g.us"\n    description: d\n' >> prod/config/projects.yaml
try 78 --config prod/config/drops.yaml --data prod/data serve
says "prod/config/projects.yaml:14:22: error[E0602]: group_jid has something else than digits in front of @g.us"
sed -i '$d' prod/config/.env
LOG_LEVEL=LOUD try 78 --config prod/config/drops.yaml check
says "environment: error[E0406]: LOG_LEVEL: 'LOUD' is not one of DEBUG, INFO, WARNING, ERROR"

# What the clocks do to a schedule: skipped, repeated, neither.
cat > clocks.yaml <<P
sources: {bridge: {kind: whatsapp-bridge, path: $folder/messages.db}}
sinks: {one: {kind: sqlite, path: one.db}, two: {kind: sqlite, path: two.db}, three: {kind: sqlite, path: three.db}}
pipelines:
  skipped: {kind: drops, source: bridge, sink: one, projects: $repo/config/projects.yaml, schedule: {cron: "30 2 * * *", zone: Asia/Jerusalem}}
  twice: {kind: drops, source: bridge, sink: two, projects: $repo/config/projects.yaml, schedule: {cron: "30 1 * * *", zone: Asia/Jerusalem}}
  steady: {kind: drops, source: bridge, sink: three, projects: $repo/config/projects.yaml, schedule: {cron: "0 6 * * *", zone: Asia/Jerusalem}}
P
try 0 --config clocks.yaml schedule --from 2026-03-27 --count 1
shows "Fri 2026-03-27 03:00 +03:00  2026-03-27 00:00Z"
shows "02:30 does not exist on that day → 03:00"
try 0 --config clocks.yaml schedule --from 2026-10-25 --count 1 twice
shows "Sun 2026-10-25 01:30 +03:00  2026-10-24 22:30Z"
shows "01:30 comes twice on that day: the first"
try 0 --config clocks.yaml schedule steady --from 2026-03-27 --count 1 --json
shows '"at":"2026-03-27T03:00:00.000Z","local":"2026-03-27T06:00:00.000+03:00","note":null'
try 64 --config clocks.yaml schedule stedy
says "did you mean 'steady'?"

# Searching: the index is filled behind each run.
SLUICE_CONFIG=$repo/config/drops.yaml WHATSAPP_DB_PATH=messages.db try 0 --data data messages done
shows "278•••01"
SLUICE_CONFIG=$repo/config/drops.yaml try 0 --data data messages --since 2025-11-09 --until 2025-11-09
shows "278•••01"
SLUICE_CONFIG=$repo/config/drops.yaml try 0 --data data messages --until 2025-11-08
says "no such message"

# Output that cannot be written is not a success.
if [ -w /dev/full ]; then
    "$SLUICE" help > /dev/full 2> err
    is "exit code with a full standard output" $? 1
fi

# A store that is something else, and one of a newer version.
mkdir -p other
"$STAGE" exec other/sluice.db "CREATE TABLE mine(a)"
SLUICE_DATA=other WHATSAPP_DB_PATH=messages.db try 78 --config "$repo/config/drops.yaml" run
says "not a store of sluice"
"$STAGE" exec data/sluice.db "PRAGMA user_version=999"
SLUICE_DATA=data WHATSAPP_DB_PATH=messages.db try 78 --config "$repo/config/drops.yaml" run
says "version 999"

# Killed by a fault of its own: the last words.
"$STAGE" exec data/sluice.db "PRAGMA user_version=2"
rm -rf data
SLUICE_DATA=data WHATSAPP_DB_PATH=messages.db "$SLUICE" --config "$repo/config/drops.yaml" serve 2> err &
sluice=$!
await 10 test -e data/records.db
kill -SEGV "$sluice"
wait "$sluice"
is "exit status after SIGSEGV" $? 139
sluice=''
says "crashed: SIGSEGV"
says "Nothing that was committed is lost"
finish
