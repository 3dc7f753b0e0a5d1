"""A double of Google Sheets and of Google's token service for the tests, over TLS; see tests/rig/outside.h.

    python3 sheets_server.py DIR [any-time]

Prints "google PORT" (HTTPS), "control PORT" (HTTP, loopback) and "ready". DIR gets ca.crt and credentials.json, the
key file of an invented service account whose token_uri is this server. With any-time the token service believes every
clock. Ends when its standard input does.

It knows what sluice uses of the API (spreadsheets.get and .batchUpdate, values.get, .batchGet, .append, .update and
.batchUpdate), judges each request by the vendor's own description (where `ci/tool google` has it), and answers as the
vendor documents: empty cells at the end are cut, null leaves a cell, "" empties it, one request is applied entirely or
not at all. tests/google/judge.py runs the vendor's client against it.

Commands are lines of standard input, each answered with "ok", or bodies posted to the control port:

    sheet {"id", "title", "rows": [[…]], "columns": 26, "height": 1000}      make a worksheet, or replace it
    edit {"id", "title", "op": "insert"|"delete"|"set"|"drop", "row", "column", "cells", "value"}     rows from 1
    fault {"on": OPERATION or "any", "skip": 0, "times": 1, "what": WHAT, …}      see Fault below
    calm                       no faults any more
    deny ID, allow ID          the account may not see the spreadsheet; or may again
    expire                     all tokens are over
    quota N                    so many requests a minute of each kind; 0 for no limit
    clock SECONDS              how much this server's clock is ahead
    stop, start                nobody answers; and again
    load FILE                  commands from a file of DIR
    dump FILE                  everything as JSON into a file of DIR: sheets, calls, bad requests

GET of the control port gives what dump writes. Operations: token, get, change (spreadsheets.batchUpdate), read
(values.get and .batchGet), append, update (values.batchUpdate), put (values.update).
"""
import base64
import email.utils
import http.server
import json
import os
import re
import socket
import ssl
import subprocess
import sys
import threading
import time
import urllib.parse

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "net"))
import certificates

AUDIENCE = "https://oauth2.googleapis.com/token"
SCOPES = "https://www.googleapis.com/auth/"
EMAIL = "robot@invented-project.iam.gserviceaccount.com"
CELL_MAX = 50000


class Refused(Exception):
    def __init__(self, code, status, message):
        super().__init__(message)
        self.code, self.status, self.message = code, status, message


def invalid(message):
    return Refused(400, "INVALID_ARGUMENT", message)


# ---- What the vendor's description allows ----

class Description:
    """The discovery document: paths, parameters and bodies; None of it where it is not to be had."""

    def __init__(self):
        self.document = None
        if os.path.exists("ci/tool") and os.environ.get("SLUICE_CACHE"):
            done = subprocess.run(["ci/tool", "google"], capture_output=True, text=True)
            place = os.path.join(done.stdout.strip(), "googleapiclient/discovery_cache/documents/sheets.v4.json")
            if done.returncode == 0 and os.path.exists(place):
                with open(place, encoding="utf-8") as file:
                    self.document = json.load(file)

    def methods(self):
        top = self.document["resources"]["spreadsheets"]
        return list(top["methods"].values()) + list(top["resources"]["values"]["methods"].values())

    def judge(self, verb, path, query, body):
        """Raises Refused for a request that the description does not know."""
        if self.document is None:
            return
        for method in self.methods():
            pattern = re.sub(r"\\\{\w+\\\}", "[^/:]+", re.escape("/" + method["path"]))
            if method["httpMethod"] == verb and re.fullmatch(pattern, path):
                self.parameters(method, query)
                if body is not None:
                    self.value({"$ref": method["request"]["$ref"]}, body, "body")
                return
        raise Refused(404, "NOT_FOUND", "the description has no %s %s" % (verb, path))

    def parameters(self, method, query):
        known = dict(self.document["parameters"], **method["parameters"])
        for name, values in query.items():
            if name not in known:
                raise invalid("Unknown name \"%s\": Cannot bind query parameter." % name)
            if len(values) > 1 and not known[name].get("repeated"):
                raise invalid("%s stands there twice" % name)
            for value in values:
                if value not in known[name].get("enum", [value]):
                    raise invalid("Invalid value at '%s', \"%s\"" % (name, value))

    def value(self, schema, value, where):
        if "$ref" in schema:
            schema = self.document["schemas"][schema["$ref"]]
        kind = schema.get("type", "any")
        fits = {"object": dict, "array": list, "string": str, "boolean": bool, "integer": int, "number": (int, float),
                "any": object}[kind]
        if not isinstance(value, fits) or (kind != "boolean" and kind != "any" and isinstance(value, bool)):
            raise invalid("Invalid value at '%s' (%s)" % (where, kind))
        if kind == "string" and value not in schema.get("enum", [value]):
            raise invalid("Invalid value at '%s', \"%s\"" % (where, value))
        if kind == "array":
            for i, item in enumerate(value):
                self.value(schema["items"], item, "%s[%d]" % (where, i))
        if kind == "object":
            for name, item in value.items():
                if name not in schema.get("properties", {}):
                    raise invalid("Invalid JSON payload received. Unknown name \"%s\" at '%s'" % (name, where))
                self.value(schema["properties"][name], item, where + "." + name)


