#!/bin/sh
# config/students-sales.yaml end to end: a browser, MongoDB and Google Sheets, killed and cut off, against an oracle.
. "$(dirname "$0")/desk.inc"

command -v python3 > /dev/null && command -v openssl > /dev/null || {
    echo "[  SKIPPED ] school needs python3 and openssl"
    exit 0
}
(cd "$repo" && exec python3 tests/product/school.py "$folder/school") > out 2>&1
code=$?
sed 's/^/    /' out
case $code in
    0) ;;
    77)
        echo "[  SKIPPED ] school: $(cat out)"
        exit 0
        ;;
    *) fail "$(tail -n 3 out)" ;;
esac
finish
