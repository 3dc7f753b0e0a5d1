"""chromedriver and a headless Chromium for a test, spoken to by hand."""
import http.client
import json
import os
import re
import shutil
import subprocess

ELEMENT = "element-6066-11e4-a52e-4f735466cecf"
ARGUMENTS = [
    "--headless=new", "--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu", "--no-first-run", "--window-size=1200,800",
    "--disable-background-networking", "--disable-component-update", "--disable-sync", "--disable-extensions",
    "--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1",
]


class Fault(Exception):
    def __init__(self, status, error, message):
        super().__init__(f"{status} {error}: {message[:300]}")
        self.error = error


def program(name):
    """The path of "chromedriver" or "chromium": of the environment, of ci/tool, of the machine; None without."""
    if os.environ.get(name.upper()):
        return os.environ[name.upper()]
    if os.path.exists("ci/tool") and os.environ.get("SLUICE_CACHE"):
        done = subprocess.run(["ci/tool", name], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, check=False)
        if done.returncode == 0 and os.path.exists(done.stdout.strip()):
            return done.stdout.strip()
    return shutil.which(name)


class Driver:
    """One chromedriver; ends with `stop`."""

    def __init__(self, path, browser):
        self.browser = browser
        self.process = subprocess.Popen([path, "--port=0"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        self.port = None
        for line in self.process.stdout:
            found = re.search(r"on port (\d+)", line)
            if found and "successfully" in line:
                self.port = int(found.group(1))
                break
        if not self.port:
            raise RuntimeError("chromedriver did not start")
        self.http = http.client.HTTPConnection("127.0.0.1", self.port, timeout=120)

    def call(self, method, path, body=None):
        text = None if body is None else json.dumps(body)
        if method == "POST" and text is None:
            text = "{}"
        self.http.request(method, path, text, {"Content-Type": "application/json; charset=utf-8"})
        answer = self.http.getresponse()
        value = json.loads(answer.read())["value"]
        if answer.status != 200:
            raise Fault(answer.status, value["error"], value["message"])
        return value

    def session(self, profile, *more):
        options = {"binary": self.browser, "args": ARGUMENTS + [f"--user-data-dir={profile}", *more]}
        got = self.call("POST", "/session", {"capabilities": {"alwaysMatch": {"browserName": "chrome", "goog:chromeOptions": options,
                                                                              "timeouts": {"script": 90000},
                                                                              "unhandledPromptBehavior": "dismiss and notify"}}})
        return Session(self, got["sessionId"])

    def stop(self):
        self.process.terminate()
        self.process.wait(10)


class Session:
    def __init__(self, driver, name):
        self.driver, self.base = driver, f"/session/{name}"

    def call(self, method, path, body=None):
        return self.driver.call(method, self.base + path, body)

    def go(self, url):
        self.call("POST", "/url", {"url": url})

    def js(self, script, *arguments):
        return self.call("POST", "/execute/sync", {"script": script, "args": list(arguments)})

    def js_async(self, script, *arguments):
        return self.call("POST", "/execute/async", {"script": script, "args": list(arguments)})

    def find(self, css):
        return self.call("POST", "/element", {"using": "css selector", "value": css})[ELEMENT]

    def find_all(self, css):
        return [e[ELEMENT] for e in self.call("POST", "/elements", {"using": "css selector", "value": css})]

    def click(self, element):
        self.call("POST", f"/element/{element}/click")

    def keys(self, element, text):
        self.call("POST", f"/element/{element}/value", {"text": text})

    def cdp(self, command, **parameters):
        return self.call("POST", "/goog/cdp/execute", {"cmd": command, "params": parameters})

    def quit(self):
        self.call("DELETE", "")
