"""Mail servers for the tests, on aiosmtpd; see tests/rig/outside.h.

    python3 mail_server.py DIR

Prints "NAME PORT" for each server and "ready"; ends when its standard input does.

    smtps       TLS from the first byte, a login is demanded
    starttls    TLS and a login are demanded
    clear       neither TLS nor a login
    expired     as smtps, with an expired certificate
    silent      takes connections and says nothing
    garbage     does not speak SMTP

The login is desk, password secret (invented). What happens to a mail depends on its first recipient: full@ 452,
gone@ 550, later@ 451 after the text, refused@ 554 after the text, cut@ the connection breaks after the text, slow@
no answer after the text. Taken mails go to DIR/mails, a line of JSON each: from, to, subject, id, text, raw.
"""
import asyncio
import email
import email.policy
import json
import logging
import os
import ssl
import subprocess
import sys
import threading
import warnings

import certificates

warnings.simplefilter("ignore")
logging.disable(logging.CRITICAL)


def package():
    if not os.path.exists("ci/tool") or not os.environ.get("SLUICE_CACHE"):
        return None
    done = subprocess.run(["ci/tool", "aiosmtpd"], capture_output=True, text=True)
    return done.stdout.strip() if done.returncode == 0 else None


class Handler:
    def __init__(self, folder):
        self.path = os.path.join(folder, "mails")

    async def handle_RCPT(self, server, session, envelope, address, options):
        local = address.split("@")[0]
        if local in ("full", "gone"):
            return {"full": "452 mailbox full", "gone": "550 no such user here"}[local]
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):
        local = envelope.rcpt_tos[0].split("@")[0]
        if local in ("later", "refused"):
            return {"later": "451 try again later", "refused": "554 this is spam"}[local]
        mail = email.message_from_bytes(envelope.content, policy=email.policy.default)
        line = {"from": envelope.mail_from, "to": envelope.rcpt_tos, "subject": mail["Subject"],
                "id": mail["Message-ID"], "text": mail.get_content().replace("\r\n", "\n"), "header_to": mail["To"],
                "longest": max(len(one) for one in envelope.content.split(b"\r\n"))}
        with open(self.path, "a") as file:
            file.write(json.dumps(line, ensure_ascii=False) + "\n")
        if local == "cut":
            server.transport.abort()
        if local == "slow":
            await asyncio.sleep(60)
        return "250 taken"


async def garbage(reader, writer):
    writer.write(b"\x00\x01\x02 what?\r\n" * 3)
    await writer.drain()
    writer.close()


async def silent(reader, writer):
    await asyncio.sleep(600)


async def serve(folder):
    from aiosmtpd.smtp import SMTP, AuthResult

    def context(name):
        made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        made.load_cert_chain(os.path.join(folder, name + ".crt"), os.path.join(folder, name + ".key"))
        return made

    def login(server, session, envelope, mechanism, data):
        good = getattr(data, "login", b"") == b"desk" and getattr(data, "password", b"") == b"secret"  # invented
        return AuthResult(success=good, handled=False)

    handler = Handler(folder)
    known = {"authenticator": login, "auth_required": True, "hostname": "localhost"}
    loop = asyncio.get_running_loop()

    async def start(name, make, tls=None):
        server = await loop.create_server(make, "127.0.0.1", 0, ssl=tls)
        print(name, server.sockets[0].getsockname()[1])
        return server

    servers = [
        await start("smtps", lambda: SMTP(handler, auth_require_tls=False, **known), context("rsa")),
        await start("expired", lambda: SMTP(handler, auth_require_tls=False, **known), context("expired")),
        await start("starttls", lambda: SMTP(handler, tls_context=context("ec"), require_starttls=True, **known)),
        await start("clear", lambda: SMTP(handler, hostname="localhost")),
    ]
    for name, what in (("silent", silent), ("garbage", garbage)):
        server = await asyncio.start_server(what, "127.0.0.1", 0)
        print(name, server.sockets[0].getsockname()[1])
        servers.append(server)
    print("ready", flush=True)
    await asyncio.Event().wait()


def main():
    folder = sys.argv[1]
    path = package()
    if not path:
        print("missing: aiosmtpd (ci/tool aiosmtpd)", flush=True)
        return
    sys.path.insert(0, path)
    certificates.make(folder)
    threading.Thread(target=lambda: asyncio.run(serve(folder)), daemon=True).start()
    sys.stdin.read()
    os._exit(0)


if __name__ == "__main__":
    main()
