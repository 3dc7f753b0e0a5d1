-- The database of a business. (All names and numbers are invented.)
CREATE TABLE requests(id INTEGER PRIMARY KEY, changed_at TEXT NOT NULL, phone TEXT, city TEXT, what TEXT);
CREATE TABLE people(city TEXT PRIMARY KEY, name TEXT, hours INTEGER);
INSERT INTO requests VALUES
    (1, '2025-11-24T07:00:00Z', '0550000021', 'חיפה', 'ברז דולף'),
    (2, '2025-11-24T07:05:00Z', '0550000022', 'עכו', 'אין חשמל'),
    (3, '2025-11-24T07:05:00Z', '0550000023', 'אילת', 'מזגן');
INSERT INTO people VALUES ('חיפה', 'Dana', 8), ('עכו', 'Noam', 6), ('אילת', 'Ruth', 4);
