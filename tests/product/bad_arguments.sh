#!/bin/sh
# Every command of `sluice help --json` with wrong arguments, wrong paths and wrong stores: a clear text
# on standard error, its exit code, no crash, and nothing left behind. Commands that come later are
# tested without a line here.
. "$(dirname "$0")/desk.inc"
. "$repo/tests/product/stores.inc"
command -v python3 > /dev/null || { echo "skipped: there is no python3"; exit 0; }

# Lines of "verb|act|words_min|words_max|json|flag=value …"; the words a command needs are "1".
python3 - > table << 'P'
import json, os, subprocess
table = json.loads(subprocess.run([os.environ["SLUICE"], "help", "--json"], stdout=subprocess.PIPE, check=True).stdout)
for entry in table["commands"]:
    verb = entry["command"]
    for act in [None] + entry["acts"]:
        last = act or verb
        if last["runs"]:
            flags = " ".join(f["name"] + ("=" + f["value"] if f["value"] else "") for f in last["flags"])
            print("|".join([verb["name"], act["name"] if act else "", str(last["words_min"]), str(last["words_max"]),
                            "json" if last["json"] else "", flags]))
        elif not act:
            print(f"{verb['name']}||acts|||")
P
[ "$(wc -l < table)" -gt 12 ] || fail "the table of commands is too short"

# refused CODES COMMAND...: exits with one of the codes, says why in text, crashes not, prints nothing.
refused() {
    codes=$1
    shift
    timeout 20 "$SLUICE" "$@" > out 2> err < /dev/null
    code=$?
    case " $codes " in *" $code "*) ;; *) fail "exit code $code instead of $codes: sluice $* ($(head -c 200 err))" ;; esac
    [ -s err ] || [ "$code" = 0 ] || fail "not a word on standard error: sluice $*"
    [ "$code" = 0 ] || [ ! -s out ] || fail "something on standard output: sluice $*: $(head -c 100 out)"
    ! grep -q -e 'crashed' -e 'bug' -e 'Assertion' err || fail "a crash: sluice $*: $(cat err)"
}
ones() { # N times the word 1.
    n=$1
    while [ "$n" -gt 0 ]; do
        printf ' 1'
        n=$((n - 1))
    done
}

# enough VERB ACT LEAST: words and flags with which the command would begin its work. One that asks for
# more than the table says ends with 64, which is fine below; a line here lets it get further.
enough() {
    case "$1 $2" in
        "dlq retry") echo 1 ;;
        "dlq drop") echo 1 --why nothing ;;
        *) ones "$3" ;;
    esac
}

store_busy
cp -r data sound

# ---- The command itself ----
# shellcheck disable=SC2034,SC2046,SC2086
while IFS='|' read -r verb act least most json flags; do
    command="$verb${act:+ $act}"
    if [ "$least" = acts ]; then
        refused 64 $verb
        has "sluice $verb" "$(cat err)" "one of:"
        refused 64 $verb nonsense
        continue
    fi
    refused 64 $command --nonsense
    has "an unknown flag" "$(cat err)" "unknown flag --nonsense"
    has "where help is" "$(cat err)" "sluice help $command"
    refused 64 $command --config
    refused 64 $command --data=
    refused 64 $command --config a --config b
    has "a flag that is given twice" "$(cat err)" "--config is given twice"
    refused 64 $command --plain=yes
    [ "$least" = 0 ] || refused 64 $command
    if [ "$most" -ge 0 ]; then
        refused 64 $command $(ones $((most + 1)))
        has "a word too many" "$(cat err)" "too many"
    else
        refused 64 $command $(ones 257)
    fi
    [ -n "$json" ] || refused 64 $command $(ones "$least") --json
    for flag in $flags; do
        name=${flag%%=*}
        case $flag in
            *=*)
                refused 64 $command $(ones "$least") "$name"
                has "a missing value" "$(cat err)" "$name needs a value"
                refused 64 $command $(ones "$least") "$name=a" "$name" b
                case $flag in
                    *=N | *=TIME | *=ID) refused 64 $command $(ones "$least") "$name" nonsense ;;
                esac
                ;;
            *)
                refused 64 $command $(ones "$least") "$name" "$name"
                refused 64 $command $(ones "$least") "$name=yes"
                ;;
        esac
    done
done < table
refused 64 messages --since today --until yesterday
has "contradiction" "$(cat err)" "--since is not before --until"
refused 64 runs show seven
refused 64 messages --limit 0
refused 64 messages --limit 1001
has "limits" "$(cat err)" "from 1 to 1000"
refused 64 top --interval 1