# ---- Sheets ----

def letters(column):
    """0 is A."""
    text = ""
    column += 1
    while column > 0:
        column, rest = divmod(column - 1, 26)
        text = chr(65 + rest) + text
    return text


def number_of(text):
    column = 0
    for letter in text:
        column = column * 26 + ord(letter) - 64
    return column - 1


def quoted(title):
    return title if re.fullmatch(r"[A-Za-z0-9_]+", title) else "'%s'" % title.replace("'", "''")


class Worksheet:
    """Cells are None, texts, numbers, truths, or {"v": 45999, "shown": "09/12/2025"} for what is formatted."""

    def __init__(self, number, title, rows, columns=26, height=1000):
        self.number, self.title = number, title
        self.columns = max([columns] + [len(row) for row in rows])
        self.height = max(height, len(rows))
        self.rows = [list(row) for row in rows]

    def cell(self, row, column):
        return self.rows[row][column] if row < len(self.rows) and column < len(self.rows[row]) else None

    def put(self, row, column, value):
        while len(self.rows) <= row:
            self.rows.append([])
        line = self.rows[row]
        while len(line) <= column:
            line.append(None)
        line[column] = value

    def blank(self, row):
        return all(value in (None, "") for value in (self.rows[row] if row < len(self.rows) else []))


class Range:
    """A1 notation; the ends are exclusive, and those that are not said are the grid's."""

    def __init__(self, book, text):
        title, cells = None, text
        found = re.fullmatch(r"'((?:[^']|'')*)'(?:!(.*))?", text)
        if found:
            title, cells = found.group(1).replace("''", "'"), found.group(2)
        elif "!" in text:
            title, cells = text.split("!", 1)
            if not re.fullmatch(r"\w+", title):
                raise invalid("Unable to parse range: " + text)
        elif any(sheet.title == text for sheet in book.sheets):
            title, cells = text, None
        if title is None:
            title = book.sheets[0].title
        match = [sheet for sheet in book.sheets if sheet.title == title]
        if not match:
            raise invalid("Unable to parse range: " + text)
        self.sheet = sheet = match[0]
        self.top, self.left, self.bottom, self.right = 0, 0, sheet.height, sheet.columns
        if cells is not None:
            self.parse(cells, text)
        if self.top >= sheet.height or self.left >= sheet.columns:
            raise invalid("Range (%s!%s) exceeds grid limits. Max rows: %d, max columns: %d"
                          % (quoted(title), cells, sheet.height, sheet.columns))
        self.bottom, self.right = min(self.bottom, sheet.height), min(self.right, sheet.columns)

    def parse(self, cells, text):
        found = re.fullmatch(r"([A-Z]{0,3})(\d*)(?::([A-Z]{0,3})(\d*))?", cells)
        if not found or not cells:
            raise invalid("Unable to parse range: " + text)
        a, b, c, d = found.groups()
        self.left = number_of(a) if a else 0
        self.top = int(b) - 1 if b else 0
        if ":" in cells:
            self.right = number_of(c) + 1 if c else self.sheet.columns
            self.bottom = int(d) if d else self.sheet.height
        else:
            self.right, self.bottom = self.left + 1, self.top + 1
        self.beyond = self.bottom > self.sheet.height or self.right > self.sheet.columns

    def text(self):
        return "%s!%s%d:%s%d" % (quoted(self.sheet.title), letters(self.left), self.top + 1, letters(self.right - 1), self.bottom)


