"""A double of those who are told by HTTP: `python3 alerts_rig.py FILE` prints its port and notes each call as a line of JSON.

Slack, the Bot API of Telegram and Green API answer as their descriptions say; /hook is anybody's webhook. A path that
begins with /down answers 503 until FILE.up exists. It ends when its standard input does.
"""
import http.server
import json
import os
import sys
import threading

FILE = sys.argv[1]
lock = threading.Lock()


class Double(http.server.BaseHTTPRequestHandler):
    def log_message(self, *_):
        pass

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        status, answer = 200, b"ok"
        if self.path.startswith("/down") and not os.path.exists(FILE + ".up"):
            status, answer = 503, b"{}"
        elif self.path.startswith("/bot"):
            answer = b'{"ok":true,"result":{"message_id":1}}'
        elif self.path.startswith("/waInstance"):
            answer = b'{"idMessage":"3EB0C767D097B7C7C030"}'
        with lock, open(FILE, "a") as file:
            file.write(json.dumps({"path": self.path, "status": status, "headers": {k.lower(): v for k, v in self.headers.items()},
                                   "body": body.decode()}) + "\n")
        self.send_response(status)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Double)
print(server.server_address[1], flush=True)
threading.Thread(target=server.serve_forever, daemon=True).start()
sys.stdin.read()
