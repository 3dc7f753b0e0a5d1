"""The rival of the sink mongodb: pymongo's bulk_write with the same guarded upserts.

    python3 mongo_bulk.py write URI DATABASE ROWS    prints {"wall_ms": …, "cpu_ms": …}
    python3 mongo_bulk.py drop URI DATABASE          takes the rows away
    python3 mongo_bulk.py hash URI DATABASE          prints a digest of all rows, without their _id
"""
import datetime
import hashlib
import json
import sys
import time

import bson
import pymongo

BATCH = 4096


def row(i):
    return {"name": "דנה %d" % i, "phone": "+972550%06d" % i, "city": "חיפה",
            "note": "A note of some length, as people write it, number %d" % i, "state": "new", "lessons": i % 40,
            "paid": i % 7 * 100, "large": i * 10000000000, "score": i % 100 + 0.5, "active": i % 2 == 0,
            "seen": datetime.datetime(2025, 12, 9, 18, 51, 42) + datetime.timedelta(seconds=i)}


def write(collection, rows):
    collection.create_index("key", unique=True)
    made = [("row-%d" % i, "%019d.%019d.%010d" % (1, i, 0), row(i)) for i in range(rows)]
    wall, cpu = time.perf_counter(), time.process_time()
    for at in range(0, rows, BATCH):
        collection.bulk_write([
            pymongo.UpdateOne({"key": key, "_sluice.seq.bench": {"$not": {"$gte": sequence}}},
                              {"$set": {**values, "_sluice.seq.bench": sequence}}, upsert=True)
            for key, sequence, values in made[at:at + BATCH]], ordered=False)
    print(json.dumps({"wall_ms": round((time.perf_counter() - wall) * 1000),
                      "cpu_ms": round((time.process_time() - cpu) * 1000)}))


def digest(collection):
    whole = hashlib.sha256()
    count = 0
    for document in collection.find({}, {"_id": 0}).sort("key"):
        whole.update(bson.encode(dict(sorted(document.items()))))
        count += 1
    print(count, whole.hexdigest())


def main():
    act, uri, database = sys.argv[1:4]
    client = pymongo.MongoClient(uri, directConnection=True, w="majority", retryWrites=True)
    collection = client[database]["rows"]
    if act == "write":
        write(collection, int(sys.argv[4]))
    elif act == "drop":
        collection.drop()
    else:
        digest(collection)


if __name__ == "__main__":
    main()
