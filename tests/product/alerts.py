"""What the double of alerts_rig.py and the mail server got, against what they should have: FILE MAILS SECRET NEWS.

NEWS is `firing` or `over`: how often each channel heard of the dead letters must be once, for that and what came before.
"""
import base64
import hashlib
import hmac
import json
import os
import sys

file, mails, secret, news = sys.argv[1:5]
bad = 0


def check(holds, text):
    global bad
    if not holds:
        bad += 1
        print("FAILED:", text)


calls = [json.loads(line) for line in open(file)]
good = [one for one in calls if one["status"] == 200]
letters = [json.loads(line) for line in open(mails)] if os.path.exists(mails) else []
wanted = {"firing": ["refused records for good"], "over": ["refused records for good", "is well again"]}[news]


def heard(texts, who):
    """Each news once, in this order, of the dead letters of the sink."""
    texts = [text for text in texts if "dead_letters" in text]
    check(len(texts) == len(wanted) and all(word in text for word, text in zip(wanted, texts)), f"{who} heard {texts}, not {wanted}")
    check(all("sink records" in text for text in texts), f"{who}: which part? {texts}")


def bodies(path):
    return [json.loads(one["body"]) for one in good if one["path"] == path]


slack, telegram, green, hook = bodies("/services/T0/B0/secretpath"), bodies("/bot123:secretbot/sendMessage"), bodies("/waInstance7/sendMessage/secretgreen"), bodies("/hook")
heard([one["text"] for one in slack], "Slack")
heard([one["text"] for one in telegram], "Telegram")
heard([one["message"] for one in green], "Green API")
heard([one["data"]["title"] for one in hook], "the webhook")
heard([one["subject"] for one in letters], "the mailbox")
heard([json.loads(one["body"])["text"] for one in calls if one["path"] == "/down" and one["status"] == 200], "the one who was down")
check(all(one["chat_id"] == "4242" for one in telegram) and all(one["chatId"] == "10000000009@c.us" for one in green), "who gets it")
check(all(set(one) == {"text"} for one in slack), f"Slack: {slack[:1]}")
check([one["type"] for one in hook if one["data"]["what"] == "dead_letters"] == {"firing": ["alert.firing"], "over": ["alert.firing", "alert.over"]}[news], f"types: {hook}")
for one in good:
    if one["path"] == "/hook":
        signed = f"{one['headers']['webhook-id']}.{one['headers']['webhook-timestamp']}.{one['body']}".encode()
        value = "v1," + base64.b64encode(hmac.new(secret.encode(), signed, hashlib.sha256).digest()).decode()
        check(one["headers"]["webhook-signature"] == value, "the signature of the webhook")
ids = [one["headers"]["webhook-id"] for one in good if one["path"] == "/hook"]
check(len(ids) == len(set(ids)), f"ids: {ids}")
check(not any(one["path"] == "/only" and "dead_letters" in one["body"] for one in calls), "who wanted only sessions heard of dead letters")
everything = open(file).read() + json.dumps(letters)
for word in ("DR10000001", "secret words", "Sipho", "closed"):
    check(word not in everything, f"'{word}' was told")
sys.exit(1 if bad else 0)
