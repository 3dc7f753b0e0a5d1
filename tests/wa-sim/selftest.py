"""Drives the look-alike in a real headless Chromium and asserts what its README promises.

    python3 tests/wa-sim/selftest.py [NAME...]     all tests, or those whose names contain one of the words

Says "missing: ..." and exits 77 where no chromedriver or Chromium can be had.
"""
import datetime
import http.client
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import time
import traceback
import zoneinfo

sys.dont_write_bytecode = True
import truth  # noqa: E402
import webdriver  # noqa: E402

HERE = os.path.dirname(os.path.abspath(__file__))
QUICK = {"blank": 0, "splash": 40, "code": 60, "code_life": 250, "chats": 20, "batch": 0, "open": 0, "search": [60, 120],
         "hydrate": [4, 12]}
WAIT_S = 60  # What never comes is told after this; what comes is waited for no longer than it takes.
HARVEST = """
const done = arguments[arguments.length - 1], limit = arguments[0], deadline = performance.now() + 1000 * arguments[1];
const sleep = (ms) => new Promise((r) => setTimeout(r, ms));
const seen = {}, after = {}, counts = {steps: 0, rows_max: 0, shells_max: 0, renders: 0};
const bare = (key) => key.replace(/^(true|false)_[^_]+_/, '').replace(/_[^_]+@.*$/, '');
const chars = (node) => {
    if (node.nodeType === 3) return node.data;
    if (node.dataset && node.dataset.plainText) return node.dataset.plainText;
    if (node.tagName === 'IMG') return node.alt || '';
    if (node.tagName === 'BR') return '\\n';
    return [...node.childNodes].map(chars).join('');
};
function read(row) {
    const key = row.dataset.id, slot = row.firstChild;
    const one = {id: bare(key), dir: null, stamp: null, text: '', time: null, system: false, label: null};
    for (let button; (button = row.querySelector('.read-more-button, [data-testid="caption-read-more-button"]'));) button.click();
    const old = key.match(/^(true|false)_/);
    const label = row.querySelector('span[aria-label$=":"]');
    const tick = row.querySelector('[data-testid="msg-meta"] span[aria-label]');
    one.system = !!row.querySelector('[data-testid="msg-notification-container"]');
    one.label = label && label.getAttribute('aria-label').slice(0, -1);
    if (old) one.dir = old[1] === 'true' ? 'out' : 'in';
    else if (row.querySelector('.message-out')) one.dir = 'out';
    else if (row.querySelector('.message-in')) one.dir = 'in';
    else if (row.querySelector('[data-icon="tail-out"]')) one.dir = 'out';
    else if (row.querySelector('[data-icon="tail-in"]')) one.dir = 'in';
    else if (tick) one.dir = 'out';
    const block = row.querySelector('.copyable-text[data-pre-plain-text]');
    if (block) {
        one.stamp = block.getAttribute('data-pre-plain-text');
        const copy = block.cloneNode(true);
        copy.querySelectorAll('[data-testid="quoted-message"]').forEach((q) => q.remove());
        const span = copy.querySelector('.selectable-text') || copy.querySelector('span[dir]');
        one.text = span ? chars(span) : '';
    }
    const meta = row.querySelector('[data-testid="msg-meta"] span[dir]');
    one.time = meta && meta.textContent;
    one.deleted = !!row.querySelector('[data-icon="recalled"]');
    return one;
}
(async () => {
    const list = document.querySelector('[data-testid="conversation-panel-messages"]') || document.querySelector('.copyable-area > div[tabindex]');
    /* Time says nothing of a page on a busy machine. The end is where two looks in turn at the top, each after a scroll
       there and with the page at rest, bring nothing that was not read. */
    for (let quiet = 0; quiet < 2 && counts.steps < limit; await sleep(4)) {
        if (performance.now() > deadline) throw new Error('the page never came to rest: ' + JSON.stringify(counts));
        if (!page_at_rest()) continue;
        const rows = [...list.querySelectorAll('[data-id]')];
        let pending = 0, previous = null, fresh = 0;
        const top = list.getBoundingClientRect().top, bottom = top + list.clientHeight;
        let shells = 0;
        for (const row of rows) {
            const id = bare(row.dataset.id);
            if (previous) after[previous] = id;
            previous = id;
            if (!row.querySelector('[data-testid]')) {
                const box = row.getBoundingClientRect();
                shells++;
                if (box.bottom > top - 600 && box.top < bottom + 600) pending++;
                continue;
            }
            if (!seen[id]) { seen[id] = read(row); fresh++; }
        }
        /* Rows that are not in the document yet leave a hole at the top of the view. */
        if (list.scrollTop > 60 && (rows.length === 0 || rows[0].getBoundingClientRect().top > top + 40)) pending++;
        counts.rows_max = Math.max(counts.rows_max, rows.length);
        counts.shells_max = Math.max(counts.shells_max, shells);
        if (pending > 0) { quiet = 0; continue; }
        counts.steps++;
        const before = list.scrollTop;
        quiet = fresh === 0 && before < 60 ? quiet + 1 : 0;
        list.scrollTop = Math.max(0, before - list.clientHeight - 400);
        if (before < 60) list.dispatchEvent(new Event('scroll'));
    }
    counts.nodes = document.querySelectorAll('*').length;
    done(JSON.stringify({seen, after, counts}));
})().catch((e) => done('error ' + e.stack));
"""


