"""pair and session: a person with a terminal and a telephone, see whatsapp_web.py for the world around them.

    python3 pairing.py FOLDER        SLUICE names the binary

Codes are read from what the terminal got, by a reader that is not ours (tests/text/qr_reader.py).
"""
import fcntl
import json
import os
import pty
import re
import select
import shutil
import signal
import stat
import struct
import subprocess
import sys
import termios
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import whatsapp_web as web  # noqa: E402

sys.path.insert(0, os.path.join(web.REPO, "tests/text"))
import qr_reader  # noqa: E402

Bad, PATIENCE_S = web.Bad, 60


class Terminal:
    """sluice in a terminal."""

    def __init__(self, folder, *words, columns=100, lines=60):
        self.master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))
        env = {k: v for k, v in os.environ.items() if k not in ("NO_COLOR", "SLUICE_NOW")}
        env.update(TERM="xterm-256color", LC_ALL="C.UTF-8")
        self.process = subprocess.Popen([web.SLUICE, *words], cwd=folder, stdin=slave, stdout=slave, stderr=slave, env=env,
                                        start_new_session=True, preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0))
        os.close(slave)
        self.got = b""

    def read(self, seconds):
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0 and select.select([self.master], [], [], left)[0]:
            try:
                data = os.read(self.master, 65536)
            except OSError:
                return False
            if not data:
                return False
            self.got += data
        return True

    def screen(self):
        """What the last drawing left on the screen."""
        return re.split(r"\x1b\[\d+A\x1b\[J", self.got.decode("utf-8", "replace").replace("\r\n", "\n"))[-1]

    def code(self, folder, other_than=None):
        until = time.monotonic() + PATIENCE_S
        while time.monotonic() < until:
            going = self.read(0.3)
            path = os.path.join(folder, "screen")
            with open(path, "w", encoding="utf-8") as file:
                file.write(self.screen())
            if "▀" in self.screen() and self.screen().endswith("\n"):
                found = qr_reader.read(path)
                if found and found[0] != other_than:
                    return found[0]
            if not going:
                break
        raise Bad(f"no code came to the terminal: {self.got[-600:]!r}")

    def end(self, code, words):
        until = time.monotonic() + PATIENCE_S
        while self.read(0.3) and time.monotonic() < until:
            pass
        found = self.process.wait(10)
        text = self.got.decode("utf-8", "replace")
        if found != code or words not in text:
            raise Bad(f"it ended with {found}, not {code}: {text[-500:]!r}")
        if "▀" in self.screen() or "█" in self.screen():
            raise Bad("the code stayed on the screen")


def until(what, ask, seconds=PATIENCE_S):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if ask():
            return
        time.sleep(0.2)
    raise Bad(f"it did not come to pass: {what}")


def unpaired(world, **more):
    delays = {"blank": 10, "splash": 20, "code": 50, "chats": 20, "batch": 0, "open": 10, "code_life": 20000, **more.pop("delays", {})}
    world.scenario(paired=False, fill=5, chats=[{"title": web.GROUP, "count": 20}], delays=delays, **more)
    world.ctl("POST", "/ctl/logout", {"silent": True})


def shown(world):
    return world.ctl("GET", "/ctl/state")["ref"]


def nowhere(world, *secrets):
    """Not in the store, its log, or what was said."""
    for folder, _, names in os.walk(world.data):
        if os.path.basename(folder) == "profile" or "/profile/" in folder + "/":
            continue
        for name in names:
            path = os.path.join(folder, name)
            with open(path, "rb") as file:
                data = file.read()
            for secret in secrets:
                if secret and secret.encode() in data:
                    raise Bad(f"a code is in {os.path.relpath(path, world.data)}")


def messages(world):
    return world.sluice("export", "messages", "--json").stdout.count("\n")


def session(world):
    """What is known of it; 69: the store is only just being made."""
    done = world.sluice("session", "--json", fine=(0, 69))
    return json.loads(done.stdout)["sessions"][0] if done.returncode == 0 else {"state": "unknown"}


def alone(world):
    """Without a serve: the code, the next code, the scan; and then no code is needed."""
    unpaired(world, delays={"code_life": 4000})
    world.desk()
    if session(world)["state"] != "unknown":
        raise Bad("something is known before anything ran")
    if world.sluice("check", "--connect", fine=(69,)).stdout.find("sluice pair web") < 0:
        raise Bad("check --connect does not name the command")
    terminal = Terminal(world.data, "pair")
    first = terminal.code(world.folder)
    second = terminal.code(world.folder, other_than=first)
    world.ctl("POST", "/ctl/pair", {})
    terminal.end(0, "web is logged in")
    nowhere(world, first, second)
    known = session(world)
    if known["state"] != "ready" or known["next"] is not None or not known["browser"]:
        raise Bad(f"session says {known}")
    if "session.pair" not in world.sluice("audit", "list", "--json").stdout:
        raise Bad("the audit log does not know")
    world.sluice("run")
    if messages(world) < 15:
        raise Bad("the chat was not read")
    world.verdict()
    world.sluice("check", "--connect")


