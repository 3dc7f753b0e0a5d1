"""A server that speaks MongoDB's protocol for the tests, with TLS and SCRAM; see tests/rig/outside.h.

    python3 mongo_server.py DIR [quick]

Prints "mongo PORT", "ec PORT" and so on for the same server behind other certificates, and "ready". Reads commands
from standard input, each answered with "ok":

    cert NAME      another certificate of tests/net/certificates.py
    stop, start    at once, as a power cut
    pause, resume  it stands still and goes on
    admin JSON     a command of the database "admin", as root

With "quick" commits are not synced one by one, as mongod's are not, and a power cut may lose some.

Ends, and ends the server, when its standard input does. Users of the database "work": app (password secret,
invented), reader (may only read), old (SCRAM-SHA-1 alone), odd (a password of special letters); of "admin": any
(every database), boss (root). It is SecantusDB and not mongod: what it shows of the protocol is what counts.
"""
import glob
import hashlib
import json
import os
import selectors
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "net"))
import certificates

OTHERS = ("ec", "chain", "expired", "wrong", "nameonly")
NEWER = "tls13"  # The good certificate on a server that speaks TLS 1.3 alone.
RUN = "import sys; sys.argv[0] = 'secantusd-py'; from secantus.__main__ import main; main()"


class Front:
    """The server behind a certificate of its own: TLS ends here, and begins anew."""

    def __init__(self, folder, name, port, least=ssl.TLSVersion.TLSv1_2):
        base = os.path.join(folder, name)
        self.behind = port
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(base + ".crt", base + ".key")
        self.context.minimum_version = least
        self.client = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        self.client.maximum_version = ssl.TLSVersion.TLSv1_2  # 1.3 has messages behind which recv() waits
        self.client.check_hostname = False
        self.client.verify_mode = ssl.CERT_NONE
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.port = self.socket.getsockname()[1]
        threading.Thread(target=self.listen, daemon=True).start()

    def listen(self):
        while True:
            one, _ = self.socket.accept()
            threading.Thread(target=self.serve, args=(one,), daemon=True).start()

    def serve(self, plain):
        try:
            plain.settimeout(10)
            with self.context.wrap_socket(plain, server_side=True) as near, \
                    self.client.wrap_socket(socket.create_connection(("127.0.0.1", self.behind), 10)) as far:
                self.carry(near, far)
        except OSError:
            pass

    @staticmethod
    def carry(near, far):
        with selectors.DefaultSelector() as both:
            both.register(near, selectors.EVENT_READ, far)
            both.register(far, selectors.EVENT_READ, near)
            while True:
                for key, _ in both.select():
                    while True:
                        bytes_ = key.fileobj.recv(65536)
                        if not bytes_:
                            return
                        key.data.sendall(bytes_)
                        if not key.fileobj.pending():
                            break


def package():
    """The folder with the package, or None."""
    if not os.path.exists("ci/tool") or not os.environ.get("SLUICE_CACHE"):
        return None
    done = subprocess.run(["ci/tool", "secantus"], capture_output=True, text=True)
    return done.stdout.strip() if done.returncode == 0 else None