class Bench:
    """The look-alike, a browser, and what tests say."""

    def __init__(self, driver):
        self.folder = tempfile.mkdtemp()
        self.server = subprocess.Popen([sys.executable, os.path.join(HERE, "server.py"), self.folder], stdin=subprocess.PIPE,
                                       stdout=subprocess.PIPE, text=True)
        self.port = int(self.server.stdout.readline().split()[1])
        assert self.server.stdout.readline() == "ready\n"
        self.url = f"http://127.0.0.1:{self.port}/"
        self.driver = driver
        self.web = driver.session(os.path.join(self.folder, "profile"), "--js-flags=--max-old-space-size=128")

    def stop(self):
        try:
            self.web.quit()
        except webdriver.Fault:
            pass
        self.server.stdin.close()
        try:
            self.server.wait(5)
        finally:
            shutil.rmtree(self.folder, ignore_errors=True)

    def ctl(self, method, path, body=None):
        line = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        line.request(method, "/ctl/" + path, None if body is None else json.dumps(body))
        answer = line.getresponse()
        value = json.loads(answer.read())
        line.close()
        if answer.status != 200:
            raise ValueError(value["error"])
        return value

    def scene(self, **scenario):
        """Another scenario, and the page loaded anew."""
        self.ctl("PUT", "scenario", {"paired": True, **scenario, "delays": {**QUICK, **scenario.get("delays", {})}})
        self.web.go(self.url)

    def until(self, what, script, *arguments, seconds=WAIT_S):
        deadline = time.monotonic() + seconds
        while True:
            value = self.web.js(script, *arguments)
            if value:
                return value
            if time.monotonic() > deadline:
                raise AssertionError(f"never: {what}; the page says: {self.web.js('return document.body.innerText')[:300]!r}")
            time.sleep(0.02)

    def there(self, css, seconds=WAIT_S):
        self.until(css, "return !!document.querySelector(arguments[0])", css, seconds=seconds)
        return self.web.find(css)

    def rest(self):
        """The page has done all it was asked to."""
        self.until("the page at rest", "return page_at_rest()")

    def text(self):
        return self.web.js("return document.body.innerText")

    def ready(self):
        self.there("#side [role=grid] > *")

    def click_chat(self, title):
        """A real press on the cell with exactly this title."""
        cell = self.web.js("""
            const cell = [...document.querySelectorAll('#pane-side span[title]')].find((s) => s.title === arguments[0]);
            return cell && (cell.closest('[role=gridcell]') || cell);""", title)
        assert cell, f"{title} is not in the list"
        self.web.click(cell[webdriver.ELEMENT])

    def open(self, title):
        self.ready()
        self.click_chat(title)
        self.until(f"{title} opens", """
            const head = document.querySelector('#main header span[title]');
            return head && head.title === arguments[0] && !!document.querySelector('#main [role=row]')""", title)

    def harvest(self, steps=4000):
        """All messages of the open chat, as a careful reader gets them out of the page."""
        said = self.web.js_async(HARVEST, steps, WAIT_S)
        assert not said.startswith("error"), said
        got = json.loads(said)
        seen, after = got["seen"], got["after"]
        behind = set(after.values())
        line, at = [], next((i for i in [*after, *seen] if i not in behind), None)
        while at is not None:
            line.append(at)
            at = after.get(at)
        while line and line[-1] not in seen:  # What came below while we were above.
            line.pop()
        order = []
        for at in reversed(line):  # What was read without a hole, up to the newest.
            if at not in seen:
                break
            order.insert(0, seen[at])
        for previous, one in zip([None] + order, order):
            if one["dir"] is None and previous and not previous["system"]:
                one["dir"] = previous["dir"]
            one["author"] = author_in(one["stamp"]) or one["label"]
            if one["author"] is None and previous and not previous["system"]:
                one["author"] = previous["author"]
        return order, got["counts"]


def author_in(stamp):
    found = re.match(r"\[[^]]*\] (.*): $", stamp or "", re.S)
    return found.group(1) if found else None


def same(what, found, expected):
    if found != expected and isinstance(found, list) and isinstance(expected, list) and len(expected) > 6:
        at = next((i for i, (x, y) in enumerate(zip(found, expected)) if x != y), min(len(found), len(expected)))
        raise AssertionError(f"{what}: {len(found)} of {len(expected)}, from {at}: {found[at:at + 3]!r}, expected {expected[at:at + 3]!r}")
    if found != expected:
        raise AssertionError(f"{what}: found {found!r}, expected {expected!r}")


def row(n, **more):
    return {"id": f"3A{n:018X}", "text": f"message {n}", "author": "Dana", "at": f"2026-09-03T10:{n % 60:02d}:07Z", **more}


# --- boot ------------------------------------------------------------------------------------------


def test_boot_from_nothing_to_ready(b):
    b.scene(paired=False, fill=30, chats=[], code_refreshes=1, delays={"blank": 100, "splash": 300, "code": 200, "chats": 200})
    b.there("#app progress")
    same("the path of the bar", b.web.js("return !!document.evaluate(\"//*[@id='app']/div/div/div[2]/progress\", document, null, 9).singleNodeValue"), True)
    b.there('[data-testid^="link-device-qrcode-alt-linking"]')
    same("a code before its time", b.web.find_all("canvas"), [])
    b.there('[data-testid="link-device-qr-code"][data-ref] canvas')
    look = "return document.querySelector('[data-ref]').dataset.ref"
    first = b.web.js(look)
    drawn = "return document.querySelector('canvas').toDataURL()"
    picture = b.web.js(drawn)
    b.until("another code", look + " !== arguments[0]", first)
    assert b.web.js(drawn) != picture, "the picture is the same for another code"
    button = b.there("[data-ref] button")
    last = b.web.js(look)
    b.web.click(button)
    b.until("a new code", "const e = document.querySelector('[data-ref]'); return e && e.dataset.ref !== arguments[0]", last)
    b.ctl("POST", "pair", {})
    b.there("progress")
    b.ready()
    same("a chat is open", b.web.find_all("#main"), [])
    same("keys", b.web.js("return [localStorage['last-wid'] !== undefined, localStorage.WASimToken !== undefined]"), [True, True])


def test_restart_needs_no_code(b):
    b.ctl("PUT", "scenario", {"fill": 20, "delays": QUICK})
    b.web.go(b.url)
    b.ready()
    same("codes", b.ctl("GET", "journal?type=code_renewed"), [])


def test_half_a_storage_is_told(b):
    """What a browser that was killed leaves: IndexedDB has the device, localStorage does not."""
    b.web.js("localStorage.clear()")
    b.web.go(b.url)
    b.until("database error", "return document.body.innerText.includes('database error')")
    same("told to the server", b.ctl("GET", "journal?type=boot")[-1]["stored"], "broken")
    b.web.js_async("const d = indexedDB.deleteDatabase('wawc'); const done = arguments[0]; d.onsuccess = () => done(1); d.onblocked = () => done(0)")
    b.web.go(b.url)
    b.there('[data-testid="link-device-qr-code"]')


def test_older_code_screens(b):
    b.ctl("POST", "logout", {})
    b.scene(paired=False, profile="A", locale="en-US", fill=5)
    b.there('[data-testid="qrcode"][data-ref] canvas[aria-label="Scan me!"]')


def test_logout_leads_back_to_a_code(b):
    b.scene(fill=10)
    b.ready()
    b.ctl("PUT", "scenario", {"paired": False, "fill": 10, "delays": QUICK})
    b.ctl("POST", "logout", {"silent": True})
    time.sleep(0.1)
    assert b.web.find_all("#side"), "a silent end was seen at once"
    b.web.go(b.url)
    b.there('[data-testid="link-device-qr-code"]')
    b.ctl("POST", "pair", {})
    b.ready()
    b.ctl("POST", "logout", {})
    b.there('[data-testid="link-device-qr-code"]')
    same("what is stored", b.web.js("return localStorage.length"), 0)


def test_taken_over_and_back(b):
    b.scene(fill=10, locale="en-US")
    b.ready()
    first = b.web.call("GET", "/window")
    second = b.web.call("POST", "/window/new", {"type": "tab"})["handle"]
    b.web.call("POST", "/window", {"handle": second})
    b.web.go(b.url)
    b.ready()
    b.web.call("POST", "/window", {"handle": first})
    b.there("[role=dialog]")
    assert "open in another window" in b.text()
    same("the list is gone", b.web.find_all("#side"), [])
    same("buttons", [b.web.call("GET", f"/element/{e}/text") for e in b.web.find_all("[data-testid^=popup-controls]")], ["Not now", "Use Here"])
    b.web.click(b.web.find("[data-testid=popup-controls-ok]"))
    b.ready()
    same("journal", len(b.ctl("GET", "journal?type=takeover")), 1)
    b.web.call("POST", "/window", {"handle": second})
    b.there("[role=dialog]")
    b.web.call("DELETE", "/window")
    b.web.call("POST", "/window", {"handle": first})
    b.ctl("POST", "change", {"locale": "he"})
    b.ctl("POST", "conflict", {})
    b.there("[role=dialog]")
    assert "WhatsApp פתוח בחלון אחר" in b.text() and "השתמש כאן" in b.text()