def shown(value, query):
    render = query.get("valueRenderOption", "FORMATTED_VALUE")
    if isinstance(value, dict):
        if render == "UNFORMATTED_VALUE":
            return value["shown"] if query.get("dateTimeRenderOption") == "FORMATTED_STRING" and value.get("date") else value["v"]
        return value.get("formula", value["shown"]) if render == "FORMULA" else value["shown"]
    if render == "FORMATTED_VALUE" and value is not None:
        if isinstance(value, bool):
            return "TRUE" if value else "FALSE"
        if isinstance(value, (int, float)):
            return "%d" % value if value == int(value) and abs(value) < 1e15 else "%G" % value
    return "" if value is None else value


def rendered(area, query):
    rows = []
    for row in range(area.top, min(area.bottom, len(area.sheet.rows))):
        line = [shown(area.sheet.cell(row, column), query) for column in range(area.left, area.right)]
        while line and line[-1] == "":
            line.pop()
        rows.append(line)
    while rows and not rows[-1]:
        rows.pop()
    if query.get("majorDimension") == "COLUMNS":
        width = max([len(row) for row in rows] + [0])
        rows = [[row[i] if i < len(row) else "" for row in rows] for i in range(width)]
        for line in rows:
            while line and line[-1] == "":
                line.pop()
    made = {"range": area.text(), "majorDimension": query.get("majorDimension", "ROWS")}
    if rows:
        made["values"] = rows
    return made


def entered(value, option):
    if isinstance(value, str):
        if len(value) > CELL_MAX:
            raise invalid("Your input contains more than the maximum of 50000 characters in a single cell.")
        if option == "USER_ENTERED" and re.fullmatch(r"-?\d+(\.\d+)?", value):
            return float(value) if "." in value else int(value)
        if option == "USER_ENTERED" and value[:1] in "=+":
            return {"v": 0, "shown": "#FORMULA", "formula": value}
        return value if value != "" else None
    if isinstance(value, (dict, list)):
        raise invalid("Invalid values: %s" % type(value).__name__)
    return float(value) if isinstance(value, int) and not isinstance(value, bool) and abs(value) > 2 ** 53 else value


def write_plan(area, values, option):
    """The cells that would change; nothing is changed yet."""
    cells = []
    for i, row in enumerate(values):
        for j, value in enumerate(row):
            if area.top + i >= area.bottom or area.left + j >= area.right:
                raise invalid("Requested writing within range [%s], but tried writing to %s [%s]"
                              % (area.text(), "row" if area.top + i >= area.bottom else "column",
                                 area.top + i + 1 if area.top + i >= area.bottom else letters(area.left + j)))
            if value is not None:
                cells.append((area.top + i, area.left + j, entered(value, option)))
    return cells


