-- What the group wrote, as a WhatsApp bridge keeps it. (All names and numbers are invented.)
CREATE TABLE messages(id TEXT, chat_jid TEXT, sender TEXT, content TEXT, timestamp TIMESTAMP,
    is_from_me BOOLEAN, media_type TEXT, filename TEXT, PRIMARY KEY(id, chat_jid));
INSERT INTO messages VALUES
    ('J1', '120363000000000001@g.us', 'Sipho', 'JOB-1001 and JOB-1002 done', '2025-11-24 09:00:00+02:00', 0, NULL, NULL),
    ('J2', '120363000000000002@g.us', 'Thandi', 'JOB-2001', '2025-11-24 09:10:00+02:00', 0, NULL, NULL),
    ('J3', '120363000000000001@g.us', 'Bongani', 'JOB-1001 again, photos attached', '2025-11-25 09:00:00+02:00', 0, 'image', 'a.jpg'),
    ('J4', '120363000000000001@g.us', 'Sipho', '', '2025-11-25 09:05:00+02:00', 0, 'image', 'b.jpg'),
    ('J5', '120363000000000003@g.us', 'Lerato', 'JOB-3001', '2025-11-25 10:00:00+02:00', 0, NULL, NULL),
    ('J6', '120363000000000001@g.us', 'Sipho', 'JOB-10015 is too long', '2025-11-25 10:00:00+02:00', 0, NULL, NULL);
