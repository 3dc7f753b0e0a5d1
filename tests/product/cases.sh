#!/bin/sh
# test: the project's own cases hold, and what a person writes wrongly is said with its place.
. "$(dirname "$0")/desk.inc"

try() {
    want=$1
    shift
    "$SLUICE" "$@" > out 2> err
    is "exit code of: sluice $*" $? "$want"
}
shows() { has "standard output" "$(cat out)" "$1"; }

try 0 test "$repo/tests/cases"
[ "$(grep -o '^[0-9]*' out)" -ge 19 ] || fail "too few cases: $(cat out) $(cat err)"

desk 1
cat > a.case <<'C'
pipeline: drops
chat: 120363000000000001@g.us
cases:
  - case: right
    messages: [{text: DR10000001}]
    expect: {qa_photo_reviews: {DR10000001: {project: P1}}}
  - case: wrong column
    messages: [{text: DR10000001}]
    expect:
      qa_photo_reviews:
        DR10000001: {project: Lawley}
  - case: wrong row
    messages: [{text: DR10000001}]
    expect: {qa_photo_reviews: {DR10000002: {}}}
    expect-none: {qa_photo_reviews: [DR10000001]}
  - case: שורה בעברית
    messages: [{text: שלום DR10000001}]
    expect: {qa_photo_reviews: {DR10000001: {user_name: Dana}}}
C
try 1 test
shows "a.case:11:22: wrong column: qa_photo_reviews DR10000001: project"
shows "expected: Lawley"
shows "found: P1"
shows "wrong row: qa_photo_reviews DR10000002: expected a row, found none; did you mean 'DR10000001'?"
shows "wrong row: qa_photo_reviews DR10000001: expected no row, found one"
shows "2 of 4 cases failed"
try 1 test a.case --json
shows '"cases":4,"failed":2'
shows '"place":"a.case:11:22","case":"wrong column"'
is "files that a test left" "$(ls)" "$(printf 'a.case\nerr\nmessages.db\nout\nprojects.yaml\nsluice.log\nsluice.yaml')"

printf 'pipeline: drosp\ncases: [{case: x}]\n' > b.case
try 1 test b.case
shows "b.case:1:11: the configuration has no pipeline 'drosp'; did you mean 'drops'?"
printf 'pipeline: drops\ncases: [{case: x, mesages: []}]\n' > b.case
try 1 test b.case
shows "unknown key 'mesages'; did you mean 'messages'?"
printf 'pipeline: drops\ncases:\n  - case: x\n    messages: [{at: noon, text: a}]\n' > b.case
try 1 test b.case
shows "b.case:4:21: x: 'noon' is no time; write it as 2026-01-05 10:00"
printf 'pipeline: drops\ncases:\n  - case: x\n    messages: [{edit: A, text: a}]\n' > b.case
try 1 test b.case
shows "no message before it has the id 'A'"
printf 'pipeline: drops\ncases:\n  - case: x\n    messages: [{answer: dana, text: a}]\n' > b.case
try 1 test b.case
shows "nothing was asked about 'dana'"
try 1 test nowhere
has "standard error" "$(cat err)" "nowhere: there is no such file or folder"
mkdir none
try 1 test none
has "standard error" "$(cat err)" "no file here ends in .case"
finish