# --- chats -------------------------------------------------------------------------------------------


def test_five_hundred_chats_in_a_window(b):
    b.scene(fill=500, chats=[{"title": "First", "pinned": True, "count": 3}])
    b.ready()
    same("declared", b.web.js("return document.querySelector('[role=grid]').getAttribute('aria-rowcount')"), "500")
    count = "return document.querySelectorAll('#pane-side [role=row]').length"
    same("rows", b.web.js(count), 68)
    same("gridcells of a row", b.web.js("return document.querySelector('[role=row]').querySelectorAll('[role=gridcell]').length"), 3)
    b.web.js("window.node = document.querySelector('[role=row]'); window.was = node.innerText")
    got = b.web.js_async("""
        const done = arguments[0], pane = document.querySelector('#pane-side'), titles = new Set(), counts = [];
        (async () => {
            for (let y = 0; y <= 500 * 72; y += 900) {
                pane.scrollTop = y;
                do await new Promise((r) => setTimeout(r, 5)); while (!page_at_rest());
                counts.push(document.querySelectorAll('#pane-side [role=row]').length);
                document.querySelectorAll('[data-testid="cell-frame-title"] span[title]').forEach((s) => titles.add(s.title));
            }
            done({titles: [...titles], most: Math.max(...counts)});
        })();""")
    same("most rows at once", got["most"], 68)
    expected = {c["title"] for c in b.ctl("GET", "chats") if not c["archived"]}
    same("titles", set(got["titles"]), expected)
    assert b.web.js("return node.isConnected && node.innerText !== was"), "nodes are not used again"
    odd = [t for t in expected if t in truth.ODD_NAMES]
    assert any("\u202a" in t for t in odd) and any("\u200f" in t for t in odd) and any("\u200d" in t for t in odd)
    same("own notes are no cell", b.web.js("document.querySelector('#pane-side').scrollTop = 0; return 1"), 1)
    b.there('[data-testid="message-yourself-row"]')


def test_long_titles_are_cut_on_the_screen_only(b):
    title = "A very long title that no list can ever show in one line, 2026 edition"
    b.scene(fill=0, chats=[{"title": title, "count": 2}])
    b.ready()
    shown = b.web.js("const s = document.querySelector('[data-testid=\"cell-frame-title\"] span[title]'); return [s.title, s.innerText]")
    same("title", shown[0], title)
    assert shown[1] != title and shown[1].endswith("…")


def test_search_with_headings_and_equal_titles(b):
    b.scene(fill=40, chats=[], search_hits=1)
    b.ready()
    box = b.web.find('#side input[role="textbox"][type="text"]')
    b.web.keys(box, "אותו שם")
    b.until("results", "return document.querySelector('#pane-side [role=row]:not(:has([role=gridcell]))')")
    rows = b.web.js("return [...document.querySelectorAll('#pane-side [role=row]')].map((r) => r.querySelector('span[title]') ? r.querySelector('span[title]').title : '# ' + r.innerText)")
    same("rows", rows, ["# צ׳אטים", "אותו שם", "אותו שם", "# קבוצות משותפות", "# הודעות", "אותו שם"])
    b.web.keys(box, "\ue009a\ue000\ue003")
    b.until("the list is back", "return document.querySelectorAll('#pane-side [role=row]').length === 40")
    b.web.keys(box, "Sales Team")
    b.until("one result", "return document.querySelectorAll('#pane-side [role=gridcell]').length === 6")
    b.click_chat("Sales Team")
    title = b.there('[data-testid="conversation-info-header-chat-title"]')
    same("header", b.web.call("GET", f"/element/{title}/text"), "Sales Team")
    same("icon words come first", b.web.js("return document.querySelector('header[data-testid=conversation-header] span').innerText"), "wds-ic-group")
    said = b.ctl("GET", "journal")
    same("last search", [e["text"] for e in said if e["type"] == "search"][-1], "Sales Team")
    same("opened", [e["title"] for e in said if e["type"] == "chat_opened"], ["Sales Team"])


def test_searches_of_older_pages(b):
    b.scene(fill=14, profile="B", chats=[])
    b.ready()
    box = b.there('div[contenteditable="true"][data-tab="3"]')
    b.web.keys(box, "Sales")
    b.until("two results", "return document.querySelectorAll('#pane-side [role=row]').length === 2")
    b.ctl("POST", "change", {"profile": "A"})
    b.until("profile A", "return document.querySelectorAll('#pane-side [role=listitem]').length === 14")
    same("test ids of cells", b.web.find_all('[data-testid="cell-frame-container"]'), [])


def test_only_a_real_press_opens(b):
    b.scene(fill=5, chats=[])
    b.ready()
    b.web.js("""const cell = document.querySelector('#pane-side [role=gridcell]');
        for (const kind of ['pointerdown', 'mousedown', 'mouseup']) cell.dispatchEvent(new MouseEvent(kind, {bubbles: true, button: 0}));
        cell.click();""")
    time.sleep(0.15)
    same("opened", b.web.find_all("#main"), [])
    same("journal", [(e["type"], e["trusted"]) for e in b.ctl("GET", "journal?type=click")], [("click", False)])


def test_the_wrong_chat_opens(b):
    b.scene(fill=0, chats=[{"title": "One"}, {"title": "Two"}], faults={"wrong_open": 1})
    b.ready()
    b.click_chat("One")
    b.there("#main")
    same("header", b.web.js("return document.querySelector('#main header span[title]').title"), "Two")
    b.open("One")


def test_places_shift_after_opening(b):
    b.scene(fill=40, chats=[], faults={"reorder": True})
    b.ready()
    titles = "return [...document.querySelectorAll('#pane-side [role=row]')].sort((a, b) => a.ariaRowIndex - b.ariaRowIndex).map((r) => r.querySelector('span[title]').title)"
    before = b.web.js(titles)
    b.click_chat(before[2])
    b.there("#main")
    after = b.web.js(titles)
    same("the same chats", sorted(before), sorted(after))
    assert before[2] != after[2], "the places are the same"
    same("opened", [e["title"] for e in b.ctl("GET", "journal?type=chat_opened")], [before[2]])


