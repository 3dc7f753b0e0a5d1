"""gen_bridge.py FILE MESSAGES GROUPS [simple|public]: a bridge's file, the same for the same arguments.

One message in twenty has a drop number, and one in ten of these repeats an earlier one.

simple  messages(id INTEGER, chat, sender, text, timestamp), as the query of the drops document reads
public  the table of the public WhatsApp bridge: random text ids (3EB0...), times with an offset
"""
import os
import random
import sqlite3
import sys

WORDS = (
    "good morning team the installation at house number is done please check photos loaded in 1map customer signed "
    "router light is green ont barcode scanned ups serial number missing will go back tomorrow thanks ok noted cable "
    "span outside powermeter reading fine בוקר טוב שלחתי תמונות dankie baas siyabonga"
).split()
SIMPLE = "CREATE TABLE messages(id INTEGER PRIMARY KEY, chat TEXT, sender TEXT, text TEXT, timestamp TEXT)"
PUBLIC = """CREATE TABLE messages(id TEXT, chat_jid TEXT, sender TEXT, content TEXT, timestamp TIMESTAMP,
    is_from_me BOOLEAN, media_type TEXT, filename TEXT, url TEXT, media_key BLOB, file_sha256 BLOB,
    file_enc_sha256 BLOB, file_length INTEGER, PRIMARY KEY(id, chat_jid))"""


def rows(count, groups):
    """(number, group, sender, text, time) of every message."""
    chance = random.Random(2)
    drops = []
    for i in range(1, count + 1):
        text = " ".join(chance.choices(WORDS, k=chance.randint(2, 22)))
        if i % 20 == 0:
            if drops and chance.random() < 0.1:
                drop = chance.choice(drops)
            else:
                drop = "DR%08d" % (1700000 + i)
                drops.append(drop)
            text = drop + " " + text if chance.random() < 0.5 else text + " " + drop
        chat = f"12036341829813033{chance.randrange(groups)}@g.us"
        sender = "2782%07d@s.whatsapp.net" % chance.randrange(2000)
        day = 1 + i * 28 // (count + 1)
        yield i, chat, sender, text, f"2025-11-{day:02d} {i // 3600 % 24:02d}:{i // 60 % 60:02d}:{i % 60:02d}"


def public_rows(count, groups):
    chance = random.Random(3)
    for _, chat, sender, text, time in rows(count, groups):
        name = "3EB0%018X" % chance.getrandbits(72)
        yield name, chat, sender, text, time + "+02:00", 0


def main():
    path, count, groups = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    public = sys.argv[4:] == ["public"]
    if os.path.exists(path):
        os.unlink(path)
    file = sqlite3.connect(path)
    if public:
        file.execute(PUBLIC)
        file.executemany(
            "INSERT INTO messages(id, chat_jid, sender, content, timestamp, is_from_me) VALUES(?,?,?,?,?,?)",
            public_rows(count, groups),
        )
    else:
        file.execute(SIMPLE)
        file.executemany("INSERT INTO messages VALUES(?,?,?,?,?)", rows(count, groups))
    file.commit()
    file.close()


main()
