"""The API against a running `serve`: tokens and scopes, pages, filters, masking, runs, the audit log."""
import json
import sys
import time

import api_rig
import http_rig as rig
from api_rig import Client, expect, make_token, sluice

port = int(sys.argv[1])
count = int(sys.argv[2])
M = "/api/v1/messages"


def audit():
    return json.loads(sluice("audit", "list", "--limit", "1000", "--json"))


def tokens():
    expect(Client(port).get(M), 401, "unauthorized", "without a token")
    expect(Client(port, "slc_" + "A" * 43).get(M), 401, "unauthorized", "with a token of nobody")
    read = make_token("reader", "read")
    time.sleep(1)
    rig.check(Client(port, read).get(M).status == 200, "a new token does not work after a second")
    rig.check(Client(port, headers={"Authorization": "bearer " + read}).get(M).status == 200, "bearer in small letters")
    expect(Client(port, headers={"Authorization": "Basic " + read}).get(M), 401, "unauthorized", "Basic")
    expect(Client(port, read).ask("POST", "/api/v1/run/drops"), 403, "forbidden", "run with scope read")
    listed = json.loads(sluice("token", "list", "--json"))
    rig.check([one["name"] for one in listed] == ["reader"] and read not in json.dumps(listed), f"token list: {listed}")
    short = make_token("short", "read", "--expires", "2s")
    time.sleep(1)
    rig.check(Client(port, short).get(M).status == 200, "a token that expires later")
    time.sleep(1.2)
    expect(Client(port, short).get(M), 401, "unauthorized", "an expired token")
    gone = make_token("gone", "read")
    time.sleep(1)
    rig.check(Client(port, gone).get(M).status == 200, "a token to remove")
    sluice("token", "remove", "gone")
    time.sleep(1)
    expect(Client(port, gone).get(M), 401, "unauthorized", "a removed token after a second")
    acts = [(one["act"], one["object"]) for one in audit()]
    for act in [("token.add", "reader"), ("token.add", "gone"), ("token.remove", "gone")]:
        rig.check(act in acts, f"not in the audit log: {act}")
    return read


def messages(read):
    client = Client(port, read)
    people = Client(port, make_token("people", "people"))
    time.sleep(1)
    for order in ("newest", "oldest"):
        ids = [one["id"] for one in client.walk(M, "messages", limit=7, order=order)]
        rig.check(len(ids) == count and len(set(ids)) == count, f"{order}: {len(ids)} messages, {len(set(ids))} different, of {count}")
        rig.check(ids == sorted(ids, reverse=order == "newest"), f"{order}: out of order")
    one = client.value(M, limit=1)["messages"][0]
    rig.check(client.value(f"{M}/{one['id']}") == one, "a message by itself is another than in the list")
    cli = json.loads(sluice("messages", "--limit", "1", "--json"))["messages"][0]
    rig.check(cli == one, f"the command says {cli}, the API {one}")
    rig.check("•••" in one["sender"], f"a sender is not masked: {one['sender']}")
    seen = people.value(f"{M}/{one['id']}")
    rig.check("•••" not in seen["sender"] and seen["chat_name"] == one["chat_name"], f"with people: {seen}")
    rig.check(len(people.walk(M, "messages", sender=seen["sender"])) > 0, "by sender")
    rig.check(len(client.walk(M, "messages", source="bridge")) == count, "by source")
    rig.check(client.value(M, source="nobody")["messages"] == [], "by a source that is none")
    named = client.walk(M, "messages", chat="p1")
    rig.check(0 < len(named) < count and {m["chat_name"] for m in named} == {"P1"}, "by the name of a chat")
    rig.check(len(client.walk(M, "messages", q="photos", limit=3)) > 0, "by words")
    middle = client.value(M, limit=1)["messages"][0]["sent_at"]
    before = client.walk(M, "messages", until=middle)
    after = client.walk(M, "messages", since=middle)
    rig.check(len(before) + len(after) == count and len(after) > 0, "by time")
    expect(client.get(M, sender="278"), 403, "forbidden", "by sender without people")
    expect(client.get(M, q="27820"), 403, "forbidden", "digits without people")
    expect(client.get(M, chat="9725"), 403, "forbidden", "a part of a number as chat without people")
    for wrong in ({"limit": 0}, {"limit": 1001}, {"limit": "x"}, {"since": "yesterday"}, {"cursor": "bm8"}, {"cursor": "%"}, {"order": "both"}, {"colour": "red"}, {"q": "\0"}):
        expect(client.get(M, **wrong), 400, "wrong_argument", f"{wrong}")
    expect(client.ask("GET", M + "?limit=1&limit=2"), 400, "wrong_argument", "an argument twice")
    expect(client.ask("GET", M + "?q=%ff"), 400, "wrong_argument", "an argument that is not UTF-8")
    for wrong in ("0", "999999999", "x", "-1"):
        expect(client.get(f"{M}/{wrong}"), 404, "not_found", f"message {wrong}")
    reads = [one for one in audit() if one["act"] == "api.read"]
    rig.check(any(one["actor"] == "token:reader" and one["object"] == M for one in reads), "reads are not in the audit log")
    rig.check(len([one for one in reads if one["actor"] == "token:reader" and one["object"] == M]) <= 3, "an entry for each read")
    rig.check(all(json.loads(one["detail"])["address"] == "127.0.0.1" for one in reads), f"no address in {reads[:1]}")