def test_badges_and_bumps(b):
    b.scene(fill=6, chats=[{"title": "Unread", "unread": 3, "count": 9, "muted": True}, {"title": "Pinned", "pinned": True}])
    b.ready()
    first = "return [...document.querySelectorAll('#pane-side [role=row]')].sort((a, b) => a.ariaRowIndex - b.ariaRowIndex).slice(0, 2).map((r) => r.querySelector('span[title]').title)"
    same("order", b.web.js(first), ["Pinned", "Unread"])
    last = b.ctl("GET", "chats")[-1]["title"]
    b.ctl("POST", "message", {"chat": last, "text": "up", "at": "2026-09-03T11:30:00Z"})
    b.until("the bump", first.replace("return ", "return (") + ")[1] === arguments[0]", last)
    badge = "const b = [...document.querySelectorAll('[data-testid=icon-unread-count]')].map((e) => e.innerText); return b"
    assert "3" in b.web.js(badge)
    b.open("Unread")
    same("the receipt", b.ctl("GET", "journal?type=chat_opened")[-1]["receipt"], True)
    same("unread after it", [c["unread"] for c in b.ctl("GET", "chats") if c["title"] == "Unread"], [0])
    assert "3" not in b.web.js(badge)
    assert "3 הודעות שלא נקראו" in b.text(), "no divider"


# --- messages ------------------------------------------------------------------------------------------


def check_against_truth(b, title, found, expected=None):
    expected = expected or b.ctl("GET", "truth?zone=UTC&chat=" + b.jid(title))
    same("ids", [m["id"] for m in found], [m["id"] for m in expected])
    for one, m in zip(found, expected):
        if m["kind"] in ("system", "call"):
            same("system", one["system"], True)
            continue
        same(f"direction of {m}", one["dir"], "out" if m["from_me"] else "in")
        texted = m["kind"] not in ("deleted", "waiting", "poll", "vcard", "location")
        same(f"text of {m}", one["text"], m["text"] if texted else "")
        same("time", one["time"], m["minute"][11:])
        if m["text"] and texted:
            day = m["minute"][:10].split("-")
            assert one["stamp"].startswith(f"[{m['minute'][11:]}, {int(day[2])}.{int(day[1])}.{day[0]}] "), one["stamp"]
        if not m["from_me"]:
            same(f"author of {m}", one["author"], m["author"])


def harvested(b, profile, **more):
    b.scene(fill=30, chats=[{"title": "Harvest", "count": 130}], profile=profile, **more)
    b.web.cdp("Emulation.setTimezoneOverride", timezoneId="UTC")
    b.open("Harvest")
    found, counts = b.harvest()
    check_against_truth(b, "Harvest", found)
    return found, counts


def test_profile_a_is_a_window(b):
    found, counts = harvested(b, "A")
    assert counts["rows_max"] <= 60, counts
    same("shells", counts["shells_max"], 0)
    key = b.web.js("return document.querySelector('[data-id]').dataset.id")
    assert re.fullmatch(r"(true|false)_\d+@g\.us_[0-9A-F]{20,32}_\d+@(c\.us|lid)", key), key
    same("test ids of rows", b.web.find_all('[data-testid^="conv-msg"]'), [])
    assert b.web.find_all(".message-in") and b.web.find_all("span.selectable-text.copyable-text")
    assert b.web.find_all(".copyable-area > div[tabindex]")


def test_profile_b_keeps_shells_far_away(b):
    found, counts = harvested(b, "B")
    same("rows", counts["rows_max"], 130)
    assert 0 < counts["shells_max"] < 130, counts
    assert b.web.find_all(".message-in") and b.web.find_all('span.selectable-text[data-testid="selectable-text"]')
    assert b.web.find_all('[data-icon="msg-dblcheck"]')


def test_profile_c_has_no_classes(b):
    found, counts = harvested(b, "C")
    assert counts["shells_max"] > 60, counts
    same("sizes of ids", {len(m["id"]) for m in found}, {20, 22, 32})
    same("classes of direction", b.web.find_all(".message-in, .message-out"), [])
    same("one token", b.web.find_all('[data-testid="selectable-text"]'), [])
    assert b.web.find_all('[data-testid~="selectable-text"]')
    same("ticks", b.web.find_all('[data-icon="msg-dblcheck"]'), [])
    same("the shell", b.web.js("""
        const s = document.querySelector('[data-id]:has([data-virtualized=true])'); return s && [s.innerText, s.firstChild.childElementCount]"""), ["", 1])
    assert b.web.js("return [...document.querySelectorAll('.copyable-text > div > span[dir]:not([class*=selectable])')].length") > 0, "no bare span"


def test_rolling_rows_are_mixed(b):
    found, counts = harvested(b, "rolling", seed=4)
    forms = b.web.js("return [...document.querySelectorAll('[data-id]')].map((e) => /^(true|false)_/.test(e.dataset.id))")
    assert 0 < sum(forms) < len(forms), "all rows are of one kind"


def test_unknown_future_yields_nothing(b):
    b.scene(fill=10, chats=[{"title": "Future", "count": 50}], profile="X")
    b.there("#pane-side [role=row]")
    same("known names", b.web.find_all("[data-testid], [data-id], .selectable-text"), [])
    b.open("Future")
    b.until("rows", "return document.querySelectorAll('#main [role=row]').length > 20")
    b.rest()
    same("known names of rows", b.web.find_all("[data-testid], [data-id], [data-pre-plain-text], .selectable-text, .copyable-text, [data-icon^=tail]"), [])
    b.ctl("POST", "change", {"profile": "C", "break": ["text"]})
    b.until("rows with ids", "return document.querySelectorAll('[data-id]').length > 20")
    same("texts", b.web.find_all(".copyable-text, .selectable-text"), [])
    b.ctl("POST", "change", {"break": ["shell"]})
    b.until("no side", "return !document.querySelector('#side, #pane-side, #main')")


def test_profile_changes_under_the_reader(b):
    """The same chat read before and after: the same messages under the same bare ids."""
    b.scene(fill=10, chats=[{"title": "Moving", "count": 90}], profile="A")
    b.open("Moving")
    first, _ = b.harvest()
    b.ctl("POST", "change", {"profile": "C"})
    b.until("profile C", "return !!document.querySelector('[data-testid=conversation-panel-messages] [data-testid^=conv-msg]')")
    b.web.js("const l = document.querySelector('[data-testid=conversation-panel-messages]'); l.scrollTop = l.scrollHeight")
    b.rest()
    second, _ = b.harvest()
    cut = lambda rows: [(m["id"], None if m["system"] else m["dir"], m["text"], m["author"] if m["dir"] == "in" and not m["system"] else None) for m in rows]
    same("messages", cut(second), cut(first))


