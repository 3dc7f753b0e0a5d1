-- What the group wrote, as a WhatsApp bridge keeps it. (All names and numbers are invented.)
CREATE TABLE messages(id TEXT, chat_jid TEXT, sender TEXT, content TEXT, timestamp TIMESTAMP,
    is_from_me BOOLEAN, media_type TEXT, filename TEXT, PRIMARY KEY(id, chat_jid));
INSERT INTO messages VALUES
    ('P1', '120363000000000001@g.us', 'Dana', 'שלום, המזגן לא עובד
וזה דחוף!', '2025-11-24 09:00:00+02:00', 0, NULL, NULL),
    ('P2', '120363000000000001@g.us', 'Noam', 'יש לי תְּלוּנָה על השירות של אתמול בערב, חיכינו שעתיים', '2025-11-24 09:05:00+02:00', 0, NULL, NULL),
    ('P3', '120363000000000001@g.us', 'Noam', 'תודה רבה!', '2025-11-24 09:06:00+02:00', 0, NULL, NULL),
    ('P4', '120363000000000001@g.us', 'Ruth', 'I want a REFUND', '2025-11-24 09:07:00+02:00', 0, NULL, NULL),
    ('P5', '120363000000000001@g.us', 'me', 'מצטערים על התלונה', '2025-11-24 09:08:00+02:00', 1, NULL, NULL);
