# tests/bench/rivals.sh: the Python clients that rivals use, sourced by the scripts beside it.
#
# They are pinned in rivals/*.txt (CPython 3.11 on x86_64) and kept below the cache.

# rivals_fetch NAME: prints the folder that holds those of rivals/NAME.txt; fails where they cannot be had.
rivals_fetch() {
    list=$here/rivals/$1.txt
    place=$SLUICE_CACHE/bench-$1-$(sha256sum < "$list" | cut -c 1-16)
    if [ ! -d "$place" ]; then
        rm -rf "$place.tmp"
        python3 -m pip install --quiet --no-deps --only-binary :all: --require-hashes --target "$place.tmp" -r "$list" >&2 &&
            mv "$place.tmp" "$place" || return 1
    fi
    echo "$place"
}