def test_stamps_of_each_locale(b):
    """14:05 on 3 September 2026 in Jerusalem, as each locale writes it; and midnight, where clocks of 12 hours err."""
    b.scene(fill=0, zone="Asia/Jerusalem", chats=[{"title": "Stamps", "messages": [row(1, at="2026-09-02T21:07:00Z"), row(2, at="2026-09-03T11:05:30Z")]}])
    b.open("Stamps")
    expected = {
        "he": ["[0:07, 3.9.2026] ".replace("0:", "00:"), "[14:05, 3.9.2026] "],
        "en-US": ["[12:07\u202fAM, 9/3/2026] ", "[2:05\u202fPM, 9/3/2026] "],
        "en-GB": ["[00:07, 03/09/2026] ", "[14:05, 03/09/2026] "],
        "de": ["[00:07, 3.9.2026] ", "[14:05, 3.9.2026] "],
        "ru": ["[00:07, 03.09.2026] ", "[14:05, 03.09.2026] "],
        "pt-BR": ["[00:07, 03/09/2026] ", "[14:05, 03/09/2026] "],
        "es": ["[00:07, 3/9/2026] ", "[14:05, 3/9/2026] "],
        "hi": ["[12:07 am, 3/9/2026] ", "[2:05 pm, 3/9/2026] "],
        "zh-CN": ["[上午12:07, 2026年9月3日] ", "[下午2:05, 2026年9月3日] "],
        "ar": ["[12:07 ص, 3\u200f/9\u200f/2026] ", "[2:05 م, 3\u200f/9\u200f/2026] "],
        "ar-EG": ["[١٢:٠٧ ص, ٣\u200f/٩\u200f/٢٠٢٦] ", "[٢:٠٥ م, ٣\u200f/٩\u200f/٢٠٢٦] "],
        "fa": ["[۰۰:۰۷, ۱۴۰۵/۶/۱۲] ", "[۱۴:۰۵, ۱۴۰۵/۶/۱۲] "],
    }
    stamps = "return [...document.querySelectorAll('[data-pre-plain-text]')].map((e) => e.dataset.prePlainText)"
    for locale, pair in expected.items():
        b.ctl("POST", "change", {"locale": locale})
        wanted = [stamp + "Dana: " for stamp in pair]
        b.until(f"{locale}: {wanted}, last {b.web.js(stamps)}", f"return JSON.stringify((() => {{ {stamps} }})()) === JSON.stringify(arguments[0])", wanted)
        same("side", b.web.js("return document.dir"), "rtl" if locale in ("he", "ar", "ar-EG", "fa") else "ltr")
    b.ctl("POST", "change", {"locale": "en-US", "narrow": False})
    b.until("a plain space", stamps + ".join().includes('[2:05 PM, ')")


def test_stamps_when_clocks_change(b):
    """Every twenty minutes across both changes of 2026 in Jerusalem; the hour that comes twice is told in the truth."""
    zone = zoneinfo.ZoneInfo("Asia/Jerusalem")
    times = [datetime.datetime(2026, 3, 26, 22, tzinfo=datetime.timezone.utc) + datetime.timedelta(minutes=20 * i) for i in range(12)]
    times += [datetime.datetime(2026, 10, 24, 21, tzinfo=datetime.timezone.utc) + datetime.timedelta(minutes=20 * i) for i in range(15)]
    rows = [row(i, at=t.isoformat()) for i, t in enumerate(times)]
    b.scene(fill=0, zone="Asia/Jerusalem", chats=[{"title": "Clocks", "messages": rows}])
    b.open("Clocks")
    found, _ = b.harvest()
    expected = [t.astimezone(zone).strftime("[%H:%M, %-d.%-m.%Y] Dana: ") for t in times]
    same("stamps", [m["stamp"] for m in found], expected)
    told = b.ctl("GET", "truth?zone=Asia/Jerusalem&chat=Clocks")
    same("ambiguous", sorted({m["minute"][11:] for m in told if m["ambiguous"]}), ["01:00", "01:20", "01:40"])
    same("how many", sum(m["ambiguous"] for m in told), 6)


def test_zone_of_the_browser(b):
    b.web.cdp("Emulation.setTimezoneOverride", timezoneId="Asia/Tokyo")
    b.scene(fill=0, chats=[{"title": "Zone", "messages": [row(1, at="2026-09-03T20:30:00Z")]}])
    b.open("Zone")
    b.until("Tokyo", "const e = document.querySelector('[data-pre-plain-text]'); return e && e.dataset.prePlainText.startsWith('[05:30, 4.9.2026] ')")
    b.web.cdp("Emulation.setTimezoneOverride", timezoneId="UTC")


def test_each_kind_of_message(b):
    kinds = list(truth.KINDS)
    rows = [row(i, kind=k, **({} if k in ("text", "emoji", "multiline", "link", "quoted", "forwarded", "edited", "image_caption", "mention") else {"text": None}))
            for i, k in enumerate(kinds)]
    for one in rows:
        if one["kind"] in ("emoji", "multiline", "link", "mention"):
            one["text"] = None
        elif one["kind"] == "edited":
            one["edited"] = True
    b.scene(fill=0, margin=20000, chats=[{"title": "Kinds", "messages": rows, "members": [{"name": "Dana", "phone": "972550000009"}]}], locale="en-US")
    b.open("Kinds")
    b.until("all rows", "return document.querySelectorAll('[data-id]').length === arguments[0]", len(kinds))
    found, _ = b.harvest()
    b.web.js("document.querySelector('[data-testid=conversation-panel-messages]').scrollTop = 0")
    b.rest()
    of = {k: f'[data-id="{rows[i]["id"]}"] ' for i, k in enumerate(kinds)}

    def has(kind, css):
        at = b.web.find(of[kind].strip())
        b.web.js("arguments[0].scrollIntoView()", {webdriver.ELEMENT: at})
        b.there(of[kind] + css)

    has("album", '[data-testid="media-album"]')
    same("tiles", len(b.web.find_all(of["album"] + '[data-testid="image-thumb"]')), 4)
    has("image", '[data-testid="image-content"] img[src^="blob:"]')
    has("image_caption", '[data-pre-plain-text]')
    same("a picture has no stamp", b.web.find_all(of["image"] + "[data-pre-plain-text]"), [])
    for kind, name in (("video", "video-content"), ("gif", "video-content"), ("sticker", "sticker"), ("voice", "ptt"), ("document", "document"),
                       ("location", "location"), ("poll", "poll"), ("vcard", "vcard-msg"), ("quoted", "quoted-message"),
                       ("system", "msg-notification-container"), ("call", "msg-notification-container")):
        has(kind, f'[data-testid="{name}"]')
    has("deleted", '[data-icon="recalled"]')
    has("forwarded", '[data-icon="forwarded"]')
    for kind, words in (("edited", "Edited"), ("waiting", "Waiting for this message")):
        has(kind, '[data-testid="msg-meta"]')
        assert words in b.web.js("return document.querySelector(arguments[0]).innerText", of[kind].strip())
    has("link", 'a[href^="https://example.org"]')
    has("mention", '[data-plain-text][data-app-text-template$="@lid"]')
    has("emoji", "img[alt][data-plain-text]")
    bytes_of = b.web.js_async("""
        const done = arguments[1], img = document.querySelector(arguments[0] + 'img[src^="blob:"]');
        fetch(img.src).then((r) => r.blob()).then((x) => x.arrayBuffer()).then((x) => crypto.subtle.digest('SHA-256', x))
            .then((d) => done([...new Uint8Array(d)].map((n) => n.toString(16).padStart(2, '0')).join('')));""", of["image"])
    same("the picture's hash", bytes_of, b.ctl("GET", "truth?chat=Kinds")[kinds.index("image")]["media"][0]["sha256"])


