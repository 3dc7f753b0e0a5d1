#!/bin/sh
# What `ci/zig build bench-webhook` runs: fetches the rivals, then webhook.py. See there.
set -eu
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd -P)
cache=${SLUICE_CACHE:?run this through ci/zig}
. "$here/../../ci/fetch.sh"
. "$here/rivals.sh"
for program in wrk redis-server; do
    have "$program" || need_packages "$program"
done
PATH=$tools/usr/bin:$PATH
BENCH_RIVALS=$(rivals_fetch webhook) || BENCH_RIVALS=
[ -n "$BENCH_RIVALS" ] || echo "without FastAPI: it could not be had" >&2
export PATH BENCH_RIVALS
PYTHONDONTWRITEBYTECODE=1 exec python3 "$here/webhook.py" "$@"
