#!/bin/sh
# A change of how keys are made is refused once records were delivered, and taken when it is accepted.
. "$(dirname "$0")/desk.inc"

desk 1
sluice_run() { "$SLUICE" run > out 2>> sluice.log; }
refused() { # refused WHAT PART...: by check, run, and the words of it
    what=$1
    shift
    said=$("$SLUICE" check 2>&1 > /dev/null)
    is "exit code of check after $what" $? 78
    for part in "$@"; do has "check after $what" "$said" "$part"; done
    "$SLUICE" run > out 2>&1
    is "exit code of run after $what" $? 78
    has "run after $what" "$(cat out)" "$1"
}

# Nothing delivered yet: any change is fine.
post "'good morning'"
sluice_run
sed -i 's/    zone: /    pattern: "XX[0-9]{8}"\n    zone: /' sluice.yaml
sluice_run
is "exit code of a change before the first record" $? 0
sed -i '/pattern:/d' sluice.yaml
post "'DR10000001 is done'"
sluice_run
is "reviews" "$(rows)" 1

# Another pattern.
sed -i 's/    zone: /    pattern: "[0-9]{8}"\n    zone: /' sluice.yaml
refused "another pattern" "pipeline drops: pattern was" '[0-9]{8}' 'DR\d{8}' "second ones" "sluice keys accept drops"
is "reviews after a refusal" "$(rows)" 1
has "keys list" "$("$SLUICE" keys list)" 'pattern'
conforms keys-list keys list
has "keys list --json" "$("$SLUICE" keys list --json)" '"part":"pattern","before":'

# A running serve refuses it too, and goes on; accepted, it is taken up.
cp sluice.yaml other.yaml
sed -i '/pattern:/d' sluice.yaml
serve
await 10 log_has MONITORING
sleep 1
cp other.yaml sluice.yaml
await 5 log_has "sluice keys accept drops" || fail "the reload did not refuse another pattern"
await 5 log_has "the one before goes on" || fail "it is not told that the old one goes on"
post "'DR10000002 is done'"
await 5 rows_are 2 || fail "the old configuration did not go on"
is "keys by the old rule" "$(records "SELECT drop_number FROM qa_photo_reviews WHERE id=2")" DR10000002
"$SLUICE" keys accept nobody > out 2>&1
is "exit code of accepting for nobody" $? 64
has "keys accept" "$("$SLUICE" keys accept drops)" "accepted 1 change of pipeline drops"
is "the audit log" "$("$STAGE" query data/sluice.db "SELECT act, object FROM audit")" "keys.accept	drops"
kill -HUP "$sluice"
await 5 log_has "reloaded: pipeline drops: changed" || fail "what was accepted was not taken up"
post "'DR10000003 is done'"
await 5 rows_are 3 || fail "the new rule does not work"
is "keys by the new rule" "$(records "SELECT drop_number FROM qa_photo_reviews WHERE id=3")" 10000003
stop
"$SLUICE" check > out 2>&1
is "exit code of check afterwards" $? 0
conforms keys-accept keys accept drops
conforms keys-list keys list
has "keys accept once more" "$("$SLUICE" keys accept drops)" "nothing to accept"

# Another name for the pipeline, another name for the source.
sed -i 's/^  drops:/  desk:/' sluice.yaml
refused "another name" "pipeline desk: it does what 'drops' did" "every message of the archive would act once more"
sed -i 's/^  desk:/  drops:/; s/^  bridge:/  phone:/; s/source: bridge/source: phone/' sluice.yaml
refused "another source" "pipeline drops: source was 'bridge' and would be 'phone'" "each would act once more"
sed -i 's/^  phone:/  bridge:/; s/source: phone/source: bridge/' sluice.yaml
"$SLUICE" check > out 2>&1
is "exit code of check when all is as before" $? 0

# A chain of generic steps: the key's template, and how the field in it is made.
rm -rf data
cat > sluice.yaml << 'YAML'
store: data
sources:
  bridge: {kind: whatsapp-bridge, path: messages.db, poll: 1s}
sinks:
  records: {kind: sqlite}
pipelines:
  leads:
    source: bridge
    chats: all
    ops:
      - kind: extract
        labels: {phone: phone, email: mail}
      - kind: normalize
        fields: {phone: phone, email: email}
      - kind: write
        sink: records
        target: leads
        key: "{phone}"
        set: {email: "{email}"}
YAML
post "'phone: 055-000-0001' || char(10) || 'mail: a@example.com'"
sluice_run
is "leads" "$(records "SELECT key FROM leads")" 972550000001
cp sluice.yaml first.yaml
sed -i 's/set: {email/set: {text: "{text}", email/; s/email: email}/email: lower}/' sluice.yaml
"$SLUICE" check > out 2>&1
is "exit code of check after a change of columns" $? 0
cp first.yaml sluice.yaml
sed -i 's/{phone: phone, email: email}/{phone: digits, email: email}/' sluice.yaml
refused "another form of the key's field" "normalize of phone was" "phone: digits"
cp first.yaml sluice.yaml
sed -i 's/key: "{phone}"/key: "{uid}"/' sluice.yaml
refused "another key" "write records/leads: key was '{phone}' and would be '{uid}'"
cp first.yaml sluice.yaml
"$SLUICE" keys accept leads > out 2>&1
has "accepting nothing" "$(cat out)" "nothing to accept"
finish
