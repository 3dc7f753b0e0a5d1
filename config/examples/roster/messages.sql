-- What the group wrote, as a WhatsApp bridge keeps it. (All names and numbers are invented.)
CREATE TABLE messages(id TEXT, chat_jid TEXT, sender TEXT, content TEXT, timestamp TIMESTAMP,
    is_from_me BOOLEAN, media_type TEXT, filename TEXT, PRIMARY KEY(id, chat_jid));
INSERT INTO messages VALUES
    ('R1', '120363000000000001@g.us', 'Desk', 'להתקשר אל 0501110001 לגבי הברז', '2025-11-30 09:00:00+02:00', 0, NULL, NULL),
    ('R2', '120363000000000001@g.us', 'Desk', '054-2220002 wants a quote', '2025-11-30 09:05:00+02:00', 0, NULL, NULL),
    ('R3', '120363000000000001@g.us', 'Desk', '054-333-0003 asks about the roof', '2025-11-30 09:10:00+02:00', 0, NULL, NULL),
    ('R4', '120363000000000001@g.us', 'Desk', 'בוקר טוב', '2025-11-30 09:15:00+02:00', 0, NULL, NULL);
