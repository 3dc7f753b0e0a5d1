"""The truth of the look-alike: chats and messages, made from a scenario and its seed alone.

The same scenario gives the same messages on every machine. A message is made from (seed, chat, number), where the
newest has number 0, so a chat of 5,000 messages costs nothing until it is asked for, and asking for more of it
changes no message. Everything here is invented.
"""
import datetime
import hashlib
import random
import re
import struct
import zlib
import zoneinfo

NARROW = "\u202f"
ME = {"name": "אני", "push": "me", "phone": "972500000001", "lid": "100000000000001@lid"}  # invented

SENTENCES = [
    "שלום לכולם, מתי השיעור הבא?", "תודה רבה!", "אני אאחר בעשר דקות 🙏", "תרגול יומי הושלם ✅", "תרגלתי היום 20 דקות",
    "מי יכול להחליף אותי ביום שלישי?", "הכתובת: רחוב הדוגמה 5, קומה 2", "👍🏽", "👨‍👩‍👧‍👦 כולם כאן", "Good morning, team!",
    "The parcel is at the front desk.", "أهلا وسهلا بالجميع", "متى يبدأ الدرس؟ 🎉", "Всем привет, кто сегодня придёт?",
    "שורה ראשונה\nשורה שנייה\n\nשורה רביעית", "אימון ב-18:30 (אולם B), להביא bottle של מים", "50% הנחה על 3 שיעורים, עד 12/10",
    "🇮🇱🎈", "a < b && c > d \"quoted\" 'single' \\ slash", "‏טקסט עם סימן כיוון‏", "1️⃣ קודם זה 2️⃣ אחר כך זה", "😂😂😂", "כן", ".",
    "מקור: פייסבוק\nשם: דנה לדוגמה\nטלפון: 050-0000003\nמייל: dana@example.org",  # invented
    "* שם : רון 🙂 לדוגמה\n- טלפון: ‪+972 50‑000‑0004‬\nמקור: המלצה",  # invented
]
SYSTEM = ["{} joined", "{} left", "{} changed their phone number", "Messages are end-to-end encrypted"]
FIRST = ["נועה", "יואב", "תמר", "Ben", "سارة", "Ольга", "מיכל", "אורי", "Dana", "איתי", "שירה", "يوسف"]
LAST = ["כהן", "Levi", "מזרחי", "ביטון", "خوري", "פרץ", "Stone", "אברהם"]
ODD_NAMES = [
    "\u202aWrapped in marks\u202c", "\u00a0Leading and trailing\u00a0", "Family 👨‍👩‍👧‍👦 ❤️", "Thumb 👍🏽 up", "שיעור פסנתר\u200f (א׳)",
    "قائمة الدروس", "Mixed עברית and English 123", "+972 55-000-0005", "\u202a+972\u00a055\u2011000\u20110006\u202c",  # invented
    "אותו שם", "אותו שם", "Sales", "Sales Team", "A very long title that no list can ever show in one line, 2026 edition",
]
KINDS = {
    "text": 60, "emoji": 3, "multiline": 4, "link": 3, "quoted": 4, "mention": 3, "long": 1, "deleted": 2, "edited": 3,
    "forwarded": 2, "poll": 1, "vcard": 1, "location": 1, "sticker": 1, "gif": 1, "voice": 2, "video": 1, "document": 1,
    "image": 3, "image_caption": 2, "album": 1, "system": 2, "call": 1, "waiting": 1, "disappearing": 1, "twin": 2,
}
MEDIA = {"image", "image_caption", "album", "gif", "video", "sticker", "voice", "document"}


def moment(value):
    """Epoch seconds of a number, an ISO 8601 time or "real"."""
    if value == "real":
        now = datetime.datetime.now(datetime.timezone.utc).timestamp()
        return int(now) // 60 * 60
    if isinstance(value, (int, float)):
        return int(value)
    return int(datetime.datetime.fromisoformat(value.replace("Z", "+00:00")).timestamp())


def number_shown(phone, hyphen="-"):
    """As the page shows the number of somebody unknown: within marks, with a hard space."""
    local = phone[3:]
    return f"\u202a+{phone[:3]}\u00a0{local[:2]}{hyphen}{local[2:5]}{hyphen}{local[5:]}\u202c"


