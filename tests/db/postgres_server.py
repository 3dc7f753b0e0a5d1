"""A PostgreSQL server for the tests, with TLS, in a folder of its own; see tests/rig/outside.h.

    python3 postgres_server.py DIR [17] [pgbouncer]

"17" takes PostgreSQL 17 (ci/tool postgres17) instead of the machine's. "pgbouncer" puts PgBouncer in front, in
transaction mode, with TLS on both sides and the same users and passwords.

Prints "postgres PORT", "pgbouncer PORT" if there is one, and "ready". Reads commands from standard input, each answered with "ok":

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


def tool(name):
    """What ci/tool answers, or None where it cannot be had; its last words are in tool.why."""
    if not os.environ.get("SLUICE_CACHE") or not os.path.exists("ci/tool"):
        tool.why = "ci/tool is not here"
        return None
    done = subprocess.run(["ci/tool", name], capture_output=True, text=True)
    tool.why = (done.stderr.strip().splitlines() or [""])[-1]
    return done.stdout.strip() if done.returncode == 0 else None


def programs(name):
    """The folder with initdb and postgres, or None."""
    found = tool(name)
    base = "/usr/lib/postgresql"
    if not found and name == "postgres" and os.path.isdir(base):
        found = max((os.path.join(base, v, "bin") for v in os.listdir(base)), default=None)
    return found


def for_nobody(top, folder, name):
    """A tree of programs where another user can run it: the servers refuse to be root's."""
    place = top
    while os.geteuid() == 0 and place != "/":
        if os.stat(place).st_mode & 0o005 != 0o005:
            copy = os.path.join(folder, name)
            shutil.copytree(top, copy, symlinks=True)
            return copy
        place = os.path.dirname(place)
    return top


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def answers(port):
    try:
        socket.create_connection(("127.0.0.1", port), 1).close()
        return True
    except OSError:
        return False


class Server:
    def __init__(self, folder, bin_folder):
        self.folder = folder
        self.bin = bin_folder
        self.data = os.path.join(folder, "data")
        self.process = None
        root = os.geteuid() == 0
        self.drop = {"user": NOBODY, "group": NOBODY, "extra_groups": []} if root else {}
        self.env = dict(os.environ, LC_ALL="C")
        top, usr, _ = bin_folder.partition("/usr/lib/postgresql")
        if not usr:
            self.bin = os.path.join(for_nobody(os.path.dirname(bin_folder), folder, "postgres"), "bin")
            self.env["LD_LIBRARY_PATH"] = os.path.join(os.path.dirname(self.bin), "lib")
        elif top:
            top = for_nobody(top, folder, "postgres")
            self.bin = top + bin_folder[len(bin_folder) - len(usr + _):]
            self.env["LD_LIBRARY_PATH"] = os.path.join(top, "usr/lib", os.uname().machine + "-linux-gnu")
        self.clients = self.bin
        if not os.path.exists(os.path.join(self.bin, "psql")):
            self.clients = programs("postgres")
        self.port = free_port()

    def own(self, path, mode):
        os.chmod(path, mode)
        if os.geteuid() == 0:
            os.chown(path, NOBODY, NOBODY)

    def run(self, program, *words, text=None):
        done = subprocess.run([os.path.join(self.bin, program), *words], input=text, capture_output=True, text=True,
                              timeout=120, env=self.env, cwd="/", **self.drop)
        if done.returncode != 0:
            raise SystemExit("%s: %s %s" % (program, done.stdout, done.stderr))

    def client(self, program, *words, text=""):
        """Run one of the clients, which come with the machine's server and not with 17."""
        folder = self.clients
        env = self.env if folder == self.bin else {k: v for k, v in self.env.items() if k != "LD_LIBRARY_PATH"}
        return subprocess.run([os.path.join(folder, program), *words, "-h", self.data, "-p", str(self.port)], env=env,
                              input=text, stdout=subprocess.DEVNULL, text=True).returncode

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
            if self.client("pg_isready", "-q") == 0:
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
        if self.client("psql", "-X", "-q", "-v", "ON_ERROR_STOP=1", "-U", "boss", "-d", database, text=text) != 0:
            raise SystemExit("psql failed: " + text)


POOLER = """
[databases]
* = host=127.0.0.1 port={server}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {port}
unix_socket_dir =
pool_mode = transaction
auth_type = scram-sha-256
auth_file = {folder}/users
client_tls_sslmode = require
client_tls_cert_file = {folder}/server.crt
client_tls_key_file = {folder}/server.key
server_tls_sslmode = require
default_pool_size = 4
server_login_retry = 2
max_client_conn = 100
"""
USERS = '"app" "secret"\n"reader" "secret"\n'  # invented


class Pooler:
    """PgBouncer: in transaction mode each transaction may run on another connection of the server."""

    def __init__(self, program, server):
        self.server = server
        self.port = free_port()
        self.folder = os.path.join(server.folder, "pooler")
        self.env = dict(os.environ)
        top = program[: -len("/usr/sbin/pgbouncer")]
        if top:
            top = for_nobody(top, server.folder, "pooler-programs")
            self.env["LD_LIBRARY_PATH"] = os.path.join(top, "usr/lib", os.uname().machine + "-linux-gnu")
        self.program = top + "/usr/sbin/pgbouncer"
        self.process = None
        os.mkdir(self.folder)
        server.own(self.folder, 0o700)
        for name, text in (("users", USERS), ("ini", POOLER)):
            with open(os.path.join(self.folder, name), "w") as file:
                file.write(text.format(server=server.port, port=self.port, folder=self.folder))
            server.own(os.path.join(self.folder, name), 0o600)
        for end in ("crt", "key"):
            place = os.path.join(self.folder, "server." + end)
            shutil.copy(os.path.join(server.folder, "rsa." + end), place)
            server.own(place, 0o600)

    def start(self):
        log = open(os.path.join(self.server.folder, "pooler.log"), "a")
        self.process = subprocess.Popen([self.program, os.path.join(self.folder, "ini")], stdin=subprocess.DEVNULL, stdout=log,
                                        stderr=log, env=self.env, cwd="/", **self.server.drop)
        for _ in range(200):
            if answers(self.port):
                return
            time.sleep(0.05)
        with open(os.path.join(self.server.folder, "pooler.log")) as log:
            raise SystemExit("PgBouncer did not start: " + log.read()[-2000:])

    def stop(self):
        if self.process is not None:
            self.process.kill()
            self.process.wait(5)
            self.process = None


def main():
    folder, *wishes = sys.argv[1:]
    name = "postgres17" if "17" in wishes else "postgres"
    bin_folder = programs(name)
    if not bin_folder:
        print("missing: PostgreSQL's server (ci/tool %s: %s)" % (name, tool.why), flush=True)
        return
    program = tool("pgbouncer") if "pgbouncer" in wishes else None
    if "pgbouncer" in wishes and not program:
        print("missing: PgBouncer (ci/tool pgbouncer: %s)" % tool.why, flush=True)
        return
    certificates.make(folder)
    server = Server(folder, bin_folder)
    server.make()
    server.start()
    pooler = Pooler(program, server) if program else None
    try:
        server.sql(SETUP, "postgres")
        print("postgres", server.port)
        if pooler:
            pooler.start()
            print("pgbouncer", pooler.port)
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
        if pooler:
            pooler.stop()
        if server.process is not None:
            server.everybody(signal.SIGCONT)
        server.stop()


if __name__ == "__main__":
    main()
