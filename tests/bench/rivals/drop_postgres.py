"""drop_postgres.py BRIDGE.db URI GROUPS: the loop of the drops document on PostgreSQL, as it is written there.

A connection for every look and for every write, one commit a drop, a project after the other. One thing is
not as in the document: each project has its own last id (with the shared one most drops would be lost, and
losing work is quick).
"""
import json
import re
import resource
import sqlite3
import sys
import time
from datetime import datetime

import psycopg2

NUMBER = re.compile(r"\bDR\d{8}\b")
STEPS = [line.split()[0] for line in """step_01_property_frontage
step_02_location_before_install
step_03_outside_cable_span
step_04_home_entry_outside
step_05_home_entry_inside
step_06_fibre_entry_to_ont
step_07_patched_labelled_drop
step_08_work_area_completion
step_09_ont_barcode_scan
step_10_ups_serial_number
step_11_powermeter_reading
step_12_powermeter_at_ont
step_13_active_broadband_light
step_14_customer_signature
outstanding_photos_loaded_to_1map""".splitlines()]
INSERT = """INSERT INTO qa_photo_reviews(drop_number, review_date, user_name, project, whatsapp_message_date, %s,
    comment, incomplete, completed) VALUES(%%s, CURRENT_DATE, %%s, %%s, %%s, %s, %%s, FALSE, FALSE)""" % (
    ", ".join(STEPS), ", ".join("FALSE" for _ in STEPS))
UPDATE = """UPDATE qa_photo_reviews SET incomplete = FALSE, feedback_sent = NULL, resubmitted = TRUE,
    comment = COALESCE(comment, '') || %s, updated_at = CURRENT_TIMESTAMP WHERE drop_number = %s"""


def look(uri, number):
    connection = psycopg2.connect(uri)
    cursor = connection.cursor()
    cursor.execute("SELECT id FROM qa_photo_reviews WHERE drop_number = %s", (number,))
    there = cursor.fetchone() is not None
    connection.close()
    return there


def change(uri, sql, values):
    connection = psycopg2.connect(uri)
    connection.cursor().execute(sql, values)
    connection.commit()
    connection.close()


def take(uri, project, message):
    """One message; whether it had a number."""
    found = NUMBER.search(message[2] or "")
    if not found:
        return False
    number = found.group(0)
    if look(uri, number):
        now = datetime.now().strftime("%Y-%m-%d %H:%M:%S")
        block = "\n--- PHOTOS UPDATED %s ---\nAgent updated photos in 1MAP. QA can continue review.\n" % now
        change(uri, UPDATE, (block, number))
    else:
        change(uri, INSERT, (number, message[1][:20], project, message[3], "Created from WhatsApp message"))
    return True


def main():
    bridge, uri, groups = sys.argv[1], sys.argv[2], int(sys.argv[3])
    started = time.monotonic()
    drops = seen = 0
    for i in range(1, groups + 1):
        connection = sqlite3.connect(bridge)
        rows = connection.execute("SELECT id, sender, content, timestamp FROM messages WHERE chat_jid = ? ORDER BY rowid",
                                  ("12036300000000%04d@g.us" % i,)).fetchall()
        connection.close()
        for row in rows:
            seen += 1
            drops += take(uri, "P%d" % i, row)
    usage = resource.getrusage(resource.RUSAGE_SELF)
    print(json.dumps({"seen": seen, "drops": drops, "wall": time.monotonic() - started, "cpu": usage.ru_utime + usage.ru_stime}))


main()
