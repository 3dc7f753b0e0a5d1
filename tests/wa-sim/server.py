"""A look-alike of WhatsApp Web for the tests, on 127.0.0.1; see README.md beside this and tests/rig/outside.h.

    python3 server.py FOLDER [SCENARIO.json]

Prints "wa PORT" and "ready"; ends when its standard input does. The page is http://127.0.0.1:PORT/, what a test
does to it goes to http://127.0.0.1:PORT/ctl/..., or comes as a line "METHOD PATH [JSON]" on standard input, which is
answered by "ok" or "bad: why" (a line "GET PATH FILE" puts the answer into FOLDER/FILE). The journal of what the page
did to the outside world is GET /ctl/journal, and grows in FOLDER/journal.jsonl.
"""
import http.server
import itertools
import json
import os
import queue
import random
import sys
import threading
import time
import urllib.parse

sys.dont_write_bytecode = True
import truth  # noqa: E402

HERE = os.path.dirname(os.path.abspath(__file__))
PAGES_MAX, FREEZE_MAX_S, BODY_MAX = 32, 120, 8 << 20
STATIC = {"html": "text/html", "js": "text/javascript", "css": "text/css"}

DELAYS = {  # Milliseconds: a number, or [least, most].
    "blank": [0, 300], "splash": 500, "code": 800, "code_life": 20000, "chats": 400, "batch": 150, "open": 100,
    "search": [300, 1500], "hydrate": [16, 120],
}
PAGE_OPTIONS = {
    "profile": "C", "locale": "he", "zone": "browser", "narrow": True, "name_suffix": False, "model_storage": False,
    "search_hits": 0, "code_refreshes": 6, "window_rows": 60, "margin": None, "break": [],
}
FAULTS = {
    "unsupported": False, "block_headless": False, "storage_full": False, "offline": None, "restricted": False,
    "promo": False, "alert": None, "empty_first": 0, "rerender": 0, "wrong_open": 0, "reorder": False, "never_ready": False,
}
DEFAULT_SCENARIO = {
    "paired": False, "fill": 500,
    "chats": [
        {"title": "חוגים — מורים", "count": 5000, "pinned": True, "unread": 7},
        {"title": "לידים", "count": 300, "phone_only": 40},
        {"title": "נועה לדוגמה", "count": 40, "group": False},
    ],
}

# What a reader that promised to change nothing never causes.
OUTWARD = {"composer", "send", "destructive", "played", "vote", "react", "call", "link", "download", "paste", "menu"}


class Page:
    def __init__(self, name):
        self.name, self.device, self.events, self.gone = name, None, queue.Queue(), False
        self.settled = threading.Event()


