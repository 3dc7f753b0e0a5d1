#!/bin/sh
# Every command with --json, on stores of several kinds, prints what its schema says.
# A command that has --json and no schema fails; so does a schema without a command.
. "$(dirname "$0")/desk.inc"
. "$repo/tests/product/stores.inc"
schemas=$repo/docs/reference/json
command -v python3 > /dev/null || { echo "skipped: there is no python3"; exit 0; }

# checked NAME COMMAND...: the command's output against NAME.schema.json; exit code 0, or 1 and 2 where
# the command found something that is not well.
checked() {
    name=$1
    shift
    "$SLUICE" "$@" --json > out.json 2> err
    code=$?
    case $code in 0 | 1 | 2) ;; *) fail "exit code $code of: sluice $* --json: $(cat err)" ;; esac
    [ -s out.json ] || return 0
    case $name in tap | top) lines=--lines ;; *) lines='' ;; esac
    # shellcheck disable=SC2086
    python3 "$repo/tests/product/schema.py" "$schemas/$name.schema.json" out.json $lines > faults 2>&1 ||
        fail "sluice $* --json ($1): $(cat faults)"
    : > "$folder/seen.$name"
}

# What each command is called with; others take no words. Commands of later parts add their lines here.
words_of() {
    case $1 in
        runs-show) echo 1 ;;
        dlq-show) echo 1 ;;
        tap) echo "--last 9 --count 4" ;;
        top) echo "--count 2 --interval 100ms" ;;
        messages) echo "--limit 3" ;;
        schedule) echo "--count 3" ;;
        explain-error) echo "E0107" ;;
    esac
}

# Commands that change something, ask, need more than a store, or are tested with their own files.
own_test() {
    case $1 in
        backfill | backup | restore* | migrate* | init | bundle | export* | project* | drops* | students* | keys* | dlq-edit | dlq-retry | dlq-drop | replay | reconcile | forget | session* | test | explain | health | token* | alerts-test) return 0 ;;
    esac
    return 1
}

names() {
    python3 - << 'P'
import json, os, subprocess
table = json.loads(subprocess.run([os.environ["SLUICE"], "help", "--json"], stdout=subprocess.PIPE, check=True).stdout)
for entry in table["commands"]:
    verb = entry["command"]
    if verb["json"]:
        print(verb["name"])
    for act in entry["acts"]:
        if act["json"]:
            print(verb["name"] + "-" + act["name"])
P
}

all_commands() {
    for name in $names; do
        [ -f "$schemas/$name.schema.json" ] || continue
        own_test "$name" && continue
        verb=$name
        case $name in *-*) [ -f "$folder/verb.${name%%-*}" ] && verb="${name%%-*} ${name#*-}" ;; esac
        # shellcheck disable=SC2046,SC2086
        checked "$name" $verb $(words_of "$name")
    done
}

names=$(names) || fail "help --json could not be read"
[ "$(echo "$names" | wc -l)" -gt 8 ] || fail "too few commands have --json: $names"
for name in $names; do # Which first parts are commands with acts ("explain-error" is not one).
    case $name in *-*) "$SLUICE" help "${name%%-*}" "${name#*-}" > /dev/null 2>&1 && : > "verb.${name%%-*}" ;; esac
    [ -f "$schemas/$name.schema.json" ] || fail "sluice $name has --json, but there is no docs/reference/json/$name.schema.json"
done
for file in "$schemas"/*.schema.json; do
    name=$(basename "$file" .schema.json)
    echo "$names" | grep -qx -e "$name" || fail "docs/reference/json/$name.schema.json is about no command"
done

# Nothing has run; something of everything, Hebrew too; the same without a sound configuration.
cp "$repo/config/demo.yaml" sluice.yaml
projects 1
bridge
# (`run` would make the store.)
full=$names
names=$(echo "$names" | grep -vx run)
all_commands
[ ! -e data ] || fail "a command that looks made a data folder"
names=$full
rm -rf messages.db*
store_busy
all_commands
has "Hebrew in JSON" "$("$SLUICE" messages --json)" "תודה רבה"
has "masked number in JSON" "$("$SLUICE" messages --json)" "050•••67"
has "number that was asked for" "$("$SLUICE" messages --json --show-people)" "0501234567"
mv projects.yaml projects.away
# What needs the whole configuration ends with 78 then, and prints nothing.
names=$(echo "$names" | grep -vx -e run -e schedule -e check -e 'secrets.*')
all_commands
mv projects.away projects.yaml

for name in $full; do
    own_test "$name" || [ ! -f "$schemas/$name.schema.json" ] || [ -e "seen.$name" ] || fail "nothing was printed by: $name"
done

# What changes something, at the end.
checked dlq-drop dlq drop 1 --why "made up"
checked dlq-retry dlq retry --all

# The validator can fail.
echo '{"id":"x"}' > out.json
python3 "$repo/tests/product/schema.py" "$schemas/runs-show.schema.json" out.json > faults && fail "the validator takes anything"
has "faults" "$(cat faults)" "'pipeline' is missing"

# Mistakes: a text on standard error, no JSON, and the code.
"$SLUICE" runs show 99 --json > out 2> err
is "exit code of a run that is not there" $? 1
is "standard output of a mistake" "$(cat out)" ""
has "standard error of a mistake" "$(cat err)" "there is no run 99"
finish