def test_pictures_live_as_long_as_their_row(b):
    rows = [row(0, text="#"), row(1, kind="image", text="")] + [row(i) for i in range(2, 50)]
    b.scene(fill=0, margin=300, batch_size=50, chats=[{"title": "Blob", "messages": rows}])
    b.open("Blob")
    move = "const l = document.querySelector('[data-testid=conversation-panel-messages]'); l.scrollTop = arguments[0] * l.scrollHeight"
    same("a picture far away", b.web.find_all("img[src^=blob]"), [])
    b.web.js(move, 0)
    b.there('[data-id] img[src^="blob:"]')
    url = b.web.js("return document.querySelector('img[src^=\"blob:\"]').src")
    fetched = "const done = arguments[1]; fetch(arguments[0]).then((r) => done(r.ok)).catch(() => done(false))"
    same("while the row is there", b.web.js_async(fetched, url), True)
    b.web.js(move, 1)
    b.until("a shell", "return !document.querySelector('img[src^=\"blob:\"]')")
    same("when it is not", b.web.js_async(fetched, url), False)


def test_long_texts_come_in_parts(b):
    words = "".join(f"{i % 10}אב🙂 אבגדהוזחטיכלמנ" for i in range(1053))  # 20,000 code points.
    b.scene(fill=0, margin=9000, chats=[{"title": "Long", "messages": [row(1, text=words), row(2, text="x" * 3300), row(3, text="y" * 3400, kind="image_caption")]}])
    b.open("Long")
    b.there('[data-testid="caption-read-more-button"]')
    shown = 'return [...document.querySelectorAll("[data-pre-plain-text]")].map((e) => e.querySelectorAll(".read-more-button").length)'
    b.until("buttons", shown + ".join() === '1,0,1'")
    found, _ = b.harvest()
    same("texts", [m["text"] for m in found], [words, "x" * 3300, "y" * 3400])
    same("clicks", len(b.ctl("GET", "journal?type=read_more")), 6 + 1)


def test_older_messages_of_the_telephone(b):
    b.scene(fill=0, chats=[{"title": "Old", "count": 120, "phone_only": 50}], batch_size=40, locale="en-US")
    b.open("Old")
    found, _ = b.harvest()
    same("without the click", len(found), 70)
    for expected in (110, 120):
        b.web.js("document.querySelector('[data-testid=conversation-panel-messages]').scrollTop = 0")
        banner = b.until("the banner", "return [...document.querySelectorAll('#main [role=button]')].find((e) => e.innerText.startsWith('Click here to get older messages'))")
        b.web.js("arguments[0].scrollIntoView()", banner)
        b.web.click(banner[webdriver.ELEMENT])
        b.until("more", "return document.querySelectorAll('[data-id]').length === arguments[0]", expected)
    check_order = b.web.js("return [...document.querySelectorAll('[data-id]')].map((e) => e.dataset.id)")
    same("ids", check_order, [m["id"] for m in b.ctl("GET", "truth?chat=Old")])
    same("journal", len(b.ctl("GET", "journal?type=older")), 2)
    same("no reader of this kind clicks it", b.ctl("POST", "verdict", {"chats": ["Old"]})["read_only"], False)
    same("unless told to", b.ctl("POST", "verdict", {"chats": ["Old"], "older": True})["violations"], [])


def test_changes_arrive_while_the_page_stands(b):
    b.scene(fill=3, chats=[{"title": "Live", "messages": [row(i) for i in range(5)]}])
    b.open("Live")
    texts = "return [...document.querySelectorAll('#main [data-id]')].map((e) => [e.dataset.id.slice(-1), (e.querySelector('.copyable-text span[dir]') || {}).innerText || '', !!e.querySelector('[data-icon=recalled]')])"
    b.until("five rows", "return document.querySelectorAll('#main [data-virtualized=false]').length === 5")
    b.ctl("POST", "message", {"chat": "Live", "op": "edit", "id": row(1)["id"], "text": "better words"})
    b.ctl("POST", "message", {"chat": "Live", "op": "delete", "id": row(2)["id"]})
    b.ctl("POST", "message", {"chat": "Live", "op": "react", "id": row(3)["id"], "emoji": "❤️"})
    same("ids", b.ctl("POST", "message", {"chat": "Live", **row(9)})["ids"], [row(9)["id"]])
    b.until("six rows", "return document.querySelectorAll('#main [data-virtualized=false]').length === 6")
    same("rows", b.web.js(texts), [["0", "message 0", False], ["1", "better words", False], ["2", "", True], ["3", "message 3", False],
                                   ["4", "message 4", False], ["9", "message 9", False]])
    assert b.web.find_all('button[aria-label^="reactions"]')
    b.ctl("POST", "message", {"chat": "Live", "op": "vanish", "id": row(9)["id"]})
    b.until("five rows again", "return document.querySelectorAll('#main [data-id]').length === 5")
    same("in the truth", len(b.ctl("GET", "truth?chat=Live")), 5)
    b.ctl("POST", "message", {"chat": "Live", **row(8), "text": "half \ud83d of an emoji"})
    b.until("half a surrogate", "return [...document.querySelectorAll('#main .copyable-text span[dir]')].some((e) => e.textContent.charCodeAt(5) === 0xd83d)")
    made = b.ctl("POST", "message", {"chat": "Live", "burst": 30, "from_me": False})["ids"]
    b.until("a burst", "return document.querySelectorAll('#main [data-id]').length === 36")
    same("truth", [m["id"] for m in b.ctl("GET", "truth?chat=Live")][-30:], made)
    waits = b.ctl("POST", "message", {"chat": "Live", "kind": "waiting", "text": ""})["ids"][0]
    b.there(f'[data-id="{waits}"] [data-testid="msg-container"]')
    b.ctl("POST", "message", {"chat": "Live", "op": "resolve", "id": waits, "text": "here it is"})
    b.until("the text", "const e = document.querySelector(arguments[0]); return e && e.innerText.includes('here it is')", f'[data-id="{waits}"] .copyable-text')


def test_twins_are_two_messages(b):
    b.scene(fill=0, chats=[{"title": "Twins", "count": 60, "kinds": {"text": 1, "twin": 3}}])
    rows = b.ctl("GET", "truth?chat=Twins")
    pairs = [1 for x, y in zip(rows, rows[1:]) if (x["text"], x["author"], x["minute"]) == (y["text"], y["author"], y["minute"])]
    assert len(pairs) > 20 and len({m["id"] for m in rows}) == 60


