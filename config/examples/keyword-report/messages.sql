-- What the group wrote, as a WhatsApp bridge keeps it. (All names and numbers are invented.)
CREATE TABLE messages(id TEXT, chat_jid TEXT, sender TEXT, content TEXT, timestamp TIMESTAMP,
    is_from_me BOOLEAN, media_type TEXT, filename TEXT, PRIMARY KEY(id, chat_jid));
INSERT INTO messages VALUES
    ('K1', '120363000000000001@g.us', 'Dana', 'תרגלתי היום שעה', '2025-11-24 20:00:00+02:00', 0, NULL, NULL),
    ('K2', '120363000000000001@g.us', 'Dana', 'עוד אימון אחד', '2025-11-24 23:59:00+02:00', 0, NULL, NULL),
    ('K3', '120363000000000001@g.us', 'Dana', 'אִימּוּן של לילה', '2025-11-25 00:01:00+02:00', 0, NULL, NULL),
    ('K4', '120363000000000001@g.us', 'Noam', 'PRACTICE done', '2025-11-25 07:00:00+02:00', 0, NULL, NULL),
    ('K5', '120363000000000001@g.us', 'Noam', 'בוקר טוב', '2025-11-25 07:05:00+02:00', 0, NULL, NULL),
    ('K6', '120363000000000002@g.us', 'Dana', 'גם כאן תרגלתי', '2025-11-25 08:00:00+02:00', 0, NULL, NULL);
