-- What the group wrote, as a WhatsApp bridge keeps it. (All names and numbers are invented.)
CREATE TABLE messages(id TEXT, chat_jid TEXT, sender TEXT, content TEXT, timestamp TIMESTAMP,
    is_from_me BOOLEAN, media_type TEXT, filename TEXT, PRIMARY KEY(id, chat_jid));
INSERT INTO messages VALUES
    ('L1', '120363000000000001@g.us', '972500000001', 'בוקר טוב לכולם: מתחילים', '2025-11-24 08:00:00+02:00', 0, NULL, NULL),
    ('L2', '120363000000000001@g.us', '972500000001', '* מקור: אתר
- שם : דנה לוי
‏טלפון: ‪+972 55-000-0001‬
מייל: Dana@Example.com', '2025-11-24 09:10:00+02:00', 0, NULL, NULL),
    ('L3', '120363000000000001@g.us', '972500000002', 'שם: יוסי כהן
טלפון: 055-0000002

מקור: פייסבוק
שם: רות
נייד: 0550000001', '2025-11-24 09:30:00+02:00', 0, NULL, NULL),
    ('L4', '120363000000000001@g.us', '972500000002', 'מקור: אתר
מייל: someone@example.com', '2025-11-24 10:00:00+02:00', 0, NULL, NULL),
    ('L5', '120363000000000001@g.us', '972500000001', '*שם:* נועה
*טלפון:* 12', '2025-11-25 11:00:00+02:00', 0, NULL, NULL),
    ('L6', '120363000000000001@g.us', '972500000001', 'טלפון: 055-000-0001
שם: דנה לוי', '2026-01-10 11:00:00+02:00', 0, NULL, NULL);
