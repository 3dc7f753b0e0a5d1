#!/bin/sh
# The source `webhook`: who may call, what is answered, repeats, and 50 times kill -9 while it is called.
. "$(dirname "$0")/desk.inc"
command -v python3 > /dev/null || { echo "skipped: there is no python3"; exit 0; }
PYTHONDONTWRITEBYTECODE=1
export PYTHONDONTWRITEBYTECODE
port=$(cd "$repo/tests/product" && python3 -c 'import http_rig; print(http_rig.free_port())')
cat > sluice.yaml << END
store: data
http: {listen: "127.0.0.1:$port"}
sources:
  desk:
    kind: webhook
    secret: \${HOOK_SECRET}
    old_secret: \${HOOK_OLD_SECRET}
    token: \${HOOK_TOKEN}
    old_token: \${HOOK_OLD_TOKEN}
    chat_field: chat
    text_field: data.text
    time_field: at
sinks:
  records: {kind: sqlite}
pipelines:
  all:
    source: desk
    schedule: {every: 12h}
    chats: [desk, שולחן]
    ops:
      - {kind: write, sink: records, target: messages, key: "{uid}", set: {text: "{text}"}}
END
HOOK_SECRET=whsec_$(printf 'an invented secret, now' | base64)
HOOK_OLD_SECRET='an invented secret, before'
HOOK_TOKEN=invented-token-0123456789
HOOK_OLD_TOKEN=invented-token-9876543210
export HOOK_SECRET HOOK_OLD_SECRET HOOK_TOKEN HOOK_OLD_TOKEN
timeout 240 python3 "$repo/tests/product/webhook.py" "$SLUICE" "$port" || fail "see above"

# What was answered 200 is there, once: in the archive, and in the records of the run that was planned.
LC_ALL=C sort acknowledged > wanted
"$STAGE" query data/sluice.db "SELECT text FROM archive WHERE text LIKE 'storm %'" | LC_ALL=C sort > found
cmp -s wanted found || fail "the archive is not what was acknowledged: $(diff wanted found | head -n 5)"
timeout 60 "$SLUICE" run > run.out 2>&1 || fail "sluice run: $(cat run.out)"
records "SELECT text FROM messages WHERE text LIKE 'storm %'" | LC_ALL=C sort > delivered
cmp -s wanted delivered || fail "the records are not what was acknowledged: $(diff wanted delivered | head -n 5)"
is "records of the replayed call" "$(records "SELECT count(*) FROM messages WHERE text = 'once'")" 1
is "records of a Hebrew call" "$(records "SELECT count(*) FROM messages WHERE text = 'שלום וברכה'")" 1
for secret in "$HOOK_TOKEN" "$HOOK_OLD_TOKEN" "$HOOK_OLD_SECRET" "an invented secret, now"; do
    ! grep -rqF -e "$secret" serve.log run.out data || fail "a secret is on disk or in the log"
done
finish
