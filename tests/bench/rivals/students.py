"""The rivals of the op students: its document's rules in Python with pymongo.

    python3 students.py URI permsg|bulk FOLDER [SECONDS]    FOLDER has messages.db and roster.csv
    python3 students.py URI documents                       prints what each student's document says, as JSON

permsg is the document's way: find_one by uniq_id, times compared, the lesson changed, update_one with upsert, a message
after the other (for so many seconds at most). bulk is what a competent engineer does: everything folded in memory, one
find, bulk_write of upserts, unordered, a thousand at a time. Both have the messages in memory before the clock starts.
"""
import csv
import hashlib
import json
import resource
import sqlite3
import sys
import time
from datetime import datetime
from zoneinfo import ZoneInfo

from pymongo import MongoClient, UpdateOne

PRACTICE = ["תרגלתי", "תרגול", "practice"]
MESSAGE = ["שאלה", "הודעה", "question"]
FORM = "%H:%M, %d.%m.%Y"
HOME = ZoneInfo("Asia/Jerusalem")
DROP = {ord(c): None for c in "\u202a\u202c\u200e\u200f +-\xa0"}


def load(folder):
    roster = {}
    with open(folder + "/roster.csv", newline="") as file:
        for row in csv.DictReader(file):
            digits = row["phone_number"]
            roster[digits] = {"name": row["name"], "phone": f"{digits[:3]} {digits[3:5]}-{digits[5:8]}-{digits[8:]}",
                              "lesson": row["current_lesson"], "teacher": row["teacher"]}
    db = sqlite3.connect(folder + "/messages.db")
    messages = [(sender, datetime.fromisoformat(at).astimezone(HOME).strftime(FORM), text)
                for sender, at, text in db.execute("SELECT sender, timestamp, text FROM messages ORDER BY id")]
    return roster, messages


def transform(roster, messages):
    for sender, at, text in messages:
        kind = "p" if any(w in text for w in PRACTICE) else "m" if any(w in text for w in MESSAGE) else None
        student = roster.get(sender.translate(DROP)) if kind else None
        if student:
            yield kind, at, student


def uniq(student):
    return hashlib.md5(f"{student['phone']}_{student['name']}".encode()).hexdigest()


def parse(text):
    return datetime.strptime(text, FORM)


def apply(document, kind, at, student):
    field = "last_practice_timedate" if kind == "p" else "last_message_timedate"
    if document.get(field) and parse(at) < parse(document[field]):
        return False
    document[field] = at
    lesson = next((one for one in document["lessons"] if one["lesson"] == student["lesson"]), None)
    if lesson is None:
        lesson = {"lesson": student["lesson"], "teacher": student["teacher"], "practice_count": 0, "first_practice": None,
                  "last_practice": None, "paid": False, "message_count": 0}
        document["lessons"].append(lesson)
    if kind == "p":
        lesson["practice_count"] += 1
        lesson["first_practice"] = lesson["first_practice"] or at
        lesson["last_practice"] = at
    else:
        lesson["message_count"] += 1
    document["current_lesson"] = student["lesson"]
    return True


def fresh(key, student):
    return {"uniq_id": key, "phone_number": student["phone"], "name": student["name"], "lessons": []}


def upsert(key, document):
    now = datetime.now().strftime(FORM)
    fields = {k: v for k, v in document.items() if k not in ("_id", "created_at")}
    return {"uniq_id": key}, {"$set": {**fields, "updated_at": now}, "$setOnInsert": {"created_at": now}}


def one_by_one(collection, roster, messages, seconds):
    counted, until = 0, time.monotonic() + seconds
    for i, (sender, at, text) in enumerate(messages):
        for kind, when, student in transform(roster, [(sender, at, text)]):
            key = uniq(student)
            document = collection.find_one({"uniq_id": key}) or fresh(key, student)
            if apply(document, kind, when, student):
                collection.update_one(*upsert(key, document), upsert=True)
                counted += 1
        if time.monotonic() > until:
            return i + 1
    return len(messages)


def in_bulk(collection, roster, messages):
    documents = {one["uniq_id"]: one for one in collection.find()}
    dirty = set()
    for kind, at, student in transform(roster, messages):
        key = uniq(student)
        document = documents.setdefault(key, None) or fresh(key, student)
        documents[key] = document
        if apply(document, kind, at, student):
            dirty.add(key)
    batch = [UpdateOne(*upsert(key, documents[key]), upsert=True) for key in dirty]
    for i in range(0, len(batch), 1000):
        collection.bulk_write(batch[i:i + 1000], ordered=False)
    return len(messages)


def main():
    client = MongoClient(sys.argv[1], serverSelectionTimeoutMS=10000)
    collection = client["students_db"]["student_stats"]
    if sys.argv[2] == "documents":
        names = ("phone_number", "name", "current_lesson", "last_practice_timedate", "last_message_timedate")
        rows = [[one.get(name) for name in names] +
                [[lesson[k] for k in ("lesson", "teacher", "practice_count", "message_count", "first_practice", "last_practice")] for lesson in one["lessons"]]
                for one in collection.find().sort("uniq_id")]
        print(json.dumps(rows, ensure_ascii=False))
        return
    roster, messages = load(sys.argv[3])
    collection.create_index("uniq_id", unique=True)
    before, began = resource.getrusage(resource.RUSAGE_SELF), time.monotonic()
    if sys.argv[2] == "permsg":
        count = one_by_one(collection, roster, messages, float(sys.argv[4]))
    else:
        count = in_bulk(collection, roster, messages)
    took, after = time.monotonic() - began, resource.getrusage(resource.RUSAGE_SELF)
    print(json.dumps({"messages": count, "wall_s": took,
                      "cpu_s": after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime}))


main()
