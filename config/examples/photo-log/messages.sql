-- What the group wrote, as a WhatsApp bridge keeps it. (All names and numbers are invented.)
CREATE TABLE messages(id TEXT, chat_jid TEXT, sender TEXT, content TEXT, timestamp TIMESTAMP,
    is_from_me BOOLEAN, media_type TEXT, filename TEXT, PRIMARY KEY(id, chat_jid));
INSERT INTO messages VALUES
    ('H1', '120363000000000001@g.us', 'Dana', 'הקבלה', '2025-11-23 09:00:00+02:00', 0, 'image', 'receipt.jpg'),
    ('H2', '120363000000000001@g.us', 'Dana', '', '2025-11-24 09:00:00+02:00', 0, 'document', 'offer.pdf'),
    ('H3', '120363000000000001@g.us', 'Dana', 'בלי קובץ', '2025-11-24 09:01:00+02:00', 0, NULL, NULL),
    ('H4', '120363000000000001@g.us', 'Noam', 'two
lines', '2025-11-24 09:02:00+02:00', 0, 'video', NULL);
