# How to get pinned files onto any Debian, as root or not. Sourced by ci/bootstrap and ci/tool,
# which set root, lock, cache and arch.

say() {
    printf 'ci/zig: %s\n' "$*" >&2
}

die() {
    printf 'ci/zig: %s\n' "$*" >&2
    exit 1
}

# lock_row KIND NAME ARCH-or-SUITE: the row of vendor/lock.
lock_row() {
    awk -v kind="$1" -v name="$2" -v where="$3" \
        '$1 == kind && $2 == name && $4 == where { print; found = 1 } END { exit !found }' "$lock"
}

is_sum() {
    [ "$(sha256sum < "$1" | cut -d ' ' -f 1)" = "$2" ]
}

have() {
    command -v "$1" > /dev/null 2>&1
}

# --- programs that a minimal machine lacks ---------------------------------------------------

tools=$cache/tools

python() {
    if [ -x "$tools/usr/bin/python3" ]; then
        LD_LIBRARY_PATH=$tools/usr/lib/$arch-linux-gnu:$tools/lib/$arch-linux-gnu PYTHONHOME=$tools/usr \
            "$tools/usr/bin/python3" "$@"
    elif [ -d "$tools/usr/lib/python3/dist-packages" ]; then
        PYTHONPATH=$tools/usr/lib/python3/dist-packages python3 "$@"
    else
        python3 "$@"
    fi
}

has_pip() {
    { [ -x "$tools/usr/bin/python3" ] || have python3; } && python -m pip --version > /dev/null 2>&1
}

missing_packages() {
    has_pip || echo python3 python3-pip
    have xz || echo xz-utils
    have bzip2 || echo bzip2
    have patch || echo patch
    [ -e /etc/ssl/certs/ca-certificates.crt ] || [ -d "$tools/usr/share/ca-certificates" ] || echo ca-certificates
}

# Make python, xz, bzip2 and patch available: installed as root, else unpacked below the cache.
need_programs() {
    PATH=$tools/usr/bin:$PATH
    missing=$(missing_packages)
    [ -n "$missing" ] || return 0
    # shellcheck disable=SC2086
    need_packages $missing
    missing=$(missing_packages)
    [ -z "$missing" ] || die "still missing after installing: $missing"
}

need_packages() {
    have apt-get || die "missing: $*. Install them, or build inside Debian 12 or 13."
    if [ "$(id -u)" = 0 ]; then
        say "installing $*"
        { apt-get -q -o DPkg::Lock::Timeout=300 update && DEBIAN_FRONTEND=noninteractive \
            apt-get -q -y -o DPkg::Lock::Timeout=300 install --no-install-recommends "$@"; } > "$cache/apt.log" 2>&1 || {
            tail -n 20 "$cache/apt.log" >&2
            die "apt-get install $* failed"
        }
    else
        unpack_packages "$@"
    fi
}