class Book:
    def __init__(self, name):
        self.name = name
        self.sheets = []

    def get(self, query):
        fields = query.get("fields", "")
        sheets = [{"properties": {"sheetId": sheet.number, "title": sheet.title, "index": i, "sheetType": "GRID",
                                  "gridProperties": {"rowCount": sheet.height, "columnCount": sheet.columns}}}
                  for i, sheet in enumerate(self.sheets)]
        return {"sheets": sheets} if fields.startswith("sheets") else {"spreadsheetId": self.name, "sheets": sheets}

    def option(self, option):
        if option not in ("RAW", "USER_ENTERED"):
            raise invalid("'valueInputOption' is required but not specified")
        return option

    def update_one(self, item, option):
        area = Range(self, item["range"])
        if getattr(area, "beyond", False):
            raise invalid("Range (%s) exceeds grid limits. Max rows: %d, max columns: %d"
                          % (item["range"], area.sheet.height, area.sheet.columns))
        return area, write_plan(area, item.get("values", []), option)

    def apply(self, area, cells):
        for row, column, value in cells:
            area.sheet.put(row, column, value)
        return {"spreadsheetId": self.name, "updatedRange": area.text(), "updatedRows": len({c[0] for c in cells}),
                "updatedColumns": len({c[1] for c in cells}), "updatedCells": len(cells)}

    def update(self, body):
        option = self.option(body.get("valueInputOption"))
        plans = [self.update_one(item, option) for item in body.get("data", [])]
        answers = [self.apply(*plan) for plan in plans]
        if body.get("includeValuesInResponse"):
            how = {"valueRenderOption": body.get("responseValueRenderOption", "FORMATTED_VALUE"),
                   "dateTimeRenderOption": body.get("responseDateTimeRenderOption", "SERIAL_NUMBER")}
            for answer, (area, _) in zip(answers, plans):
                answer["updatedData"] = rendered(area, how)
        return {"spreadsheetId": self.name, "totalUpdatedCells": sum(a["updatedCells"] for a in answers), "responses": answers}

    def append(self, where, query, body):
        option = self.option(query.get("valueInputOption"))
        area = Range(self, where)
        sheet, top, left = area.sheet, area.top, area.left
        values = body.get("values", [])
        end = top
        while end < len(sheet.rows) and not sheet.blank(end):
            end += 1
        while end > top and all(sheet.cell(row, left) in (None, "") for row in range(top, end)) and left + 1 < sheet.columns:
            left += 1  # The table begins further right.
        width = max([len(row) for row in values] + [0])
        made = {"spreadsheetId": self.name}
        if end > top:
            made["tableRange"] = "%s!%s%d:%s%d" % (quoted(sheet.title), letters(left), top + 1,
                                                   letters(max(len(row) for row in sheet.rows[top:end]) - 1), end)
        if left + width > sheet.columns:
            raise invalid("Range (%s!%s) exceeds grid limits." % (sheet.title, letters(left + width - 1)))
        cells = [(i, j, entered(value, option)) for i, row in enumerate(values) for j, value in enumerate(row) if value is not None]
        if query.get("insertDataOption") == "INSERT_ROWS" and end < len(sheet.rows):
            sheet.rows[end:end] = [[] for _ in values]
            sheet.height += len(values)
        sheet.height = max(sheet.height, end + len(values))
        for row, column, value in cells:
            sheet.put(end + row, left + column, value)
        made["updates"] = {"spreadsheetId": self.name, "updatedRows": len(values), "updatedColumns": width,
                           "updatedCells": len(cells), "updatedRange": "%s!%s%d:%s%d" % (
                               quoted(sheet.title), letters(left), end + 1, letters(left + max(width, 1) - 1), end + len(values))}
        return made

    def change(self, body):
        replies = []
        for request in body.get("requests", []):
            (name, what), = request.items()
            if name == "addSheet":
                title = what["properties"]["title"]
                if any(sheet.title == title for sheet in self.sheets):
                    raise invalid("Invalid requests[0].addSheet: A sheet with the name \"%s\" already exists." % title)
                grid = what["properties"].get("gridProperties", {})
                self.sheets.append(Worksheet(len(self.sheets) * 7 + 100, title, [], grid.get("columnCount", 26), grid.get("rowCount", 1000)))
                replies.append({"addSheet": {"properties": {"sheetId": self.sheets[-1].number, "title": title}}})
            elif name == "appendDimension":
                sheet = [sheet for sheet in self.sheets if sheet.number == what.get("sheetId", 0)]
                if not sheet:
                    raise invalid("No grid with id: %s" % what.get("sheetId"))
                if what["dimension"] == "COLUMNS":
                    sheet[0].columns += what["length"]
                else:
                    sheet[0].height += what["length"]
                replies.append({})
            else:
                raise invalid("this double knows no " + name)
        return {"spreadsheetId": self.name, "replies": replies}


