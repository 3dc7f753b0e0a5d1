-- What the group wrote, as a WhatsApp bridge keeps it. (All names and numbers are invented.)
CREATE TABLE messages(id TEXT, chat_jid TEXT, sender TEXT, content TEXT, timestamp TIMESTAMP,
    is_from_me BOOLEAN, media_type TEXT, filename TEXT, PRIMARY KEY(id, chat_jid));
INSERT INTO messages VALUES
    ('F1', '120363000000000001@g.us', 'Dana', 'The road to the north is closed until Friday', '2025-11-24 09:00:00+02:00', 0, NULL, NULL),
    ('F2', '120363000000000002@g.us', 'Noam', 'THE ROAD to the north is closed until  Friday', '2025-11-24 09:30:00+02:00', 0, NULL, NULL),
    ('F3', '120363000000000003@g.us', 'Ruth', '‏The road to the north is closed until Friday', '2025-11-25 09:30:00+02:00', 0, NULL, NULL),
    ('F4', '120363000000000001@g.us', 'Ruth', 'ok', '2025-11-25 09:31:00+02:00', 0, NULL, NULL),
    ('F5', '120363000000000001@g.us', 'Noam', 'ok', '2025-11-25 09:32:00+02:00', 0, NULL, NULL),
    ('F6', '120363000000000001@g.us', 'Noam', 'The road to the north is closed until Friday', '2025-12-09 09:32:00+02:00', 0, NULL, NULL);
