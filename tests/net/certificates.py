"""Certificates for the tests of TLS: authorities, and servers that are right or wrong in one way each.

    python3 certificates.py DIR      makes DIR/NAME.crt and DIR/NAME.key for every NAME of make()

Needs the program openssl (3.0 or newer). Everything is invented and valid for a few days only.
"""
import glob
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
import time

LEAF = "basicConstraints=CA:FALSE\nkeyUsage=digitalSignature,keyEncipherment\nextendedKeyUsage=serverAuth\n"
CA = "basicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign,cRLSign\n"
LOCAL = "DNS:localhost,DNS:*.wild.test,IP:127.0.0.1,IP:::1"
KEYS = {
    "rsa": ["RSA", "-pkeyopt", "rsa_keygen_bits:2048"],
    "rsa3072": ["RSA", "-pkeyopt", "rsa_keygen_bits:3072"],
    "rsa1024": ["RSA", "-pkeyopt", "rsa_keygen_bits:1024"],
    "ec": ["EC", "-pkeyopt", "ec_paramgen_curve:P-256"],
    "ec384": ["EC", "-pkeyopt", "ec_paramgen_curve:P-384"],
    "ed25519": ["ED25519"],
}
FIELDS = "[p]\ncommonName=optional\n"


class Maker:
    def __init__(self, folder):
        self.folder = folder
        self.keys = {}
        self.serial = 4096
        os.makedirs(os.path.join(folder, "issued"), exist_ok=True)

    def path(self, name):
        return os.path.join(self.folder, name)

    def openssl(self, *words):
        done = subprocess.run(["openssl", *words], cwd=self.folder, capture_output=True, timeout=60)
        if done.returncode != 0:
            raise SystemExit("openssl %s: %s" % (" ".join(words), done.stderr.decode()))

    def key(self, name, kind):
        """Keys are shared by certificates of one kind: making them is what takes time."""
        if kind not in self.keys:
            self.openssl("genpkey", "-algorithm", *KEYS[kind], "-out", kind + ".pkey")
            self.keys[kind] = self.path(kind + ".pkey")
        with open(self.keys[kind]) as source, open(self.path(name + ".key"), "w") as copy:
            copy.write(source.read())
        os.chmod(self.path(name + ".key"), 0o600)

    def issue(self, name, subject, issuer, extensions, kind="ec", digest="sha256", start=None, end=None, more=()):
        self.key(name, kind)
        self.serial += 1
        with open(self.path(name + ".cnf"), "w") as file:
            file.write("[ca]\ndefault_ca=d\n[d]\ndatabase=%s.index\nserial=%s.serial\nnew_certs_dir=issued\n" % (name, name))
            file.write("policy=p\nunique_subject=no\ncopy_extensions=none\n" + FIELDS + "[e]\n" + extensions)
            file.write("[req]\nprompt=no\ndistinguished_name=n\n[n]\n" + ("CN=" + subject + "\n" if subject else ""))
        with open(self.path(name + ".index"), "w"):
            pass
        with open(self.path(name + ".serial"), "w") as file:
            file.write("%04X\n" % self.serial)
        self.openssl("req", "-new", "-key", name + ".key", "-out", name + ".csr", "-config", name + ".cnf", "-subj", "/CN=" + subject)
        signer = ["-selfsign", "-keyfile", name + ".key"] if issuer is None else ["-cert", issuer + ".crt", "-keyfile", issuer + ".key"]
        dates = (["-startdate", start] if start else []) + (["-enddate", end] if end else ["-days", "5"])
        self.openssl("ca", "-batch", "-notext", "-config", name + ".cnf", "-extensions", "e", "-md", digest, *signer, *dates, *more, "-in", name + ".csr", "-out", name + ".crt")

    def join(self, name, *parts):
        with open(self.path(name), "w") as out:
            for part in parts:
                with open(self.path(part)) as file:
                    out.write(file.read())


def server(maker, name, names=LOCAL, issuer="ca", extensions=LEAF, **more):
    maker.issue(name, name + ".test", issuer, extensions + ("subjectAltName=%s\n" % names if names else ""), **more)


