"""A browser for the tests: see tests/rig/outside.h for how it is started.

    python3 browser_server.py DIR [grid]

Prints "driver PORT" (a chromedriver) or "grid PORT" (a Selenium Grid with one place), "page PORT" (a web server with
the page below), "closed PORT" where nobody listens, "display NUMBER" where there is an Xvfb, and "ready". Ends, with
all that it started, when its standard input does. Lines that it takes, each answered by "ok":

    kill-browser    every browser that the driver started is killed
    restart         the driver or Grid is killed and started again, browsers too
    stop, start     the same in two parts

Everything listens on 127.0.0.1 only.
"""
import http.server
import os
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.request

PAGE = """<!doctype html><html lang="he" dir="rtl"><head><meta charset="utf-8"><title>דף הבדיקה</title>
<style>#cover{position:fixed;inset:0;background:#fff8;display:none} .row{height:20px}</style></head><body>
<button id="button">לחיצה</button><input id="field"><div id="list"></div><div id="cover"></div>
<script>
window.journal = [];
for (const kind of ["pointerdown", "mousedown", "click", "keydown", "input"])
  document.addEventListener(kind, e => journal.push([kind, e.isTrusted, e.target.id, e.key || ""]));
const list = document.getElementById("list");
for (let i = 0; i < 60; i++) {
  const row = document.createElement("div");
  row.className = "row"; row.dataset.id = "MSG" + i;
  const copyable = document.createElement("div"), text = document.createElement("span");
  copyable.className = "copyable-text"; copyable.dataset.prePlainText = "[14:05, 3.9.2026] דנה כהן: ";
  text.className = "selectable-text"; text.textContent = "הודעה " + i + " 🙂 שיעור מחר בשעה 16:30 אצל התלמידה";
  copyable.append(text); row.append(copyable); list.append(row);
}
</script></body></html>"""


class Page(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        if self.path == "/never":
            time.sleep(1.5)
        body = PAGE.encode()
        self.send_response(200)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        try:
            self.wfile.write(body)
        except OSError:
            pass  # The browser did not wait.

    def log_message(self, *_):
        pass


def tool(name):
    if not os.environ.get("SLUICE_CACHE") or not os.path.exists("ci/tool"):
        tool.why = "ci/tool is not here"
        return None
    done = subprocess.run(["ci/tool", name], capture_output=True, text=True)
    tool.why = (done.stderr.strip().splitlines() or [""])[-1]
    return done.stdout.strip() if done.returncode == 0 else None


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def children(pid):
    """All below a process."""
    below = {}
    for name in os.listdir("/proc"):
        if name.isdigit():
            try:
                with open(f"/proc/{name}/stat") as file:
                    parent = int(file.read().rpartition(")")[2].split()[1])
            except OSError:
                continue
            below.setdefault(parent, []).append(int(name))
    found, todo = [], [pid]
    while todo:
        todo += below.get(todo.pop(), [])
        found = todo + found
        if len(found) > 5000:
            break
    return set(found)


def command_of(pid):
    try:
        with open(f"/proc/{pid}/cmdline") as file:
            return file.read()
    except OSError:
        return ""


def end(pids):
    for pid in pids:
        try:
            os.kill(pid, signal.SIGKILL)
        except OSError:
            pass


class Driver:
    """A chromedriver, or a Grid that starts one."""

    def __init__(self, folder, words, port, env):
        self.folder, self.words, self.port, self.env = folder, words, port, env
        self.process = None
        self.seen = set()

    def start(self):
        self.log = open(os.path.join(self.folder, "driver.log"), "ab")
        self.process = subprocess.Popen(self.words, env=self.env, stdin=subprocess.DEVNULL, stdout=self.log,
                                        stderr=self.log, cwd=self.folder, start_new_session=True)
        deadline = time.monotonic() + 50
        while time.monotonic() < deadline and self.process.poll() is None:
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/status", timeout=2) as answer:
                    if b'"ready": true' in (body := answer.read()) or b'"ready":true' in body:
                        return True
            except OSError:
                pass
            time.sleep(0.05)
        return False

    def browsers(self):
        return [pid for pid in children(self.process.pid) if "--user-data-dir" in command_of(pid)]

    def stop(self):
        if self.process is not None:
            mine = children(self.process.pid)
            end([self.process.pid])
            end(mine)
            self.process.wait()
            self.process = None


def obey(driver, line):
    if line == "kill-browser":
        end(driver.browsers())
    elif line in ("restart", "stop", "start"):
        if line != "start":
            driver.stop()
        if line != "stop":
            driver.start()


def grid_words(folder, parts, chromium, chromedriver, port):
    args = '"--headless=new","--no-sandbox","--disable-dev-shm-usage"'
    with open(os.path.join(folder, "grid.toml"), "w") as file:
        file.write(f"""[server]
host="127.0.0.1"
port={port}
[node]
detect-drivers=false
max-sessions=1
session-timeout=10
selenium-manager=false
[[node.driver-configuration]]
display-name="chromium"
webdriver-executable="{chromedriver}"
max-sessions=1
stereotype='{{"browserName":"chrome","goog:chromeOptions":{{"binary":"{chromium}","args":[{args}]}}}}'
[sessionqueue]
session-request-timeout=20
""")
    return ["java", "-Xmx256m", "-cp", parts + "/*", "org.openqa.selenium.grid.Main", "standalone", "--config",
            "grid.toml"]


def main():
    folder, grid = sys.argv[1], sys.argv[2:] == ["grid"]
    chromium, chromedriver = tool("chromium"), tool("chromedriver")
    if not chromium or not chromedriver:
        print("missing: Chromium and its driver:", tool.why, flush=True)
        return
    parts = tool("selenium") if grid else None
    if grid and not parts:
        print("missing: Selenium Grid:", tool.why, flush=True)
        return
    port = free_port()
    env = dict(os.environ, TMPDIR=folder, HOME=folder)
    words = (grid_words(folder, parts, chromium, chromedriver, port) if grid
             else [chromedriver, f"--port={port}", "--silent"])
    display = None
    xvfb = None if grid else tool("xvfb")
    if xvfb:
        read, write = os.pipe()
        display = subprocess.Popen([xvfb, "-displayfd", str(write), "-screen", "0", "1280x1024x24", "-nolisten", "tcp"],
                                   pass_fds=[write], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                   stderr=subprocess.DEVNULL)
        os.close(write)
        number = os.read(read, 16).decode().strip()
        if number:
            env["DISPLAY"] = ":" + number
            print("display", number)
    driver = Driver(folder, words, port, env)
    pages = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Page)
    pages.daemon_threads = True
    threading.Thread(target=pages.serve_forever, daemon=True).start()
    try:
        if not driver.start():
            with open(os.path.join(folder, "driver.log")) as file:
                sys.stderr.write(file.read()[-2000:])
            return
        print("grid" if grid else "driver", port)
        print("page", pages.server_address[1])
        print("closed", free_port())
        print("ready", flush=True)
        for line in sys.stdin:
            obey(driver, line.strip())
            print("ok", flush=True)
    finally:
        driver.stop()
        if display is not None:
            display.kill()
            display.wait()


if __name__ == "__main__":
    main()
