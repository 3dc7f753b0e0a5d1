/* whatsapp-bridge: every row arrives once it is there, whatever the bridge does to its table. */
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/rng.h"
#include "source/bridge_cursor.h"
#include "source/bridge_rig.h"
#include "source/bridge_row.h"
#include "text/utf8.h"
#include "text/zone.h"

#define A "120363000000000001@g.us"
#define B "120363000000000002@g.us"

static const struct message *message_at(const struct rig *rig, size_t index)
{
    assert_true(index < rig->batch.count);
    return &rig->batch.messages[index];
}

/* ---- One row ---- */

static void document_rows_arrive(void **state)
{
    (void)state;
    struct rig rig;
    rig_make(&rig);
    rig_sql(&rig, RIG_DOCUMENT);
    rig_sql(&rig, "INSERT INTO messages VALUES(7,'" A "','27820000001@s.whatsapp.net',"
                  "'DR12345678 done','2025-12-09 18:51:42')");
    rig_open(&rig);
    rig_ask(&rig, A);
    rig_drain(&rig);
    const struct message *message = message_at(&rig, 0);
    assert_int_equal(message->kind, MESSAGE_CHAT);
    assert_str_equal(message->source, STR("bridge"));
    assert_str_equal(message->chat, STR(A));
    assert_str_equal(message->external_id, STR("7"));
    assert_str_equal(message->sender, STR("27820000001@s.whatsapp.net"));
    assert_str_equal(message->text, STR("DR12345678 done"));
    assert_str_equal(message->sent_text, STR("2025-12-09 18:51:42"));
    assert_int_equal(message->sent_ms, 1765299102000); /* 16:51:42Z: two hours behind. */
    assert_int_equal(message->direction, MESSAGE_DIRECTION_UNKNOWN);
    assert_false(message->deleted);
    assert_null(message->extra.ptr);
    rig_free(&rig);
}

static void public_rows_arrive(void **state)
{
    (void)state;
    static const struct {
        const char *values; /* content, timestamp, is_from_me, media_type, filename */
        const char *text;
        int64_t sent_ms;
        enum message_direction direction;
        const char *extra; /* NULL for none. */
        const char *sent_text;
    } cases[] = {
        {"'hi','2025-12-09 20:51:42+02:00',0,'',''", "hi", 1765306302000, MESSAGE_INCOMING, NULL,
         "2025-12-09 20:51:42+02:00"},
        {"'hi','2025-12-09 18:51:42+00:00',1,NULL,NULL", "hi", 1765306302000, MESSAGE_OUTGOING,
         NULL, NULL},
        {"'hi','2025-12-09 20:51:42.123456789+02:00',NULL,NULL,NULL", "hi", 1765306302123,
         MESSAGE_DIRECTION_UNKNOWN, NULL, "2025-12-09 20:51:42.123456789+02:00"},
        {"NULL,'2025-12-09 18:51:42+00:00',0,'image','a \"b\".jpg'", "", 1765306302000,
         MESSAGE_INCOMING, "{\"media_type\":\"image\",\"filename\":\"a \\\"b\\\".jpg\"}", NULL},
        {"'','2025-12-09 18:51:42+00:00','true','audio',''", "", 1765306302000, MESSAGE_OUTGOING,
         "{\"media_type\":\"audio\"}", NULL},
        {"12345,1765306302,'0',NULL,NULL", "12345", 1765306302000, MESSAGE_INCOMING, NULL, NULL},
    };
    struct rig rig;
    rig_make(&rig);
    rig_sql(&rig, RIG_PUBLIC);
    for (size_t i = 0; i < COUNT(cases); i++) {
        rig_sql_printf(&rig,
                       "INSERT INTO messages(id,chat_jid,sender,content,timestamp,is_from_me,"
                       "media_type,filename) VALUES('3EB0%zu','" A "','27820000001',%s)",
                       i, cases[i].values);
    }
    rig_open(&rig);
    rig_ask(&rig, A);
    rig_drain(&rig);
    assert_int_equal(rig.batch.count, COUNT(cases));
    for (size_t i = 0; i < COUNT(cases); i++) {
        const struct message *message = message_at(&rig, i);
        assert_str_equal(message->text, str_of(cases[i].text));
        assert_int_equal(message->sent_ms, cases[i].sent_ms);
        assert_int_equal(message->direction, cases[i].direction);
        assert_int_equal(message->extra.ptr == NULL, cases[i].extra == NULL);
        assert_str_equal(message->extra, str_of(cases[i].extra));
        assert_int_equal(message->sent_text.ptr == NULL, cases[i].sent_text == NULL);
        assert_str_equal(message->sent_text, str_of(cases[i].sent_text));
    }
    rig_free(&rig);
}

static void columns_of_forks_are_read(void **state)
{
    (void)state;
    struct rig rig;
    rig_make(&rig);
    rig_sql(&rig, RIG_PUBLIC);
    rig_sql(&rig, "ALTER TABLE messages ADD COLUMN deleted_at TIMESTAMP;"
                  "ALTER TABLE messages ADD COLUMN quoted_message_id TEXT;"
                  "ALTER TABLE messages ADD COLUMN novelty BLOB");
    rig_sql(&rig, "INSERT INTO messages(id,chat_jid,content,timestamp,deleted_at,"
                  "quoted_message_id) VALUES('1','" A "','a',1765306302,1765306399,NULL),"
                  "('2','" A "','b',1765306302,NULL,'1'),('3','" A "','c',1765306302,'','')");
    rig_open(&rig);
    rig_ask(&rig, A);
    rig_drain(&rig);
    assert_true(message_at(&rig, 0)->deleted);
    assert_null(message_at(&rig, 0)->sender.ptr);
    assert_false(message_at(&rig, 1)->deleted);
    assert_str_equal(message_at(&rig, 1)->extra, STR("{\"quoted\":\"1\"}"));
    assert_false(message_at(&rig, 2)->deleted);
    assert_null(message_at(&rig, 2)->extra.ptr);
    rig_free(&rig);
}

