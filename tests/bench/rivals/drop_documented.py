"""drop_documented.py BRIDGE.db SINK GROUPS: the loop of the drops document, as it is written there.

A connection for every look and for every write, one commit a drop, a project after the other, each step in
the log, which goes to a file and to the terminal. SINK is what psycopg2 connects to (postgresql://...), as in
the document, or the path of a SQLite file, with what Python's sqlite3 does by itself: a rollback journal,
synchronous=FULL. One thing is not as in the document: each project has its own last id (with the shared one
most drops would be lost, and losing work is quick). The pause of 15 s between two rounds is left out.
"""
import json
import logging
import re
import resource
import sqlite3
import sys
import time
from datetime import datetime

try:
    import psycopg2
except ImportError:  # Only for a sink that is not a file.
    psycopg2 = None

logger = logging.getLogger(__name__)
STEPS = """step_01_property_frontage, step_02_location_before_install, step_03_outside_cable_span,
    step_04_home_entry_outside, step_05_home_entry_inside, step_06_fibre_entry_to_ont,
    step_07_patched_labelled_drop, step_08_work_area_completion, step_09_ont_barcode_scan,
    step_10_ups_serial_number, step_11_powermeter_reading, step_12_powermeter_at_ont,
    step_13_active_broadband_light, step_14_customer_signature, outstanding_photos_loaded_to_1map"""
CREATE = f"""CREATE TABLE qa_photo_reviews(id INTEGER PRIMARY KEY, drop_number TEXT UNIQUE, review_date TEXT,
    user_name TEXT, project TEXT, whatsapp_message_date TEXT, {STEPS}, comment TEXT, incomplete, completed,
    feedback_sent TEXT, resubmitted, updated_at TEXT)"""
INSERT = f"""INSERT INTO qa_photo_reviews(drop_number, review_date, user_name, project, whatsapp_message_date,
    {STEPS}, comment, incomplete, completed) VALUES(?, CURRENT_DATE, ?, ?, ?{', FALSE' * 15}, ?, FALSE, FALSE)"""
UPDATE = """UPDATE qa_photo_reviews SET incomplete=FALSE, feedback_sent=NULL, resubmitted=TRUE,
    comment=coalesce(comment, '')||?, updated_at=CURRENT_TIMESTAMP WHERE drop_number=?"""


class DatabaseManager:
    def __init__(self, sink):
        self.sink = sink
        self.postgres = sink.startswith("postgresql://")

    def get_connection(self):
        return psycopg2.connect(self.sink) if self.postgres else sqlite3.connect(self.sink)

    def execute(self, cursor, sql, values):
        cursor.execute(sql.replace("?", "%s") if self.postgres else sql, values)

    def check_drop_exists(self, drop_number):
        connection = self.get_connection()
        cursor = connection.cursor()
        self.execute(cursor, "SELECT id FROM qa_photo_reviews WHERE drop_number = ?", (drop_number,))
        exists = cursor.fetchone() is not None
        cursor.close()
        connection.close()
        return exists

    def run(self, sql, values):
        connection = self.get_connection()
        cursor = connection.cursor()
        self.execute(cursor, sql, values)
        connection.commit()
        cursor.close()
        connection.close()

    def insert_drop(self, drop):
        self.run(INSERT, (drop["number"], drop["user"], drop["project"], drop["time"], "Created from WhatsApp message"))
        logger.info("✅ Created QA review for %s", drop["number"])

    def handle_resubmission(self, number):
        now = datetime.now().strftime("%Y-%m-%d %H:%M:%S")
        block = f"\n--- PHOTOS UPDATED {now} ---\nAgent updated photos in 1MAP. QA can continue review.\n"
        self.run(UPDATE, (block, number))
        logger.info("🔄 Logged resubmission for %s", number)


class DropMonitor:
    DROP_PATTERN = re.compile(r"\bDR\d{8}\b")

    def __init__(self, path, database):
        self.path = path
        self.database = database
        self.seen = self.drops = 0

    def get_new_messages(self, chat):
        connection = sqlite3.connect(self.path)
        rows = connection.execute(
            "SELECT id, sender, text, timestamp FROM messages WHERE chat = ? AND id > ? ORDER BY id ASC", (chat, 0)
        ).fetchall()
        connection.close()
        return [{"id": r[0], "sender": r[1], "text": r[2], "time": r[3]} for r in rows]

    def process_message(self, message, project):
        self.seen += 1
        match = self.DROP_PATTERN.search(message["text"] or "")
        if not match:
            return
        number = match.group(0)
        self.drops += 1
        logger.info("📱 Found drop: %s in %s", number, project)
        if self.database.check_drop_exists(number):
            logger.info("🔄 Resubmission detected: %s", number)
            self.database.handle_resubmission(number)
            return
        self.database.insert_drop(
            {"number": number, "user": message["sender"][:20], "project": project, "time": message["time"]}
        )


def main():
    bridge, sink, groups = sys.argv[1], sys.argv[2], int(sys.argv[3])
    postgres = sink.startswith("postgresql://")
    handlers = [logging.FileHandler("documented.log" if postgres else sink + ".log"), logging.StreamHandler()]
    logging.basicConfig(level=logging.INFO, format="%(asctime)s - %(levelname)s - %(message)s", handlers=handlers)
    if not postgres:  # There `sluice migrate` has made the table.
        connection = sqlite3.connect(sink)
        connection.execute(CREATE)
        connection.close()
    monitor = DropMonitor(bridge, DatabaseManager(sink))
    started = time.monotonic()
    for i in range(groups):
        for message in monitor.get_new_messages(f"12036341829813033{i}@g.us"):
            monitor.process_message(message, f"Project {i}")
    usage = resource.getrusage(resource.RUSAGE_SELF)
    print(
        json.dumps(
            {
                "seen": monitor.seen,
                "drops": monitor.drops,
                "wall": time.monotonic() - started,
                "cpu": usage.ru_utime + usage.ru_stime,
            }
        )
    )


main()
