"""What the tests of the API share: a client with a token, and pages walked to their end."""
import json
import os
import subprocess
import urllib.parse

import http_rig as rig

SLUICE = os.environ["SLUICE"]


def sluice(*words):
    return subprocess.run([SLUICE, *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=True, text=True).stdout


def make_token(name, scope, *more):
    return json.loads(sluice("token", "add", name, "--scope", scope, *more, "--json"))["token"]


class Client:
    def __init__(self, port, token=None, headers=None):
        self.port = port
        self.headers = dict(headers or {})
        if token is not None:
            self.headers["Authorization"] = "Bearer " + token

    def ask(self, method, path, body=None, headers=None, **arguments):
        if arguments:
            path += "?" + urllib.parse.urlencode(arguments)
        headers = {**self.headers, **(headers or {})}
        if body is not None and not isinstance(body, bytes):
            body = json.dumps(body).encode()
            headers.setdefault("Content-Type", "application/json")
        answer = rig.call(self.port, method, path, body, headers)
        for name, value in rig.PROTECTION.items():
            rig.check(answer.headers.get(name) == value, f"{method} {path}: {name} is {answer.headers.get(name)!r}")
        return answer

    def get(self, path, **arguments):
        return self.ask("GET", path, **arguments)

    def value(self, path, **arguments):
        answer = self.get(path, **arguments)
        rig.check(answer.status == 200, f"GET {path} {arguments}: {answer.status} {answer.body[:300]!r}")
        return answer.json()

    def walk(self, path, key, between=None, **arguments):
        """All items of all pages."""
        items = []
        cursor = {}
        while True:
            page = self.value(path, **arguments, **cursor)
            items += page[key]
            if page["next"] is None:
                return items
            cursor = {"cursor": page["next"]}
            if between:
                between()


def expect(answer, status, code, what):
    """An error of the one form that all have."""
    rig.check(answer.status == status, f"{what}: {answer.status} instead of {status}: {answer.body[:200]!r}")
    try:
        error = answer.json()["error"]
        rig.check(set(error) == {"code", "message"}, f"{what}: {error}")
        rig.check(error["code"] == code, f"{what}: the code is {error['code']}, not {code}")
    except (ValueError, KeyError):
        rig.fail(f"{what}: this is no error of ours: {answer.body[:200]!r}")
