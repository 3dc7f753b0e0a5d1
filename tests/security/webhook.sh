#!/bin/sh
# S15: 200 only after fdatasync, as strace sees it; a full disk answers 503 and loses nothing. S28: one process a store. SIGSTOP.
. "$(dirname "$0")/../product/desk.inc"
command -v python3 > /dev/null || { echo "skipped: there is no python3"; exit 0; }
PYTHONPATH=$repo/tests/product
PYTHONDONTWRITEBYTECODE=1
HOOK_TOKEN=invented-token-0123456789
export PYTHONPATH PYTHONDONTWRITEBYTECODE HOOK_TOKEN
port=$(python3 -c 'import http_rig; print(http_rig.free_port())')
cat > sluice.yaml << END
store: data
http: {listen: "127.0.0.1:$port"}
sources: {desk: {kind: webhook, token: "\${HOOK_TOKEN}", id_field: id, text_field: text}}
sinks: {records: {kind: sqlite}}
pipelines: {all: {source: desk, chats: all, ops: [{kind: filter, words: [nobody says this]}, {kind: write, sink: records, target: messages, key: "{uid}", set: {text: "{text}"}}]}}
END
try() { python3 "$repo/tests/security/webhook.py" "$port" "$1" || fail "step $1: $(tail -n 3 sluice.log)"; }

# The order: the call is read, the log of the store is synced, the answer goes out.
serve
await 20 log_has "http: listening" || fail "it does not listen"
try one
if command -v strace > /dev/null && strace -qq -f -e trace=fdatasync,fsync,recvfrom,sendmsg,sendto,writev,write -s 24 -o trace -p "$sluice" 2> strace.log & then
    tracing=$!
    if await 10 test -e trace && sleep 1 && kill -0 "$tracing" 2> /dev/null; then
        try one
        python3 -c '
import json, http_rig as rig, sys
body = json.dumps({"id": "traced", "text": "traced"}).encode()
answer = rig.call(int(sys.argv[1]), "POST", "/webhook/desk", body, {"Authorization": "Bearer invented-token-0123456789"})
sys.exit(answer.status != 200)' "$port" || fail "the traced call"
        sleep 0.5
        kill "$tracing"
        wait "$tracing" 2> /dev/null
        python3 - << 'END' || fail "the order is not: read, sync, answer"
lines = [line.split(None, 1)[1] for line in open("trace") if len(line.split(None, 1)) > 1]
reads = [i for i, line in enumerate(lines) if line.startswith("recvfrom") and "POST /webhook" in line]
assert reads, lines[-20:]
last = reads[-1]
answers = [i for i in range(last, len(lines)) if "HTTP/1.1 200" in lines[i]]
assert answers, lines[last:]
syncs = [i for i in range(last, answers[0]) if ("fdatasync" in lines[i] or "fsync" in lines[i]) and "= 0" in lines[i]]
assert syncs, lines[last:answers[0] + 1]
print("read, then", len(syncs), "sync(s), then the answer")
END
    else
        echo "without strace: this machine does not allow it"
    fi
fi
# S28: nobody else works on the store, and its files are nobody else's.
sed "s/listen: [^}]*/listen: \"off\"/" sluice.yaml > other.yaml
timeout 20 "$SLUICE" serve --config other.yaml > out 2> err
code=$?
is "exit code of a second serve" "$code" 75
has "who has the store" "$(cat err)" "process"
is "what others may read" "$(find data -perm /077 | head -n 3)" ""
# SIGSTOP: who calls waits, and is answered when it goes on.
kill -STOP "$sluice"
python3 "$repo/tests/security/webhook.py" "$port" frozen &
calling=$!
sleep 2
kill -CONT "$sluice"
wait "$calling" || fail "a call to a process that was stopped for a while"
stop

# A disk that gets full, and has room again.
rm -rf data
mkdir data
if mount -t tmpfs -o size=6m,mode=0700 tmpfs data 2> /dev/null; then
    trap 'umount -l "$folder/data" 2> /dev/null; cleanup' EXIT
    : > sluice.log
    serve
    await 20 log_has "http: listening" || fail "it does not listen"
    token=$("$SLUICE" token add reader --scope admin 2> /dev/null)
    sleep 1
    try fill
    python3 "$repo/tests/security/webhook.py" "$port" audit "$token" || fail "what cannot be audited is refused"
    grep -q -i "full\|no space\|disk" sluice.log || fail "the log does not say what is wrong with the disk"
    mount -o remount,size=200m data || fail "the disk could not be made larger"
    try again
    stop
    "$STAGE" query data/sluice.db "SELECT external_id||'|'||count(*) FROM archive GROUP BY external_id" > found
    python3 - << 'END' || fail "the archive is not what was acknowledged"
import json
good = {f"m{number}" for number in json.load(open("good.json"))}
found = dict(line.rstrip("\n").split("|") for line in open("found"))
assert good <= set(found), sorted(good - set(found))[:5]
assert set(found.values()) == {"1"}, [one for one in found.items() if one[1] != "1"][:5]
assert len(set(found) - good) <= 20, sorted(set(found) - good)[:5]  # In doubt: nobody was told.
END
    is "integrity" "$("$STAGE" query data/sluice.db 'PRAGMA integrity_check')" ok
else
    echo "without a full disk: there is no right to mount one"
fi
finish
