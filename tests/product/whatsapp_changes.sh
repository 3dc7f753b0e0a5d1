#!/bin/sh
# WhatsApp Web becomes another generation of itself while it is read.
. "$(dirname "$0")/desk.inc"

command -v python3 > /dev/null || {
    echo "[  SKIPPED ] whatsapp_changes needs python3"
    exit 0
}
(cd "$repo" && exec python3 tests/product/whatsapp_web.py "$folder/web" changes scroll) > out 2>&1
code=$?
sed 's/^/    /' out
case $code in
    0) ;;
    77)
        echo "[  SKIPPED ] whatsapp_changes: $(cat out)"
        exit 0
        ;;
    *) fail "$(grep -v '^ok ' out)" ;;
esac
finish