static void times_are_read(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int64_t unix_ms; /* -1: unreadable. */
        bool words;      /* The text is kept. */
    } cases[] = {
        {"2025-12-09 18:51:42", 1765299102000, true},
        {"2025-12-09 18:51:43", 1765299103000, true},
        {"2025-12-09 18:51:42.9985", 1765299102998, true},
        {"2025-07-09 18:51:42", 1752076302000, true}, /* Summer: three hours. */
        {"2025-12-09 18:51:42Z", 1765306302000, false},
        {"2025-12-09T18:51:42.998Z", 1765306302998, false},
        {"2025-12-09T18:51:42.9Z", 1765306302900, false},
        {"2025-12-09T18:51:42.9989Z", 1765306302998, true},
        {"2025-12-09T18:51:42+00:00", 1765306302000, false},
        {"2025-12-09T18:51:42-00:30", 1765308102000, true},
        {"2025-12-09 20:51:42+02:00", 1765306302000, true},
        {"2025-12-09 20:51:42+02:00", 1765306302000, true},
        {"2025-12-09 20:51:59+02:00", 1765306319000, true},
        {"2025-12-09 20:51:59+03:00", 1765302719000, true},
        {"2025-12-09 20:51:60+02:00", 1765306319999, true}, /* A leap second. */
        {"2025-12-09 20:51:61+02:00", -1, false},
        {"2025-12-09 20:51:5", -1, false},
        {"2025-12-09 20:51:5x+02:00", -1, false},
        {"2025-12-09 20:51:59+02:00x", -1, false},
        {" 2025-12-09 18:51:42Z ", 1765306302000, false},
        {"2025-12-09 20:51:42 +0200 IST m=+0.5", 1765306302000, true},
        {"1765306302", 1765306302000, false},
        {"1765306302998", 1765306302998, false},
        {"1765306302.5", 1765306302500, false},
        {"1765306302998123", 1765306302998, false},
        {"Tue, 9 Dec 2025 18:51:42 +0000", 1765306302000, true},
        {"2025-13-09 18:51:42", -1, false},
        {"2025-02-30 18:51:42Z", -1, false},
        {"yesterday", -1, false},
        {"", -1, false},
        {"   ", -1, false},
        {"-", -1, false},
        {"2025-", -1, false},
    };
    const struct zone *zone = zone_find(STR("Asia/Jerusalem"));
    struct bridge_minute shared = {0};
    for (size_t round = 0; round < 3 * COUNT(cases); round++) {
        size_t i = round * 7 % COUNT(cases); /* In several orders, with what was learned before. */
        struct bridge_minute fresh = {0};
        struct bridge_minute *minutes[] = {&fresh, &shared, &shared};
        for (size_t j = 0; j < COUNT(minutes); j++) {
            int64_t unix_ms = -2;
            struct str words = {0};
            struct str text = str_of(cases[i].text);
            bool ok = bridge_time_read(minutes[j], zone, text, &unix_ms, &words);
            if (ok != (cases[i].unix_ms != -1) || (ok && unix_ms != cases[i].unix_ms)) {
                fail_msg("\"%s\" is read as %lld", cases[i].text, (long long)unix_ms);
            }
            if (ok && (words.ptr != NULL) != cases[i].words) {
                fail_msg("\"%s\": words are kept: %d", cases[i].text, words.ptr != NULL);
            }
        }
    }
}

static void unreadable_times_stay_messages(void **state)
{
    (void)state;
    struct rig rig;
    rig_make(&rig);
    rig.wall_ms = 1765306000000;
    rig_sql(&rig, RIG_DOCUMENT);
    rig_sql(&rig, "INSERT INTO messages VALUES(1,'" A "','s','a','soon'),"
                  "(2,'" A "','s','b','2025-12-09T18:51:42Z'),(3,'" A "','s','c',NULL),"
                  "(4,'" A "','s','d','31.31.2025')");
    rig_open(&rig);
    rig_ask(&rig, A);
    rig_drain(&rig);
    assert_int_equal(rig.batch.count, 4);
    assert_int_equal(message_at(&rig, 0)->sent_ms, 1765306000000); /* Nothing better before it. */
    assert_int_equal(message_at(&rig, 2)->sent_ms, 1765306302000);
    assert_int_equal(message_at(&rig, 3)->sent_ms, 1765306302000);
    assert_str_equal(message_at(&rig, 0)->sent_text, STR("soon"));
    assert_str_equal(message_at(&rig, 0)->extra, STR("{\"time\":\"unreadable\"}"));
    assert_null(message_at(&rig, 1)->extra.ptr);
    assert_null(message_at(&rig, 2)->sent_text.ptr);
    assert_str_equal(message_at(&rig, 3)->sent_text, STR("31.31.2025"));
    assert_true(rig_has_event(&rig, "time"));
    rig_free(&rig);
}

static void rows_without_identity_are_listed(void **state)
{
    (void)state;
    struct rig rig;
    rig_make(&rig);
    rig_sql(&rig, "CREATE TABLE messages(id TEXT, chat TEXT, sender TEXT, text TEXT, timestamp)");
    rig_sql(&rig, "INSERT INTO messages VALUES(NULL,'" A "','s','a',1),('','" A "','s','b',1),"
                  "('3',NULL,'s','c',1),('4','','s','d',1),('5','" A "','s','e',1),"
                  "(NULL,'" B "','s','not asked for',1)");
    rig_open(&rig);
    rig_ask(&rig, A);
    rig_drain(&rig);
    assert_int_equal(rig.batch.count, 1);
    assert_int_equal(rig.batch.refusal_count, 4);
    assert_str_equal(rig.batch.refusals[0].chat, STR(A));
    assert_str_equal(rig.batch.refusals[0].where, STR("row 1"));
    assert_str_equal(rig.batch.refusals[1].why, STR("it has no id"));
    assert_str_equal(rig.batch.refusals[2].why, STR("it names no chat"));
    rig_ask(&rig, B); /* Its history begins at the start; what has no chat is not listed again. */
    rig_drain(&rig);
    assert_int_equal(rig.refused, 5);
    rig_free(&rig);
}

