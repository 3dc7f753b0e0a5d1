#!/bin/sh
# `serve` over HTTP: health and its culprits, metrics, the address that is taken, a reload, `health`.
. "$(dirname "$0")/desk.inc"
command -v python3 > /dev/null || { echo "skipped: there is no python3"; exit 0; }
PYTHONPATH=$repo/tests/product
PYTHONDONTWRITEBYTECODE=1
export PYTHONPATH PYTHONDONTWRITEBYTECODE
free_port() { python3 -c 'import http_rig; print(http_rig.free_port())'; }
# get PATH [PORT]: the status in $status, the body on standard output and in `body`.
get() {
    python3 -c 'import sys, http_rig
a = http_rig.call(int(sys.argv[1]), "GET", sys.argv[2])
open("status", "w").write(str(a.status)); open("body", "wb").write(a.body)' "${2:-$port}" "$1"
    status=$(cat status)
}
# field EXPRESSION: of the last body, which is JSON in `h`.
field() { python3 -c 'import json; h = json.load(open("body")); print('"$1"')'; }

port=$(free_port)
inner=$(free_port)
desk 2
printf 'http: {listen: "localhost:%s", internal: "127.0.0.1:%s"}\n' "$port" "$inner" >> sluice.yaml
fill 1 2000 2
"$SLUICE" health > out 2> err
is "exit code when nobody serves" $? 69
has "what health says then" "$(cat err)" "is \`sluice serve\` running"
"$SLUICE" health --live 2> /dev/null
is "exit code of --live when nobody serves" $? 1
serve
await 20 log_has "http: listening on 127.0.0.1 port $port" || fail "it does not listen"
await 20 log_has "drops: .* delivered" || fail "nothing was delivered"
healthy() { get /health && [ "$(field 'h["pipelines"][0]["behind"]')" = 0 ] && [ "$(field 'h["messages"]')" = 2000 ]; }
await 10 healthy || fail "health does not tell the messages: $(cat body)"
is "status of /health" "$status" 200
is "verdict" "$(field 'h["status"]')" ok
is "culprits" "$(field 'h["culprits"]')" "[]"
is "last sync" "$(field 'h["last_successful_sync"] is not None')" True
is "sink" "$(field 'h["sinks"][0]["ready"], h["sinks"][0]["waiting"]')" "True 0"
get /live && is "status of /live" "$status" 200
get /ready && is "status of /ready" "$status" 200
get /metrics && is "status of /metrics" "$status" 200
cp body metrics.txt
has "metrics" "$(cat body)" 'sluice_archived_messages 2000'
has "metrics" "$(cat body)" 'sluice_sink_ready{sink="records"} 1'
"$SLUICE" health > out 2> err
is "exit code when all is well" $? 0
conforms health health
if promtool=$(SLUICE_CACHE=${SLUICE_CACHE:-$HOME/.cache/sluice} "$repo/ci/tool" promtool 2> tool.log); then
    "$promtool" check metrics < metrics.txt > lint 2>&1 || fail "promtool: $(cat lint)"
else
    echo "skipped: promtool cannot be had: $(tail -n 1 tool.log)"
fi

# How quickly: each of 300 questions in a row, the best half.
python3 - "$port" << 'P' || bad=$((bad + 1))
import http.client, statistics, sys, time
c = http.client.HTTPConnection("127.0.0.1", int(sys.argv[1]))
for path in ("/health", "/metrics"):
    took = []
    for _ in range(300):
        begin = time.perf_counter()
        c.request("GET", path)
        c.getresponse().read()
        took.append(time.perf_counter() - begin)
    middle = statistics.median(took) * 1000
    print(f"{path}: median {middle:.2f} ms")
    if middle > 20:
        sys.exit(f"FAILED: {path} takes {middle:.1f} ms")
P

# A sink that refuses: its name, no word of what was written; the words by the internal door only.
"$STAGE" exec data/records.db "DROP TABLE qa_photo_reviews; CREATE VIEW qa_photo_reviews AS SELECT 1 AS drop_number"
post "'DR99999999 secret words'"
troubled() { get /health && [ "$(field 'h["status"]')" != ok ]; }
await 20 troubled || fail "a sink that refuses is not seen: $(cat body)"
is "culprit" "$(field 'h["culprits"][0]["part"], h["culprits"][0]["name"]')" "sink records"
is "details for everybody" "$(grep -c -e '"why"' -e secret body)" 0
get /health "$inner"
is "details by the internal door" "$(field '"why" in h["culprits"][0]')" True
"$SLUICE" health > out 2>&1
is "exit code of a degraded one" $? 2
get /live && is "status of /live in trouble" "$status" 200

# A reload: the new pipeline's parts are told. Another address waits for the next start.
sed -i "s/localhost:$port/localhost:1/" sluice.yaml
await 10 log_has "http: what changed in this section counts from the next start on" || fail "a changed address is not told"
sed -i "s/localhost:1\"/localhost:$port\"/" sluice.yaml

# The address is taken: said, with what to do; by a program that nobody asked for it stops nothing.
SLUICE_DATA=other "$SLUICE" serve > out 2> err
is "exit code when the port is taken" $? 69
has "what is said then" "$(cat err)" "port $port of 127.0.0.1 is in use by another program"
stop
printf '%s\n' "$(grep -v '^http:' sluice.yaml)" > sluice.yaml
: > sluice.log
SLUICE_HTTP=off serve
await 10 log_has "MONITORING" || fail "it does not start without HTTP"
log_has "http: listening" && fail "it listens although it is off"
stop
SLUICE_HTTP=0.0.0.0:1x "$SLUICE" check > out 2> err
is "exit code of a wrong address" $? 78
has "a wrong address" "$(cat out err)" "is no address to listen on"
: > sluice.log
PORT=$port serve
await 10 log_has "http: listening on 127.0.0.1 port $port" || fail "\$PORT is not honoured"
stop
finish
