-- What the group wrote, as a WhatsApp bridge keeps it. (All names and numbers are invented.)
CREATE TABLE messages(id TEXT, chat_jid TEXT, sender TEXT, content TEXT, timestamp TIMESTAMP,
    is_from_me BOOLEAN, media_type TEXT, filename TEXT, PRIMARY KEY(id, chat_jid));
INSERT INTO messages VALUES
    ('C1', '972550000011@s.whatsapp.net', '972550000011', 'עיר: חיפה
תקלה: ברז דולף
טלפון: 055-0000011', '2025-11-24 09:00:00+02:00', 0, NULL, NULL),
    ('C2', '972550000012@s.whatsapp.net', '972550000012', 'תקלה: אין חשמל
עיר: באר  שבע', '2025-11-24 09:05:00+02:00', 0, NULL, NULL),
    ('C3', '972550000013@s.whatsapp.net', '972550000013', 'עיר: נַהֲרִיָּה
תקלה: סתימה', '2025-11-24 09:06:00+02:00', 0, NULL, NULL),
    ('C4', '972550000014@s.whatsapp.net', '972550000014', 'עיר: ירושלים
תקלה: דוד שמש', '2025-11-24 09:07:00+02:00', 0, NULL, NULL),
    ('C5', '972550000015@s.whatsapp.net', '972550000015', 'עיר:
תקלה: מזגן', '2025-11-24 09:08:00+02:00', 0, NULL, NULL),
    ('C6', '972550000011@s.whatsapp.net', 'me', 'עיר: חיפה - קיבלנו', '2025-11-24 09:09:00+02:00', 1, NULL, NULL);