static void long_and_broken_texts_arrive_marked(void **state)
{
    (void)state;
    struct rig rig;
    rig_make(&rig);
    rig_sql(&rig, RIG_PUBLIC);
    rig_sql(&rig, "INSERT INTO messages(id,chat_jid,content,timestamp) VALUES"
                  /* An odd byte in front makes the limit fall into a letter. */
                  "('long','" A "','x'||replace(hex(zeroblob(2500000)),'00','אב'),1),"
                  "('nul','" A "',CAST(x'610062' AS TEXT),1),"
                  "('bad','" A "',CAST(x'61fffe62' AS TEXT),1),"
                  "('fine','" A "','שלום',1),"
                  "('late','" A "',CAST(x'303132333435363738390041424344454647' AS TEXT),1)");
    rig_open(&rig);
    rig_ask(&rig, A);
    rig_drain(&rig);
    const struct message *message = message_at(&rig, 0);
    assert_int_equal(message->text.len, MESSAGE_TEXT_MAX - 1);
    assert_true(utf8_valid(message->text));
    assert_str_equal(message->extra, STR("{\"cut_bytes\":8951426}"));
    assert_str_equal(message_at(&rig, 1)->text, STR("a\uFFFDb"));
    assert_str_equal(message_at(&rig, 1)->extra, STR("{\"replaced\":1}"));
    assert_str_equal(message_at(&rig, 2)->text, STR("a\uFFFD\uFFFDb"));
    assert_str_equal(message_at(&rig, 2)->extra, STR("{\"replaced\":2}"));
    assert_null(message_at(&rig, 3)->extra.ptr);
    assert_str_equal(message_at(&rig, 4)->text, STR("0123456789\uFFFDABCDEFG"));
    assert_true(rig_has_event(&rig, "cut"));
    assert_true(rig_has_event(&rig, "replaced"));
    assert_false(rig_has_event(&rig, "time"));
    rig_free(&rig);
}

static void broken_ids_stay_apart(void **state)
{
    (void)state;
    struct rig rig;
    rig_make(&rig);
    rig_sql(&rig, RIG_PUBLIC);
    rig_sql(&rig, "INSERT INTO messages(id,chat_jid,content,timestamp) VALUES"
                  "(CAST(x'61ff' AS TEXT),'" A "','a',1),(CAST(x'61fe' AS TEXT),'" A "','b',1),"
                  "(replace(hex(zeroblob(600)),'00','y')||'1','" A "','c',1),"
                  "(replace(hex(zeroblob(600)),'00','y')||'2','" A "','d',1),"
                  "('same',CAST(x'62ff' AS TEXT),'e',1),('same',CAST(x'62fe' AS TEXT),'f',1),"
                  "('x',replace(hex(zeroblob(600)),'00','z'),'g',1)");
    rig_open(&rig);
    rig_ask(&rig, "");
    rig_drain(&rig);
    assert_int_equal(rig.batch.count, 6);
    assert_int_equal(rig.batch.refusal_count, 1);
    for (size_t i = 0; i < rig.batch.count; i++) {
        const struct message *one = message_at(&rig, i);
        assert_true(one->external_id.len <= MESSAGE_ID_MAX && utf8_valid(one->external_id));
        assert_true(one->chat.len <= MESSAGE_NAME_MAX && utf8_valid(one->chat));
        for (size_t j = 0; j < i; j++) {
            const struct message *other = message_at(&rig, j);
            assert_false(str_equal(one->external_id, other->external_id) &&
                         str_equal(one->chat, other->chat));
        }
    }
    assert_str_equal(message_at(&rig, 0)->extra, STR("{\"id_changed\":true}"));
    assert_null(message_at(&rig, 4)->extra.ptr);
    rig_free(&rig);
}

/* ---- Which rows ---- */

static void fill(struct rig *rig, int64_t first, int64_t last, const char *chat)
{
    rig_sql_printf(rig,
                   "WITH RECURSIVE n(i) AS (VALUES(%lld) UNION ALL SELECT i+1 FROM n WHERE i<%lld) "
                   "INSERT INTO messages(id,chat_jid,sender,content,timestamp) "
                   "SELECT 'm'||i,'%s','s','text '||i,1765306302+i FROM n",
                   (long long)first, (long long)last, chat);
}

/* Each row of the table as it is now was delivered at some time. */
static void assert_all_archived(struct rig *rig)
{
    static const char sql[] = "SELECT chat_jid,id,content FROM messages";
    struct query *query = sqlite_query(rig->writer, sql, &rig->err);
    bool row = query != NULL;
    assert_non_null(query);
    while (row) {
        assert_true(query_step(query, &row, &rig->err));
        struct str chat = row ? query_text(query, 0) : (struct str){0};
        if (row && !rig_has(rig, chat, query_text(query, 1), query_text(query, 2))) {
            fail_msg("%.*s in %.*s was skipped", STR_ARG(query_text(query, 1)), STR_ARG(chat));
        }
    }
}

static void only_asked_chats_are_read(void **state)
{
    (void)state;
    struct rig rig;
    rig_make(&rig);
    rig_sql(&rig, RIG_PUBLIC);
    fill(&rig, 1, 10, A);
    fill(&rig, 1, 20, B);
    rig.limit = 3;
    rig_open(&rig);
    rig_ask(&rig, B);
    rig_drain(&rig);
    assert_int_equal(rig.delivered, 20);
    assert_true(rig_has(&rig, STR(B), STR("m20"), STR("text 20")));
    rig_ask(&rig, A); /* Added later: its own whole history, nothing of the other again. */
    rig_drain(&rig);
    assert_int_equal(rig.delivered, 30);
    assert_str_equal(rig.chats[0].cursor, rig.chats[1].cursor);
    rig_ask(&rig, "");
    rig_drain(&rig);
    assert_int_equal(rig.delivered, 30); /* "All" means all that are not asked for by name. */
    fill(&rig, 1, 5, "third");
    rig_drain(&rig);
    assert_int_equal(rig.delivered, 35);
    rig_free(&rig);
}

static void a_missing_chat_is_reported_once(void **state)
{
    (void)state;
    struct rig rig;
    rig_make(&rig);
    rig_sql(&rig, RIG_PUBLIC);
    fill(&rig, 1, 10, A);
    rig_open(&rig);
    rig_ask(&rig, A);
    rig_ask(&rig, B);
    rig_drain(&rig);
    assert_int_equal(rig.batch.event_count, 1);
    assert_true(rig_has_event(&rig, "chat"));
    assert_str_equal(rig.batch.events[0].chat, STR(B));
    rig_drain(&rig);
    assert_int_equal(rig.batch.event_count, 0);
    rig_free(&rig);
}

