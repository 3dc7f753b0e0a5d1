"""The API against a running `serve`: tokens and scopes, pages, filters, masking, runs, the audit log."""
import json
import os
import subprocess
import sys
import time

import http_rig as rig
from api_rig import Client, expect, make_token, sluice

port = int(sys.argv[1])
count = int(sys.argv[2])
M = "/api/v1/messages"


def stage(sql):
    subprocess.run([os.environ["STAGE"], "exec", "messages.db", sql], check=True)


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


def described():
    """The document is there for everybody; what it describes is not."""
    document = Client(port).value("/api/v1/openapi.json")
    calls = [(method.upper(), path.replace("{id}", "1").replace("{pipeline}", "drops")) for path, methods in document["paths"].items() for method in methods]
    rig.check(len(calls) == 12, f"{len(calls)} calls are described")
    for method, path in calls:
        expect(Client(port).ask(method, path), 401, "unauthorized", f"{method} {path} without a token")
        wrong = "POST" if method == "GET" else "GET"
        answer = Client(port).ask(wrong, path)
        rig.check(answer.status == 405 and method in answer.headers.get("allow", ""), f"{wrong} {path}: {answer.status} {answer.headers}")


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
    expect(client.ask("POST", "/api/v1/run/drops", {"dry_run": True}), 403, "forbidden", "a dry run without people")
    people = Client(port, make_token("people4", "run,people"))
    time.sleep(1)
    had = len(json.loads(sluice("runs", "--limit", "1000", "--json")))
    answer = people.ask("POST", "/api/v1/run/drops", {"dry_run": True})
    rig.check(answer.status == 200 and answer.json()["archive_only"] is True and [one["name"] for one in answer.json()["pipelines"]] == ["drops"], f"dry run: {answer.status} {answer.body[:300]!r}")
    shown = json.loads(subprocess.run([os.environ["SLUICE"], "run", "drops", "--dry-run", "--json"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL).stdout)
    rig.check(set(answer.json()) == set(shown), f"a dry run has {set(answer.json())}, the command {set(shown)}")
    rig.check(len(json.loads(sluice("runs", "--limit", "1000", "--json"))) == had, "a dry run is no run")
    expect(client.ask("POST", "/api/v1/run/drops", b"{", {"Content-Type": "application/json"}), 400, "wrong_body", "half an object")
    expect(client.ask("POST", "/api/v1/run/drops", b"a=b", {"Content-Type": "application/x-www-form-urlencoded"}), 415, "wrong_type", "a form")
    answer = client.ask("POST", "/api/v1/run/drops", b'{"x":"' + b"a" * 70000 + b'"}')
    expect(answer, 413, "too_large", "a body that is too large")
    entry = [one for one in audit() if one["act"] == "run"]
    rig.check(len(entry) == 2 and entry[-1]["actor"] == "token:runner" and json.loads(entry[-1]["detail"])["request"] == said["request"], f"audit of runs: {entry}")


def while_messages_arrive(read):
    """Pages are whole and without doubles while others come in between."""
    client = Client(port, read)
    known = [one["id"] for one in client.walk(M, "messages", limit=1000)]
    number = 0

    def post():
        nonlocal number
        for _ in range(5):
            number += 1
            stage("INSERT INTO messages(id, chat_jid, sender, content, timestamp, is_from_me)"
                  f" VALUES('late{number}', '120363000000000001@g.us', '27830000001', 'late {number}', '2025-11-25 10:00:00+02:00', 0)")

    ids = [one["id"] for one in client.walk(M, "messages", between=post, limit=20)]
    rig.check(ids == known, f"newest first while messages arrive: {len(ids)} of {len(known)}, {len(set(ids))} different")
    ids = [one["id"] for one in client.walk(M, "messages", between=post, limit=20, order="oldest")]
    rig.check(len(ids) == len(set(ids)) and set(known) <= set(ids) and ids == sorted(ids), "oldest first while messages arrive")
    for _ in range(100):
        late = client.walk(M, "messages", limit=1000, order="oldest")
        if len(late) == len(known) + number:
            break
        time.sleep(0.1)
    rig.check(len(late) == len(known) + number, f"{len(late)} messages in the end, of {len(known)} and {number}")
    print(f"pages: {len(known)} messages walked while {number} arrived")


def records(read):
    client = Client(port, read)
    people = Client(port, make_token("people2", "people"))
    time.sleep(1)
    whole = people.walk("/api/v1/records", "records", limit=1000)
    rows = {json.loads(line)["key"]: json.loads(line) for line in sluice("export", "records", "notes", "--format", "ndjson").splitlines()}
    rig.check({one["entity"] for one in whole} == set(rows) and len(whole) == len(rows) == count, f"{len(whole)} records, {len(rows)} rows")
    for one in whole[:3]:
        rig.check((one["pipeline"], one["sink"], one["target"]) == ("notes", "records", "notes"), f"a record: {one}")
        rig.check(rows[one["entity"]]["text"] in json.dumps(one["body"], ensure_ascii=False), f"a record: {one}, its row: {rows[one['entity']]}")
    rig.check(people.walk("/api/v1/records", "records", limit=33) == whole, "records page by page")
    rig.check(people.walk("/api/v1/records", "records", limit=99, target="notes") == whole, "records of a target")
    rig.check(people.value("/api/v1/records", target="nothing") == {"records": [], "next": None}, "records of a target that is none")
    masked = client.walk("/api/v1/records", "records", limit=99)
    rig.check(len(masked) == len(whole), f"masked: {len(masked)} of {len(whole)}")
    numbers = {row["who"] for row in rows.values() if sum(c.isdigit() for c in row["who"]) > 6}
    rig.check(numbers and not any(number in json.dumps(masked, ensure_ascii=False) for number in numbers), "a number is not masked in a record")
    cursor = client.value("/api/v1/records", limit=1)["next"]
    expect(client.get("/api/v1/dead-letters", cursor=cursor), 400, "wrong_argument", "a cursor of another list")
    expect(client.get("/api/v1/records", cursor=("A" if cursor[0] != "A" else "B") + cursor[1:]), 400, "wrong_argument", "a cursor that was changed")


def reload():
    client = Client(port, make_token("keeper", "admin"))
    time.sleep(1)
    expect(Client(port, make_token("runner2", "run")).ask("POST", "/api/v1/reload"), 401, "unauthorized", "a token of this moment")
    answer = client.ask("POST", "/api/v1/reload")
    rig.check(answer.status == 200 and answer.json() == {"changed": None}, f"reload of nothing: {answer.status} {answer.body!r}")
    text = open("sluice.yaml").read()
    open("sluice.yaml", "w").write(text.replace("poll: 1s", "poll: 2s"))
    answer = client.ask("POST", "/api/v1/reload")
    rig.check(answer.status == 200 and answer.json()["changed"] in ("source bridge: changed", None), f"reload: {answer.status} {answer.body!r}")
    open("sluice.yaml", "w").write(text + "nonsense: 1\n")
    answer = client.ask("POST", "/api/v1/reload")
    expect(answer, 409, "wrong_configuration", "a wrong configuration")
    rig.check("sluice.yaml:" in answer.json()["error"]["message"] and "nonsense" in answer.json()["error"]["message"], f"which mistake: {answer.body!r}")
    open("sluice.yaml", "w").write(text)
    rig.check(client.ask("POST", "/api/v1/reload").status == 200, "the old configuration again")
    expect(Client(port, read).ask("POST", "/api/v1/reload"), 403, "forbidden", "reload with scope read")
    rig.check(len([one for one in audit() if one["act"] == "reload"]) == 4, "reloads in the audit log")


def standing(read):
    client = Client(port, read)
    for _ in range(50):  # Until no run is at work any more.
        listed = json.loads(sluice("runs", "--limit", "1000", "--json"))
        walked = client.walk("/api/v1/runs", "runs", limit=1)
        if walked == listed:
            break
        time.sleep(0.1)
    rig.check(walked == listed, f"runs are others than the command's: {walked[:2]}, {listed[:2]}")
    rig.check(client.walk("/api/v1/runs", "runs", pipeline="nobody") == [], "runs of nobody")
    rig.check(client.value(f"/api/v1/runs/{listed[0]['id']}") == listed[0], "a run by itself")
    expect(client.get("/api/v1/runs/99999"), 404, "not_found", "a run that is none")
    rig.check(client.value("/api/v1/gaps") == {"gaps": [], "next": None}, "gaps")
    line = client.value("/api/v1/pipelines")["pipelines"]
    rig.check([one["name"] for one in line] == ["drops", "notes"] and line[0]["schedule"] == "on message" and line[0]["last_run"]["pipeline"] == "drops" and line[0]["next_at"] is None, f"pipelines: {line}")


def dead_letters(read):
    client = Client(port, read)
    people = Client(port, make_token("people3", "people"))
    time.sleep(1)
    listed = json.loads(sluice("dlq", "list", "--json"))
    whole = people.walk("/api/v1/dead-letters", "dead_letters", limit=1)
    rig.check(len(listed) > 1 and whole == listed, f"dead letters: {len(whole)}, by the command {len(listed)}")
    shown = json.loads(sluice("dlq", "show", str(listed[0]["id"]), "--json"))
    rig.check(people.value(f"/api/v1/dead-letters/{listed[0]['id']}") == shown, "a dead letter by itself")
    masked = client.value(f"/api/v1/dead-letters/{listed[0]['id']}")
    rig.check("•••" in masked["entity"] and masked["id"] == listed[0]["id"], f"masked: {masked}")
    expect(client.get("/api/v1/dead-letters/99999"), 404, "not_found", "a dead letter that is none")


if sys.argv[3] == "dead":
    dead_letters(make_token("undertaker", "read"))
else:
    described()
    read = tokens()
    messages(read)
    runs()
    records(read)
    while_messages_arrive(read)
    standing(read)
    reload()
sys.exit(1 if rig.bad else 0)
