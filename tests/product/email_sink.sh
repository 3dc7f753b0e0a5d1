#!/bin/sh
# Messages become mails: each once, in Hebrew, and in an outage they wait.
. "$(dirname "$0")/desk.inc"

command -v python3 > /dev/null && command -v openssl > /dev/null || {
    echo "[  SKIPPED ] email_sink needs python3 and openssl"
    exit 0
}
export MAIL_PASSWORD=secret # invented
mkfifo hold
mkdir certs
(cd "$repo" && exec python3 tests/net/mail_server.py "$folder/certs") < hold > ports 2> servers.log &
server=$!
exec 4> hold
await 30 grep -q -e ready -e missing ports || { cat servers.log; fail "the mail server did not start"; }
if grep missing ports; then
    echo "[  SKIPPED ] email_sink: no mail server"
    exit 0
fi

# configure PORT [AUTHORITIES]
configure() {
    cat > sluice.yaml << END
sources:
  bridge: {kind: whatsapp-bridge, path: messages.db}
sinks:
  post:
    kind: email
    server: smtps://localhost:$1
    user: desk
    password: env:MAIL_PASSWORD
    from: desk@example.org
    to: [office@example.org]
    authorities: ${2:-certs/ca.crt}
    timeout: 5s
pipelines:
  tell:
    source: bridge
    chats: ["120363000000000001@g.us"]
    ops:
      - kind: write
        sink: post
        target: mails
        key: "{uid}"
        once: true
        set: {subject: "הודעה חדשה מ־{sender}", text: "{text}"}
END
}
mails() { if [ -e certs/mails ]; then wc -l < certs/mails; else echo 0; fi; }

bridge
post "'שלום, מתי השיעור?'"
post "'הכול בסדר'"
configure 1
"$SLUICE" check > out 2>&1 || fail "check: $(cat out)"
"$SLUICE" run > out 2>> sluice.log
is "mails in an outage" "$(mails)" 0
is "dead letters in an outage" "$("$STAGE" query data/sluice.db "SELECT count(*) FROM dead")" 0

configure "$(awk '$1 == "smtps" { print $2 }' ports)"
"$SLUICE" check --connect > out 2>&1 || fail "check --connect: $(cat out)"
has "check --connect" "$(cat out)" "the login is right"
"$SLUICE" run > out 2>> sluice.log
is "exit code of run" $? 0
is "mails" "$(mails)" 2
has "a subject" "$(cat certs/mails)" "הודעה חדשה מ־Sipho"
has "a text" "$(cat certs/mails)" "מתי השיעור?"
has "a recipient" "$(cat certs/mails)" "office@example.org"
"$SLUICE" run > out 2>> sluice.log
is "mails after a second run" "$(mails)" 2

configure "$(awk '$1 == "smtps" { print $2 }' ports)" certs/otherca.crt
post "'עוד אחת'"
"$SLUICE" run > out 2>&1
has "a wrong authority" "$(cat out)" "not signed by an authority we know"
is "mails to nobody known" "$(mails)" 2

sed -i 's/from: desk@example.org/from: "desk@example.org\\r\\nBcc: x@example.org"/' sluice.yaml
"$SLUICE" run > out 2>&1
has "an address with a line end" "$(cat out)" "option \`from\`"

exec 4>&-
wait "$server" 2> /dev/null
finish