static void lookback_leaves_old_history(void **state)
{
    (void)state;
    struct rig rig;
    rig_make(&rig);
    rig.wall_ms = 1765306302000 + 100000;
    rig_sql(&rig, RIG_PUBLIC);
    fill(&rig, 1, 100, A); /* One a second. */
    rig_set(&rig, "lookback", "30000");
    rig.limit = 7;
    rig_open(&rig);
    rig_ask(&rig, A);
    rig_drain(&rig);
    assert_int_equal(rig.delivered, 31);
    rig.wall_ms += 1000000; /* The floor is that of the first look. */
    rig_sql(&rig, "INSERT INTO messages(id,chat_jid,content,timestamp) VALUES"
                  "('late','" A "','late',1765306392),('old','" A "','old',1765306302)");
    rig_drain(&rig);
    assert_int_equal(rig.delivered, 32);
    assert_true(rig_has(&rig, STR(A), STR("late"), STR("late")));
    rig_free(&rig);
}

static void any_batch_size_gives_the_same(void **state)
{
    (void)state;
    static const size_t limits[] = {1, 2, 7, 64, 4096};
    for (size_t i = 0; i < COUNT(limits); i++) {
        struct rig rig;
        rig_make(&rig);
        rig_sql(&rig, RIG_PUBLIC);
        fill(&rig, 1, 300, A);
        fill(&rig, 1, 300, B);
        rig.limit = limits[i];
        rig_open(&rig);
        rig_ask(&rig, A);
        rig_ask(&rig, B);
        rig_drain(&rig);
        assert_int_equal(rig.known, 600);
        assert_int_equal(rig.delivered, 600);
        assert_all_archived(&rig);
        rig_drain(&rig);
        assert_int_equal(rig.delivered, 600);
        assert_null(rig.chats[0].next.ptr);
        rig_free(&rig);
    }
}

static void large_texts_split_batches(void **state)
{
    (void)state;
    struct rig rig;
    rig_make(&rig);
    rig_sql(&rig, RIG_PUBLIC);
    rig_sql(&rig, "WITH RECURSIVE n(i) AS (VALUES(1) UNION ALL SELECT i+1 FROM n WHERE i<40) "
                  "INSERT INTO messages(id,chat_jid,content,timestamp) "
                  "SELECT i,'" A "',hex(zeroblob(600000)),1 FROM n");
    rig_open(&rig);
    rig_ask(&rig, A);
    assert_true(rig_fetch(&rig));
    assert_true(rig.batch.more);
    assert_true(rig.batch.bytes <= BATCH_BYTES_MAX && rig.batch.count >= 15);
    rig_drain(&rig);
    assert_int_equal(rig.delivered, 40);
    rig_free(&rig);
}

/* ---- What a bridge does to its table ---- */

static void edits_and_reused_numbers_arrive(void **state)
{
    (void)state;
    static const struct {
        const char *sql;
        size_t known;   /* Different messages after it. */
        size_t swapped; /* Events. */
    } cases[] = {
        /* Replaced: a new number, behind the cursor. */
        {"INSERT OR REPLACE INTO messages(id,chat_jid,content,timestamp) "
         "VALUES('m500','" A "','edited',2)",
         601, 0},
        /* The newest one replaced, and another newest. */
        {"INSERT OR REPLACE INTO messages(id,chat_jid,content,timestamp) "
         "VALUES('m600','" A "','edited',2)",
         601, 0},
        /* The highest number is given again. */
        {"DELETE FROM messages WHERE id='m600';"
         "INSERT INTO messages(id,chat_jid,content,timestamp) VALUES('n1','" A "','new',2)",
         601, 0},
        /* Several are; the last one is the same message again. */
        {"CREATE TEMP TABLE kept AS SELECT * FROM messages WHERE id='m600';"
         "DELETE FROM messages WHERE rowid>=599;"
         "INSERT INTO messages(id,chat_jid,content,timestamp) VALUES('n1','" A "','new',2);"
         "INSERT INTO messages SELECT * FROM kept; DROP TABLE kept",
         601, 0},
        /* Edited in place, near the end. */
        {"UPDATE messages SET content='edited' WHERE id='m450'", 601, 0},
        /* Everything replaced, as a history sync does it: all numbers are new. */
        {"INSERT OR REPLACE INTO messages SELECT * FROM messages ORDER BY rowid", 600, 1},
        /* More deleted than the window knows, and as many new ones. */
        {"DELETE FROM messages WHERE rowid>300;"
         "WITH RECURSIVE n(i) AS (VALUES(1) UNION ALL SELECT i+1 FROM n WHERE i<300) "
         "INSERT INTO messages(id,chat_jid,content,timestamp) SELECT 'n'||i,'" A "','new',3 FROM n",
         900, 1},
        /* Fewer rows than before, then a VACUUM. */
        {"DELETE FROM messages WHERE rowid%2; VACUUM;"
         "INSERT INTO messages(id,chat_jid,content,timestamp) VALUES('n1','" A "','new',2)",
         601, 0},
        {"DELETE FROM messages", 600, 1},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct rig rig;
        rig_make(&rig);
        rig_sql(&rig, RIG_PUBLIC);
        fill(&rig, 1, 600, A);
        rig_open(&rig);
        rig_ask(&rig, A);
        rig_drain(&rig);
        assert_int_equal(rig.known, 600);
        rig_sql(&rig, cases[i].sql);
        rig_drain(&rig);
        assert_all_archived(&rig);
        if (rig.known != cases[i].known || rig.swapped != cases[i].swapped) {
            fail_msg("case %zu: %zu known, %zu swapped", i, rig.known, rig.swapped);
        }
        size_t before = rig.delivered; /* And then it is quiet again. */
        rig_drain(&rig);
        assert_int_equal(rig.delivered, before);
        fill(&rig, 1001, 1001, A);
        rig_drain(&rig);
        assert_int_equal(rig.delivered, before + 1);
        rig_free(&rig);
    }
}

static void calm_rows_are_not_delivered_twice(void **state)
{
    (void)state;
    struct rig rig;
    rig_make(&rig);
    rig_sql(&rig, RIG_PUBLIC);
    fill(&rig, 1, 600, A);
    rig_open(&rig);
    rig_ask(&rig, A);
    rig_drain(&rig);
    for (int i = 0; i < 50; i++) {
        fill(&rig, 1000 + i, 1000 + i, A);
        rig_drain(&rig);
    }
    assert_int_equal(rig.delivered, 650);
    rig_free(&rig);
}

