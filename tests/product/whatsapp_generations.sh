#!/bin/sh
# The same chat in three generations of the page, and in all at once, is the same archive, byte for byte.
. "$(dirname "$0")/desk.inc"

command -v python3 > /dev/null || {
    echo "[  SKIPPED ] whatsapp_generations needs python3"
    exit 0
}
(cd "$repo" && exec python3 tests/product/whatsapp_web.py "$folder/web" generations) > out 2>&1
code=$?
sed 's/^/    /' out
case $code in
    0) ;;
    77)
        echo "[  SKIPPED ] whatsapp_generations: $(cat out)"
        exit 0
        ;;
    *) fail "$(grep -v '^ok ' out)" ;;
esac
finish