def shown(person):
    if person.get("name"):
        return person["name"]
    if person.get("phone"):
        return number_shown(person["phone"], person.get("hyphen", "-"))
    return "~" + (person.get("push") or "?")


def plain(title):
    """A title without direction marks and outer spaces, to be compared."""
    return re.sub("[\u200e\u200f\u202a-\u202e\u2066-\u2069]", "", title).replace("\u00a0", " ").strip()


def png(key, side=8):
    """A small real picture that only this key has."""
    colour = hashlib.sha256(key.encode()).digest()
    rows = b"".join(b"\0" + bytes(colour[(x + y) % 30 + c] for x in range(side) for c in range(3)) for y in range(side))

    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def media_bytes(kind, key):
    tail = hashlib.sha256(key.encode()).digest()
    if kind == "voice":
        return "audio/ogg", b"OggS\0\2" + tail * 8
    if kind in ("video", "gif"):
        return "video/mp4", b"\0\0\0\x18ftypmp42" + tail * 16
    if kind == "document":
        return "application/pdf", b"%PDF-1.4\n% invented\n" + tail.hex().encode() + b"\n%%EOF\n"
    return "image/png", png(key)


class Chat:
    def __init__(self, world, spec, number):
        self.world = world
        self.number = number
        self.title = spec["title"]
        self.group = spec.get("group", True)
        dice = random.Random(f"{world.seed}:chat:{number}")
        alone = "9725" + "%08d" % dice.randrange(10**8)
        self.jid = spec.get("jid") or (f"1203630{number:011d}@g.us" if self.group else f"{alone}@c.us")
        self.count = spec.get("count", 12)
        self.kinds = spec.get("kinds", KINDS)
        self.gap = spec.get("gap", 700)  # Seconds between messages, on average.
        self.phone_only = spec.get("phone_only", 0)  # The oldest so many come only after a click on the banner.
        self.unlocked = 0
        self.pinned, self.muted = spec.get("pinned", False), spec.get("muted", False)
        self.archived, self.unread = spec.get("archived", False), spec.get("unread", 0)
        self.own_notes = spec.get("own_notes", False)
        self.last = moment(spec["last"]) if "last" in spec else world.now - number * 300 - dice.randrange(300)
        self.members = [self.member(m, i) for i, m in enumerate(spec.get("members") or self.crowd(dice))]
        if not self.group:
            self.members = [{**self.member({"name": self.title, "phone": alone}, 0), "jid": self.jid}]
        self.explicit = spec.get("messages")
        self.older = None
        self.live = []
        self.made = 0

    def crowd(self, dice):
        """Members in each of the ways in which somebody can be known."""
        people = []
        for i in range(8):
            name = f"{dice.choice(FIRST)} {dice.choice(LAST)}"
            phone = "9725" + "%08d" % dice.randrange(10**8)
            people.append([{"name": name, "phone": phone}, {"push": name, "phone": phone},
                           {"push": name, "phone": phone, "hyphen": "\u2011"}, {"push": name}][i % 4])
        return people

    def member(self, person, number):
        person = dict(person) if isinstance(person, dict) else {"name": person}
        lid = f"{200000000000000 + self.number * 1000 + number}@lid"
        person.setdefault("lid", lid)
        person["jid"] = f"{person['phone']}@c.us" if person.get("phone") else lid
        return person

    def identify(self, dice, from_me):
        form = "A5" if from_me else "3A"
        size = 32 if from_me else 20
        if dice.random() < 0.2:
            form, size = "3EB0", 22
        return form + "".join(dice.choice("0123456789ABCDEF") for _ in range(size - len(form)))

    def text_of(self, kind, dice, number):
        text = dice.choice(SENTENCES)
        if kind == "emoji":
            return dice.choice(["🙂", "👍🏽❤️", "👨‍👩‍👧‍👦", "🇮🇱"])
        if kind == "multiline":
            return "\n".join(dice.choice(SENTENCES) for _ in range(3))
        if kind == "link":
            return f"{text} https://example.org/page/{number}?x=1&y=2"
        if kind == "long":
            return " ".join(f"{i}:{dice.choice(SENTENCES)}" for i in range(dice.choice([120, 260, 700])))[:20000]
        if kind == "mention":
            return f"@{shown(dice.choice(self.members))} {text}"
        if kind in ("image_caption", "text", "quoted", "edited", "forwarded", "disappearing", "twin"):
            return f"{text} #{number}" if dice.random() < 0.7 else text
        if kind == "poll":
            return "מתי נפגשים?"
        return ""

    def make(self, number, epoch, fields=None):
        """The message with this number; `fields` are those that somebody laid down."""
        fields = fields or {}
        dice = random.Random(f"{self.world.seed}:{self.jid}:{number}")
        kind = fields.get("kind") or dice.choices(list(self.kinds), list(self.kinds.values()))[0]
        sticky = random.Random(f"{self.world.seed}:{self.jid}:run:{(number + 10**6) // 3}")
        from_me = fields.get("from_me", sticky.random() < 0.25)
        person = ME if from_me else sticky.choice(self.members)
        if isinstance(fields.get("author"), (str, dict)):
            person = self.find_member(fields["author"])
        text = fields.get("text")
        text = self.text_of(kind, dice, number) if text is None else text
        made = {"id": fields.get("id") or self.identify(dice, from_me), "chat": self.jid, "number": number, "epoch": epoch,
                "kind": kind, "from_me": from_me, "text": text, "author": shown(person), "push": person.get("push"),
                "phone": person.get("phone"), "jid": person.get("jid") or f"{person['phone']}@c.us", "lid": person.get("lid"),
                "ticks": dice.choice([1, 2, 3])}
        if kind == "quoted":
            made["quoted"] = {"author": shown(dice.choice(self.members)), "text": dice.choice(SENTENCES),
                              "media": dice.random() < 0.3}
        if kind == "mention":
            made["mention"] = self.mention_in(text)
        if kind == "system":
            made["text"] = fields.get("text") or dice.choice(SYSTEM).format(shown(dice.choice(self.members)))
        if kind == "edited":
            made["edited"] = True
        if kind == "poll":
            made["options"] = ["יום ראשון", "יום שני", "יום שלישי"]
        if kind == "document":
            made["filename"] = f"חשבונית {number}.pdf"
        if kind in MEDIA:
            tiles = 4 if kind == "album" else 1
            made["media"] = []
            for tile in range(tiles):
                mime, data = media_bytes(kind, f"{made['id']}:{tile}")
                made["media"].append({"mime": mime, "size": len(data), "sha256": hashlib.sha256(data).hexdigest()})
        if dice.random() < 0.04 and kind == "text":
            made["reactions"] = ["👍", "❤️"]
        for name in ("quoted", "reactions", "edited", "forwarded", "filename"):
            if name in fields:
                made[name] = fields[name]
        return made

    def mention_in(self, text):
        for member in self.members:
            if text.startswith("@" + shown(member)):
                return {"text": "@" + shown(member), "lid": member["lid"]}
        return None

    def find_member(self, wanted):
        if isinstance(wanted, dict):
            return self.member(wanted, 900 + len(self.live))
        for member in self.members:
            if wanted in (member.get("name"), member.get("phone"), member.get("push"), shown(member)):
                return member
        return self.member({"name": wanted}, 900 + len(self.live))

    def messages(self):
        """All of them, oldest first."""
        if self.older is None:
            self.older = self.build()
        return self.older + self.live

    def build(self):
        if self.explicit is not None:
            made = []
            for i, fields in enumerate(self.explicit):
                fields = {"kind": "text", "from_me": False, **fields}
                made.append(self.make(-10000 - i, moment(fields.get("at", self.last)), fields))
            return made
        epoch, made = self.last, []
        previous = None
        for number in range(self.count):
            one = self.make(number, epoch)
            if one["kind"] == "twin" and previous and previous["kind"] in ("text", "twin"):
                # The same words by the same hand in the same minute, and yet two messages.
                for name in ("text", "author", "push", "phone", "jid", "lid", "from_me", "epoch"):
                    one[name] = previous[name]
            made.append(one)
            previous = one
            dice = random.Random(f"{self.world.seed}:{self.jid}:gap:{number}")
            epoch = one["epoch"] - (0 if dice.random() < 0.3 else int(dice.expovariate(1 / self.gap)) + 1)
        return made[::-1]

    def newest(self):
        if self.live:
            return self.live[-1]
        if self.older is not None or self.explicit is not None:
            every = self.messages()
            return every[-1] if every else None
        return self.make(0, self.last) if self.count else None

    def add(self, fields):
        self.messages()
        self.made += 1
        last = self.newest()
        epoch = moment(fields["at"]) if "at" in fields else max(self.world.now, last["epoch"] if last else 0)
        given = {"kind": "text", "from_me": False, **fields}
        one = self.make(-self.made, epoch, given)
        if "text" not in fields and one["kind"] == "text":
            one["text"] = f"live {self.made} {one['text']}"
        self.live.append(one)
        if not one["from_me"]:
            self.unread += 1
        return one

    def find(self, identity):
        for one in reversed(self.messages()):
            if one["id"] == identity:
                return one
        raise KeyError(f"no message {identity} in {self.title}")

    def forget(self, one):
        self.messages()
        (self.live if one in self.live else self.older).remove(one)

    def summary(self):
        last = self.newest()
        return {"jid": self.jid, "title": self.title, "group": self.group, "pinned": self.pinned, "muted": self.muted,
                "archived": self.archived, "unread": self.unread, "own_notes": self.own_notes,
                "epoch": last["epoch"] if last else 0, "preview": (last["text"] or last["kind"])[:80] if last else "",
                "from_me": bool(last and last["from_me"])}

    def batch(self, before, size):
        """Up to `size` messages older than `before`, which of them begin a run, and what is left."""
        rows = self.messages()
        floor = self.phone_only - self.unlocked
        end = len(rows)
        if before:
            end = rows.index(self.find(before))
        start = max(floor, end - size, 0)
        part = []
        for i in range(start, end):
            one = dict(rows[i])
            one["first"] = i == 0 or begins_run(rows[i - 1], rows[i])
            part.append(one)
        return {"rows": part, "more": start > max(floor, 0), "phone": start <= floor and self.phone_only > 0}


