#!/bin/sh
# WhatsApp Web through a Selenium Grid.
. "$(dirname "$0")/desk.inc"

command -v python3 > /dev/null || {
    echo "[  SKIPPED ] whatsapp_grid needs python3"
    exit 0
}
(cd "$repo" && exec python3 tests/product/whatsapp_web.py "$folder/web" grid grid_kills) > out 2>&1
code=$?
sed 's/^/    /' out
case $code in
    0) ;;
    77)
        echo "[  SKIPPED ] whatsapp_grid: $(cat out)"
        exit 0
        ;;
    *) fail "$(grep -v '^ok ' out)" ;;
esac
finish
