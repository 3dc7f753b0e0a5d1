-- What the group wrote, as a WhatsApp bridge keeps it. (All names and numbers are invented.)
CREATE TABLE messages(id TEXT, chat_jid TEXT, sender TEXT, content TEXT, timestamp TIMESTAMP,
    is_from_me BOOLEAN, media_type TEXT, filename TEXT, PRIMARY KEY(id, chat_jid));
INSERT INTO messages VALUES
    ('O1', '120363000000000001@g.us', 'Dana', 'שלום! 3 x חלה, 12 × ביצים', '2025-11-30 09:00:00+02:00', 0, NULL, NULL),
    ('O2', '120363000000000001@g.us', 'Noam', '1x לחם כוסמין
2 X חלב', '2025-11-30 23:30:00+02:00', 0, NULL, NULL),
    ('O3', '120363000000000001@g.us', 'Dana', '10 x עוגה - בוטל', '2025-12-01 08:00:00+02:00', 0, NULL, NULL),
    ('O4', '120363000000000001@g.us', 'Dana', '4 x חלה', '2025-12-01 08:10:00+02:00', 0, NULL, NULL),
    ('O5', '120363000000000001@g.us', 'Ruth', 'כמה עולה חלה?', '2025-12-01 08:20:00+02:00', 0, NULL, NULL);
