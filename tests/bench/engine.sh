#!/bin/sh
# tests/bench/engine.sh PRODUCT INTAKE [OPTION...]: what `ci/zig build bench-engine` runs.
#
# The rivals are Python programs, so this step alone needs Python 3.9 or newer (nothing but its
# standard library).
set -eu
here=$(cd "$(dirname "$0")" && pwd)
python=$(command -v python3) || python=
if [ -z "$python" ] || ! "$python" -c 'import sys, sqlite3; sys.exit(sys.version_info < (3, 9))' 2> /dev/null; then
    echo "bench-engine compares with Python programs and needs Python 3.9 or newer: apt-get install -y python3" >&2
    exit 1
fi
: "${SLUICE_CACHE:?run this with: ci/zig build bench-engine}"
exec "$python" "$here/engine.py" "$@"
