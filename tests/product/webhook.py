"""Calls a running `sluice serve` as services do: signed (Standard Webhooks), with a token, wrongly, a
hundred times alike, and while it is killed. Writes `acknowledged`: the texts that were answered 200."""
import base64
import hashlib
import hmac
import json
import os
import random
import subprocess
import sys
import threading
import time

import http_rig as rig

SLUICE, PORT = sys.argv[1], int(sys.argv[2])
KILLS, SENDERS = 50, 8
NOW = base64.b64decode(os.environ["HOOK_SECRET"].removeprefix("whsec_"))
BEFORE = os.environ["HOOK_OLD_SECRET"].encode()
log = open("serve.log", "ab")


def start():
    return subprocess.Popen([SLUICE, "serve"], stdout=log, stderr=log)


def await_door(seconds=20):
    """Until a call without a proof is refused as such: the source takes calls."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        try:
            if rig.call(PORT, "POST", "/webhook", b"{}").status == 401:
                return
        except OSError:
            pass
        time.sleep(0.02)
    sys.exit("FAILED: nobody takes calls")


def sign(key, name, when, body):
    content = f"{name}.{when}.".encode() + body
    return "v1," + base64.b64encode(hmac.new(key, content, hashlib.sha256).digest()).decode()


def signed(name, body, key=NOW, age=0, **changed):
    when = int(time.time()) - age
    headers = {"webhook-id": name, "webhook-timestamp": when, "webhook-signature": sign(key, name, when, body)}
    headers.update(changed.pop("headers", {}))
    return rig.call(PORT, "POST", "/webhook/desk", body, headers)


def bearer(token, body, name="t"):
    return rig.call(PORT, "POST", "/webhook/desk", body, {"Authorization": f"Bearer {token}", "webhook-id": name})


def message(text, chat="desk"):
    return json.dumps({"chat": chat, "data": {"text": text}, "at": "2026-01-05T10:00:00+02:00"}).encode()


def expect(what, answer, status, text=""):
    rig.check(answer.status == status and text in answer.body.decode(),
              f"{what}: {answer.status} {answer.body!r}, expected {status} {text!r}")


def proofs():
    body = message("proof")
    expect("signed with the secret", signed("p1", body), 200, '"ok"')
    expect("signed with the old secret", signed("p2", body, key=BEFORE), 200)
    both = sign(b"a key of somebody else", "p3", int(time.time()), body) + " " + sign(NOW, "p3", int(time.time()), body)
    expect("two signatures, one fits", signed("p3", body, headers={"webhook-signature": both}), 200)
    expect("the token", bearer(os.environ["HOOK_TOKEN"], body, "p4"), 200)
    expect("the old token", bearer(os.environ["HOOK_OLD_TOKEN"], body, "p5"), 200)
    expect("a Hebrew chat and text", signed("p6", message("שלום וברכה", "שולחן")), 200)
    refused = [
        ("somebody else's key", signed("n1", body, key=b"a key of somebody else")),
        ("another body than was signed", signed("n2", body, headers={"webhook-signature": sign(NOW, "n2", int(time.time()), b"{}")})),
        ("another id than was signed", signed("n3", body, headers={"webhook-id": "n4"})),
        ("signed ten minutes ago", signed("n5", body, age=600)),
        ("signed in ten minutes", signed("n6", body, age=-600)),
        ("no time at all", signed("n7", body, headers={"webhook-timestamp": "soon"})),
        ("a wrong token", bearer("invented-token-0000000000", body, "n8")),
        ("the beginning of the token", bearer(os.environ["HOOK_TOKEN"][:-1], body, "n9")),
        ("an empty token", bearer("", body, "n10")),
        ("nothing", rig.call(PORT, "POST", "/webhook/desk", body)),
    ]
    for what, answer in refused:
        expect(what, answer, 401, "unauthorized")
        rig.check("www-authenticate" in answer.headers, f"{what}: no WWW-Authenticate")


def mistakes():
    expect("no JSON", signed("m1", b"hello"), 400)
    expect("a list", signed("m2", b"[1]"), 400, "no JSON object")
    expect("a time that is none", signed("m3", b'{"chat":"desk","at":"soon"}'), 400, "time_field")
    expect("an id of 600 bytes", signed("i" * 600, message("long")), 400, "longer than 512")
    expect("no id", rig.call(PORT, "POST", "/webhook/desk", message("x"),
                             {"Authorization": "Bearer " + os.environ["HOOK_TOKEN"]}), 400, "it has no id")
    expect("a chat that nobody listens to", signed("m4", message("x", "other")), 200, "ignored")
    expect("a source that is not there", rig.call(PORT, "POST", "/webhook/nobody", b"{}"), 404, "no source of this name")
    expect("GET", rig.call(PORT, "GET", "/webhook/desk"), 405)


def replayed():
    """S14: one call a hundred times at once."""
    answers, body = [], message("once")
    def one():
        answers.append(signed("same", body).status)
    threads = [threading.Thread(target=one) for _ in range(100)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    rig.check(answers == [200] * 100, f"a hundred times the same call: {sorted(set(answers))}")


class Storm:
    def __init__(self):
        self.lock, self.next, self.acknowledged, self.over = threading.Lock(), 0, [], False

    def send(self):
        while True:
            with self.lock:
                if self.over:
                    return
                self.next += 1
                text = f"storm {self.next:06}"
            while not self.delivered(text):
                time.sleep(0.01)

    def delivered(self, text):
        """As every sender does it: again with the same id, until it is answered 200."""
        try:
            status = signed(text.replace(" ", "-"), message(text)).status
        except OSError:
            return False
        rig.check(status in (0, 200, 503), f"{text}: {status}")
        if status == 200:
            with self.lock:
                self.acknowledged.append(text)
        return status == 200


def storm(server):
    chance, storm = random.Random(7), Storm()
    threads = [threading.Thread(target=storm.send, daemon=True) for _ in range(SENDERS)]
    for thread in threads:
        thread.start()
    for _ in range(KILLS):
        await_door()
        time.sleep(chance.uniform(0.0, 0.25))
        server.kill()
        server.wait()
        server = start()
    await_door()
    storm.over = True
    for thread in threads:
        thread.join(20)
        rig.check(not thread.is_alive(), "a call is never answered")
    rig.check(len(storm.acknowledged) > KILLS, f"only {len(storm.acknowledged)} calls in {KILLS} lives")
    with open("acknowledged", "w") as out:
        out.writelines(text + "\n" for text in storm.acknowledged)
    print(f"{len(storm.acknowledged)} calls answered 200 in {KILLS} kills")
    return server


server = start()
try:
    await_door()
    proofs()
    mistakes()
    replayed()
    server = storm(server)
finally:
    server.terminate()
    code = server.wait(20)
rig.check(code == 0, f"exit code after SIGTERM: {code}")
sys.exit(1 if rig.bad else 0)