static void another_file_is_read_from_its_start(void **state)
{
    (void)state;
    struct rig rig;
    rig_make(&rig);
    rig_sql(&rig, RIG_PUBLIC);
    fill(&rig, 1, 100, A);
    rig_writer_close(&rig);
    struct str backup = rig_read(&rig, "");
    rig_open(&rig);
    rig_ask(&rig, A);
    rig_drain(&rig);
    fill(&rig, 101, 400, A);
    rig_drain(&rig);
    assert_int_equal(rig.known, 400);
    rig_writer_close(&rig);

    /* An older copy is put back by renaming, and grows past the place where we were. */
    rig_write(&rig, "-new", backup);
    char other[RIG_PATH_MAX + 16];
    (void)snprintf(other, sizeof other, "%s-new", rig.path);
    assert_int_equal(rename(other, rig.path), 0);
    fill(&rig, 2001, 2500, A);
    rig_drain(&rig);
    assert_all_archived(&rig);
    assert_int_equal(rig.known, 900);
    assert_int_equal(rig.swapped, 1);
    rig_writer_close(&rig);

    /* And an equal copy under another inode is the same file. */
    size_t before = rig.delivered;
    rig_write(&rig, "-new", rig_read(&rig, ""));
    assert_int_equal(rename(other, rig.path), 0);
    rig_drain(&rig);
    assert_int_equal(rig.delivered, before);
    assert_int_equal(rig.swapped, 1);
    rig_free(&rig);
}

/* Anything that a bridge may do, in any order, read in any pieces: nothing is skipped. */
static void nothing_is_skipped_at_random(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 25; seed++) {
        struct rig rig;
        struct rng rng;
        rng_seed(&rng, seed);
        rig_make(&rig);
        rig_sql(&rig, "PRAGMA synchronous=OFF;" RIG_PUBLIC);
        rig_set(&rig, "overlap", seed % 2 == 0 ? "20" : "200");
        rig_open(&rig);
        rig_ask(&rig, A);
        rig_ask(&rig, B);
        int64_t next = 1;
        for (int step = 0; step < 120; step++) {
            const char *chat = rng_below(&rng, 2) == 0 ? A : B;
            uint64_t what = rng_below(&rng, 10);
            if (what < 4) {
                int64_t count = (int64_t)rng_below(&rng, 12);
                fill(&rig, next, next + count, chat);
                next += count + 1;
            } else if (what < 6) {
                rig_sql_printf(&rig,
                               "INSERT OR REPLACE INTO messages(id,chat_jid,content,timestamp) "
                               "VALUES('m%llu','%s','edit %d',1)",
                               (unsigned long long)rng_below(&rng, (uint64_t)next), chat, step);
            } else if (what == 6) {
                rig_sql_printf(&rig,
                               "DELETE FROM messages WHERE rowid IN (SELECT rowid FROM messages "
                               "ORDER BY rowid DESC LIMIT %llu)",
                               (unsigned long long)rng_below(&rng, 30));
            } else if (what == 7) {
                rig_sql(&rig, "UPDATE messages SET content=content||'!' WHERE rowid IN (SELECT "
                              "rowid FROM messages ORDER BY rowid DESC LIMIT 3)");
            } else if (what == 8 && step % 5 == 0) {
                rig_sql(&rig, "VACUUM");
            }
            rig.limit = 1 + (size_t)rng_below(&rng, 40);
            if (rng_below(&rng, 3) == 0) {
                assert_true(rig_fetch(&rig));
                rig_accept(&rig);
            } else if (rng_below(&rng, 3) == 0) {
                assert_true(rig_fetch(&rig)); /* A crash: the batch never reached the store. */
            }
        }
        rig_drain(&rig);
        assert_all_archived(&rig);
        rig_free(&rig);
    }
}

/* Has the other end of the pipe been closed? */
static bool told_to_end(int pipe)
{
    struct pollfd end = {.fd = pipe, .events = POLLIN};
    return poll(&end, 1, 1) > 0;
}

/*
 * The writer of the test below: another process. It writes `inserts` times as fast as it can, and
 * then slowly until the reader has seen enough, however slow that one is.
 */
static void write_and_exit(const char *path, bool wal, int inserts, int pipe)
{
    struct sqlite *db = NULL;
    struct err err = {0};
    bool ok = sqlite_open(&db, str_of(path), &(struct sqlite_options){.create = true}, &err) &&
              sqlite_exec(db, wal ? "PRAGMA journal_mode=WAL" : "PRAGMA journal_mode=DELETE", &err);
    ok = ok && sqlite_exec(db, "PRAGMA synchronous=OFF", &err);
    for (int i = 0; ok && i < 10 * inserts && (i < inserts || !told_to_end(pipe)); i++) {
        char sql[512];
        int what = i % 10;
        if (what == 3) {
            (void)snprintf(sql, sizeof sql,
                           "INSERT OR REPLACE INTO messages(id,chat_jid,content,timestamp) "
                           "VALUES('m%d','" A "','edit %d',1)",
                           i / 2, i);
        } else if (what == 6) {
            (void)snprintf(sql, sizeof sql,
                           "DELETE FROM messages WHERE rowid=(SELECT max(rowid) FROM messages)");
        } else {
            (void)snprintf(sql, sizeof sql,
                           "INSERT OR REPLACE INTO messages(id,chat_jid,content,timestamp) "
                           "VALUES('m%d','" A "','text %d',1)",
                           i, i);
        }
        ok = sqlite_exec(db, sql, &err);
    }
    if (!ok) {
        (void)fprintf(stderr, "writer: %s\n", err.text);
    }
    sqlite_close(db);
    _exit(ok ? 0 : 1);
}

static void live_writer(bool wal)
{
    struct rig rig;
    int status = 0;
    size_t fetches = 0;
    size_t moved = 0;
    rig_make(&rig);
    rig_sql(&rig, RIG_PUBLIC);
    rig_sql(&rig, wal ? "PRAGMA journal_mode=WAL" : "PRAGMA journal_mode=DELETE");
    rig_writer_close(&rig);
    rig_open(&rig);
    rig_ask(&rig, A);
    rig.limit = 16;
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    pid_t writer = fork();
    assert_true(writer >= 0);
    if (writer == 0) {
        (void)close(ends[1]);
        write_and_exit(rig.path, wal, 2000, ends[0]);
    }
    (void)close(ends[0]);
    while (waitpid(writer, &status, WNOHANG) == 0) {
        if (rig_fetch(&rig)) {
            moved += rig.batch.count > 0 ? 1 : 0;
            rig_accept(&rig);
            if (moved == 4 && ends[1] >= 0) {
                (void)close(ends[1]);
                ends[1] = -1;
            }
        } else if (rig.err.kind != ERR_RETRY) {
            fail_msg("fetch %zu: %s", fetches, rig.err.text);
        }
        fetches++;
    }
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    rig_drain(&rig);
    rig_sql(&rig, "SELECT 1");
    assert_all_archived(&rig);
    assert_true(moved > 3); /* It did read while the other wrote. */
    assert_int_equal(rig.swapped, 0);
    rig_free(&rig);
}

