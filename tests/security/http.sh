#!/bin/sh
# The HTTP service against what is sent to be misunderstood: S9, S11, S12, S16, S17 of the security list.
. "$(dirname "$0")/../product/desk.inc"
command -v python3 > /dev/null || { echo "skipped: there is no python3"; exit 0; }
PYTHONPATH=$repo/tests/product
PYTHONDONTWRITEBYTECODE=1
export PYTHONPATH PYTHONDONTWRITEBYTECODE
port=$(python3 -c 'import http_rig; print(http_rig.free_port())')

desk 1
printf 'http: {listen: "127.0.0.1:%s"}\n' "$port" >> sluice.yaml
serve
await 20 log_has "http: listening on 127.0.0.1 port $port" || fail "it does not listen"
python3 "$repo/tests/security/parsing.py" "$port" || fail "parsing.py"
python3 "$repo/tests/security/slow.py" "$port" || fail "slow.py"
[ "$("$SLUICE" health --live)" = ok ] || fail "it is not well afterwards"
stop
finish
