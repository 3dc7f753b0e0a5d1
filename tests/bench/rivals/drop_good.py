"""drop_good.py BRIDGE.db SINK.db GROUPS: the drops desk as a competent engineer writes it in Python.

One read connection, one scan, a compiled expression, batched upserts into one SQLite file (WAL,
synchronous=FULL). It keeps no archive, and what it forgets in a crash it does again.
"""
import json
import os
import re
import resource
import sqlite3
import sys
import time

BATCH = 10000
FIND = re.compile(r"\bDR\d{8}\b").search
SCHEMA = """PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;
CREATE TABLE drops(drop_number TEXT PRIMARY KEY, review_date TEXT, user_name TEXT, project TEXT,
    whatsapp_message_date TEXT, comment TEXT, resubmitted INT DEFAULT 0, updated_at TEXT);
CREATE TABLE state(chat TEXT PRIMARY KEY, last_id INT);"""
UPSERT = """INSERT INTO drops(drop_number, review_date, user_name, project, whatsapp_message_date, comment)
VALUES(?, date('now'), ?, ?, ?, 'Created from WhatsApp message')
ON CONFLICT(drop_number) DO UPDATE SET resubmitted=1, updated_at=CURRENT_TIMESTAMP,
    comment=comment||'\n--- PHOTOS UPDATED ---'"""
SIMPLE = "SELECT id, chat, sender, text, timestamp FROM messages WHERE id>? ORDER BY id"
PUBLIC = "SELECT rowid, chat_jid, sender, content, timestamp FROM messages WHERE rowid>? ORDER BY rowid"


def work(source, sink, names):
    """Everything that is there; (messages seen, drops found)."""
    public = source.execute("SELECT count(*) FROM pragma_table_info('messages') WHERE name='chat_jid'").fetchone()[0]
    cursor = source.execute(PUBLIC if public else SIMPLE, (0,))
    seen = drops = 0
    last = {}
    while True:
        rows = cursor.fetchmany(BATCH)
        if not rows:
            return seen, drops
        found = []
        for number, chat, sender, text, when in rows:
            name = names.get(chat)
            if name is None or not text:
                continue
            last[chat] = number
            match = FIND(text)
            if match:
                found.append((match.group(0), sender[:20], name, when))
        sink.execute("BEGIN")
        sink.executemany(UPSERT, found)
        sink.executemany("INSERT OR REPLACE INTO state VALUES(?,?)", list(last.items()))
        sink.execute("COMMIT")
        seen += len(rows)
        drops += len(found)


def main():
    bridge, path, groups = sys.argv[1], sys.argv[2], int(sys.argv[3])
    for suffix in ("", "-wal", "-shm"):
        if os.path.exists(path + suffix):
            os.unlink(path + suffix)
    started = time.monotonic()
    names = {f"12036341829813033{i}@g.us": f"Project {i}" for i in range(groups)}
    source = sqlite3.connect(f"file:{bridge}?mode=ro", uri=True)
    sink = sqlite3.connect(path, isolation_level=None)
    sink.executescript(SCHEMA)
    seen, drops = work(source, sink, names)
    usage = resource.getrusage(resource.RUSAGE_SELF)
    print(
        json.dumps(
            {
                "seen": seen,
                "drops": drops,
                "wall": time.monotonic() - started,
                "cpu": usage.ru_utime + usage.ru_stime,
            }
        )
    )


main()