static void a_live_writer_with_a_journal(void **state)
{
    (void)state;
    live_writer(false);
}

static void a_live_writer_with_a_wal(void **state)
{
    (void)state;
    live_writer(true);
}

/* ---- Tables of other shapes ---- */

static void tables_without_rowid_are_swept(void **state)
{
    (void)state;
    static const char *const shapes[] = {
        "CREATE TABLE messages(id TEXT, chat_jid TEXT, sender TEXT, content TEXT, timestamp, "
        "PRIMARY KEY(id,chat_jid)) WITHOUT ROWID",
        "CREATE TABLE held(id TEXT, chat_jid TEXT, sender TEXT, content TEXT, timestamp, "
        "UNIQUE(id,chat_jid)); CREATE VIEW messages AS SELECT * FROM held;"
        "CREATE TRIGGER t INSTEAD OF INSERT ON messages BEGIN INSERT OR REPLACE INTO held VALUES("
        "new.id,new.chat_jid,new.sender,new.content,new.timestamp); END",
        "CREATE TABLE messages(id TEXT, chat_jid TEXT, sender TEXT, content TEXT, timestamp, "
        "rowid, oid, _rowid_, UNIQUE(id,chat_jid))",
        "CREATE TABLE messages(id TEXT, chat_jid TEXT, sender TEXT, content TEXT, timestamp, "
        "UNIQUE(id,chat_jid));INSERT INTO messages(rowid,id,chat_jid,content,timestamp) "
        "VALUES(9223372036854775807,'end','" A "','end',1)",
    };
    for (size_t i = 0; i < COUNT(shapes); i++) {
        struct rig rig;
        rig_make(&rig);
        rig_sql(&rig, shapes[i]);
        fill(&rig, 1, 50, A);
        fill(&rig, 1, 50, B);
        rig.limit = 7;
        rig_open(&rig);
        rig_ask(&rig, A);
        rig_ask(&rig, B);
        assert_true(rig_fetch(&rig));
        rig_accept(&rig);
        fill(&rig, 100, 110, A); /* Some of it behind the running sweep. */
        rig_drain(&rig);
        rig_drain(&rig);
        assert_all_archived(&rig);
        size_t before = rig.delivered;
        rig_drain(&rig);
        assert_int_equal(rig.delivered, before);
        rig_sql(&rig, "INSERT OR REPLACE INTO messages(id,chat_jid,content,timestamp) VALUES"
                      "('m1','" A "','edited',1)");
        rig_drain(&rig);
        assert_true(rig_has(&rig, STR(A), STR("m1"), STR("edited")));
        rig_free(&rig);
    }
}

static void sweeps_list_rows_without_identity(void **state)
{
    (void)state;
    struct rig rig;
    rig_make(&rig);
    rig_sql(&rig, "CREATE TABLE held(id, chat_jid TEXT, sender TEXT, content TEXT, timestamp);"
                  "CREATE VIEW messages AS SELECT * FROM held;"
                  "INSERT INTO held VALUES(NULL,'" A "','s','a',1),(1,NULL,'s','b',1),"
                  "(2.5,'" A "','s','c',1),(x'ff01','" A "','s','d',1),('t','" A "','s','e',1),"
                  "(3,'" A "','s','f',1)");
    rig.limit = 1;
    rig_open(&rig);
    rig_ask(&rig, A);
    rig_drain(&rig);
    assert_int_equal(rig.refused, 2);
    assert_int_equal(rig.known, 4);
    assert_int_equal(rig.delivered, 4);
    rig_free(&rig);
}

static void a_mapping_overrules(void **state)
{
    (void)state;
    struct rig rig;
    rig_make(&rig);
    rig_sql(&rig,
            "CREATE TABLE \"my \"\"log\"(nr INTEGER PRIMARY KEY, \"ro;om\" TEXT, who TEXT, "
            "text TEXT, content TEXT, rowid TEXT, tm INT);"
            "INSERT INTO \"my \"\"log\" VALUES(5,'" A "','s','right','wrong','x',1765306302)");
    rig_set(&rig, "table", "MY \"log");
    rig_set(&rig, "id_column", "NR");
    rig_set(&rig, "chat_column", "ro;om");
    rig_set(&rig, "sender_column", "who");
    rig_set(&rig, "text_column", "text");
    rig_set(&rig, "time_column", "tm");
    rig_open(&rig);
    rig_ask(&rig, A);
    rig_drain(&rig);
    assert_str_equal(message_at(&rig, 0)->text, STR("right"));
    assert_str_equal(message_at(&rig, 0)->external_id, STR("5"));
    assert_int_equal(message_at(&rig, 0)->sent_ms, 1765306302000);
    rig_free(&rig);
}

static void unknown_tables_are_explained(void **state)
{
    (void)state;
    static const struct {
        const char *sql;
        const char *option; /* Set to "nope". */
        enum err_kind kind;
        const char *words[4];
    } cases[] = {
        {"CREATE TABLE x(a); DROP TABLE x", NULL, ERR_RETRY, {"no table yet", "messages.db"}},
        {"CREATE TABLE contacts(a); CREATE TABLE log(b)",
         NULL,
         ERR_CONFIG,
         {"\"messages\"", "contacts, log", "`table`", "messages.db"}},
        {"CREATE TABLE messages(id, chat, sender, body_html, timestamp)",
         NULL,
         ERR_CONFIG,
         {"content or text or body", "`text_column`", "id, chat, sender, body_html, timestamp"}},
        {"CREATE TABLE messages(a)",
         NULL,
         ERR_CONFIG,
         {"`id_column`", "`chat_column`", "`time_column`"}},
        {RIG_DOCUMENT, "text_column", ERR_CONFIG, {"nope (option `text_column`)"}},
        {RIG_DOCUMENT, "deleted_column", ERR_CONFIG, {"nope (option `deleted_column`)"}},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct rig rig;
        rig_make(&rig);
        rig_sql(&rig, cases[i].sql);
        if (cases[i].option != NULL) {
            rig_set(&rig, cases[i].option, "nope");
        }
        rig_open(&rig);
        rig_ask(&rig, A);
        assert_false(rig_fetch(&rig));
        assert_int_equal(rig.err.kind, cases[i].kind);
        for (size_t j = 0; j < COUNT(cases[i].words) && cases[i].words[j] != NULL; j++) {
            if (strstr(rig.err.text, cases[i].words[j]) == NULL) {
                fail_msg("\"%s\" does not say %s", rig.err.text, cases[i].words[j]);
            }
        }
        rig_free(&rig);
    }
}

