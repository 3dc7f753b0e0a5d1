#!/bin/sh
# docs/reference is what the option tables of this build say, and so is the schema for editors.
#
#     ci/zig build && zig-out/bin/sluice reference docs/reference      makes the pages anew
. "$(dirname "$0")/desk.inc"
"$SLUICE" reference pages > out 2> err
is "exit code" $? 0
for page in pages/*; do
    cmp -s "$page" "$repo/docs/reference/${page#pages/}" || fail "docs/reference/${page#pages/} is stale; run: sluice reference docs/reference"
done
for page in "$repo"/docs/reference/*; do
    [ -d "$page" ] || [ -f "pages/${page##*/}" ] || fail "docs/reference/${page##*/} is made by nobody"
done
"$SLUICE" schema > schema.json
cmp -s schema.json pages/sluice.schema.json || fail "sluice schema prints another schema"
python3 -c 'import json; json.load(open("schema.json"))' || fail "the schema is not JSON"
finish
