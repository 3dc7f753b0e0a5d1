"""S11: clients that take their time keep nobody out and are ended."""
import socket
import sys
import time

import http_rig as rig

port = int(sys.argv[1])
begin = time.monotonic()
slow = []
for _ in range(100):
    s = socket.create_connection(("127.0.0.1", port), timeout=60)
    s.sendall(b"GET /live HTTP/1.1\r\nHost: a\r\nX: ")
    slow.append(s)
ended = 0
open_ones = list(slow)
while open_ones and time.monotonic() - begin < 45:
    for s in list(open_ones):
        try:
            s.sendall(b"a")
        except OSError:
            ended += 1
            open_ones.remove(s)
    rig.check(rig.call(port, "GET", "/live").status == 200, "S11: an honest client was kept out")
    time.sleep(1)
rig.check(not open_ones, f"S11: {len(open_ones)} slow clients are still there after 45 s")
slow[0].settimeout(5)
try:
    rig.check(slow[0].recv(100).startswith(b"HTTP/1.1 408"), "S11: a slow client is not told why")
except ConnectionResetError:
    pass
print(f"S11: {ended} slow clients were ended within {time.monotonic() - begin:.0f} s")
sys.exit(1 if rig.bad else 0)