static void a_table_may_change_while_open(void **state)
{
    (void)state;
    struct rig rig;
    rig_make(&rig);
    rig_sql(&rig, RIG_PUBLIC);
    fill(&rig, 1, 5, A);
    rig_open(&rig);
    rig_ask(&rig, A);
    rig_drain(&rig);
    rig_sql(&rig, "ALTER TABLE messages RENAME COLUMN content TO text");
    rig_sql(&rig, "INSERT INTO messages(id,chat_jid,text,timestamp) VALUES('n','" A "','new',1)");
    bool first = rig_fetch(&rig); /* May fail once, and then knows the new name. */
    if (first) {
        rig_accept(&rig);
    }
    rig_drain(&rig);
    assert_true(rig_has(&rig, STR(A), STR("n"), STR("new")));
    rig_free(&rig);
}

/* ---- Cursors ---- */

static void cursors_are_read_as_written(void **state)
{
    (void)state;
    struct arena arena;
    arena_init(&arena, 1024 * 1024);
    const struct bridge_cursor cursors[] = {
        {.last = BRIDGE_ROWID_NONE, .floor_ms = BRIDGE_FLOOR_NONE},
        {.last = 7,
         .floor_ms = -5,
         .window = UINT64_MAX,
         .anchor_count = 1,
         .anchors = {{7, UINT32_MAX}}},
        {.last = INT64_MAX,
         .floor_ms = INT64_MAX,
         .window = 1,
         .anchor_count = 3,
         .anchors = {{INT64_MIN + 1, 0}, {0, 1}, {INT64_MAX, 2}}},
    };
    for (size_t i = 0; i < COUNT(cursors); i++) {
        struct bridge_cursor back;
        struct str text = bridge_cursor_write(&cursors[i], &arena);
        if (!bridge_cursor_parse(text, &back)) {
            fail_msg("\"%.*s\" is not read", STR_ARG(text));
        }
        assert_int_equal(back.last, cursors[i].last);
        assert_int_equal(back.floor_ms, cursors[i].floor_ms);
        assert_true(back.window == cursors[i].window);
        assert_int_equal(back.anchor_count, cursors[i].anchor_count);
        for (size_t j = 0; j < back.anchor_count; j++) {
            assert_int_equal(back.anchors[j].rowid, cursors[i].anchors[j].rowid);
            assert_int_equal(back.anchors[j].hash, cursors[i].anchors[j].hash);
        }
        for (size_t len = 0; len < text.len; len++) { /* No part of it is mistaken for another. */
            bool ok = bridge_cursor_parse(str_slice(text, 0, len), &back);
            assert_true(!ok || back.last == cursors[i].last);
        }
    }
    arena_free(&arena);
}

static void foreign_cursors_mean_the_start(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "",
        "5",
        "1:5",
        "3:5:0:-:5.0",
        "2:5:0:-:",
        "2:5:0:-:6.0",
        "2:5:0:-:5.0,4.0",
        "2:5:0:-:1.0,2.0,3.0,4.0",
        "2:x:0:-:5.0",
        "2:5:0g:-:5.0",
        "2:5:00000000000000000:-:5.0",
        "2:5:0:-:5.123456789",
        "2:99999999999999999999:0:-:5.0",
        "2w:0:-:done",
        "2:100:0:-:98.1,99.2,100.3",
        "\xff\xfe",
    };
    for (size_t i = 0; i < COUNT(texts); i++) {
        struct rig rig;
        rig_make(&rig);
        rig_sql(&rig, RIG_PUBLIC);
        fill(&rig, 1, 100, A);
        rig_open(&rig);
        rig_ask(&rig, A);
        rig.chats[0].cursor = str_of(texts[i]);
        rig_drain(&rig);
        assert_int_equal(rig.delivered, 100);
        assert_int_equal(rig.swapped, 1);
        rig_drain(&rig);
        assert_int_equal(rig.delivered, 100);
        assert_int_equal(rig.swapped, 1);
        rig_free(&rig);
    }
}

static void foreign_sweep_cursors_mean_the_start(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "2w:0:-:t:t",     "2w:0:-:i1x:t41", "2w:0:-:t4:t41", "2w:0:-:tzz:t41", "2w:0:-:d00:t41",
        "2w:0:-:q00:t41", "2w:0:-:41:t41",  "2w:0:-:t41",    "2:5:0:-:5.0",    "",
        "2w:0:-:t41:",    "2w:0:-::t41",
    };
    for (size_t i = 0; i < COUNT(texts); i++) {
        struct rig rig;
        rig_make(&rig);
        rig_sql(&rig, "CREATE TABLE messages(id TEXT, chat_jid TEXT, sender TEXT, content TEXT, "
                      "timestamp, PRIMARY KEY(id,chat_jid)) WITHOUT ROWID");
        fill(&rig, 1, 100, A);
        rig_open(&rig);
        rig_ask(&rig, A);
        rig.chats[0].cursor = str_of(texts[i]);
        rig_drain(&rig);
        rig_drain(&rig);
        assert_all_archived(&rig);
        rig_free(&rig);
    }
}

/* ---- Limits of a fetch ---- */

static bool asked_to_stop(void *context)
{
    (void)context;
    return true;
}

static void a_fetch_ends_in_time(void **state)
{
    (void)state;
    struct rig rig;
    rig_make(&rig);
    rig_sql(&rig, RIG_PUBLIC);
    fill(&rig, 1, 3000, A);
    rig_open(&rig);
    rig_ask(&rig, A);
    rig_ask(&rig, B);
    rig.source->connector.env.stopping = asked_to_stop;
    for (int i = 0; i < 2; i++) { /* Each goes a bit further, though told to stop. */
        assert_true(rig_fetch(&rig));
        assert_true(rig.batch.more);
        assert_true(rig.batch.count > 0 && rig.batch.count <= 1024);
        rig_accept(&rig);
    }
    rig.source->connector.env.stopping = NULL;
    rig_drain(&rig);
    assert_int_equal(rig.delivered, 3000);
    rig_free(&rig);
}

