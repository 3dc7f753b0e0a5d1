-- What the group wrote, as a WhatsApp bridge keeps it. (All names and numbers are invented.)
CREATE TABLE messages(id TEXT, chat_jid TEXT, sender TEXT, content TEXT, timestamp TIMESTAMP,
    is_from_me BOOLEAN, media_type TEXT, filename TEXT, PRIMARY KEY(id, chat_jid));
INSERT INTO messages VALUES
    ('N1', '120363000000000001@g.us', 'Dana', 'הטלפון של רות: 055-000-0021', '2025-11-24 09:00:00+02:00', 0, NULL, NULL),
    ('N2', '120363000000000001@g.us', 'Noam', '‪+972 55-000-0021‬ וגם 055 000 0022', '2025-11-24 09:05:00+02:00', 0, NULL, NULL),
    ('N3', '120363000000000002@g.us', 'Ruth', '972550000022', '2025-11-24 09:06:00+02:00', 0, NULL, NULL),
    ('N4', '120363000000000002@g.us', 'Ruth', 'מספר הזמנה 12345', '2025-11-24 09:07:00+02:00', 0, NULL, NULL);
