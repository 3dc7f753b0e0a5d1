#!/bin/sh
# pair and session: the code in a terminal is read again by another program, the telephone's scan ends
# it, alone and beside a serve; no code is left in store, log, screen or folder.
. "$(dirname "$0")/desk.inc"
(cd "$repo" && python3 tests/product/pairing.py "$folder" "$@") > seen 2>&1
code=$?
cat seen
if [ "$code" = 77 ]; then
    echo "skipped: $(grep '^missing' seen)"
    exit 0
fi
[ "$code" = 0 ] || bad=1
for log in "$folder"/desk*/log; do
    [ "$bad" = 0 ] || { echo "--- $log"; tail -n 12 "$log"; }
done
cd "$folder/desk1" || exit 1
conforms session session
conforms session-list session list web
conforms status status
finish