def test_messages_come_while_scrolling(b):
    b.scene(fill=3, chats=[{"title": "Busy", "count": 150}], batch_size=40,
            triggers=[{"on": "batch", "chat": "Busy", "n": 3, "do": [["POST", "/ctl/message", {"chat": "Busy", "burst": 3}]]}])
    b.open("Busy")
    found, _ = b.harvest()
    ids = {m["id"] for m in found}
    same("older ones", ids >= {m["id"] for m in b.ctl("GET", "truth?chat=Busy")[:150]}, True)
    same("in the page", b.web.js("return document.querySelectorAll('[data-id]').length"), 153)


def test_slow_and_empty_batches(b):
    b.scene(fill=0, chats=[{"title": "Slow", "count": 100}], batch_size=40, delays={"batch": 150}, faults={"empty_first": 1})
    b.open("Slow")
    start = time.monotonic()
    b.web.js("document.querySelector('[data-testid=conversation-panel-messages]').scrollTop = 0")
    b.until("older rows", "return document.querySelectorAll('[data-id]').length > 40")
    assert time.monotonic() - start > 0.7, "too early"


def test_older_rows_do_not_move_the_view(b):
    """All of one day, so that its heading goes up with the older rows and only messages can hold the view."""
    b.scene(fill=0, chats=[{"title": "Anchor", "messages": [row(i, at="2026-09-03T10:00:00Z") for i in range(90)]}], batch_size=30)
    b.open("Anchor")
    b.there("#main [data-virtualized=false]")
    b.rest()
    place = "const e = document.querySelector('[data-id=\"' + arguments[0] + '\"]'); return e && Math.round(e.getBoundingClientRect().top)"
    first = row(60)["id"]
    before = b.web.js("document.querySelector('[data-testid=conversation-panel-messages]').scrollTop = 0; " + place, first)
    b.until("older rows", "return document.querySelectorAll('[data-id]').length === 60")
    b.rest()
    after = b.web.js(place, first)
    assert abs(after - before) <= 40, f"from {before} to {after}"  # The heading's height went up.


def test_rows_vanish_between_two_looks(b):
    b.scene(fill=0, chats=[{"title": "Restless", "count": 30}], faults={"rerender": 40})
    b.open("Restless")
    b.there("#main [data-virtualized=false]")
    element = b.web.find("#main [data-id]:has([data-virtualized=false])")
    deadline = time.monotonic() + WAIT_S
    try:
        while time.monotonic() < deadline:
            b.web.call("GET", f"/element/{element}/attribute/data-id")
        raise AssertionError("the row stayed")
    except webdriver.Fault as fault:
        same("fault", fault.error, "stale element reference")


def test_five_thousand_messages(b):
    b.scene(fill=0, chats=[{"title": "Big", "count": 5000}], batch_size=[40, 60])
    same("truth", len(b.ctl("GET", "truth?chat=Big")), 5000)
    b.open("Big")
    found, counts = b.harvest(steps=40)
    assert len(found) > 150, (len(found), counts)
    while found[0]["system"] or found[0]["dir"] is None or found[0]["author"] is None:
        found.pop(0)  # The middle of a run whose beginning was not read.
    check_against_truth(b, "Big", found, b.ctl("GET", "truth?zone=UTC&chat=Big")[-len(found):])


def test_the_other_database(b):
    b.scene(fill=4, chats=[{"title": "Model", "count": 20}], model_storage=True)
    b.open("Model")
    read = """
        const done = arguments[0], asked = indexedDB.open('model-storage');
        asked.onsuccess = () => { const db = asked.result, all = db.transaction('message').objectStore('message').getAll();
            all.onsuccess = () => { db.close(); done([[...db.objectStoreNames], all.result]); }; };"""
    deadline = time.monotonic() + WAIT_S
    rows = []
    while len(rows) < 20 and time.monotonic() < deadline:
        stores, rows = b.web.js_async(read)
    same("stores", stores, ["chat", "contact", "group-metadata", "message"])
    known = {m["id"].split("_")[2]: (m["t"], m["fromMe"]) for m in rows}
    same("messages", known, {m["id"]: (m["epoch"], m["from_me"]) for m in b.ctl("GET", "truth?chat=Model")})
    assert "text" not in rows[0] and "body" not in rows[0]


# --- what can go wrong ------------------------------------------------------------------------------------


def test_screens_of_trouble(b):
    for faults, said in (({"unsupported": True}, "browser is not supported"), ({"block_headless": True}, "browser is not supported"),
                         ({"storage_full": True}, "browser storage is full")):
        b.scene(fill=3, locale="en-US", faults=faults)
        b.until(said, "return document.body.innerText.includes(arguments[0])", said)
        same("list", b.web.find_all("#side"), [])
    b.scene(fill=3, faults={"offline": "phone"})
    b.there('[data-testid="alert-phone"] span[data-icon="alert-phone"]')
    b.ctl("POST", "change", {"faults": {"offline": "computer", "restricted": True}})
    b.there('[data-testid="alert-computer"]')
    b.ready()
    b.click_chat(b.ctl("GET", "chats")[0]["title"])
    b.there('[data-testid="block-message"] [data-testid="reachout-timelock-compose-bar"]')
    b.scene(fill=3, faults={"never_ready": True})
    b.there("progress")
    time.sleep(0.3)
    same("list of one that never comes", b.web.find_all("#side"), [])
    b.ctl("POST", "change", {"faults": {"never_ready": False}})
    b.ready()


def test_dialogs_that_harm_and_that_do_not(b):
    b.scene(fill=5, chats=[{"title": "Covered"}], faults={"promo": True}, locale="en-US")
    b.there('[role=dialog] [data-icon="x"]')
    try:
        b.click_chat("Covered")
        raise AssertionError("the click went through")
    except webdriver.Fault as fault:
        same("fault", fault.error, "element click intercepted")
    b.web.click(b.web.find('[data-icon="x"]'))
    b.ctl("POST", "dialog", {"kind": "destructive"})
    b.there("[data-testid=popup-controls-ok]")
    same("so far", b.ctl("POST", "verdict", {"chats": ["Covered"]})["violations"], [])
    b.web.click(b.web.find("[data-testid=popup-controls-ok]"))
    bad = b.ctl("POST", "verdict", {"chats": ["Covered"]})
    same("after it", (bad["read_only"], bad["violations"][0]["type"]), (False, "destructive"))
    b.ctl("POST", "dialog", {"kind": "alert", "text": "invented"})
    deadline = time.monotonic() + WAIT_S
    try:
        while time.monotonic() < deadline:
            b.web.js("return 1")
        raise AssertionError("no alert")
    except webdriver.Fault as fault:
        same("fault", fault.error, "unexpected alert open")
    try:
        b.web.call("POST", "/alert/dismiss")
    except webdriver.Fault as fault:
        same("it was dismissed by the fault", fault.error, "no such alert")
    b.open("Covered")


