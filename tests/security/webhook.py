"""S15 and reliability 9 of the webhook: PORT STEP. Steps: one (a call), fill (until 503), audit (what needs it),
again (those that were refused), frozen (a process that is stopped)."""
import json
import sys
import time

import http_rig as rig

port, step = int(sys.argv[1]), sys.argv[2]
TOKEN = {"Authorization": "Bearer invented-token-0123456789", "Content-Type": "application/json"}


def call(number, size=2000):
    body = json.dumps({"id": f"m{number}", "text": f"message {number} " + "x" * size}).encode()
    return rig.call(port, "POST", "/webhook/desk", body, TOKEN)


if step == "one":
    answer = call("one", 10)
    rig.check(answer.status == 200, f"one: {answer.status} {answer.body!r}")
elif step == "fill":
    good, refused = [], 0
    for number in range(20000):
        answer = call(number)
        if answer.status == 200:
            good.append(number)
            refused = 0
        else:
            rig.check(answer.status == 503 and answer.headers.get("retry-after"), f"a full disk: {answer.status} {answer.body[:200]!r} {answer.headers}")
            refused += 1
            if refused == 20 or rig.bad:
                break
            time.sleep(0.05)
    rig.check(refused == 20, "the disk does not get full")
    json.dump(good, open("good.json", "w"))
    print(f"{len(good)} calls were taken before the disk was full")
elif step == "again":
    good = json.load(open("good.json"))
    until = time.monotonic() + 30
    while call(30000).status != 200 and time.monotonic() < until:
        time.sleep(0.2)
    for number in list(range(good[-1] + 1, good[-1] + 50)) + good[:50]:
        rig.check(call(number).status == 200, f"{number} is not taken when there is room")
        good.append(number)
    json.dump(sorted(set(good)) + [30000], open("good.json", "w"))
elif step == "audit":
    # S22: what cannot be noted in the audit log is not shown, and not done.
    reader = {"Authorization": "Bearer " + sys.argv[3]}
    for method, path in (("GET", "/api/v1/messages"), ("GET", "/api/v1/dead-letters"), ("POST", "/api/v1/run/all"), ("POST", "/api/v1/reload")):
        answer = rig.call(port, method, path, b"", reader)
        rig.check(answer.status == 503 and b"message 1 " not in answer.body, f"{method} {path} without an audit log: {answer.status} {answer.body[:200]!r}")
elif step == "frozen":
    # The process is stopped (SIGSTOP): a call waits, and is answered once it goes on.
    began = time.monotonic()
    answer = call("frozen", 10)
    rig.check(answer.status == 200 and time.monotonic() - began > 1, f"frozen: {answer.status} after {time.monotonic() - began:.1f} s")
sys.exit(1 if rig.bad else 0)