def runs():
    client = Client(port, make_token("runner", "run"))
    time.sleep(1)
    before = len(json.loads(sluice("runs", "--limit", "1000", "--json")))
    answer = client.ask("POST", "/api/v1/run/drops")
    rig.check(answer.status == 202, f"run: {answer.status} {answer.body!r}")
    said = answer.json()
    rig.check(said["run"] is not None, f"nobody took the request up: {said}")
    rig.check(answer.headers.get("location") == f"/api/v1/requests/{said['request']}", "Location")
    request = client.value(answer.headers["location"])
    rig.check(request == {"request": said["request"], "act": "run", "pipeline": "drops", "state": "taken", "run": said["run"]}, f"request: {request}")
    listed = json.loads(sluice("runs", "--limit", "1000", "--json"))
    rig.check(len(listed) == before + 1 and listed[0]["id"] == said["run"] and listed[0]["trigger"] == "webhook", f"runs: {listed[0]}")
    answer = client.ask("POST", "/api/v1/run/drops", {"since": "2025-11-01T00:00:00Z", "until": "2025-12-01T00:00:00+02:00"})
    rig.check(answer.status == 202, f"run with a range: {answer.status} {answer.body!r}")
    expect(client.ask("POST", "/api/v1/run/nobody"), 404, "not_found", "a pipeline that is none")
    expect(client.get("/api/v1/requests/99999"), 404, "not_found", "a request that is none")
    for wrong in ([], {"since": 1}, {"until": "2025-11-01T00:00:00Z"}, {"since": "2025-11-02T00:00:00Z", "until": "2025-11-01T00:00:00Z"}, {"dry_run": 1}, {"colour": "red"}):
        expect(client.ask("POST", "/api/v1/run/drops", wrong), 400, "wrong_body", f"{wrong}")
    expect(client.ask("POST", "/api/v1/run/drops", b"{", {"Content-Type": "application/json"}), 400, "wrong_body", "half an object")
    expect(client.ask("POST", "/api/v1/run/drops", b"a=b", {"Content-Type": "application/x-www-form-urlencoded"}), 415, "wrong_type", "a form")
    answer = client.ask("POST", "/api/v1/run/drops", b'{"x":"' + b"a" * 70000 + b'"}')
    expect(answer, 413, "too_large", "a body that is too large")
    entry = [one for one in audit() if one["act"] == "run"]
    rig.check(len(entry) == 2 and entry[-1]["actor"] == "token:runner" and json.loads(entry[-1]["detail"])["request"] == said["request"], f"audit of runs: {entry}")


read = tokens()
messages(read)
runs()
sys.exit(1 if rig.bad else 0)
