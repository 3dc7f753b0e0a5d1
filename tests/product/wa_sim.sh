#!/bin/sh
# The look-alike of WhatsApp Web keeps the promises of tests/wa-sim/README.md in a real Chromium, so
# that what other tests prove with it is worth something.
. "$(dirname "$0")/desk.inc"

command -v python3 > /dev/null || {
    echo "[  SKIPPED ] wa_sim needs python3"
    exit 0
}
(cd "$repo" && TMPDIR=$folder exec python3 tests/wa-sim/selftest.py) > out 2>&1
case $? in
    0) ;;
    77)
        echo "[  SKIPPED ] wa_sim: $(cat out)"
        exit 0
        ;;
    *) fail "$(grep -v '^ok ' out)" ;;
esac
finish
