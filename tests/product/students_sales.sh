#!/bin/sh
# config/students-sales.yaml with no server at all: the old system's .env, a bridge's file, a roster as CSV; students,
# leads, near misses, the mark and a log row for each run are there when `run` ends.
. "$(dirname "$0")/desk.inc"
unset MONGO_HOST STUDENTS_DB SALES_DB LOGGER_DB SHEET_ID SALES_SHEET_ID ROSTER_FILE STUDENTS_GROUP SALES_TEAM_GROUP MESSAGE_COUNT
cp "$repo/config/students-sales.yaml" sluice.yaml

"$SLUICE" check > out 2>&1
is "check without groups" $? 78
has "check without groups" "$(cat out)" "STUDENTS_GROUP"
cat > .env << 'E'
STUDENTS_GROUP="תלמידים"
SALES_TEAM_GROUP=Sales team
MESSAGE_COUNT=50
PRACTICE_WORDS=תרגול,practice
MESSAGE_WORDS=שאלה,question,
E
chmod 644 .env
"$SLUICE" check > out 2>&1
is "check" $? 0
has "a .env that others can read" "$(cat out)" "every user of this machine can read it"
for more in MONGO_HOST=mongo MONGO_HOST=mongo:27017 MONGO_HOST=auto STUDENTS_DB=students_db; do
    env "$more" "$SLUICE" check > out 2>&1
    is "check with $more" $? 0
done
export WHATSAPP_DB_PATH="$folder/messages.db"
"$STAGE" exec messages.db "CREATE TABLE messages(id INTEGER PRIMARY KEY, sender TEXT, text TEXT, timestamp TEXT, chat TEXT);
    INSERT INTO messages VALUES
        (1, '972550000001', 'practice done', '2026-10-25T10:00:00Z', 'תלמידים'),
        (2, 'Ron', 'יש לי שאלה', '2026-10-25T10:05:00Z', 'תלמידים'),
        (3, 'Dan', 'מקור: פייסבוק' || char(10) || 'שם: =1+1' || char(10) || 'טלפון: 055-000-0009', '2026-10-25T11:00:00Z', 'Sales team'),
        (4, 'Dan', 'מקור: x', '2026-10-25T11:10:00Z', 'Sales team'),
        (5, 'Dan', '* שם: יעל' || char(10) || '- טלפון: 055 000 0009', '2026-10-25T11:20:00Z', 'Sales team')"

# Without a roster nothing is lost.
"$SLUICE" run > out 2> sluice.log
is "run without a roster" $? 2
value() { "$STAGE" query data/records.db "$1"; }
is "a failed run is logged" "$(value "SELECT count(*) FROM logger_stats WHERE source='students_etl' AND NOT success AND error_message LIKE '%roster.csv%'")" 1
is "leads" "$(value "SELECT name, phone, coalesce(duplicate_of, '') FROM leads ORDER BY date")" "$(printf '=1+1\t972550000009\t\nיעל\t972550000009\tSales team/3/1')"
is "near misses" "$(value "SELECT count(*) FROM near_misses")" 1
is "the mark" "$(value "SELECT last_run_timestamp FROM last_run_timestamp WHERE identifier='sales_leads_etl'")" "2026-10-25T11:20:00.000Z"
is "new leads" "$(value "SELECT new_leads FROM logger_stats WHERE source='sales_etl'")" 2
printf 'phone_number,name,current_lesson,teacher,last_practice\n0550000001,Dana,7,Noa,\n055-000-0002,Ron,3,Noa,\n' > roster.csv
sleep 1.2
"$SLUICE" run > out 2>> sluice.log
is "run" $? 0
is "students" "$(value "SELECT name, last_practice_timedate, last_message_timedate FROM student_stats ORDER BY name")" "$(printf 'Dana\t12:00, 25.10.2026\t\nRon\t\t12:05, 25.10.2026')"
is "the roster's dates" "$(cat data/last_practice.csv last_practice.csv 2> /dev/null | tr -d '\r\357\273\277')" "$(printf 'phone_number,last_practice\n0550000001,25/10/2026')"
is "runs" "$(value "SELECT source, count(*), sum(success) FROM logger_stats GROUP BY source")" "$(printf 'sales_etl\t2\t2\nstudents_etl\t2\t1')"

# What a run does is there when it ends, each time.
turn=0
while [ "$turn" -lt 12 ]; do
    turn=$((turn + 1))
    rm -rf data last_practice.csv
    "$SLUICE" run > out 2> sluice.log
    is "turn $turn" "$(value "SELECT (SELECT count(*) FROM logger_stats), (SELECT last_run_timestamp FROM last_run_timestamp)")" "$(printf '2\t2026-10-25T11:20:00.000Z')"
done
is "planned runs beside it" "$("$SLUICE" runs list --json 2> /dev/null | grep -c schedule)" 0

# The window of dates, and a look without writing.
cp data/records.db before.db
"$SLUICE" run --dry-run sales > out 2>> sluice.log || fail "dry run: $(cat out)"
"$SLUICE" run students --since 2026-10-25 > out 2>> sluice.log || fail "a range: $(cat out)"
is "leads after both" "$(value "SELECT count(*) FROM leads")" 2
is "practices after both" "$(value "SELECT lessons FROM student_stats WHERE name='Dana'" | grep -o '"practice_count":[0-9]*')" '"practice_count":1'
finish