# A plain user: let apt resolve against the real package database, but with lists and archives of
# our own, and unpack the packages below $tools instead of installing them.
unpack_packages() {
    say "unpacking $* below $tools (no root here)"
    mkdir -p "$cache/apt/lists/partial" "$cache/apt/archives/partial" "$tools"
    set -- "$@"
    apt_user() {
        apt-get -q -o "Dir::State::Lists=$cache/apt/lists" -o "Dir::Cache=$cache/apt" \
            -o "Dir::Log=$cache/apt" -o Debug::NoLocking=1 -o APT::Sandbox::User= "$@"
    }
    if ! { apt_user update && apt_user -y -d install --no-install-recommends "$@"; } > "$cache/apt.log" 2>&1; then
        tail -n 20 "$cache/apt.log" >&2
        die "could not unpack them; run: sudo apt-get install -y --no-install-recommends $*"
    fi
    for deb in "$cache"/apt/archives/*.deb; do
        dpkg-deb -x "$deb" "$tools" || die "cannot unpack $deb"
    done
    rm -rf "$cache/apt"
    trust_unpacked
}

# Where ca-certificates was unpacked and not installed, nobody made the bundle that Debian's pip
# looks for; make it here and tell pip.
trust_unpacked() {
    [ -d "$tools/usr/share/ca-certificates/mozilla" ] || return 0
    cat "$tools"/usr/share/ca-certificates/mozilla/*.crt > "$tools/ca.pem"
    certifi=$tools/usr/lib/python3/dist-packages/pip/_vendor/certifi/core.py
    [ ! -e "$certifi" ] || sed -i "s|/etc/ssl/certs/ca-certificates.crt|$tools/ca.pem|" "$certifi"
}

# --- files of a Debian mirror ----------------------------------------------------------------

# The base addresses of the Debian mirrors that apt is configured with. (Asking apt itself would
# need its lists, which a minimal machine does not have yet.)
mirrors() {
    for file in /etc/apt/sources.list /etc/apt/sources.list.d/*.list /etc/apt/sources.list.d/*.sources; do
        [ ! -r "$file" ] || awk -f "$root/ci/mirrors.awk" "$file"
    done | awk '!seen[$0]++'
}

# fetch_pool KIND SUITE PATH SHA256: the file as $got. That is the pinned one; or, once mirrors have
# dropped it, what Debian's signed index now offers in that suite instead, with a warning.
fetch_pool() {
    got=$cache/files/$4
    if [ -e "$got" ] && is_sum "$got" "$4"; then
        return
    fi
    for mirror in $(mirrors); do
        rm -f "$got.part"
        if download "$mirror/$3" "$got.part" "$4" && is_sum "$got.part" "$4"; then
            mv "$got.part" "$got"
            return
        fi
    done
    fetch_current "$1" "$2" "$3" || {
        say "cannot fetch $3 from the Debian mirrors of this machine."
        die "get $(basename "$3") (sha256 $4) from elsewhere and put it at $cache/files/$4"
    }
}

# fetch_current KIND SUITE PATH: the successor of a file that is gone, checked by Debian's signature.
# For a patch the upstream version must be the same.
fetch_current() {
    old=$(basename "$3")
    package=${old%%_*}
    lists=$cache/apt-source
    mkdir -p "$lists/lists/partial" "$lists/cache/archives/partial"
    keys=/usr/share/keyrings/debian-archive-keyring.gpg
    for mirror in $(mirrors); do
        echo "deb-src [signed-by=$keys] $mirror $2 main" > "$lists/sources.list"
        uris=$(
            apt_source() {
                apt-get -q -o "Dir::Etc::SourceList=$lists/sources.list" -o Dir::Etc::SourceParts=/dev/null \
                    -o "Dir::State::Lists=$lists/lists" -o "Dir::Cache=$lists/cache" -o APT::Sandbox::User= \
                    -o Acquire::Languages=none -o Debug::NoLocking=1 "$@" 2> /dev/null
            }
            apt_source update > /dev/null && apt_source --print-uris source "$package"
        ) || continue
        if [ "$1" = source ]; then
            pattern='[.]orig[.]tar[.][a-z0-9]+$'
        else
            pattern='([.]diff[.]gz|[.]debian[.]tar[.]xz)$'
        fi
        line=$(echo "$uris" | tr -d "'" | awk -v pattern="$pattern" '$2 ~ pattern && $4 ~ /^SHA256:/ { print; exit }')
        [ -n "$line" ] || continue
        # shellcheck disable=SC2086
        set -- "$1" "$2" "$3" $line
        sum=${7#SHA256:}
        [ "$1" = source ] || [ "${5%-*}" = "${old%-*}" ] || continue
        got=$cache/files/$sum
        rm -f "$got.part"
        download "$4" "$got.part" "$sum" && is_sum "$got.part" "$sum" || continue
        mv "$got.part" "$got"
        rm -rf "$lists"
        say "WARNING: $old is gone from the mirrors; built with $5 instead (sha256 $sum,"
        say "WARNING: vouched for by Debian's signature, not by vendor/lock). Update vendor/lock."
        return 0
    done
    rm -rf "$lists"
    return 1
}

download() {
    /usr/lib/apt/apt-helper -o APT::Sandbox::User= -o Acquire::Retries=3 \
        download-file "$1" "$2" "SHA256:$3" > "$cache/download.log" 2>&1
}

# apply_patches PATH FILE TREE: Debian's changes, either one diff or a series in a tarball.
apply_patches() {
    case $1 in
    *.diff.gz)
        gzip -dc "$2" | patch -s -p1 -d "$3" || die "$1 does not apply"
        ;;
    *.debian.tar.xz)
        tar -x -f "$2" -C "$3"
        grep -v '^#' "$3/debian/patches/series" | while read -r one _; do
            [ -z "$one" ] || patch -s -p1 -d "$3" < "$3/debian/patches/$one" || die "$one does not apply"
        done
        ;;
    *) die "do not know how to apply $1" ;;
    esac
}

# --- programs from the Python package index --------------------------------------------------

# fetch_wheel NAME VERSION PLATFORM SHA256 DIR: the unpacked wheel in DIR.
fetch_wheel() {
    rm -rf "$5" "$5.wheel"
    mkdir -p "$5" "$5.wheel"
    echo "$1==$2 --hash=sha256:$4" > "$5.wheel/pin"
    set -- "$1" "$2" "$3" "$4" "$5" --quiet --no-deps --only-binary :all: --no-cache-dir
    wheel_dir=$5
    wheel_platform=$3
    wheel_name=$1
    shift 5
    python -m pip download "$@" --platform "$wheel_platform" --require-hashes \
        -r "$wheel_dir.wheel/pin" -d "$wheel_dir.wheel" > "$cache/pip.log" 2>&1 || {
        tail -n 20 "$cache/pip.log" >&2
        die "pip could not download $wheel_name"
    }
    python -m zipfile -e "$wheel_dir.wheel"/*.whl "$wheel_dir" || die "cannot unpack the wheel of $wheel_name"
    rm -rf "$wheel_dir.wheel"
}