def make(folder):
    """All of them into the folder. They take a second to make, so those of today are kept below $SLUICE_CACHE."""
    cache = os.environ.get("SLUICE_CACHE")
    if not cache:
        make_new(folder)
        return
    with open(__file__, "rb") as file:
        key = hashlib.sha256(file.read()).hexdigest()[:16]
    kept = os.path.join(cache, "certificates-%s-%d" % (key, time.time() // 86400))
    if not os.path.isdir(kept):
        for old in glob.glob(os.path.join(cache, "certificates-*")):
            if time.time() - os.path.getmtime(old) > 2 * 86400:
                shutil.rmtree(old, ignore_errors=True)
        fresh = tempfile.mkdtemp(prefix="tmp.certificates.", dir=cache)
        make_new(fresh)
        try:
            os.rename(fresh, kept)
        except OSError:  # Another test was quicker.
            shutil.rmtree(fresh)
    for name in os.listdir(kept):
        if os.path.isfile(os.path.join(kept, name)):
            shutil.copy2(os.path.join(kept, name), os.path.join(folder, name))


def make_new(folder):
    maker = Maker(folder)
    past = {"start": "20240101000000Z", "end": "20250101000000Z"}
    maker.issue("ca", "test authority", None, CA, kind="rsa")
    maker.issue("ecca", "test EC authority", None, CA, kind="ec384", digest="sha384")
    maker.issue("otherca", "another authority", None, CA, kind="rsa3072")
    maker.issue("expiredca", "old authority", None, CA, kind="rsa3072", **past)
    maker.issue("limitedca", "limited authority", None, CA + "nameConstraints=permitted;DNS:localhost\n", kind="rsa3072")
    maker.issue("inter", "intermediate", "ca", CA)
    maker.issue("limited", "limited intermediate", "ca", CA + "nameConstraints=permitted;DNS:elsewhere.test\n")
    maker.issue("critical", "critical intermediate", "ca", CA + "nameConstraints=critical,permitted;DNS:localhost\n")
    maker.issue("leafsigner", "no authority", "ca", LEAF)
    server(maker, "rsa", kind="rsa")
    server(maker, "rsa384", kind="rsa3072", digest="sha384")
    server(maker, "rsa512", kind="rsa", digest="sha512")
    server(maker, "ec", issuer="ecca")
    server(maker, "ec384", issuer="ecca", kind="ec384", digest="sha384")
    server(maker, "chain", issuer="inter")
    server(maker, "wrong", "DNS:other.example,DNS:alt.example")
    server(maker, "expired", **past)
    server(maker, "future", start="20400101000000Z", end="20410101000000Z")
    server(maker, "selfsigned", issuer=None)
    server(maker, "unknown", issuer="otherca")
    server(maker, "oldroot", issuer="expiredca")
    server(maker, "limitroot", issuer="limitedca")
    server(maker, "weakhash", kind="rsa", digest="sha1")
    server(maker, "weakkey", kind="rsa1024")
    server(maker, "nameonly", "DNS:localhost")
    server(maker, "constrained", issuer="limited")
    server(maker, "constrained2", issuer="critical")
    server(maker, "byleaf", issuer="leafsigner")
    server(maker, "client", extensions=LEAF.replace("serverAuth", "clientAuth"))
    server(maker, "pss", kind="rsa", more=["-sigopt", "rsa_padding_mode:pss", "-sigopt", "rsa_pss_saltlen:32"])
    server(maker, "ed25519", kind="ed25519")
    maker.issue("cnonly", "localhost", "ca", LEAF)
    for name, above in (("chain", "inter"), ("constrained", "limited"), ("constrained2", "critical"), ("byleaf", "leafsigner")):
        os.rename(maker.path(name + ".crt"), maker.path(name + ".own"))
        maker.join(name + ".crt", name + ".own", above + ".crt")
    maker.join("disorder.crt", "chain.own", "ca.crt", "inter.crt")
    maker.join("disorder.key", "chain.key")
    # A bundle as large as a real one, with ours at its end.
    for i in range(3):
        maker.issue("filler%d" % i, "filler %d" % i, None, CA, kind=("rsa", "rsa3072", "ec")[i])
    maker.join("bundle.crt", *["filler%d.crt" % (i % 3) for i in range(143)], "ca.crt")
    with open(maker.path("rsa.crt")) as file:
        text = file.read()
    with open(maker.path("cut.crt"), "w") as file:
        file.write(text[: len(text) // 2])


if __name__ == "__main__":
    make(sys.argv[1])
