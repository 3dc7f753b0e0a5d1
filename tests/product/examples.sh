#!/bin/sh
# Each example of config/examples gives the tables that its expected.txt shows: at once, after a
# second run, and from its history alone when the store is lost. Lines with == are the questions.
. "$(dirname "$0")/desk.inc"

# answers FILE: what the tables say to the questions of an expected.txt; `file NAME` is one, too. A log
# counts on over a lost store, so the numbers of its lines are left out.
answers() {
    grep '^== ' "$1" | while read -r _ question; do
        echo "== $question"
        case $question in
        'file '*) sed 's/"_seq":[0-9]*,//' "${question#file }" ;;
        *) "$STAGE" query data/records.db "$question" 2>&1 ;;
        esac
    done
}

count=0
for example in "$repo"/config/examples/*/; do
    name=$(basename "$example")
    mkdir "$folder/$name"
    cd "$folder/$name" || exit 1
    cp "$example"* .
    for file in sluice.yaml README.md messages.sql expected.txt; do
        [ -s "$file" ] || fail "$name: there is no $file"
    done
    "$STAGE" exec messages.db "$(cat messages.sql)" || fail "$name: messages.sql"
    "$SLUICE" check > out 2>&1 || fail "$name: check says $(cat out)"
    for turn in first second lost; do
        [ "$turn" != lost ] || rm -f data/sluice.db*
        "$SLUICE" run > out 2>&1 || fail "$name: run says $(cat out)"
        answers expected.txt > found
        diff -u expected.txt found > difference || fail "$name, $turn run: $(cat difference)"
    done
    is "$name: refused" "$("$SLUICE" refused list --json 2> /dev/null | grep -c why)" 0
    is "$name: dead letters" "$("$STAGE" query data/sluice.db "SELECT count(*) FROM dead")" 0
    count=$((count + 1))
    cd "$folder" || exit 1
done
[ "$count" -ge 11 ] || fail "only $count examples"

# An edit corrects its rows and counts no line twice.
cd "$folder/orders" || exit 1
"$STAGE" exec messages.db "INSERT OR REPLACE INTO messages VALUES('O4', '120363000000000001@g.us', 'Dana',
    '5 x חלה, 2 x לחם', '2025-12-01 08:10:00+02:00', 0, NULL, NULL)"
"$SLUICE" run > out 2>&1 || fail "edit: run says $(cat out)"
is "rows of the edit" "$(records "SELECT product || ' ' || amount FROM order_lines WHERE key LIKE '%/O4/%' ORDER BY key")" \
    "$(printf 'חלה 5\nלחם 2')"
is "lines after the edit" "$(records "SELECT lines FROM customers WHERE key = 'Dana/2025-12'")" 2
is "lines of others" "$(records "SELECT count(*) FROM order_lines")" 6
cd "$folder" || exit 1

# What only a whole configuration can have wrong: two pipelines that write one column.
mkdir "$folder/two" && cd "$folder/two" || exit 1
cat > sluice.yaml << 'END'
sources:
  bridge: {kind: whatsapp-bridge, path: messages.db}
sinks:
  records: {kind: sqlite}
pipelines:
  one:
    source: bridge
    chats: [a]
    ops:
      - {kind: write, sink: records, target: t, key: "{uid}", set: {said: "{text}", a: x}}
  two:
    source: bridge
    chats: [b]
    ops:
      - {kind: write, sink: records, target: t, key: "{uid}", set: {said: "{text}", b: x}}
END
"$SLUICE" check > out 2>&1
is "exit code for a column of two pipelines" $? 78
has "column of two pipelines" "$(cat out)" "sluice.yaml:15:69"
has "column of two pipelines" "$(cat out)" "column 'said' of 't' is written by pipeline 'one', too"
sed -i 's/target: t, key: "{uid}", /&shared: true, /' sluice.yaml
"$SLUICE" check > out 2>&1 || fail "shared: check says $(cat out)"
sed -i 's/ops:/kind: drops\n    ops:/' sluice.yaml
"$SLUICE" check > out 2>&1
has "kind and ops" "$(cat out)" "has a kind and ops"
finish
