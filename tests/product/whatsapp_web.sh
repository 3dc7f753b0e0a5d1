#!/bin/sh
# WhatsApp Web through a browser: limits, gaps and their repair, the pace, all chats at once, and the
# profile message-sync as it is handed out.
. "$(dirname "$0")/desk.inc"

command -v python3 > /dev/null || {
    echo "[  SKIPPED ] whatsapp_web needs python3"
    exit 0
}
(cd "$repo" && exec python3 tests/product/whatsapp_web.py "$folder/web" limits everything messages) > out 2>&1
code=$?
sed 's/^/    /' out
case $code in
    0) ;;
    77)
        echo "[  SKIPPED ] whatsapp_web: $(cat out)"
        exit 0
        ;;
    *) fail "$(grep -v '^ok ' out)" ;;
esac
finish
