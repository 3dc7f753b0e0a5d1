"""whatsapp.py PROGRAM: what reading a chat of WhatsApp Web costs, with the product, Chromium and the look-alike.

2,000 messages in batches of 50 are read in one run. Bars: calls of WebDriver from the list of chats to the last step, our own
CPU as a part of the time that the reading took, the rate against what the page itself allows (the same steps through
the same driver with nothing extracted), and the calls of a look that finds nothing new. Ends with 1 when one is missed.
"""
import http.client
import http.server
import json
import os
import re
import sys
import tempfile
import threading
import time

REPO = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
if len(sys.argv) > 1:
    os.environ["SLUICE"] = os.path.abspath(sys.argv[1])
sys.path[:0] = [os.path.join(REPO, "tests", "product"), os.path.join(REPO, "tests", "wa-sim")]
import webdriver  # noqa: E402
import whatsapp_web  # noqa: E402

MESSAGES, BATCH = 2000, 50
CALLS_BAR, RATE_BAR, CPU_BAR, QUIET_BAR = 45, 0.9, 5.0, 3
STEP = """const done = arguments[arguments.length - 1], began = performance.now();
const box = document.querySelector('[data-testid="conversation-panel-messages"]');
const count = () => box.querySelectorAll('[data-id]').length;
const before = count();
box.scrollTop = 0;
(function look() {
  if (count() > before && page_at_rest()) return done(count());
  if (performance.now() - began > 1000) return done(count());
  setTimeout(look, 5);
})();"""


class Counter(http.server.BaseHTTPRequestHandler):
    """Stands before the driver and counts what goes out."""
    protocol_version = "HTTP/1.1"

    def serve(self):
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        name = re.search(rb"(?:run|pick)\(([a-z_]+), arguments", body)
        self.server.seen.append((time.monotonic(), self.path, name.group(1).decode() if name else ""))
        driver = http.client.HTTPConnection("127.0.0.1", self.server.driver, timeout=120)
        driver.request(self.command, self.path, body or None, {"Content-Type": "application/json; charset=utf-8"})
        answer = driver.getresponse()
        data = answer.read()
        driver.close()
        self.send_response(answer.status)
        self.send_header("Content-Type", "application/json; charset=utf-8")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    do_GET = do_POST = do_DELETE = serve

    def log_message(self, *_):
        pass


def counted(world):
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Counter)
    server.daemon_threads = True
    server.driver, server.seen = world.driver, []
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server


def scenario(world):
    world.scenario(profile="B", batch_size=[BATCH, BATCH], fill=30,
                   chats=[{"title": whatsapp_web.GROUP, "count": MESSAGES + 600, "kinds": {"text": 1}}])


def page_alone(world):
    """Messages a second when the same steps extract nothing."""
    scenario(world)
    driver = http.client.HTTPConnection("127.0.0.1", world.driver, timeout=120)

    def call(method, path, body=None):
        driver.request(method, path, None if body is None else json.dumps(body), {"Content-Type": "application/json"})
        value = json.loads(driver.getresponse().read())["value"]
        if isinstance(value, dict) and "error" in value:
            raise whatsapp_web.Bad(value["message"][:200])
        return value

    at = "/session/" + call("POST", "/session", {"capabilities": {"alwaysMatch": {"goog:chromeOptions": {
        "args": webdriver.ARGUMENTS}}}})["sessionId"]
    try:
        call("POST", at + "/url", {"url": f"http://127.0.0.1:{world.wa}/"})
        deadline, row = time.monotonic() + 20, None
        while time.monotonic() < deadline and not row:
            row = call("POST", at + "/elements", {"using": "xpath",
                       "value": f"//*[@id='pane-side']//span[@title='{whatsapp_web.GROUP}']/ancestor::*[@role='gridcell'][1]"})
        call("POST", f"{at}/element/{row[0][webdriver.ELEMENT]}/click", {})
        time.sleep(1)
        began, steps, count, still = time.monotonic(), 0, 0, 0
        while count < MESSAGES and still < 3:
            now = call("POST", at + "/execute/async", {"script": STEP, "args": []})
            still = still + 1 if now == count else 0
            count, steps = now, steps + 1
        return count / (time.monotonic() - began), steps
    finally:
        call("DELETE", at)


def product(world):
    """Calls, messages a second while climbing, own CPU in percent of that time."""
    scenario(world)
    server = counted(world)
    world.desk(webdriver=f"http://127.0.0.1:{server.server_address[1]}", media=False, first_look=MESSAGES)
    run = world.begin("run")
    _, status, usage = os.wait4(run.pid, 0)
    if status != 0:
        raise whatsapp_web.Bad(f"sluice run ended with {status}")
    work = [one for one in server.seen if one[2] or one[1].endswith("/click")]
    took = work[-1][0] - next(one[0] for one in work if one[2] == "newest")
    if len(world.archive()) != MESSAGES:
        raise whatsapp_web.Bad(f"{len(world.archive())} messages")
    return {"calls": len(work), "rate": MESSAGES / took, "cpu": 100 * (usage.ru_utime + usage.ru_stime) / took,
            "rss": usage.ru_maxrss}


def quiet(world):
    """Calls of a look that finds nothing new."""
    world.scenario(chats=[{"title": whatsapp_web.GROUP, "count": 60}])
    server = counted(world)
    world.desk(webdriver=f"http://127.0.0.1:{server.server_address[1]}", poll="1s")
    serve = world.begin("serve")
    time.sleep(12)
    seen = [one for one in server.seen if one[0] > time.monotonic() - 5.2]
    serve.terminate()
    serve.wait(30)
    looks = sum(one[2] == "list" for one in seen)
    return len(seen) / looks if looks else 99


def main():
    with tempfile.TemporaryDirectory() as folder:
        world = whatsapp_web.World(folder)
        try:
            alone, steps = page_alone(world)
            ours = product(world)
            poll = quiet(world)
        finally:
            world.stop()
    lines = [
        ("calls for 2,000 messages", ours["calls"], CALLS_BAR, ours["calls"] <= CALLS_BAR),
        ("of what the page allows", round(ours["rate"] / alone, 2), RATE_BAR, ours["rate"] >= RATE_BAR * alone),
        ("own CPU, percent of wall", round(ours["cpu"], 1), CPU_BAR, ours["cpu"] <= CPU_BAR),
        ("calls of a look with nothing new", round(poll, 1), QUIET_BAR, poll <= QUIET_BAR),
    ]
    print(f"page alone: {alone:.0f} messages/s in {steps} steps; sluice: {ours['rate']:.0f} messages/s, {ours['rss']} KiB at most")
    for name, value, bar, good in lines:
        print(f"{'ok' if good else 'MISSED'}  {name}: {value} (bar {bar})")
    sys.exit(0 if all(line[3] for line in lines) else 1)


if __name__ == "__main__":
    main()