def test_hangs_of_page_and_network(b):
    b.scene(fill=3, chats=[{"title": "Still"}])
    b.ready()
    b.ctl("POST", "hang", {"seconds": 0.5})
    deadline, longest = time.monotonic() + WAIT_S, 0
    while longest < 0.4:  # It begins when the page hears of it.
        assert time.monotonic() < deadline, "no hang"
        start = time.monotonic()
        b.web.js("return 1")
        longest = time.monotonic() - start
    hung = b.until("the end of the hang", "return hung_ms")  # A busy machine makes calls long, too.
    assert 480 <= hung < 10000, hung
    start = time.monotonic()
    b.ctl("POST", "freeze", {"seconds": 0.5})
    b.click_chat("Still")
    b.there("#main")
    assert time.monotonic() - start > 0.4, "no freeze"


def test_reader_and_trespasser(b):
    """The journal of a reader holds nothing that goes out; each trespass is found."""
    b.scene(fill=6, chats=[{"title": "Mine", "count": 60}, {"title": "Private"}])
    b.open("Mine")
    b.harvest()
    same("a reader", b.ctl("POST", "verdict", {"chats": ["Mine"]}), {"read_only": True, "violations": []})
    assert b.ctl("GET", "journal?type=scroll"), "no scroll steps"
    assert not b.ctl("POST", "verdict", {"chats": ["Mine"], "pace_ms": 60000})["read_only"], "no pace is kept"

    def trespass(kind, act):
        b.ctl("DELETE", "journal")
        act()
        bad = b.ctl("POST", "verdict", {"chats": ["Mine"]})["violations"]
        assert kind in [e["type"] for e in bad], f"{kind} is not in {bad}"

    box = b.web.find('[data-testid="conversation-compose-box-input"]')
    trespass("composer", lambda: b.web.js("arguments[0].focus()", {webdriver.ELEMENT: box}))
    trespass("composer", lambda: b.web.js("arguments[0].textContent = 'x'", {webdriver.ELEMENT: box}))
    trespass("key", lambda: b.web.keys(box, "a"))
    trespass("send", lambda: b.web.keys(box, "hello\ue007"))
    trespass("send", lambda: b.web.click(b.web.find('[data-icon="send"]')))
    trespass("react", lambda: b.web.js("document.querySelector('#main [aria-label=react]').click()"))
    trespass("call", lambda: b.web.click(b.web.find('[data-icon="video-call"]')))
    trespass("menu", lambda: b.web.click(b.web.find('[data-icon="menu"]')))

    def other():
        b.click_chat("Private")
        b.until("it opens", "return document.querySelector('#main header span[title]').title === 'Private'")

    trespass("chat_opened", other)
    lines = [json.loads(line) for line in open(os.path.join(b.folder, "journal.jsonl"), encoding="utf-8")]
    same("the file has it too", lines[-1]["type"] in ("chat_opened", "click", "media", "scroll"), True)


def test_marks_and_names(b):
    """Each way in which a member is known comes up, with its marks."""
    b.scene(fill=0, chats=[{"title": "People", "count": 80, "kinds": {"text": 1}}], locale="he", name_suffix=True)
    b.open("People")
    found, _ = b.harvest()
    authors = {m["author"] for m in found if m["dir"] == "in"}
    assert any(re.fullmatch("\u202a\\+972\u00a0\\d\\d-\\d{3}-\\d{4}\u202c", a) for a in authors), authors
    assert any("\u2011" in a for a in authors) and any(a.startswith("~") for a in authors), authors
    assert b.web.find_all('span[aria-label$=" (פרטי הפרופיל):"]')
    assert b.web.find_all('[data-testid="author"]')
    same("classes", b.web.js("return document.querySelector('#main').className.split(' ').every((c) => /^x[a-z0-9]{3,}$/.test(c))"), True)


def test_lines_on_standard_input(b):
    def say(line):
        b.server.stdin.write(line + "\n")
        b.server.stdin.flush()
        return b.server.stdout.readline().strip()

    same("scenario", say('PUT /ctl/scenario {"chats": [{"title": "Words", "count": 4}], "seed": 9}'), "ok")
    same("message", say('POST /ctl/message {"chat": "Words", "text": "one more"}'), "ok")
    same("truth", say("GET /ctl/truth?chat=Words truth.json"), "ok")
    with open(os.path.join(b.folder, "truth.json"), encoding="utf-8") as file:
        same("last", [m["text"] for m in json.load(file)][-1], "one more")
    for bad in ("POST /ctl/message {", "GET /ctl/nothing", 'PUT /ctl/scenario {"sede": 1}', 'POST /ctl/change {"faults": {"x": 1}}', "nonsense"):
        assert say(bad).startswith("bad: "), bad


def test_same_seed_same_truth(b):
    spec = {"chats": [{"title": "Seeded", "count": 50}], "fill": 20}
    tell = lambda world: json.dumps([world.truth(c.jid) for c in world.chats])
    same("the same", tell(truth.World({**spec, "seed": 5})) == tell(truth.World({**spec, "seed": 5})), True)
    same("another", tell(truth.World({**spec, "seed": 5})) == tell(truth.World({**spec, "seed": 6})), False)


def test_the_renderer_dies(b):
    """Last, because the session does not live on."""
    b.scene(fill=3)
    b.ready()
    b.ctl("POST", "crash", {})
    deadline = time.monotonic() + WAIT_S
    try:
        while time.monotonic() < deadline:
            b.web.js("return 1")
        raise AssertionError("no crash")
    except webdriver.Fault as fault:
        assert fault.error in ("tab crashed", "script timeout", "unknown error"), fault
        assert "crash" in str(fault), fault


def jid_of(b, title):
    return next(c["jid"] for c in b.ctl("GET", "chats") if c["title"] == title)


Bench.jid = jid_of


def run(programs, tests, passed):
    """Tests in their order, with a browser and a look-alike of their own."""
    driver = webdriver.Driver(*programs)
    try:
        b = Bench(driver)
        try:
            for name, test in tests:
                start = time.monotonic()
                try:
                    test(b)
                    passed.append(name)
                    print(f"ok {name} ({time.monotonic() - start:.2f} s)", flush=True)
                except Exception as why:  # Whatever it was, the other tests still tell something.
                    line = traceback.extract_tb(why.__traceback__)[-1]
                    print(f"FAILED {name}: {type(why).__name__}: {why} ({line.lineno}: {line.line})", flush=True)
        finally:
            b.stop()
    finally:
        driver.stop()


def main(wanted):
    programs = webdriver.program("chromedriver"), webdriver.program("chromium")
    if not all(programs):
        print("missing: chromedriver and Chromium")
        return 77
    tests = [(n, t) for n, t in globals().items() if n.startswith("test_") and (not wanted or any(w in n for w in wanted))]
    passed = []
    # Mostly a browser waits; so two at once, each with half of the tests in their order.
    half = (len(tests) + 1) // 2
    halves = [threading.Thread(target=run, args=(programs, part, passed)) for part in (tests[:half], tests[half:]) if part]
    for one in halves:
        one.start()
    for one in halves:
        one.join()
    failed = len(tests) - len(passed)
    print(f"{len(passed)} passed, {failed} failed")
    return 1 if failed or not tests else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