class Server:
    def __init__(self, folder, path):
        self.folder = folder
        self.env = dict(os.environ, PYTHONPATH=path)
        sys.path.insert(0, path)
        self.process = None
        self.certificate = None
        self.sync = "quick" not in sys.argv[2:]
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]

    def start(self):
        words = [sys.executable, "-c", RUN, "--host", "127.0.0.1", "--port", str(self.port), "--storage-path",
                 os.path.join(self.folder, "data"), "--log-level", "ERROR", "--enable-test-commands"]
        if self.sync:
            words.append("--sync-on-commit")
        if self.certificate:
            base = os.path.join(self.folder, self.certificate)
            words += ["--auth", "--tls-cert-file", base + ".crt", "--tls-key-file", base + ".key"]
        log = open(os.path.join(self.folder, "mongo.log"), "a")
        self.process = subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=self.env,
                                        cwd=self.folder)
        for _ in range(1200):
            if self.process.poll() is not None:
                break
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
                return
            except OSError:
                time.sleep(0.05)
        with open(os.path.join(self.folder, "mongo.log")) as log:
            raise SystemExit("the server did not start: " + log.read()[-2000:])

    def pause(self):
        """Back when every thread stands: the signal takes its time."""
        tasks = "/proc/%d/task" % self.process.pid
        self.process.send_signal(signal.SIGSTOP)
        for _ in range(500):
            states = []
            for task in os.listdir(tasks):
                with open("%s/%s/stat" % (tasks, task)) as file:
                    states.append(file.read().rsplit(")", 1)[1].split()[0])
            if all(state in "Tt" for state in states):
                return
            time.sleep(0.01)

    def stop(self, how=signal.SIGTERM):
        if self.process is not None:
            self.process.send_signal(how)
            try:
                self.process.wait(15)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait(5)
            self.process = None

    def prepare(self):
        """The users, without the server that asks for them; kept below $SLUICE_CACHE, because making them takes a start."""
        data = os.path.join(self.folder, "data")
        with open(__file__, "rb") as file:
            key = hashlib.sha256(file.read() + self.env["PYTHONPATH"].encode()).hexdigest()[:16]
        kept = os.path.join(os.environ["SLUICE_CACHE"], "mongo-users-" + key)
        if os.path.isdir(kept):
            shutil.copytree(kept, data)
            return
        self.start()
        self.users()
        self.stop()  # In order, so that all of it is in the files.
        for old in glob.glob(os.path.join(os.environ["SLUICE_CACHE"], "mongo-users-*")):
            shutil.rmtree(old, ignore_errors=True)
        fresh = tempfile.mkdtemp(prefix="tmp.mongo-users.", dir=os.environ["SLUICE_CACHE"])
        shutil.copytree(data, os.path.join(fresh, "data"))
        try:
            os.rename(os.path.join(fresh, "data"), kept)
        except OSError:  # Another test was quicker.
            pass
        shutil.rmtree(fresh)

    def users(self):
        import pymongo
        client = pymongo.MongoClient("127.0.0.1", self.port, directConnection=True)
        for name, role in (("app", "readWrite"), ("reader", "read")):
            client["work"].command("createUser", name, pwd="secret", roles=[{"role": role, "db": "work"}],  # invented
                                   mechanisms=["SCRAM-SHA-256"])
        client["admin"].command("createUser", "any", pwd="secret", mechanisms=["SCRAM-SHA-256"],  # invented
                                roles=[{"role": "readWriteAnyDatabase", "db": "admin"}])
        client["work"].command("createUser", "old", pwd="secret", roles=[{"role": "readWrite", "db": "work"}],  # invented
                               mechanisms=["SCRAM-SHA-1"])
        client["work"].command("createUser", "odd", pwd="a:b/c@d %$,=", roles=[{"role": "readWrite", "db": "work"}],  # invented
                               mechanisms=["SCRAM-SHA-1", "SCRAM-SHA-256"])
        client["admin"].command("createUser", "boss", pwd="secret", roles=[{"role": "root", "db": "admin"}])  # invented
        client.close()

    def admin(self, text):
        import pymongo
        client = pymongo.MongoClient("127.0.0.1", self.port, directConnection=True, tls=True, tlsAllowInvalidCertificates=True,
                                     username="boss", password="secret", authSource="admin")  # invented
        client["admin"].command(json.loads(text))
        client.close()


def main():
    folder = sys.argv[1]
    path = package()
    if not path:
        print("missing: SecantusDB for CPython 3.11 on x86_64 (ci/tool secantus)", flush=True)
        return
    certificates.make(folder)
    server = Server(folder, path)
    try:
        server.prepare()
        server.certificate = "rsa"
        server.start()
        print("mongo", server.port)
        for name in OTHERS:
            print(name, Front(folder, name, server.port).port)
        print(NEWER, Front(folder, "rsa", server.port, ssl.TLSVersion.TLSv1_3).port)
        print("ready", flush=True)
        for line in sys.stdin:
            word, _, rest = line.strip().partition(" ")
            if word == "cert":
                server.stop(signal.SIGKILL)
                server.certificate = rest
                server.start()
            elif word == "stop":
                server.stop(signal.SIGKILL)
            elif word == "start":
                server.start()
            elif word == "pause":
                server.pause()
            elif word == "admin":
                server.admin(rest)
            elif word == "resume":
                server.process.send_signal(signal.SIGCONT)
            print("ok", flush=True)
    finally:
        if server.process is not None:
            server.process.send_signal(signal.SIGCONT)
        server.stop(signal.SIGKILL)


if __name__ == "__main__":
    main()