def beside(world):
    """Beside a serve: its browser's code, renewed when it is stale; the serve goes on by itself."""
    unpaired(world, code_refreshes=0, delays={"code_life": 700})
    world.desk()
    serve = world.begin("serve")
    try:
        until("a stale code is known", lambda: session(world)["state"] == "code-expired")
        status = world.sluice("status", fine=(0, 1, 2)).stdout
        if "sluice pair web" not in status or "code-expired" not in status:
            raise Bad(f"status says {status}")
        terminal = Terminal(world.data, "pair", "web")
        code = terminal.code(world.folder)
        world.ctl("POST", "/ctl/change", {"delays": {"code_life": 20000}})
        code = terminal.code(world.folder, other_than=code)
        if code != shown(world):
            raise Bad("the terminal shows another code than the page")
        world.ctl("POST", "/ctl/pair", {})
        terminal.end(0, "web is logged in")
        until("the chat is read", lambda: messages(world) >= 15)
        if not json.loads(world.sluice("status", "--json", fine=(0, 1, 2)).stdout)["sources"][0]["session"] == "ready":
            raise Bad("status does not know")
        if world.ctl("GET", "/ctl/journal?type=code_renewed") == []:
            raise Bad("the stale code was not renewed")
    finally:
        serve.send_signal(signal.SIGTERM)
        serve.wait(30)
    nowhere(world, code)
    if session(world)["opened_at"] is not None:
        raise Bad("the browser was left open")
    world.verdict()


def ends(world):
    """Ctrl-C, the end of the time, a picture, no terminal, a small one."""
    unpaired(world)
    world.desk()
    terminal = Terminal(world.data, "pair")
    code = terminal.code(world.folder)
    os.write(terminal.master, b"\x03")
    terminal.end(1, "nothing has changed")
    nowhere(world, code)
    picture = os.path.join(world.data, "code.svg")
    pair = world.begin("pair", "--svg", "code.svg", "--timeout", "15s")
    until("a picture", lambda: os.path.exists(picture))
    if stat.S_IMODE(os.stat(picture).st_mode) != 0o600:
        raise Bad("others can read the picture")
    if qr_reader.read(picture) != [shown(world)]:
        raise Bad("the picture is not the page's code")
    if pair.wait(60) != 75 or os.path.exists(picture):
        raise Bad(f"it ended with {pair.returncode}, and the picture {'stayed' if os.path.exists(picture) else 'went'}")
    nowhere(world, code)
    world.sluice("pair", fine=(64,))
    world.sluice("pair", "wep", "--print", fine=(64,))
    small = Terminal(world.data, "pair", columns=40)
    until("it is said", lambda: small.read(0.3) and b"columns" in small.got)
    os.write(small.master, b"\x03")
    small.end(1, "nothing has changed")


def sealed(world):
    """A profile as a sealed file: whole again with the secret, refused when it was changed, never open in the clear."""
    world.scenario(paired=True, fill=5, chats=[{"title": web.GROUP, "count": 20}])
    world.desk()
    with open(os.path.join(world.data, "sluice.yaml")) as file:
        config = json.load(file)
    for name, text in (("good", "an invented secret of a test"), ("other", "another invented secret")):
        path = os.path.join(world.data, name)
        with open(path, "w") as file:
            file.write(text)
        os.chmod(path, 0o600)
    config["secrets"] = {"good": "file:good", "other": "file:other"}
    with open(os.path.join(world.data, "sluice.yaml"), "w") as file:
        json.dump(config, file)
    world.sluice("run")
    before = messages(world)
    profile, place = config["sources"]["web"]["profile"], os.path.join(world.data, "login.sealed")
    os.symlink("chrome-77", os.path.join(profile, "SingletonLock"))
    world.sluice("session", "seal", place, "--profile", profile, "--key", "good", fine=(75,))
    os.unlink(os.path.join(profile, "SingletonLock"))
    world.sluice("session", "seal", place, "--profile", profile, "--key", "good")
    with open(place, "rb") as file:
        data = file.read()
    if stat.S_IMODE(os.stat(place).st_mode) != 0o600 or b"WASimToken" in data or b"indexeddb" in data.lower():
        raise Bad("the sealed file can be read")
    clear = b"".join(open(os.path.join(f, n), "rb").read() for f, _, names in os.walk(profile) for n in names if os.path.isfile(os.path.join(f, n)))
    if b"WASimToken" not in clear:
        raise Bad("the test does not know what a profile holds")
    shutil.rmtree(profile)
    for name, change in (("cut", data[:-50]), ("bit", data[:5000] + bytes([data[5000] ^ 1]) + data[5001:])):
        with open(place + name, "wb") as file:
            file.write(change)
        done = world.sluice("session", "unseal", place + name, "--profile", profile, "--key", "good", fine=(1, 69, 78))
        if "not genuine" not in done.stderr or os.path.exists(profile) or os.path.exists(profile + ".part"):
            raise Bad(f"a damaged archive: {done.stderr}")
    world.sluice("session", "unseal", place, "--profile", profile, "--key", "other", fine=(1, 69, 78))
    world.sluice("session", "unseal", place, "--profile", profile, "--key", "none", fine=(78,))
    world.sluice("session", "unseal", place, "--profile", profile, "--key", "good")
    world.sluice("session", "unseal", place, "--profile", profile, "--key", "good", fine=(78,))
    boots = world.ctl("GET", "/ctl/journal?type=boot")
    world.scenario(paired=False, fill=5, chats=[{"title": web.GROUP, "count": 20}])
    world.sluice("run")
    last = world.ctl("GET", "/ctl/journal?type=boot")[-1]
    if not boots or last["stored"] != "full" or messages(world) != before:
        raise Bad(f"the login is not what it was: {last}")


def refused(world):
    """Sending is refused, with the reason."""
    world.desk(sending=True)
    done = world.sluice("check", fine=(78,))
    if "WHATSAPP_ENABLE_SENDING" not in done.stdout + done.stderr:
        raise Bad(f"it says: {done.stdout} {done.stderr}")


def main():
    folder = sys.argv[1]
    missing = qr_reader.reader()
    if missing:
        print("missing: a reader of QR codes:", missing)
        return 77
    web.CASES = {case.__name__: case for case in (alone, beside, ends, sealed, refused)}
    sys.argv[2:] = sys.argv[2:] or list(web.CASES)
    web.main()
    return 0


if __name__ == "__main__":
    sys.exit(main())
