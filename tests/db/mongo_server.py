"""A server that speaks MongoDB's protocol for the tests, with TLS and SCRAM; see tests/rig/outside.h.

    python3 mongo_server.py DIR

Prints "mongo PORT" and "ready". Reads commands from standard input, each answered with "ok":

    cert NAME      another certificate of tests/net/certificates.py
    stop, start    at once, as a power cut
    pause, resume  it stands still and goes on

Ends, and ends the server, when its standard input does. Users of the database "work": app (password secret,
invented), reader (may only read). It is SecantusDB and not mongod: what it shows of the protocol is what counts.
"""
import os
import signal
import socket
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "net"))
import certificates

RUN = "import sys; sys.argv[0] = 'secantusd-py'; from secantus.__main__ import main; main()"


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
        self.process = None
        self.certificate = None
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]

    def start(self):
        words = [sys.executable, "-c", RUN, "--host", "127.0.0.1", "--port", str(self.port), "--storage-path",
                 os.path.join(self.folder, "data"), "--log-level", "ERROR", "--sync-on-commit"]
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

    def stop(self, how=signal.SIGTERM):
        if self.process is not None:
            self.process.send_signal(how)
            try:
                self.process.wait(15)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait(5)
            self.process = None

    def users(self):
        sys.path.insert(0, self.env["PYTHONPATH"])
        import pymongo
        client = pymongo.MongoClient("127.0.0.1", self.port, directConnection=True)
        for name, role in (("app", "readWrite"), ("reader", "read")):
            client["work"].command("createUser", name, pwd="secret", roles=[{"role": role, "db": "work"}],  # invented
                                   mechanisms=["SCRAM-SHA-256"])
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
        server.start()
        server.users()
        server.stop()
        server.certificate = "rsa"
        server.start()
        print("mongo", server.port)
        print("ready", flush=True)
        for line in sys.stdin:
            word, _, rest = line.strip().partition(" ")
            if word == "cert":
                server.stop()
                server.certificate = rest
                server.start()
            elif word == "stop":
                server.stop(signal.SIGKILL)
            elif word == "start":
                server.start()
            elif word == "pause":
                server.process.send_signal(signal.SIGSTOP)
            elif word == "resume":
                server.process.send_signal(signal.SIGCONT)
            print("ok", flush=True)
    finally:
        if server.process is not None:
            server.process.send_signal(signal.SIGCONT)
        server.stop()


if __name__ == "__main__":
    main()