# ---- The world ----

class World:
    def __init__(self, folder, any_time):
        self.folder, self.any_time = folder, any_time
        self.lock = threading.RLock()
        self.books, self.tokens, self.denied, self.faults = {}, {}, set(), []
        self.calls, self.bad, self.ahead, self.quota = {}, [], 0, 0
        self.used = {}
        self.description = Description()

    def now(self):
        return time.time() + self.ahead

    def book(self, name, make=False):
        if name not in self.books:
            if not make:
                raise Refused(404, "NOT_FOUND", "Requested entity was not found.")
            self.books[name] = Book(name)
        return self.books[name]

    def sheet(self, asked):
        book = self.book(asked["id"], True)
        made = Worksheet(len(book.sheets) * 7, asked["title"], asked.get("rows", []), asked.get("columns", 26), asked.get("height", 1000))
        for i, sheet in enumerate(book.sheets):
            if sheet.title == made.title:
                made.number = sheet.number
                book.sheets[i] = made
                return
        book.sheets.append(made)

    def edit(self, asked):
        book = self.book(asked["id"])
        if asked["op"] == "drop":
            book.sheets = [sheet for sheet in book.sheets if sheet.title != asked["title"]]
            return
        sheet, = [sheet for sheet in book.sheets if sheet.title == asked["title"]]
        row = asked["row"] - 1
        if asked["op"] == "insert":
            sheet.rows.insert(row, list(asked.get("cells", [])))
            sheet.height += 1
        elif asked["op"] == "delete":
            del sheet.rows[row]
        else:
            sheet.put(row, asked["column"] - 1, asked.get("value"))

    def dump(self):
        return {"sheets": {name: {sheet.title: [[shown(cell, {"valueRenderOption": "UNFORMATTED_VALUE"}) for cell in row]
                                                for row in sheet.rows] for sheet in book.sheets}
                           for name, book in self.books.items()},
                "calls": self.calls, "bad": self.bad}

    def command(self, line):
        name, _, rest = line.partition(" ")
        with self.lock:
            if name in ("sheet", "edit"):
                getattr(self, name)(json.loads(rest))
            elif name == "fault":
                self.faults.append(dict({"skip": 0, "times": 1}, **json.loads(rest)))
            elif name == "calm":
                self.faults = []
            elif name == "deny":
                self.denied.add(rest)
            elif name == "allow":
                self.denied.discard(rest)
            elif name == "expire":
                self.tokens = {}
            elif name == "quota":
                self.quota, self.used = int(rest), {}
            elif name == "clock":
                self.ahead = int(rest)
            elif name == "load":
                with open(os.path.join(self.folder, rest), encoding="utf-8") as file:
                    for one in file:
                        self.command(one.rstrip("\n"))
            elif name == "dump":
                with open(os.path.join(self.folder, rest), "w", encoding="utf-8") as file:
                    json.dump(self.dump(), file, ensure_ascii=False)
            elif name in ("stop", "start"):
                getattr(self.front, name)()
            else:
                return "there is no command " + name
        return "ok"

    def fault(self, operation):
        """The next fault that is due for this call, or None."""
        with self.lock:
            self.calls[operation] = self.calls.get(operation, 0) + 1
            for fault in self.faults:
                if fault["on"] not in (operation, "any"):
                    continue
                if fault["skip"] > 0:
                    fault["skip"] -= 1
                    continue
                fault["times"] -= 1
                if fault["times"] <= 0:
                    self.faults.remove(fault)
                return fault
        return None

    def count(self, kind):
        with self.lock:
            minute = int(time.time() / 60)
            key = (kind, minute)
            self.used[key] = self.used.get(key, 0) + 1
            if self.quota and self.used[key] > self.quota:
                raise Refused(429, "RESOURCE_EXHAUSTED", "Quota exceeded for quota metric '%s requests' and limit '%s requests "
                              "per minute per user' of service 'sheets.googleapis.com'" % (kind, kind))


