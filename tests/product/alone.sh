#!/bin/sh
# In a root folder that holds nothing but the program, as in a container made from nothing.
. "$(dirname "$0")/desk.inc"

unset SSL_CERT_FILE
mkdir -p root/tmp
cp "$SLUICE" root/sluice
if ! chroot root /sluice version > alone 2>&1; then
    echo "only root may change the root folder: skipped"
    finish
    exit 0
fi
is "version in an empty root" "$(cat alone)" "$("$SLUICE" version)"
chroot root /sluice version --verbose > alone
has "authorities in an empty root" "$(cat alone)" "certificate authorities: built-in"
chroot root /sluice version --json > alone.json
has "the same for programs" "$(cat alone.json)" '"authorities":"built-in"'

# The machine's own list counts where there is one, and SSL_CERT_FILE before it.
mkdir -p root/etc/ssl/certs
: > root/etc/ssl/certs/ca-certificates.crt
has "the machine's list" "$(chroot root /sluice version --verbose)" "authorities: /etc/ssl/certs/ca-certificates.crt"
has "SSL_CERT_FILE" "$(SSL_CERT_FILE=/other.pem chroot root /sluice version --verbose)" "authorities: /other.pem"

# Over https in an empty root the built-in list judges, and a server of one's own is not in it.
rm -r root/etc
cat > root/sluice.yaml << 'END'
sources:
  in: {kind: bridge, path: /in.db}
sinks:
  out: {kind: http, url: "https://127.0.0.1:1/x"}
END
chroot root /sluice check --config /sluice.yaml > checked 2>&1 || :
! grep -q "no list of certificate" checked || fail "there is a list: $(cat checked)"
finish