# ---- Paths and stores ----
# What only looks at a store or a configuration: nothing may change, whatever is wrong with it.
no_store() {
    case $1 in
        help | version | man | completion | init | explain-error | schema | reference | test) return 0 ;;
    esac
    return 1
}
# wrong WHAT CODES TEXT FLAGS...: every command with these flags.
# shellcheck disable=SC2046,SC2086,SC2034
wrong() {
    what=$1 wanted=$2 text=$3
    shift 3
    while IFS='|' read -r verb act least most json flags; do
        [ "$least" != acts ] || continue
        no_store "$verb" && continue
        # What stands in the way of a restore is there, whatever it is; health asks a service over HTTP and opens no store.
        case $verb in serve | restore) continue ;; esac
        case "$verb $*" in "health --data"*) continue ;; esac
        refused "$wanted 64" $verb $act $(enough "$verb" "$act" "$least") "$@"
        case "$verb $code" in "status 0" | "status 64") false ;; esac || fail "$what: sluice status $* finds nothing wrong"
        [ "$code" = 0 ] || [ "$code" = 64 ] || grep -q -e "$text" err || fail "$what: sluice $verb $act does not say '$text': $(head -c 300 err)"
    done < table
}
mkdir -p folder
ln -s loop loop 2> /dev/null
: > empty.yaml
printf 'store: [\n' > broken.yaml
printf '\377\376\000' > bytes.yaml
wrong "a missing configuration" "78" "nowhere.yaml" --config nowhere.yaml
wrong "a folder as configuration" "78" "folder" --config folder
wrong "a symbolic link to itself" "78" "loop" --config loop
wrong "YAML that is none" "78" "broken.yaml" --config broken.yaml
wrong "bytes as configuration" "78" "bytes.yaml" --config bytes.yaml

# Beside a sound configuration: `check` opens no store, so it may find nothing.
: > file
wrong "a data folder that is a file" "78 1 0" "file" --data file
wrong "a data folder that is a loop" "78 1 0" "loop" --data loop
cp -r sound newer && "$STAGE" exec newer/sluice.db "PRAGMA user_version=999"
wrong "a store of a newer version" "78 0" "version 999" --data newer
mkdir other && "$STAGE" exec other/sluice.db "CREATE TABLE mine(a)"
wrong "a store of somebody else" "78 0" "not a store of sluice" --data other
mkdir broken && head -c 8192 /dev/urandom > broken/sluice.db
wrong "a store of random bytes" "78 1 0" "sluice.db" --data broken
mkdir -p dir/sluice.db
wrong "a folder as store" "78 1 0" "sluice.db" --data dir

# ---- Rights: as another user, since root may read everything. ----
as_other() {
    if [ "$(id -u)" != 0 ]; then
        ln -s "$SLUICE" other_user
    elif command -v setpriv > /dev/null; then
        chmod 755 "$folder" && cp "$SLUICE" product && chmod 755 product
        printf '#!/bin/sh\nexec setpriv --reuid 65534 --regid 65534 --clear-groups "%s/product" "$@"\n' "$folder" > other_user
        chmod 755 other_user
    else
        return 1
    fi
}
if as_other; then
    real=$SLUICE SLUICE=$folder/other_user
    cp sluice.yaml secret.yaml && chmod 0 secret.yaml
    wrong "a configuration that may not be read" "78" "secret.yaml" --config secret.yaml
    cp -r sound unreadable && chmod 755 unreadable && chmod 0 unreadable/*
    wrong "a store that may not be read" "78 75 69 1 0" "unreadable" --data unreadable
    cp -r sound closed && chmod 0 closed
    wrong "a data folder that may not be entered" "78 69 1 0" "closed" --data closed
    SLUICE=$real
else
    echo "rights were not tested: there is no setpriv"
fi

# ---- A store in use: what looks works, what works is told who is there. ----
serve
await 10 log_has MONITORING || fail "serve did not start"
for look in status "dlq list" "refused list" runs messages "top --count 1" "tap --last 1 --count 1" schedule; do
    # shellcheck disable=SC2086
    timeout 20 "$SLUICE" $look > out 2> err || fail "exit code $? beside serve: sluice $look: $(cat err)"
done
refused "75 1" serve
has "a second serve" "$(cat err)" "process"
stop

# ---- Standard output that is closed, full, or a pipe that nobody reads ----
for command in help status "dlq list" "refused list" runs messages schedule version man "completion bash" "help --json" "top --count 1"; do
    # shellcheck disable=SC2086
    "$SLUICE" $command --data sound >&- 2> err
    code=$?
    [ "$code" = 1 ] || fail "exit code $code with a closed standard output: sluice $command"
    has "closed standard output: sluice $command" "$(cat err)" "standard output could not be written"
    if [ -w /dev/full ]; then
        # shellcheck disable=SC2086
        "$SLUICE" $command --data sound > /dev/full 2> err
        is "exit code with a full standard output: sluice $command" $? 1
    fi
    # shellcheck disable=SC2086
    { "$SLUICE" $command --data sound 2> err; echo $? > code; } | true
    case $(cat code) in 0 | 1 | 141) ;; *) fail "exit code $(cat code) behind a closed pipe: sluice $command" ;; esac
    ! grep -q crashed err || fail "a crash behind a closed pipe: sluice $command"
done
finish