# ---- Tokens ----

def unpadded(text):
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def grant_refused(description, error="invalid_grant"):
    return 400, {"error": error, "error_description": description}


def signature_is_right(world, content, signature):
    paths = [os.path.join(world.folder, name) for name in ("jwt.sig", "jwt.txt")]
    with world.lock:
        for path, data in zip(paths, (signature, content)):
            with open(path, "wb") as file:
                file.write(data)
        return subprocess.run(["openssl", "dgst", "-sha256", "-verify", os.path.join(world.folder, "robot.pub"),
                               "-signature", paths[0], paths[1]], capture_output=True).returncode == 0


def token(world, body):
    form = urllib.parse.parse_qs(body.decode("ascii"))
    if form.get("grant_type") != ["urn:ietf:params:oauth:grant-type:jwt-bearer"]:
        return grant_refused("Invalid grant_type", "unsupported_grant_type")
    parts = form["assertion"][0].split(".")
    head, claims = json.loads(unpadded(parts[0])), json.loads(unpadded(parts[1]))
    if claims["iss"] != EMAIL:
        return grant_refused("Invalid grant: account not found")
    if head != {"alg": "RS256", "typ": "JWT", "kid": "invented-key-1"} or \
            not signature_is_right(world, ".".join(parts[:2]).encode(), unpadded(parts[2])):
        return grant_refused("Invalid JWT Signature.")
    late = abs(claims["iat"] - world.now()) > 300 and not world.any_time
    if claims["aud"] != AUDIENCE or claims["exp"] - claims["iat"] > 3600 or late:
        return grant_refused("Invalid JWT: Token must be a short-lived token (60 minutes) and in a reasonable timeframe. "
                             "Check your iat and exp values in the JWT claim.")
    scopes = claims["scope"].split(" ")
    if any(not scope.startswith(SCOPES) for scope in scopes):
        return grant_refused("Invalid OAuth scope or ID token audience provided.", "invalid_scope")
    with world.lock:
        made = "ya29.invented-%d" % (len(world.tokens) + world.calls["token"] * 1000)
        world.tokens[made] = scopes
    return 200, {"access_token": made, "expires_in": 3599, "token_type": "Bearer"}


# ---- HTTP ----

def operation_of(verb, path):
    if path == "/token":
        return "token"
    if path.endswith("/values:batchUpdate"):
        return "update"
    if path.endswith(":batchUpdate"):
        return "change"
    if path.endswith(":append"):
        return "append"
    if "/values" in path:
        return "read" if verb == "GET" else "put"
    return "get"


