"""A PostgreSQL server for the tests, with TLS, in a folder of its own; see tests/rig/outside.h.

    python3 postgres_server.py DIR

Prints "postgres PORT" and "ready". Reads commands from standard input, each answered with "ok":

    cert NAME      another certificate of tests/net/certificates.py
    stop, start    immediately, as a power cut
    pause, resume  the whole server stands still and goes on
    sql TEXT       as the superuser

Ends, and ends the server, when its standard input does. Users: app (password secret, invented), md5user
(md5pw, invented), reader (may only read), open (no password asked). TLS is demanded of all but "plain".
"""
import os
import shutil
import signal
import socket
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "net"))
import certificates

NOBODY = 65534
HBA = """
local all all trust
host all plain all scram-sha-256
hostssl all open all trust
hostssl all md5user all md5
hostssl all all all scram-sha-256
"""
SETUP = """
SET password_encryption = 'scram-sha-256';
CREATE ROLE app LOGIN PASSWORD 'secret'; -- invented
CREATE ROLE plain LOGIN PASSWORD 'secret'; -- invented
CREATE ROLE reader LOGIN PASSWORD 'secret'; -- invented
CREATE ROLE open LOGIN;
SET password_encryption = 'md5';
CREATE ROLE md5user LOGIN PASSWORD 'md5pw'; -- invented
CREATE DATABASE appdb OWNER app;
"""


def programs():
    """The folder with initdb and postgres, or None."""
    found = None
    if os.environ.get("SLUICE_CACHE") and os.path.exists("ci/tool"):
        done = subprocess.run(["ci/tool", "postgres"], capture_output=True, text=True)
        found = done.stdout.strip() if done.returncode == 0 else None
    base = "/usr/lib/postgresql"
    if not found and os.path.isdir(base):
        found = max((os.path.join(base, v, "bin") for v in os.listdir(base)), default=None)
    return found


class Server:
    def __init__(self, folder, bin_folder):
        self.folder = folder
        self.bin = bin_folder
        self.data = os.path.join(folder, "data")
        self.process = None
        root = os.geteuid() == 0
        self.drop = {"user": NOBODY, "group": NOBODY, "extra_groups": []} if root else {}
        self.env = dict(os.environ, LC_ALL="C")
        libraries = os.path.join(bin_folder.split("/usr/lib/postgresql")[0], "usr/lib", os.uname().machine + "-linux-gnu")
        if not bin_folder.startswith("/usr/lib"):
            self.env["LD_LIBRARY_PATH"] = libraries
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]

    def own(self, path, mode):
        os.chmod(path, mode)
        if os.geteuid() == 0:
            os.chown(path, NOBODY, NOBODY)

    def run(self, program, *words, text=None):
        done = subprocess.run([os.path.join(self.bin, program), *words], input=text, capture_output=True, text=True,
                              timeout=120, env=self.env, cwd="/", **self.drop)
        if done.returncode != 0:
            raise SystemExit("%s: %s %s" % (program, done.stdout, done.stderr))

    def make(self):
        os.chmod(self.folder, 0o711)
        os.makedirs(self.data)
        # Weak certificates, too, must be servable here.
        weak = os.path.join(self.folder, "openssl.cnf")
        with open(weak, "w") as file:
            file.write("openssl_conf=a\n[a]\nssl_conf=b\n[b]\nsystem_default=c\n[c]\nCipherString=ALL:@SECLEVEL=0\n")
        self.env["OPENSSL_CONF"] = weak
        self.own(self.data, 0o700)
        self.run("initdb", "-N", "-A", "trust", "-U", "boss", "-E", "UTF8", "--locale=C.UTF-8", "-D", self.data)
        with open(os.path.join(self.data, "postgresql.conf"), "a") as file:
            file.write("listen_addresses='127.0.0.1'\nport=%d\nunix_socket_directories='%s'\n" % (self.port, self.data))
            file.write("fsync=off\nfull_page_writes=off\nssl=on\nssl_cert_file='server.crt'\nssl_key_file='server.key'\n")
            file.write("ssl_ciphers='ALL:@SECLEVEL=0'\nlogging_collector=off\nmax_connections=40\n")
        with open(os.path.join(self.data, "pg_hba.conf"), "w") as file:
            file.write(HBA)
        self.certificate("rsa")

    def certificate(self, name):
        for end in ("crt", "key"):
            place = os.path.join(self.data, "server." + end)
            shutil.copy(os.path.join(self.folder, "%s.%s" % (name, end)), place)
            self.own(place, 0o600)
        if self.process is not None:
            # A reload is not announced; a restart is over when it is over.
            self.stop()
            self.start()

    def start(self):
        log = open(os.path.join(self.folder, "postgres.log"), "a")
        self.process = subprocess.Popen([os.path.join(self.bin, "postgres"), "-D", self.data], stdin=subprocess.DEVNULL,
                                        stdout=log, stderr=log, env=self.env, cwd="/", **self.drop)
        for _ in range(600):
            done = subprocess.run([os.path.join(self.bin, "pg_isready"), "-q", "-h", self.data, "-p", str(self.port)], env=self.env)
            if done.returncode == 0:
                return
            time.sleep(0.05)
        raise SystemExit("PostgreSQL did not start")

    def stop(self):
        if self.process is not None:
            self.process.send_signal(signal.SIGQUIT)
            try:
                self.process.wait(20)
            except subprocess.TimeoutExpired:
                self.process.kill()
            self.process = None

    def everybody(self, number):
        """The postmaster and its children, by their pids."""
        pids = [self.process.pid]
        for entry in os.listdir("/proc"):
            if entry.isdigit():
                try:
                    with open("/proc/%s/stat" % entry) as file:
                        if file.read().rsplit(")", 1)[1].split()[1] == str(self.process.pid):
                            pids.append(int(entry))
                except OSError:
                    pass
        for pid in pids:
            os.kill(pid, number)

    def sql(self, text, database="appdb"):
        self.run("psql", "-X", "-q", "-v", "ON_ERROR_STOP=1", "-h", self.data, "-p", str(self.port), "-U", "boss", "-d", database, text=text)


def main():
    folder = sys.argv[1]
    bin_folder = programs()
    if not bin_folder:
        print("missing: PostgreSQL's server; run: apt-get install -y postgresql", flush=True)
        return
    certificates.make(folder)
    server = Server(folder, bin_folder)
    server.make()
    server.start()
    try:
        server.sql(SETUP, "postgres")
        print("postgres", server.port)
        print("ready", flush=True)
        for line in sys.stdin:
            word, _, rest = line.strip().partition(" ")
            if word == "cert":
                server.certificate(rest)
            elif word == "stop":
                server.stop()
            elif word == "start":
                server.start()
            elif word == "pause":
                server.everybody(signal.SIGSTOP)
            elif word == "resume":
                server.everybody(signal.SIGCONT)
            elif word == "sql":
                server.sql(rest)
            print("ok", flush=True)
    finally:
        if server.process is not None:
            server.everybody(signal.SIGCONT)
        server.stop()


if __name__ == "__main__":
    main()
