"""The vendor's own client, unchanged, against our double: what it asks is understood, what it gets is what is documented.

    python3 judge.py FOLDER-OF-THE-CLIENT      (ci/tool google)

So the double is judged by somebody else than the one whose tests lean on it. Prints "ok" or dies with the difference.
"""
import os
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, sys.argv[1])

import google.auth.transport.requests
import google_auth_httplib2
import httplib2
import requests
from google.auth.exceptions import RefreshError
from google.oauth2 import service_account
from googleapiclient.discovery import build
from googleapiclient.errors import HttpError


def is_(what, got, wanted):
    if got != wanted:
        raise SystemExit("%s: %r is not %r" % (what, got, wanted))


class Away:
    def __init__(self, folder):
        self.folder = folder
        self.process = subprocess.Popen([sys.executable, os.path.join(HERE, "sheets_server.py"), folder],
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.ports = {}
        for line in self.process.stdout:
            if line == "ready\n":
                break
            name, port = line.split()
            self.ports[name] = int(port)

    def ask(self, line):
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()
        is_(line, self.process.stdout.readline(), "ok\n")

    def credentials(self, scope):
        made = service_account.Credentials.from_service_account_file(
            os.path.join(self.folder, "credentials.json"), scopes=["https://www.googleapis.com/auth/" + scope])
        session = requests.Session()
        session.trust_env = False
        session.verify = os.path.join(self.folder, "ca.crt")
        made.refresh(google.auth.transport.requests.Request(session))
        return made

    def client(self, scope="spreadsheets"):
        http = google_auth_httplib2.AuthorizedHttp(
            self.credentials(scope), http=httplib2.Http(ca_certs=os.path.join(self.folder, "ca.crt"), timeout=5))
        return build("sheets", "v4", http=http, static_discovery=True, cache_discovery=False,
                     client_options={"api_endpoint": "https://localhost:%d" % self.ports["google"]}).spreadsheets()


def refused(what, code, call, words=""):
    try:
        call.execute()
    except HttpError as error:
        is_(what, error.resp.status, code)
        if words not in str(error):
            raise SystemExit("%s: %s does not say %s" % (what, error, words)) from None
        return
    raise SystemExit("%s was not refused" % what)


def reading(away, book):
    values = book.values()
    away.ask('sheet {"id": "B", "title": "main", "rows": [["phone", "שם", "", "at"], ["972", "דנה", null, '
             '{"v": 45999.5, "shown": "09/12/2025", "date": true}], [], [556602298, true, 0.5]]}')
    away.ask('sheet {"id": "B", "title": "it\'s 2025", "rows": []}')
    made = book.get(spreadsheetId="B", fields="sheets(properties(sheetId,title,gridProperties))").execute()
    is_("titles", [one["properties"]["title"] for one in made["sheets"]], ["main", "it's 2025"])
    is_("grid", made["sheets"][0]["properties"]["gridProperties"], {"rowCount": 1000, "columnCount": 26})
    plain = values.get(spreadsheetId="B", range="main").execute()
    is_("formatted", plain["values"], [["phone", "שם", "", "at"], ["972", "דנה", "", "09/12/2025"], [], ["556602298", "TRUE", "0.5"]])
    is_("its range", plain["range"], "main!A1:Z1000")
    raw = values.get(spreadsheetId="B", range="main!A2:D", valueRenderOption="UNFORMATTED_VALUE").execute()
    is_("raw", raw["values"], [["972", "דנה", "", 45999.5], [], [556602298, True, 0.5]])
    many = values.batchGet(spreadsheetId="B", ranges=["main!1:1", "main!B:B", "'it''s 2025'"], majorDimension="COLUMNS",
                           valueRenderOption="UNFORMATTED_VALUE", dateTimeRenderOption="FORMATTED_STRING").execute()
    is_("columns", [one.get("values") for one in many["valueRanges"]],
        [[["phone"], ["שם"], [], ["at"]], [["שם", "דנה", "", True]], None])
    refused("no such worksheet", 400, values.get(spreadsheetId="B", range="none!A1"), "Unable to parse range: none!A1")
    refused("beyond the grid", 400, values.get(spreadsheetId="B", range="main!ZZ1"), "exceeds grid limits")
    refused("no such spreadsheet", 404, book.get(spreadsheetId="none"), "not found")


def writing(away, book):
    values = book.values()
    made = values.batchUpdate(spreadsheetId="B", body={
        "valueInputOption": "RAW", "includeValuesInResponse": True, "responseValueRenderOption": "UNFORMATTED_VALUE",
        "data": [{"range": "main!A2:D2", "values": [[None, "=1+1", "0501234567", ""]]}, {"range": "main!B4", "values": [[7]]}]}).execute()
    is_("what stands there then", made["responses"][0]["updatedData"]["values"], [["972", "=1+1", "0501234567"]])
    is_("cells", made["totalUpdatedCells"], 4)
    refused("not atomic", 400, values.batchUpdate(spreadsheetId="B", body={"valueInputOption": "RAW", "data": [
        {"range": "main!A2", "values": [["never"]]}, {"range": "main!A9", "values": [["x" * 50001]]}]}), "50000")
    is_("nothing was written", values.get(spreadsheetId="B", range="main!A2").execute()["values"], [["972"]])
    refused("without an option", 400, values.batchUpdate(spreadsheetId="B", body={"data": []}), "valueInputOption")
    made = values.append(spreadsheetId="B", range="main!A1", valueInputOption="RAW", insertDataOption="INSERT_ROWS",
                         body={"values": [["973", "רון"]]}).execute()
    is_("behind the table, before the empty row", (made["tableRange"], made["updates"]["updatedRange"]), ("main!A1:D2", "main!A3:B3"))
    is_("others moved down", values.get(spreadsheetId="B", range="main!A5", valueRenderOption="UNFORMATTED_VALUE").execute()["values"], [[556602298]])
    book.batchUpdate(spreadsheetId="B", body={"requests": [
        {"addSheet": {"properties": {"title": "new", "gridProperties": {"rowCount": 2, "columnCount": 2}}}}]}).execute()
    refused("twice", 400, book.batchUpdate(spreadsheetId="B", body={"requests": [{"addSheet": {"properties": {"title": "new"}}}]}))
    refused("beyond the grid", 400, values.update(spreadsheetId="B", range="new!C1", valueInputOption="RAW", body={"values": [[1]]}),
            "exceeds grid limits. Max rows: 2, max columns: 2")
    number = book.get(spreadsheetId="B").execute()["sheets"][2]["properties"]["sheetId"]
    book.batchUpdate(spreadsheetId="B", body={"requests": [
        {"appendDimension": {"sheetId": number, "dimension": "COLUMNS", "length": 1}}]}).execute()
    values.update(spreadsheetId="B", range="new!C1", valueInputOption="RAW", body={"values": [[1]]}).execute()


def rights(away, book):
    away.ask("deny B")
    refused("not shared", 403, book.get(spreadsheetId="B"), "The caller does not have permission")
    away.ask("allow B")
    reader = away.client("spreadsheets.readonly")
    reader.get(spreadsheetId="B").execute()
    refused("a reader who writes", 403, reader.values().append(spreadsheetId="B", range="main!A1", valueInputOption="RAW",
                                                               body={"values": [["x"]]}), "insufficient authentication scopes")
    away.ask("expire")
    book.get(spreadsheetId="B").execute()  # The client takes a new token for a 401.


def main():
    with tempfile.TemporaryDirectory() as folder:
        away = Away(folder)
        try:
            book = away.client()
            reading(away, book)
            writing(away, book)
            rights(away, book)
            away.ask("clock 3600")
            try:
                away.credentials("spreadsheets")
            except RefreshError as error:
                if "Invalid JWT" not in str(error):
                    raise
            else:
                raise SystemExit("a clock that is an hour off was believed")
            away.ask('fault {"on": "read", "what": "status", "code": 429, "reason": "RESOURCE_EXHAUSTED", "retry_after": "7"}')
            away.ask("clock 0")
            fresh = away.client()
            refused("too often", 429, fresh.values().get(spreadsheetId="B", range="main"))
            fresh.values().get(spreadsheetId="B", range="main").execute()
        finally:
            away.process.stdin.close()
            away.process.wait(10)
    print("ok")


if __name__ == "__main__":
    main()