class Handler(http.server.BaseHTTPRequestHandler):
    """Fault kinds: status (with retry_after, message, reason), hang, hang_after, cut, lost, half, badjson, slow, late,
    then (commands that are carried out between the reading and its answer)."""
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1

    def log_message(self, *_):
        pass

    def date_time_string(self, timestamp=None):
        return email.utils.formatdate(self.server.world.now(), usegmt=True)

    def send(self, status, body, headers=(), cut=False):
        data = body if isinstance(body, bytes) else json.dumps(body, ensure_ascii=False).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json; charset=UTF-8")
        self.send_header("Content-Length", str(len(data)))
        for pair in headers:
            self.send_header(*pair)
        self.end_headers()
        self.wfile.write(data[: len(data) // 2] if cut else data)
        self.wfile.flush()
        self.close_connection = self.close_connection or cut

    def refuse(self, refused, headers=()):
        self.send(refused.code, {"error": {"code": refused.code, "message": refused.message, "status": refused.status}}, headers)

    def authorised(self, operation):
        world = self.server.world
        given = self.headers.get("Authorization", "")
        scopes = world.tokens.get(given[7:] if given.startswith("Bearer ") else "")
        if scopes is None:
            raise Refused(401, "UNAUTHENTICATED", "Request had invalid authentication credentials. Expected OAuth 2 access token.")
        may_write = SCOPES + "spreadsheets" in scopes
        may_read = may_write or SCOPES + "spreadsheets.readonly" in scopes
        if not (may_read if operation in ("get", "read") else may_write):
            raise Refused(403, "PERMISSION_DENIED", "Request had insufficient authentication scopes.")

    def carry_out(self, operation, path, query, body):
        world = self.server.world
        self.authorised(operation)
        world.count("Read" if operation in ("get", "read") else "Write")
        payload = None
        if self.command != "GET":
            try:
                payload = json.loads(body.decode("utf-8"))
            except ValueError:
                raise invalid("Invalid JSON payload received.") from None
        try:
            world.description.judge(self.command, path, query, payload)
        except Refused as refused:
            world.bad.append("%s %s: %s" % (self.command, path, refused.message))
            raise
        if payload is not None and '"USER_ENTERED"' in body.decode() or query.get("valueInputOption") == ["USER_ENTERED"]:
            world.bad.append("USER_ENTERED")
        name = urllib.parse.unquote(path.split("/")[3].split(":")[0])
        if name in world.denied:
            raise Refused(403, "PERMISSION_DENIED", "The caller does not have permission")
        flat = {key: values[0] for key, values in query.items()}
        with world.lock:
            book = world.book(name)
            if operation == "get":
                return book.get(flat)
            if operation == "change":
                return book.change(payload)
            if operation == "update":
                return book.update(payload)
            tail = path.split("/values", 1)[1]
            if tail == ":batchGet":
                return {"spreadsheetId": name, "valueRanges": [rendered(Range(book, one), flat) for one in query.get("ranges", [])]}
            where = urllib.parse.unquote(tail[1:].rsplit(":append", 1)[0] if operation == "append" else tail[1:])
            if operation == "append":
                return book.append(where, flat, payload)
            if operation == "put":
                area, cells = book.update_one({"range": where, "values": payload.get("values", [])}, book.option(flat.get("valueInputOption")))
                return book.apply(area, cells)
            return rendered(Range(book, where), flat)

    def answer(self, operation, path, query, body, **more):
        world = self.server.world
        try:
            if operation == "token":
                status, made = token(world, body)
                self.send(status, made, **more)
            else:
                self.send(200, self.carry_out(operation, path, query, body), **more)
        except Refused as refused:
            self.refuse(refused)

    def disturbed(self, fault, operation, path, query, body):
        what = fault["what"]
        seconds = fault.get("seconds", 60)
        arguments = (operation, path, query, body)
        if what == "status":
            headers = [("Retry-After", fault["retry_after"])] if "retry_after" in fault else []
            if "body" in fault:
                self.send(fault["code"], fault["body"], headers)
                return
            self.refuse(Refused(fault["code"], fault.get("reason", "UNAVAILABLE"), fault.get("message", "made up")), headers)
        elif what == "then":
            made = self.quietly(*arguments)  # What it was at that moment; the answer comes after the change.
            for line in fault["commands"]:
                self.server.world.command(line)
            self.send(200, made)
        elif what == "slow":
            time.sleep(seconds)
            self.answer(*arguments)
        elif what == "half":
            self.answer(*arguments, cut=True)
        elif what == "late":
            threading.Timer(seconds, self.quietly, arguments).start()
            self.close_connection = True
        else:
            if what in ("hang_after", "lost", "badjson"):
                made = self.quietly(*arguments)
                if what == "badjson":
                    self.send(200, fault.get("body", json.dumps(made)[:-2]).encode())
                    return
            if what in ("hang", "hang_after"):
                time.sleep(seconds)
            self.close_connection = True

    def quietly(self, operation, path, query, body):
        try:
            return self.carry_out(operation, path, query, body)
        except Refused:
            return {}

    def handle_any(self):
        parts = urllib.parse.urlsplit(self.path)
        body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
        query = urllib.parse.parse_qs(parts.query, keep_blank_values=True)
        operation = operation_of(self.command, parts.path)
        fault = self.server.world.fault(operation)
        if fault is not None:
            self.disturbed(fault, operation, parts.path, query, body)
        else:
            self.answer(operation, parts.path, query, body)

    do_GET = do_POST = do_PUT = do_DELETE = handle_any


class Front:
    """The HTTPS server, which can be away."""

    def __init__(self, world):
        self.world, self.server, self.port = world, None, 0
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(os.path.join(world.folder, "rsa.crt"), os.path.join(world.folder, "rsa.key"))
        world.front = self

    def start(self):
        world, context = self.world, self.context

        class Server(http.server.ThreadingHTTPServer):
            daemon_threads = True
            request_queue_size = 64

            def finish_request(self, request, client_address):
                request.settimeout(90)
                self.alive.add(request)
                try:
                    with context.wrap_socket(request, server_side=True) as secure:
                        self.alive.add(secure)
                        self.RequestHandlerClass(secure, client_address, self)
                except OSError:
                    pass

            def handle_error(self, *_):
                pass

        Server.world = world
        Server.alive = set()
        self.server = Server(("127.0.0.1", self.port), Handler)
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()

    def stop(self):
        self.server.shutdown()
        self.server.server_close()
        for one in list(self.server.alive):
            try:
                one.shutdown(socket.SHUT_RDWR)
            except (OSError, ValueError):
                pass


class Control(http.server.BaseHTTPRequestHandler):
    def log_message(self, *_):
        pass

    def reply(self, text):
        data = text.encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def do_GET(self):
        with self.server.world.lock:
            self.reply(json.dumps(self.server.world.dump(), ensure_ascii=False))

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", "0"))).decode()
        for line in body.splitlines():
            said = self.server.world.command(line)
            if said != "ok":
                self.reply(said)
                return
        self.reply("ok")


def make_account(folder, port):
    """The key file as the vendor's console hands it out."""
    key, public = os.path.join(folder, "robot.pem"), os.path.join(folder, "robot.pub")
    certificates.Maker(folder).openssl("genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048", "-out", key)
    certificates.Maker(folder).openssl("pkey", "-in", key, "-pubout", "-out", public)
    with open(key, encoding="ascii") as file:
        account = {"type": "service_account", "project_id": "invented-project", "private_key_id": "invented-key-1",
                   "private_key": file.read(), "client_email": EMAIL, "client_id": "100000000000000000001",
                   "auth_uri": "https://accounts.google.com/o/oauth2/auth", "token_uri": "https://localhost:%d/token" % port,
                   "universe_domain": "googleapis.com"}
    with open(os.path.join(folder, "credentials.json"), "w", encoding="ascii") as file:
        json.dump(account, file, indent=2)
    os.chmod(file.name, 0o600)


def make_certificates(folder):
    maker = certificates.Maker(folder)
    ever = {"start": "20200101000000Z", "end": "20400101000000Z"}  # Some tests set their clock by hand.
    maker.issue("ca", "test authority", None, certificates.CA, kind="rsa", **ever)
    certificates.server(maker, "rsa", kind="rsa", **ever)


def main():
    folder = sys.argv[1]
    make_certificates(folder)
    world = World(folder, "any-time" in sys.argv[2:])
    front = Front(world)
    front.start()
    make_account(folder, front.port)
    control = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Control)
    control.daemon_threads = True
    control.world = world
    threading.Thread(target=control.serve_forever, daemon=True).start()
    print("google", front.port)
    print("control", control.server_address[1])
    print("ready", flush=True)
    for line in sys.stdin:
        print(world.command(line.rstrip("\n")), flush=True)
    os._exit(0)


if __name__ == "__main__":
    main()