class Sim:
    """The state; every method that is a control or an answer to the page holds the lock (see `answer`)."""

    def __init__(self, folder):
        self.lock = threading.RLock()
        self.log = open(os.path.join(folder, "journal.jsonl"), "w", encoding="utf-8", errors="backslashreplace")
        self.devices, self.pages, self.refs = {}, {}, []
        self.started = time.monotonic()
        self.put_scenario({}, DEFAULT_SCENARIO)

    # --- control ---------------------------------------------------------------------------------

    def put_scenario(self, _, body):
        known = set(PAGE_OPTIONS) | {"seed", "now", "paired", "chats", "fill", "delays", "faults", "triggers", "batch_size"}
        self.refuse_unknown(body, known, "the scenario")
        self.refuse_unknown(body.get("delays", {}), DELAYS, "delays")
        self.refuse_unknown(body.get("faults", {}), FAULTS, "faults")
        world = truth.World(body)
        self.scenario, self.world = body, world
        self.options = {**PAGE_OPTIONS, **{k: body[k] for k in PAGE_OPTIONS if k in body}}
        self.delays = {**DELAYS, **body.get("delays", {})}
        self.faults = {**FAULTS, **body.get("faults", {})}
        self.triggers = [dict(t) for t in body.get("triggers", [])]
        self.counts, self.boots, self.frozen_until = {}, 0, 0
        self.dice = random.Random(f"{world.seed}:server")
        return self.delete_journal({}, None)

    @staticmethod
    def refuse_unknown(given, known, what):
        strange = [k for k in given if k not in known]
        if strange:
            raise ValueError(f"{what} has no {', '.join(strange)}")

    def change(self, _, body):
        """A part of the scenario becomes another while the page stands: profile, locale, zone, delays, faults."""
        for name, value in body.items():
            if name == "delays":
                self.refuse_unknown(value, DELAYS, "delays")
                self.delays.update(value)
            elif name == "faults":
                self.refuse_unknown(value, FAULTS, "faults")
                self.faults.update(value)
            elif name in PAGE_OPTIONS:
                self.options[name] = value
            else:
                raise ValueError(f"{name} cannot be changed")
        self.tell("changed", self.config())
        return {}

    def pair(self, _, body):
        """The telephone scanned the code (`ref`, or the one that is shown)."""
        ref = body.get("ref") or (self.refs[-1]["ref"] if self.refs else None)
        for shown in self.refs:
            if shown["ref"] == ref and not shown["used"]:
                shown["used"] = True
                self.tell("paired", self.enrol(), only=shown["page"])
                return {}
        raise ValueError("no such code is shown")

    def enrol(self):
        device = {"id": "device-%016x" % random.getrandbits(64), "secret": "%032x" % random.getrandbits(128)}
        self.devices[device["id"]] = device["secret"]
        return device

    def logout(self, _, body):
        """Every device is forgotten; `silent`: pages notice only at their next boot."""
        self.devices.clear()
        if not body.get("silent"):
            self.tell("logged_out", {})
        return {}

    def conflict(self, _, body):
        self.tell("conflict", {})
        return {}

    def message(self, _, body):
        """op: add (default; `burst` of them), edit, delete, react, resolve, vanish."""
        chat = self.world.chat(body["chat"])
        op = body.get("op", "add")
        fields = {k: v for k, v in body.items() if k not in ("chat", "op", "burst")}
        if op == "add":
            before = chat.newest()
            made = []
            for _n in range(body.get("burst", 1)):
                one = dict(chat.add(fields))
                one["first"] = before is None or truth.begins_run(before, one)
                before = one
                made.append(one)
            self.tell("messages", {"chat": chat.summary(), "rows": made})
            return {"ids": [one["id"] for one in made]}
        one = chat.find(body["id"])
        if op == "vanish":  # Without a trace, as a message that disappears does.
            chat.forget(one)
            self.tell("vanished", {"jid": chat.jid, "id": one["id"], "chat": chat.summary()})
            return {"ids": [one["id"]]}
        if op == "edit":
            one.update(text=body["text"], edited=True)
        elif op == "delete":
            one.update(kind="deleted", text="")
        elif op == "react":
            one["reactions"] = one.get("reactions", []) + [body["emoji"]]
        elif op == "resolve":
            one.update(kind="text", text=body["text"])
        else:
            raise ValueError(f"no op {op}")
        self.tell("revised", {"jid": chat.jid, "row": one, "chat": chat.summary()})
        return {"ids": [one["id"]]}

    def dialog(self, _, body):
        self.tell("dialog", {"kind": body["kind"], "text": body.get("text")})
        return {}

    def hang(self, _, body):
        """The page's scripts stand still for so many seconds."""
        self.tell("hang", {"seconds": min(float(body["seconds"]), FREEZE_MAX_S)})
        return {}

    def crash(self, _, body):
        """The page fills its memory until the renderer dies; start the browser with a small heap for this."""
        self.tell("crash", {})
        return {}

    def freeze(self, _, body):
        """The network stands still: answers to the page wait for so many seconds."""
        self.frozen_until = time.monotonic() + min(float(body["seconds"]), FREEZE_MAX_S)
        return {}

    def get_truth(self, query, _):
        return self.world.truth(query["chat"], query.get("zone"))

    def get_chats(self, query, _):
        return [chat.summary() for chat in self.world.chats]

    def get_state(self, query, _):
        return {"pages": [p.name for p in self.pages.values()], "devices": len(self.devices), "boots": self.boots,
                "ref": self.refs[-1]["ref"] if self.refs else None, "counts": self.counts, "profile": self.options["profile"]}

    def get_journal(self, query, _):
        since, kind = int(query.get("since", 0)), query.get("type")
        return [e for e in self.journal if e["n"] > since and kind in (None, e["type"])]

    def delete_journal(self, query, _):
        self.journal = []
        self.numbers = itertools.count(1)
        return {}

    def verdict(self, _, body):
        """Is what the journal holds what a reader of `chats` may do? `takeover`, `older`: those clicks are allowed;
        `pace_ms`: the least time between scroll steps (bursts of scroll events within 30 ms are one step)."""
        allowed = {self.world.chat(title).jid for title in body.get("chats", [])}
        bad, where, last = [], None, 0
        for entry in self.journal:
            kind = entry["type"]
            if kind in OUTWARD or (kind == "chat_opened" and entry["chat"] not in allowed):
                bad.append(entry)
            elif kind == "key" and entry["where"] != "search":
                bad.append(entry)
            elif kind in ("takeover", "older") and not body.get(kind):
                bad.append(entry)
            elif kind == "scroll" and entry["where"] == "messages" and not entry.get("own"):
                if entry["page"] == where and 30 < entry["at"] - last < body.get("pace_ms", 0):
                    bad.append({**entry, "after_ms": entry["at"] - last})
                where, last = entry["page"], entry["at"]  # By the page's clock: what it tells may arrive late.
        return {"read_only": not bad, "violations": bad}

    # --- what the page asks ----------------------------------------------------------------------

    def config(self):
        return {**self.options, "delays": self.delays, "faults": self.faults, "seed": self.world.seed, "now": self.world.now,
                "boot": self.boots}

    def boot(self, query, body):
        self.boots += 1
        page = self.page_of(query)
        device = body.get("device")
        self.record({"type": "boot", "agent": body.get("agent"), "stored": body.get("stored")}, page)
        known = bool(device) and self.devices.get(device["id"]) == device["secret"]
        adopt = None
        if not known and self.scenario.get("paired") and body.get("stored") != "broken":
            adopt = self.enrol()
        self.trigger("boot", None)
        return {"config": self.config(), "known": known, "adopt": adopt}

    def claim(self, query, body):
        """A page that is ready takes the session of its device from any other page."""
        page = self.page_of(query)
        page.device = body["device"]
        for other in self.pages.values():
            if other is not page and other.device == page.device:
                other.events.put(("conflict", {}))
        if body.get("takeover"):
            self.record({"type": "takeover"}, page)
        return {}

    def code(self, query, _):
        page = self.page_of(query)
        made = "2@" + "".join(random.choice("ABCDEFGHJKLMNPQRSTUVWXYZabcdefghjkmnpqrstuvwxyz23456789+/") for _ in range(180))
        self.refs.append({"ref": made + "=,invented,code," + str(len(self.refs)), "page": page.name, "used": False})
        return {"ref": self.refs[-1]["ref"]}

    def open_chat(self, query, body):
        chat = self.world.by_jid[body["jid"]]
        if self.faults["wrong_open"] > 0:
            self.faults["wrong_open"] -= 1
            chat = self.world.chats[(self.world.chats.index(chat) + 1) % len(self.world.chats)]
        chat.unread = 0
        self.record({"type": "chat_opened", "chat": chat.jid, "title": chat.title, "receipt": True}, self.page_of(query))
        self.trigger("open", chat)
        return {"chat": chat.summary(), "members": [truth.shown(m) for m in chat.members]}

    def batch(self, query, body):
        chat = self.world.by_jid[body["jid"]]
        if body.get("unlock"):
            chat.unlocked = min(chat.phone_only, chat.unlocked + 40)
            self.record({"type": "older", "chat": chat.jid}, self.page_of(query))
        size = self.scenario.get("batch_size", [30, 60])
        size = size if isinstance(size, int) else self.dice.randint(*size)
        answer = chat.batch(body.get("before"), size)
        self.trigger("batch", chat)
        return answer

    def take_journal(self, query, body):
        page = self.page_of(query)
        for entry in body["entries"]:
            self.record(entry, page)
        return {}

    def settled(self, query, _):
        self.page_of(query).settled.set()
        return {}

    # --- within ----------------------------------------------------------------------------------

    def page_of(self, query):
        name = query.get("page", "?")
        return self.pages.get(name) or Page(name)

    def record(self, entry, page):
        entry = {"n": next(self.numbers), "ms": round((time.monotonic() - self.started) * 1000), "page": page.name, **entry}
        self.journal.append(entry)
        self.log.write(json.dumps(entry, ensure_ascii=False) + "\n")
        self.log.flush()

    def tell(self, kind, data, only=None):
        for page in self.pages.values():
            if only in (None, page.name):
                page.events.put((kind, data))

    def trigger(self, on, chat):
        key = on if chat is None else f"{on} {chat.jid}"
        self.counts[key] = self.counts.get(key, 0) + 1
        for one in self.triggers:
            if one.get("done") or one["on"] != on or one.get("n", 1) != self.counts[key]:
                continue
            if chat is None or self.world.chat(one["chat"]) is chat:
                one["done"] = True
                for method, path, body in one["do"]:
                    self.answer(method, path, {}, body)

    def settle(self):
        """Wait until the pages have told all that they did; not for a page that hangs."""
        pages = list(self.pages.values())
        for page in pages:
            page.settled.clear()
            page.events.put(("settle", {}))
        deadline = time.monotonic() + 1
        for page in pages:
            page.settled.wait(max(0, deadline - time.monotonic()))

    def answer(self, method, path, query, body):
        if path in ("/ctl/journal", "/ctl/verdict") and method != "DELETE":
            self.settle()
        handler = ROUTES.get((method, path))
        if handler is None:
            raise LookupError(f"there is no {method} {path}")
        if path.startswith("/api/") and path not in ("/api/journal", "/api/settled"):
            while time.monotonic() < self.frozen_until:
                time.sleep(0.02)
        with self.lock:
            return handler(self, query, body if body is not None else {})

    def media(self, chat, identity, tile):
        one = self.world.by_jid[chat].find(identity)
        return truth.media_bytes(one["kind"], f"{identity}:{tile}")


