#!/bin/sh
# tests/bench/postgres.sh PRODUCT PROGRAM STAGE [OPTION...]: what `ci/zig build bench-postgres` runs.
#
# The rivals are psycopg 3 and psycopg 2, pinned in tests/bench/rivals/postgres.txt and kept below the
# cache.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
: "${SLUICE_CACHE:?run this with: ci/zig build bench-postgres}"
command -v python3 > /dev/null || {
    echo "bench-postgres compares with Python programs and needs Python 3: apt-get install -y python3 python3-pip" >&2
    exit 1
}
. "$here/rivals.sh"
place=$(rivals_fetch postgres)
PYTHONPATH=$place exec python3 "$here/postgres.py" "$@"
