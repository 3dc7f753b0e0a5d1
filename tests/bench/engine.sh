#!/bin/sh
# tests/bench/engine.sh PRODUCT INTAKE [OPTION...]: what `ci/zig build bench-engine` runs.
#
# The rivals are Python programs, so this step alone needs Python 3.9 or newer. The part `postgres` needs
# psycopg2 and a server (ci/tool) besides, and is left out where they cannot be had.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
python=$(command -v python3) || python=
if [ -z "$python" ] || ! "$python" -c 'import sys, sqlite3; sys.exit(sys.version_info < (3, 9))' 2> /dev/null; then
    echo "bench-engine compares with Python programs and needs Python 3.9 or newer: apt-get install -y python3" >&2
    exit 1
fi
: "${SLUICE_CACHE:?run this with: ci/zig build bench-engine}"
. "$here/rivals.sh"
place=$(rivals_fetch postgres) || place=
PYTHONPATH=$place exec "$python" "$here/engine.py" "$@"
