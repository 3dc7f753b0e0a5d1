#!/bin/sh
# tests/bench/postgres.sh PRODUCT PROGRAM STAGE [OPTION...]: what `ci/zig build bench-postgres` runs.
#
# The rivals are psycopg 3 and psycopg 2, pinned in tests/bench/rivals/postgres.txt and kept below the
# cache.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
: "${SLUICE_CACHE:?run this with: ci/zig build bench-postgres}"
list=$here/rivals/postgres.txt
place=$SLUICE_CACHE/bench-postgres-$(sha256sum < "$list" | cut -c 1-16)
command -v python3 > /dev/null || {
    echo "bench-postgres compares with Python programs and needs Python 3: apt-get install -y python3 python3-pip" >&2
    exit 1
}
if [ ! -d "$place" ]; then
    rm -rf "$place.tmp"
    python3 -m pip install --quiet --no-deps --only-binary :all: --require-hashes --target "$place.tmp" -r "$list" >&2
    mv "$place.tmp" "$place"
fi
PYTHONPATH=$place exec python3 "$here/postgres.py" "$@"