static bool fail_nth(void *context)
{
    int *left = context;
    return (*left)-- == 0;
}

/* Out of memory at every single place: an error or a success, and all arrives in the end. */
static void memory_may_fail_anywhere(void **state)
{
    (void)state;
    bool failed = true;
    int rounds = 0;
    for (int nth = 0; failed && nth < 2000; nth++) {
        struct rig rig;
        rig_make(&rig);
        rig_sql(&rig, RIG_PUBLIC);
        fill(&rig, 1, 300, A);
        rig_sql(&rig, "INSERT INTO messages(id,chat_jid,content,timestamp) VALUES"
                      "('bad','" A "',CAST(x'61fffe62' AS TEXT),'never'),(NULL,'" A "','x',1)");
        rig_open(&rig);
        rig_ask(&rig, A);
        int left = nth;
        mem_fault_set(fail_nth, &left);
        bool ok = rig_fetch(&rig);
        mem_fault_set(NULL, NULL);
        failed = left < 0;
        if (ok) {
            rig_accept(&rig);
        } else {
            assert_int_equal(rig.batch.count, 0);
            assert_null(rig.chats[0].next.ptr);
            assert_true(rig.err.kind == ERR_RETRY);
        }
        rig_drain(&rig);
        assert_int_equal(rig.known, 301);
        rig_free(&rig);
        rounds++;
    }
    assert_false(failed);
    assert_true(rounds > 10);
}

/* Wherever the memory of a batch ends, it is a shorter batch or an error, never a lost row. */
static void a_small_arena_is_a_smaller_batch(void **state)
{
    (void)state;
    struct rig rig;
    size_t failed = 0;
    rig_make(&rig);
    rig_sql(&rig, RIG_PUBLIC);
    fill(&rig, 1, 400, A);
    rig_sql(&rig, "INSERT INTO messages(id,chat_jid,content,timestamp,media_type) VALUES"
                  "(CAST(x'61ff' AS TEXT),'" A "',CAST(x'61fffe62' AS TEXT),'never','image'),"
                  "(replace(hex(zeroblob(600)),'00','y'),'" A "','c',1,'audio')");
    fill(&rig, 401, 800, A);
    rig_open(&rig);
    rig_ask(&rig, A);
    for (size_t limit = 400; limit < 400000; limit += limit / 7) {
        arena_free(&rig.arena);
        arena_init(&rig.arena, limit);
        rig.chats[0].cursor = (struct str){0};
        memset(rig.archive, 0, RIG_ARCHIVE_SLOTS * sizeof *rig.archive);
        rig.known = 0;
        bool ok = true;
        bool more = true;
        while (ok && more) {
            ok = rig_fetch(&rig);
            more = rig.batch.more;
            if (ok) {
                rig_accept(&rig);
                assert_true(rig.batch.refusal_count == 0);
            }
        }
        failed += ok ? 0 : 1;
        if (ok ? rig.known != 802 : (rig.err.kind != ERR_RETRY || limit > 30000)) {
            fail_msg("%zu bytes: %zu messages, %s", limit, rig.known, rig.err.text);
        }
    }
    assert_true(failed > 3); /* The smallest cannot hold one row. */
    arena_free(&rig.arena);
    arena_init(&rig.arena, 1024 * 1024);
    rig_free(&rig);
}

static void a_full_arena_is_no_reason_to_refuse(void **state)
{
    (void)state;
    struct rig rig;
    rig_make(&rig);
    rig_sql(&rig, RIG_PUBLIC);
    rig_sql(&rig, "INSERT INTO messages(id,chat_jid,content,timestamp) VALUES"
                  "(replace(hex(zeroblob(600)),'00','y'),'" A "','c',1)");
    rig_set(&rig, "overlap", "1"); /* So that the places fit where the row does not. */
    rig_open(&rig);
    rig_ask(&rig, A);
    size_t failed = 0;
    for (size_t limit = 200; limit < 2500; limit += 3) {
        arena_free(&rig.arena);
        arena_init(&rig.arena, limit);
        failed += rig_fetch(&rig) ? 0 : 1;
        assert_int_equal(rig.batch.refusal_count, 0);
    }
    assert_true(failed > 100);
    arena_free(&rig.arena);
    arena_init(&rig.arena, 1024 * 1024);
    rig_free(&rig);
}

int main(void)
{
    struct err err = {0};
    if (!sqlite_setup(&err)) {
        (void)fprintf(stderr, "%s\n", err.text);
        return 1;
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(document_rows_arrive),
        cmocka_unit_test(public_rows_arrive),
        cmocka_unit_test(columns_of_forks_are_read),
        cmocka_unit_test(times_are_read),
        cmocka_unit_test(unreadable_times_stay_messages),
        cmocka_unit_test(rows_without_identity_are_listed),
        cmocka_unit_test(long_and_broken_texts_arrive_marked),
        cmocka_unit_test(broken_ids_stay_apart),
        cmocka_unit_test(only_asked_chats_are_read),
        cmocka_unit_test(a_missing_chat_is_reported_once),
        cmocka_unit_test(lookback_leaves_old_history),
        cmocka_unit_test(any_batch_size_gives_the_same),
        cmocka_unit_test(large_texts_split_batches),
        cmocka_unit_test(edits_and_reused_numbers_arrive),
        cmocka_unit_test(calm_rows_are_not_delivered_twice),
        cmocka_unit_test(another_file_is_read_from_its_start),
        cmocka_unit_test(nothing_is_skipped_at_random),
        cmocka_unit_test(a_live_writer_with_a_journal),
        cmocka_unit_test(a_live_writer_with_a_wal),
        cmocka_unit_test(tables_without_rowid_are_swept),
        cmocka_unit_test(sweeps_list_rows_without_identity),
        cmocka_unit_test(a_mapping_overrules),
        cmocka_unit_test(unknown_tables_are_explained),
        cmocka_unit_test(a_table_may_change_while_open),
        cmocka_unit_test(cursors_are_read_as_written),
        cmocka_unit_test(foreign_cursors_mean_the_start),
        cmocka_unit_test(foreign_sweep_cursors_mean_the_start),
        cmocka_unit_test(a_fetch_ends_in_time),
        cmocka_unit_test(memory_may_fail_anywhere),
        cmocka_unit_test(a_small_arena_is_a_smaller_batch),
        cmocka_unit_test(a_full_arena_is_no_reason_to_refuse),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
