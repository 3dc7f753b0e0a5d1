-- What the group wrote, as a WhatsApp bridge keeps it. (All names and numbers are invented.)
CREATE TABLE messages(id TEXT, chat_jid TEXT, sender TEXT, content TEXT, timestamp TIMESTAMP,
    is_from_me BOOLEAN, media_type TEXT, filename TEXT, PRIMARY KEY(id, chat_jid));
INSERT INTO messages VALUES
    ('R1', '120363000000000001@g.us', '966500000001', 'الاسم: أحمد
الهاتف: +٩٦٦ ٥٠ ٠٠٠ ٠٠٠٢
المبلغ: ١٬٢٠٠', '2025-11-24 09:00:00+03:00', 0, NULL, NULL),
    ('R2', '120363000000000001@g.us', '966500000001', 'الإِسْم : فاطمة
جـــوال: 00966500000003
ملاحظة: عاجل', '2025-11-24 10:00:00+03:00', 0, NULL, NULL),
    ('R3', '120363000000000001@g.us', '966500000001', 'الاسم: سارة
المبلغ: كثير', '2025-11-24 11:00:00+03:00', 0, NULL, NULL),
    ('R4', '120363000000000001@g.us', '966500000001', 'صباح الخير', '2025-11-24 11:30:00+03:00', 0, NULL, NULL);
