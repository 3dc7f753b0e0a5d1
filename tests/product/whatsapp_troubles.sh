#!/bin/sh
# Chats of WhatsApp Web that cannot be read, edits and deletions, and a page that nobody knows.
. "$(dirname "$0")/desk.inc"

command -v python3 > /dev/null || {
    echo "[  SKIPPED ] whatsapp_troubles needs python3"
    exit 0
}
(cd "$repo" && exec python3 tests/product/whatsapp_web.py "$folder/web" several unknown) > out 2>&1
code=$?
sed 's/^/    /' out
case $code in
    0) ;;
    77)
        echo "[  SKIPPED ] whatsapp_troubles: $(cat out)"
        exit 0
        ;;
    *) fail "$(grep -v '^ok ' out)" ;;
esac
finish