ROUTES = {
    ("PUT", "/ctl/scenario"): Sim.put_scenario, ("POST", "/ctl/change"): Sim.change, ("POST", "/ctl/pair"): Sim.pair,
    ("POST", "/ctl/logout"): Sim.logout, ("POST", "/ctl/conflict"): Sim.conflict, ("POST", "/ctl/message"): Sim.message,
    ("POST", "/ctl/dialog"): Sim.dialog, ("POST", "/ctl/hang"): Sim.hang, ("POST", "/ctl/crash"): Sim.crash,
    ("POST", "/ctl/freeze"): Sim.freeze, ("GET", "/ctl/truth"): Sim.get_truth, ("GET", "/ctl/chats"): Sim.get_chats,
    ("GET", "/ctl/state"): Sim.get_state, ("GET", "/ctl/journal"): Sim.get_journal,
    ("DELETE", "/ctl/journal"): Sim.delete_journal, ("POST", "/ctl/verdict"): Sim.verdict,
    ("POST", "/api/boot"): Sim.boot, ("POST", "/api/claim"): Sim.claim, ("POST", "/api/code"): Sim.code,
    ("GET", "/api/chats"): Sim.get_chats, ("POST", "/api/open"): Sim.open_chat, ("POST", "/api/batch"): Sim.batch,
    ("POST", "/api/journal"): Sim.take_journal, ("POST", "/api/settled"): Sim.settled,
}


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    sim = None

    def log_message(self, *_):
        pass

    def send(self, status, kind, data):
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(data)))
        self.send_header("Cache-Control", "no-store")
        self.end_headers()
        self.wfile.write(data)

    def send_json(self, status, value):
        # Half a surrogate stays what it is: as an escape of JSON.
        self.send(status, "application/json; charset=utf-8", json.dumps(value, ensure_ascii=False).encode("utf-8", "backslashreplace"))

    def act(self):
        path, _, tail = self.path.partition("?")
        query = dict(urllib.parse.parse_qsl(tail))
        body = self.rfile.read(min(int(self.headers.get("Content-Length") or 0), BODY_MAX))
        try:
            if path == "/api/events":
                return self.events(query["page"])
            if path.startswith("/media/"):
                _, _, chat, identity, tile = path.split("/")
                kind, data = self.sim.media(urllib.parse.unquote(chat), identity, int(tile))
                return self.send(200, kind, data)
            if path == "/" or path.startswith("/page/"):
                return self.static("index.html" if path == "/" else path[6:])
            self.send_json(200, self.sim.answer(self.command, path, query, json.loads(body) if body else None))
        except LookupError as why:
            self.send_json(404, {"error": str(why)})
        except (ValueError, TypeError, AttributeError) as why:
            self.send_json(400, {"error": f"{type(why).__name__}: {why}"})

    do_GET = do_POST = do_PUT = do_DELETE = act

    def static(self, name):
        if name not in os.listdir(os.path.join(HERE, "page")):
            raise LookupError(f"no {name}")
        with open(os.path.join(HERE, "page", name), "rb") as file:
            self.send(200, STATIC[name.rsplit(".", 1)[1]] + "; charset=utf-8", file.read())

    def events(self, name):
        """What happens is told to the page as it happens; an ended connection ends the page."""
        page = Page(name)
        with self.sim.lock:
            if len(self.sim.pages) >= PAGES_MAX:
                raise ValueError("too many pages")
            self.sim.pages[name] = page
        self.close_connection = True
        try:
            self.send_response(200)
            self.send_header("Content-Type", "text/event-stream")
            self.send_header("Connection", "close")
            self.end_headers()
            self.wfile.write(b'data: ["hello",{}]\n\n')
            while True:
                try:
                    said = "data: " + json.dumps(page.events.get(timeout=0.5), ensure_ascii=False)
                except queue.Empty:
                    said = ":"
                self.wfile.write((said + "\n\n").encode("utf-8", "backslashreplace"))
        except OSError:
            pass
        finally:
            page.settled.set()
            with self.sim.lock:
                self.sim.pages.pop(name, None)


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64

    def handle_error(self, request, client_address):
        if not isinstance(sys.exc_info()[1], OSError):
            super().handle_error(request, client_address)


def line_asked(sim, folder, line):
    """One line of standard input: METHOD PATH [JSON, or for GET the file that the answer goes to]."""
    method, path, *rest = line.split(" ", 2)
    path, _, tail = path.partition("?")
    body = json.loads(rest[0]) if rest and method != "GET" else None
    answer = sim.answer(method, path, dict(urllib.parse.parse_qsl(tail)), body)
    if rest and method == "GET":
        with open(os.path.join(folder, os.path.basename(rest[0])), "w", encoding="utf-8", errors="backslashreplace") as file:
            json.dump(answer, file, ensure_ascii=False)


def main():
    folder = sys.argv[1]
    sim = Handler.sim = Sim(folder)
    if len(sys.argv) > 2:
        with open(sys.argv[2], encoding="utf-8") as file:
            sim.put_scenario({}, json.load(file))
    server = Server(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    print(f"wa {server.server_address[1]}\nready", flush=True)
    for line in sys.stdin:
        try:
            line_asked(sim, folder, line.strip())
            print("ok", flush=True)
        except (LookupError, ValueError, TypeError, AttributeError, OSError) as why:
            print(f"bad: {why}".replace("\n", " "), flush=True)


if __name__ == "__main__":
    main()
