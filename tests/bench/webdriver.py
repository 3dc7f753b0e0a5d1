"""webdriver.py PROGRAM [--rounds N] [--turns N]: our WebDriver client against Python, in turns.

Reads the 60 rows of tests/net/browser_server.py's page through chromedriver and through a Selenium Grid: element by
element, as scrapers do (find the rows; of each its id, the element with the stamp, the stamp, the element with the
text, the text), with one script that returns objects, and with our program (tests/bench/webdriver.c). The rivals
speak over one kept connection of http.client with nothing in between, which is quicker than the selenium package.
All use one session of one browser, in short turns; figures are medians of the turns, and so are the ratios, each of
neighbours. Every run checks that it read all rows. Ends with 1 when a bar is missed.
"""
import argparse
import http.client
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time

ELEMENT = "element-6066-11e4-a52e-4f735466cecf"
ROWS = 60
SCRIPT = ("return [...document.querySelectorAll('div.row')].map(r => ({id: r.dataset.id, "
          "stamp: r.querySelector('.copyable-text').dataset.prePlainText, "
          "text: r.querySelector('.selectable-text').textContent}))")
BARS = {"driver": 8000, "grid": 5000}
BY_ELEMENT_BAR = 120
BY_SCRIPT_BAR = 1.0
WARM_S = 3  # A browser that has just started is busy with itself.


class Bad(Exception):
    pass


class Rival:
    def __init__(self, port, page):
        self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        args = ["--headless=new", "--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu"]
        made = self.call("POST", "/session", {"capabilities": {"alwaysMatch": {
            "browserName": "chrome", "goog:chromeOptions": {"args": args}}, "firstMatch": [{}]}})
        self.at = "/session/" + made["sessionId"]
        self.call("POST", self.at + "/url", {"url": page})

    def call(self, method, path, body=None):
        self.connection.request(method, path, None if body is None else json.dumps(body),
                                {"Content-Type": "application/json; charset=utf-8"})
        answer = self.connection.getresponse()
        value = json.loads(answer.read())["value"]
        if answer.status != 200:
            raise Bad(value)
        return value

    def find(self, path, selector):
        return self.call("POST", self.at + path, {"using": "css selector", "value": selector})

    def by_element(self):
        rows = []
        for row in self.find("/elements", "div.row"):
            at = "/element/" + row[ELEMENT]
            own = self.call("GET", self.at + at + "/attribute/data-id")
            stamp = "/element/" + self.find(at + "/element", ".copyable-text")[ELEMENT]
            text = "/element/" + self.find(at + "/element", ".selectable-text")[ELEMENT]
            rows.append((own, self.call("GET", self.at + stamp + "/attribute/data-pre-plain-text"),
                         self.call("GET", self.at + text + "/text")))
        return rows

    def by_script(self):
        return self.call("POST", self.at + "/execute/sync", {"script": SCRIPT, "args": []})

    def rate(self, read, rounds):
        started = time.monotonic()
        for _ in range(rounds):
            if len(read()) != ROWS:
                raise Bad("rows are missing")
        return ROWS * rounds / (time.monotonic() - started)

    def close(self):
        self.call("DELETE", self.at)
        self.connection.close()


def ours(program, rival, port, rounds):
    words = [program, f"http://127.0.0.1:{port}", rival.at.rpartition("/")[2], str(rounds)]
    done = subprocess.run(words, capture_output=True, text=True)
    if done.returncode != 0:
        raise Bad(done.stderr)
    return json.loads(done.stdout)


def compare(program, kind, port, page, options):
    found = {name: [] for name in ("element", "script", "ours", "titles", "cpu", "by_element", "by_script")}
    rival = Rival(port, page)
    began = time.monotonic()
    while time.monotonic() - began < WARM_S:
        rival.rate(rival.by_script, 10)
    for turn in range(options.turns):
        if turn % 4 == 0:
            element = rival.rate(rival.by_element, 1)
            found["element"].append(element)
        script = rival.rate(rival.by_script, options.rounds)
        mine = ours(program, rival, port, options.rounds)
        rate = mine["rows"] / mine["rows_s"]
        found["script"].append(script)
        found["ours"].append(rate)
        found["titles"].append(mine["titles"] / mine["titles_s"])
        found["cpu"].append(100 * mine["cpu_s"] / mine["rows_s"])
        found["by_element"].append(rate / element)
        found["by_script"].append(rate / script)
    rival.close()
    middle = {name: statistics.median(values) for name, values in found.items()}
    lines = [
        ("element by element, Python", middle["element"], None),
        ("one script, Python", middle["script"], None),
        ("one script, sluice", middle["ours"], BARS[kind]),
        ("  to element by element", middle["by_element"], BY_ELEMENT_BAR),
        ("  to one script in Python", middle["by_script"], BY_SCRIPT_BAR),
        ("titles a second, sluice", middle["titles"], None),
        ("own CPU, % of the time", middle["cpu"], None),
    ]
    good = True
    for name, value, bar in lines:
        ok = bar is None or value >= bar
        good = good and ok
        verdict = "" if bar is None else f"  >= {bar:g}  {'ok' if ok else 'MISSED'}"
        print(f"{kind:7} {name:28} {value:12,.2f}{verdict}", flush=True)
    return good


def main():
    options = argparse.ArgumentParser()
    options.add_argument("program")
    options.add_argument("--rounds", type=int, default=100)
    options.add_argument("--turns", type=int, default=12)
    options = options.parse_args()
    program = os.path.abspath(options.program)
    good = True
    print(f"messages a second, {ROWS} rows; load {os.getloadavg()[0]:.1f}")
    for kind in ("driver", "grid"):
        with tempfile.TemporaryDirectory() as folder:
            server = subprocess.Popen([sys.executable, "tests/net/browser_server.py", folder] + [kind] * (kind == "grid"),
                                      stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
            try:
                ports = {}
                for line in server.stdout:
                    if line.startswith("ready"):
                        break
                    name, _, port = line.strip().partition(" ")
                    ports[name] = port
                if kind not in ports:
                    print(f"{kind}: skipped ({ports})")
                    continue
                page = f"http://127.0.0.1:{ports['page']}/"
                good = compare(program, kind, int(ports[kind]), page, options) and good
            finally:
                server.stdin.close()
                server.wait()
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