def begins_run(previous, one):
    alone = ("system", "call")
    return previous["jid"] != one["jid"] or previous["kind"] in alone or one["kind"] in alone


class World:
    """Everything that a scenario lays down."""

    def __init__(self, scenario):
        self.seed = scenario.get("seed", 1)
        self.now = moment(scenario.get("now", "2026-09-03T11:05:00Z"))
        specs = list(scenario.get("chats", []))
        taken = len(specs)
        listed = sum(not spec.get("archived") for spec in specs)
        while listed < scenario.get("fill", 0):
            specs.append(self.filler(len(specs), len(specs) - taken))
            listed += not specs[-1]["archived"]
        self.chats = [Chat(self, spec, number) for number, spec in enumerate(specs)]
        self.by_jid = {chat.jid: chat for chat in self.chats}

    def filler(self, number, index):
        dice = random.Random(f"{self.seed}:filler:{number}")
        if index < len(ODD_NAMES):
            title = ODD_NAMES[index]
        else:
            title = f"{dice.choice(FIRST)} {dice.choice(LAST)} {number}"
        return {"title": title, "group": dice.random() < 0.5, "count": 3 + dice.randrange(30), "muted": dice.random() < 0.1,
                "unread": dice.choice([0, 0, 0, 2, 11]), "archived": index == 20, "own_notes": index == 21}

    def chat(self, wanted):
        if wanted in self.by_jid:
            return self.by_jid[wanted]
        for chat in self.chats:
            if chat.title == wanted or plain(chat.title) == plain(wanted):
                return chat
        raise KeyError(f"no chat {wanted}")

    def truth(self, chat, zone=None):
        """The canonical messages, with what the page can show of their time at most: the minute."""
        told = []
        where = zoneinfo.ZoneInfo(zone or "UTC")
        for one in self.chat(chat).messages():
            row = {k: one.get(k) for k in ("id", "chat", "author", "push", "phone", "jid", "lid", "epoch", "text", "kind",
                                           "from_me", "edited", "quoted", "mention", "filename", "media", "reactions")}
            local = datetime.datetime.fromtimestamp(one["epoch"], where)
            row["minute"] = local.strftime("%Y-%m-%dT%H:%M")
            row["ambiguous"] = local.utcoffset() != local.replace(fold=1 - local.fold).utcoffset()
            told.append(row)
        return told
