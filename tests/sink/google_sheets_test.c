/* sink google-sheets: people at work in the sheet, requests of which nobody knows, odd sheets. */
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "net/google_rig.h"
#include "net/sheets.h"
#include "sink/google_sheets.h"
#include "sink/one_rig.h"
#include "sink/sheet_ledger.h"
#include "test.h"

enum { PARCELS_MAX = 1200, SETTLE_MS = 180000 };

static bool started;
static struct arena arena;
static struct arena opened;
static struct err err;
static struct sink *sink;
static struct parcel parcels[PARCELS_MAX];
static int64_t ahead_ms;
static char kept[64]; /* What survives a crash. */
static bool stop;

static int64_t wall_ms(struct clock *clock)
{
    (void)clock;
    return clock_wall_ms(clock_system()) + ahead_ms;
}

static int64_t mono_ms(struct clock *clock)
{
    (void)clock;
    return clock_mono_ms(clock_system());
}

static void sleep_until(struct clock *clock, int64_t until_ms)
{
    (void)clock;
    clock_system()->sleep_until(clock_system(), until_ms);
}

static struct clock clock_ahead = {wall_ms, mono_ms, sleep_until};

static bool keep_get(struct keep *keep, struct str key, struct arena *into, struct str *value,
                     struct err *why)
{
    (void)keep;
    (void)why;
    assert_str_equal(key, STR("asked"));
    *value = arena_copy(into, str_of(kept));
    return true;
}

static bool keep_put(struct keep *keep, struct str key, struct str value, struct err *why)
{
    (void)keep;
    (void)why;
    assert_str_equal(key, STR("asked"));
    (void)snprintf(kept, sizeof kept, "%.*s", STR_ARG(value));
    return true;
}

static struct keep keep = {NULL, keep_get, keep_put};

static bool stopping(void *context)
{
    (void)context;
    return stop;
}

/* ---- Two tables: the roster, and leads that are appended ---- */

static const struct column roster_columns[] = {
    {"phone_number", COLUMN_TEXT, true, NULL, ""},
    {"last_practice", COLUMN_DATE, false, NULL, ""},
    {"practices", COLUMN_INT, false, NULL, ""},
    {0},
};
static const struct target roster = {
    .name = "main", .key = "phone_number", .columns = roster_columns};
static const struct column lead_columns[] = {
    {"lead", COLUMN_TEXT, true, NULL, ""},   {"name", COLUMN_TEXT, false, NULL, ""},
    {"phone", COLUMN_TEXT, false, NULL, ""}, {"at", COLUMN_TIME, false, NULL, ""},
    {"tags", COLUMN_JSON, false, NULL, ""},  {0},
};
static const struct target leads = {.name = "leads", .key = "lead", .columns = lead_columns};
static const struct target *const rosters[] = {&roster, NULL};
static const struct target *const both[] = {&leads, &roster, NULL};
static struct str_pair renames[] = {
    {STR_INIT("טלפון"), STR_INIT("phone_number")},
    {STR_INIT("תרגול אחרון"), STR_INIT("last_practice")},
    {STR_INIT("מספר תרגולים"), STR_INIT("practices")},
};
static struct str_pair tabs[] = {{STR_INIT("leads"), STR_INIT("לידים 2025")}};

static void *member(const char *name)
{
    return one_rig_member(sink, name);
}

static void make(const struct target *const *targets)
{
    one_rig_drop(&sink);
    sink = one_rig_new(&sink_google_sheets, "sheet", &opened, targets);
    sink->connector.env.clock = &clock_ahead;
    sink->connector.env.keep = &keep;
    sink->connector.env.stopping = stopping;
    assert_true(secret_make(member("credentials"), &opened, google_credentials(&arena)));
    *(struct str *)member("spreadsheet") = STR("W");
    *(struct str *)member("api") = google_api(&opened);
    *(struct str *)member("authorities") =
        arena_copy(&opened, str_of(outside_path(&google, "ca.crt")));
    *(int64_t *)member("header_row") = 1;
    *(struct str *)member("ledger") = STR("sluice");
    *(bool *)member("new_rows") = true;
    *(struct str *)member("date_format") = STR("DD/MM/YYYY");
    *(struct str *)member("time_format") = STR("DD/MM/YYYY HH:MM");
    *(struct str *)member("zone") = STR("Asia/Jerusalem");
    *(int64_t *)member("settle") = SETTLE_MS;
    *(int64_t *)member("rate") = SHEETS_RATE_MAX;
    *(struct str_map *)member("worksheets") = (struct str_map){tabs, COUNT(tabs)};
}

static void up(void)
{
    if (!one_rig_open(&sink, &err)) {
        fail_msg("%s", err.text);
    }
}

/* The roster's sink: Hebrew headers, phones in all looks, no rows of ours. */
static void up_roster(void)
{
    make(rosters);
    *(struct str_map *)member("rename") = (struct str_map){renames, COUNT(renames)};
    *(int *)member("key_form") = 1;
    *(bool *)member("new_rows") = false;
    up();
}

static void set(size_t i, enum record_kind kind, const char *target, const char *entity,
                int64_t message, const char *body)
{
    parcels[i] = (struct parcel){
        .kind = kind,
        .effect = {.pipeline = STR("desk"),
                   .generation = 3,
                   .message = message,
                   .origin = arena_printf(&arena, "%020d", (int)message)},
        .target = arena_copy(&arena, str_of(target)),
        .entity = arena_copy(&arena, str_of(entity)),
        .body = arena_copy(&arena, str_of(body)),
    };
}

static bool write_all(size_t count)
{
    err = (struct err){0};
    for (size_t i = 0; i < count; i++) {
        parcels[i].verdict = VERDICT_RETRY;
        parcels[i].why = (struct str){0};
    }
    return sink_google_sheets.write(sink, parcels, count, &arena, outside_soon(), &err);
}

static void written(size_t count)
{
    if (!write_all(count)) {
        fail_msg("%s", err.text);
    }
    for (size_t i = 0; i < count; i++) {
        if (parcels[i].verdict != VERDICT_DONE) {
            fail_msg("%zu: verdict %d: %.*s", i, (int)parcels[i].verdict, STR_ARG(parcels[i].why));
        }
    }
}

static void failed(size_t count, enum err_kind kind, const char *words)
{
    assert_false(write_all(count));
    if (err.kind != kind || strstr(err.text, words) == NULL) {
        fail_msg("%s: %s does not say %s", err_kind_name(err.kind), err.text, words);
    }
}

static void sheet_is(const char *title, const char *rows)
{
    assert_str_equal(google_rows(&arena, "W", title), str_of(rows));
}

#define ROSTER                                                                                     \
    "sheet {\"id\":\"W\",\"title\":\"main\",\"rows\":[[\"שם\",\"תרגול אחרון\",\"טלפון\","          \
    "\"מספר תרגולים\",\"הערות\"],"                                                                 \
    "[\"דנה\",\"\",\"055-660-2298\",1,\"=keep\"],[\"רון\",\"01/01/2025\",556602299],"              \
    "[\"טל\",\"\",\"055-660-2297\"]]}"
#define HEAD "שם|תרגול אחרון|טלפון|מספר תרגולים|הערות\n"

static void roster_parcels(void)
{
    set(0, RECORD_ABSOLUTE, "main", "972 55-660-2298", 1,
        "{\"set\":{\"last_practice\":\"2025-12-09\",\"practices\":2}}");
    set(1, RECORD_ABSOLUTE, "main", "0556602299", 2,
        "{\"set\":{\"last_practice\":\"2025-12-10\"}}");
}

/* Only the named cells of the rows of these keys; no column of ours; nothing new, nothing written.
 */
static void rosters_are_updated(void **state)
{
    (void)state;
    if (!started) {
        skip();
    }
    google_ask(ROSTER);
    up_roster();
    roster_parcels();
    int64_t calls = google_calls(&arena, "update");
    written(2);
    sheet_is("main", HEAD "דנה|09/12/2025|055-660-2298|#2|=keep\nרון|10/12/2025|#556602299\n"
                          "טל||055-660-2297\n");
    assert_int_equal(google_calls(&arena, "update"), calls + 1);
    written(2); /* The same again: no request that writes. */
    assert_int_equal(google_calls(&arena, "update"), calls + 1);
    struct held held = {.target = STR("main"), .entity = STR("972556602298")};
    assert_true(sink_google_sheets.read_back(sink, &held, 1, &arena, outside_soon(), &err));
    assert_str_equal(held.body, STR("{\"phone_number\":\"055-660-2298\",\"last_practice\":"
                                    "\"2025-12-09\",\"practices\":2}"));
    /* Columns moved since: found again. */
    google_ask("sheet {\"id\":\"W\",\"title\":\"main\",\"rows\":[[\"טלפון\",\"מספר תרגולים \",\"\","
               "\"תרגול אחרון\"],[\"055-660-2298\"]]}");
    written(1);
    sheet_is("main", "טלפון|מספר תרגולים ||תרגול אחרון\n055-660-2298|#2||09/12/2025\n");
}

static void odd_rosters(void **state)
{
    (void)state;
    if (!started) {
        skip();
    }
    google_ask(ROSTER);
    up_roster();
    roster_parcels();
    google_ask(
        "edit {\"id\":\"W\",\"title\":\"main\",\"op\":\"set\",\"row\":4,\"column\":3,\"value\":"
        "\"+972 55 660 2298\"}"); /* Dana twice. */
    set(2, RECORD_ABSOLUTE, "main", "0556602200", 3, "{\"set\":{\"practices\":1}}");
    set(3, RECORD_ABSOLUTE, "main", "no phone", 4, "{\"set\":{\"practices\":1}}");
    set(4, RECORD_EFFECT, "main", "0556602299", 5, "{\"inc\":{\"practices\":1}}");
    assert_true(write_all(4));
    assert_int_equal(parcels[0].verdict, VERDICT_REJECT);
    assert_non_null(strstr(parcels[0].why.ptr, "stands in rows 2 and 4"));
    assert_int_equal(parcels[1].verdict, VERDICT_DONE);
    assert_int_equal(parcels[2].verdict, VERDICT_REJECT);
    assert_non_null(strstr(parcels[2].why.ptr, "no row has the record's key"));
    assert_null(strstr(parcels[2].why.ptr, "6602200"));
    assert_int_equal(parcels[3].verdict, VERDICT_REJECT);
    set(0, RECORD_EFFECT, "main", "0556602299", 5, "{\"inc\":{\"practices\":1}}");
    failed(1, ERR_CONFIG, "no column 'sluice', which remembers what was done");
    roster_parcels();
    google_ask(
        "edit {\"id\":\"W\",\"title\":\"main\",\"op\":\"set\",\"row\":1,\"column\":4,\"value\":"
        "\"תרגולים\"}");
    failed(2, ERR_CONFIG, "there is no header 'מספר תרגולים'; there are: 'שם', 'תרגול אחרון'");
    google_ask(
        "edit {\"id\":\"W\",\"title\":\"main\",\"op\":\"set\",\"row\":1,\"column\":4,\"value\":"
        "\"טלפון\"}");
    failed(2, ERR_CONFIG, "'טלפון' stands there twice, as column 3 and column 4");
    google_ask("edit {\"id\":\"W\",\"title\":\"main\",\"op\":\"drop\"}");
    google_ask("sheet {\"id\":\"W\",\"title\":\"other\"}");
    failed(2, ERR_CONFIG, "no worksheet 'main'; it has: 'other'");
    google_ask("deny W");
    failed(2, ERR_LOGIN, "not shared with robot@invented-project.iam.gserviceaccount.com as");
    google_ask("allow W");
}

/* ---- Somebody works in the sheet between our reading and our writing ---- */

static void rows_that_move(void **state)
{
    (void)state;
    if (!started) {
        skip();
    }
    google_ask(ROSTER);
    up_roster();
    roster_parcels();
    /* Ron's row gets another one above it. Row 3 is then the new one, and Dana's is where it was.
     */
    google_ask(
        "fault {\"on\":\"read\",\"skip\":2,\"what\":\"then\",\"commands\":[\"edit {\\\"id\\\":"
        "\\\"W\\\",\\\"title\\\":\\\"main\\\",\\\"op\\\":\\\"insert\\\",\\\"row\\\":3,"
        "\\\"cells\\\":[\\\"חדש\\\"]}\"]}");
    assert_true(write_all(2));
    assert_int_equal(parcels[0].verdict, VERDICT_DONE);
    assert_int_equal(parcels[1].verdict, VERDICT_RETRY);
    assert_non_null(
        strstr(parcels[1].why.ptr, "row 3 was hit by mistake; it has what it held again"));
    sheet_is("main", HEAD "דנה|09/12/2025|055-660-2298|#2|=keep\nחדש\nרון|01/01/2025|#556602299\n"
                          "טל||055-660-2297\n");
    roster_parcels();
    written(2);
    sheet_is("main", HEAD "דנה|09/12/2025|055-660-2298|#2|=keep\nחדש\nרון|10/12/2025|#556602299\n"
                          "טל||055-660-2297\n");
    /* Dana's row is taken away: what was hers is now Ron's, who gets back what he held. */
    google_ask(ROSTER);
    google_ask(
        "fault {\"on\":\"read\",\"skip\":1,\"what\":\"then\",\"commands\":[\"edit {\\\"id\\\":"
        "\\\"W\\\",\\\"title\\\":\\\"main\\\",\\\"op\\\":\\\"delete\\\",\\\"row\\\":2}\"]}");
    roster_parcels();
    assert_true(write_all(1));
    assert_int_equal(parcels[0].verdict, VERDICT_RETRY);
    sheet_is("main", HEAD "רון|01/01/2025|#556602299\nטל||055-660-2297\n");
    assert_true(write_all(1));
    assert_int_equal(parcels[0].verdict, VERDICT_REJECT);
    /* A column comes between: said, and written again where it belongs. */
    google_ask(ROSTER);
    google_ask(
        "fault {\"on\":\"read\",\"skip\":1,\"what\":\"then\",\"commands\":[\"sheet {\\\"id\\\":"
        "\\\"W\\\",\\\"title\\\":\\\"main\\\",\\\"rows\\\":[[\\\"שם\\\",\\\"חדש\\\","
        "\\\"תרגול אחרון\\\",\\\"טלפון\\\",\\\"מספר תרגולים\\\"],[\\\"דנה\\\",\\\"\\\",\\\"\\\","
        "\\\"055-660-2298\\\"]]}\"]}");
    assert_true(write_all(1));
    assert_int_equal(parcels[0].verdict, VERDICT_RETRY);
    assert_non_null(strstr(parcels[0].why.ptr, "columns were moved"));
}

/* ---- New rows, once ---- */

#define LEADS                                                                                      \
    "sheet {\"id\":\"W\",\"title\":\"לידים "                                                       \
    "2025\",\"rows\":[[\"name\",\"lead\",\"phone\",\"at\",\"tags\",\"sluice\"]]}"

static void lead_parcels(size_t count, int64_t from)
{
    for (size_t i = 0; i < count; i++) {
        int64_t message = from + (int64_t)i;
        set(i, RECORD_EFFECT, "leads", arena_printf(&arena, "L-%d", (int)message).ptr, message,
            "{\"set\":{\"name\":\"=דנה\",\"phone\":\"+972 55-660-2298\",\"at\":"
            "\"2025-07-09T18:51:42.998Z\"},\"push\":{\"tags\":\"חם\"}}");
    }
}

/* Rows whose key begins with L-, and how many keys are unlike. */
static void leads_are(size_t rows)
{
    char path[64];
    struct json_iter iter;
    const struct json_value *row = NULL;
    bool seen[PARCELS_MAX] = {false};
    size_t found = 0;
    (void)snprintf(path, sizeof path, "sheets/W/%s", "לידים 2025");
    json_iter_init(&iter, google_look(&arena, path));
    (void)json_next(&iter, NULL, &row);
    while (json_next(&iter, NULL, &row)) {
        int64_t number = 0;
        struct str key = json_str(json_at(row, 1));
        assert_true(str_to_int64(str_slice(key, 2, key.len), &number));
        assert_true(number >= 0 && number < PARCELS_MAX && !seen[number]);
        seen[number] = true;
        found++;
    }
    assert_int_equal(found, rows);
}

static void new_rows_once(void **state)
{
    (void)state;
    if (!started) {
        skip();
    }
    google_ask(LEADS);
    google_ask(ROSTER);
    make(both);
    *(struct str_map *)member("rename") = (struct str_map){renames, COUNT(renames)};
    up();
    lead_parcels(2, 1);
    written(2);
    struct str all = google_rows(&arena, "W", "לידים 2025");
    assert_int_not_equal(
        str_find(all, STR("=דנה|L-1|+972 55-660-2298|09/07/2025 21:51|[\"חם\"]|"), 0), STR_NONE);
    written(2); /* Again, after a crash: nothing. */
    assert_str_equal(google_rows(&arena, "W", "לידים 2025"), all);
    leads_are(2);
    struct held held = {.target = STR("leads"), .entity = STR("L-1")};
    assert_true(sink_google_sheets.read_back(sink, &held, 1, &arena, outside_soon(), &err));
    assert_str_equal(held.body,
                     STR("{\"lead\":\"L-1\",\"name\":\"=דנה\",\"phone\":\"+972 55-660-2298\","
                         "\"at\":\"2025-07-09T18:51:00.000Z\",\"tags\":[\"חם\"]}"));
    /* A blank row in the middle: what is below moves down, nothing is written over. */
    google_ask("edit {\"id\":\"W\",\"title\":\"לידים 2025\",\"op\":\"insert\",\"row\":3}");
    lead_parcels(1, 3);
    written(1);
    all = google_rows(&arena, "W", "לידים 2025");
    for (int i = 1; i <= 3; i++) {
        assert_int_not_equal(str_find(all, arena_printf(&arena, "|L-%d|", i), 0), STR_NONE);
    }
    google_ask(
        "sheet {\"id\":\"W\",\"title\":\"לידים 2025\",\"rows\":[[\"\",\"name\",\"lead\",\"phone\","
        "\"at\",\"tags\",\"sluice\"]]}");
    failed(1, ERR_CONFIG, "column A has no header in row 1");
}

/* Whatever happens to the request: once, and after `settle` where nobody knows. */
static void unknown_outcomes(void **state)
{
    static const struct {
        const char *what;
        bool unknown;
    } cases[] = {
        {"\"what\":\"lost\"", true},
        {"\"what\":\"half\"", true},
        {"\"what\":\"badjson\"", true},
        {"\"what\":\"cut\"", true},
        {"\"what\":\"status\",\"code\":500", true},
        {"\"what\":\"status\",\"code\":503", true},
        {"\"what\":\"late\",\"seconds\":1.0", true},
        {"\"what\":\"status\",\"code\":429,\"retry_after\":\"1\"", false}, /* It waits. */
    };
    (void)state;
    if (!started) {
        skip();
    }
    google_ask(LEADS);
    google_ask(ROSTER);
    make(both);
    *(struct str_map *)member("rename") = (struct str_map){renames, COUNT(renames)};
    up();
    for (size_t i = 0; i < COUNT(cases); i++) {
        lead_parcels(1, (int64_t)i);
        google_ask("fault {\"on\":\"append\",%s}", cases[i].what);
        failed(1, ERR_RETRY, "");
        assert_int_equal(kept[0] != '\0', cases[i].unknown);
        if (cases[i].unknown) {
            /* Also after a crash: what survives says so. */
            make(both);
            *(struct str_map *)member("rename") = (struct str_map){renames, COUNT(renames)};
            up();
            int64_t calls = google_calls(&arena, "append");
            failed(1, ERR_RETRY, "nobody knows");
            assert_true(err.retry_after_ms > SETTLE_MS - 30000 && err.retry_after_ms <= SETTLE_MS);
            assert_int_equal(google_calls(&arena, "append"), calls);
            if (strstr(cases[i].what, "late") != NULL) {
                struct clock *clock = clock_system();
                clock->sleep_until(clock, clock_mono_ms(clock) + 1500);
            }
            ahead_ms += SETTLE_MS + 1000;
        }
        written(1);
        assert_int_equal(kept[0], '\0');
    }
    leads_are(COUNT(cases));
    ahead_ms = 0;
}

/* One record that Google refuses pays alone; what no cell can hold is refused before. */
static void refused_alone(void **state)
{
    (void)state;
    if (!started) {
        skip();
    }
    google_ask(LEADS);
    google_ask(ROSTER);
    make(both);
    *(struct str_map *)member("rename") = (struct str_map){renames, COUNT(renames)};
    up();
    lead_parcels(3, 1);
    google_ask("fault {\"on\":\"append\",\"what\":\"status\",\"code\":400,\"message\":\"Invalid "
               "values\"}");
    failed(3, ERR_RETRY, "Invalid values");
    google_ask("fault {\"on\":\"append\",\"what\":\"status\",\"code\":400,\"message\":\"Invalid "
               "values\"}");
    assert_true(write_all(3));
    assert_int_equal(parcels[0].verdict, VERDICT_REJECT);
    assert_int_equal(parcels[1].verdict, VERDICT_UNTRIED);
    parcels[0] = parcels[1];
    parcels[1] = parcels[2];
    assert_true(write_all(2));
    assert_int_equal(parcels[0].verdict, VERDICT_DONE);
    assert_int_equal(parcels[1].verdict, VERDICT_UNTRIED);
    parcels[0] = parcels[1];
    written(1);
    leads_are(2);
}

/* More than one request holds: the rest comes at once, in order. */
static void many(void **state)
{
    (void)state;
    if (!started) {
        skip();
    }
    google_ask(LEADS);
    google_ask(ROSTER);
    make(both);
    *(struct str_map *)member("rename") = (struct str_map){renames, COUNT(renames)};
    up();
    lead_parcels(1100, 0);
    assert_true(write_all(1100));
    assert_int_equal(parcels[0].verdict, VERDICT_DONE);
    assert_int_equal(parcels[999].verdict, VERDICT_DONE);
    assert_int_equal(parcels[1000].verdict, VERDICT_UNTRIED);
    written(1000);
    for (size_t i = 0; i < 100; i++) {
        parcels[i] = parcels[1000 + i];
    }
    written(100);
    leads_are(1100);
}

static void without_a_ledger(void **state)
{
    (void)state;
    if (!started) {
        skip();
    }
    google_ask(
        "sheet {\"id\":\"W\",\"title\":\"main\",\"rows\":[[\"phone_number\",\"last_practice\","
        "\"practices\"]]}");
    make(rosters);
    *(struct str *)member("ledger") = STR("none");
    up();
    set(0, RECORD_EFFECT, "main", "1", 1, "{\"set\":{\"practices\":1}}");
    set(1, RECORD_EFFECT, "main", "2", 2, "{\"inc\":{\"practices\":1}}");
    assert_true(write_all(2));
    assert_int_equal(parcels[0].verdict, VERDICT_DONE);
    assert_int_equal(parcels[1].verdict, VERDICT_REJECT);
    assert_non_null(strstr(parcels[1].why.ptr, "could not be told whether it was done"));
    written(1);
    sheet_is("main", "phone_number|last_practice|practices\n1||#1\n");
}

static void migrations(void **state)
{
    struct str done = {0};
    (void)state;
    if (!started) {
        skip();
    }
    google_ask("edit {\"id\":\"W\",\"title\":\"לידים 2025\",\"op\":\"drop\"}");
    google_ask("sheet {\"id\":\"W\",\"title\":\"main\",\"columns\":3,\"rows\":[[\"שם\",\"טלפון\","
               "\"הערות\"],[\"דנה\",\"1\"]]}");
    make(both);
    *(struct str_map *)member("rename") = (struct str_map){renames, COUNT(renames)};
    up();
    for (int dry = 1; dry >= 0; dry--) {
        assert_true(sink_google_sheets.migrate(sink, dry == 1, &arena, &done, &err));
        assert_str_equal(done,
                         STR("worksheet 'לידים 2025': made\nworksheet 'לידים 2025': 'lead', "
                             "'name', 'phone', 'at', 'tags', 'sluice' added to row 1\n"
                             "worksheet 'main': 'תרגול אחרון', 'מספר תרגולים', 'sluice' added "
                             "to row 1"));
    }
    sheet_is("main", "שם|טלפון|הערות|תרגול אחרון|מספר תרגולים|sluice\nדנה|1\n");
    sheet_is("לידים 2025", "lead|name|phone|at|tags|sluice\n");
    assert_true(sink_google_sheets.migrate(sink, false, &arena, &done, &err));
    assert_str_equal(done, STR(""));
    lead_parcels(1, 1);
    set(1, RECORD_EFFECT, "main", "1", 2, "{\"inc\":{\"practices\":2}}");
    written(2);
    written(2);
    struct str found = {0};
    assert_true(sink_google_sheets.connector.probe(&sink->connector, outside_soon(), &found, &err));
    assert_str_equal(found, STR("worksheet 'לידים 2025': 1 rows, worksheet 'main': 1 rows, written "
                                "as robot@invented-project.iam.gserviceaccount.com"));
    assert_int_not_equal(str_find(google_rows(&arena, "W", "main"), STR("דנה|1|||#2|"), 0),
                         STR_NONE);
}

/* Asked to stop in the middle of an append: it may end first. */
static void stopping_lets_it_end(void **state)
{
    (void)state;
    if (!started) {
        skip();
    }
    google_ask(LEADS);
    google_ask(ROSTER);
    make(both);
    *(struct str_map *)member("rename") = (struct str_map){renames, COUNT(renames)};
    up();
    lead_parcels(1, 1);
    google_ask("fault {\"on\":\"append\",\"what\":\"slow\",\"seconds\":1.5}");
    written(1);
    lead_parcels(1, 2);
    google_ask("fault {\"on\":\"append\",\"what\":\"slow\",\"seconds\":1.5}");
    stop = true;
    bool ok = write_all(1);
    stop = false;
    /* The token or a reading may have been stopped first; then nothing was sent at all. */
    assert_true(ok ? parcels[0].verdict == VERDICT_DONE : err.kind == ERR_STOP && kept[0] == '\0');
    google_ask("calm");
    written(1);
    leads_are(2);
}

static int allowed;

static bool deny(void *context)
{
    (void)context;
    return allowed-- <= 0;
}

/* Any allocation fails: nothing is lost, nothing is written twice. */
static void missing_memory(void **state)
{
    (void)state;
    if (!started) {
        skip();
    }
    google_ask(LEADS);
    google_ask(ROSTER);
    make(both);
    *(struct str_map *)member("rename") = (struct str_map){renames, COUNT(renames)};
    *(int64_t *)member("settle") = 0;
    up();
    lead_parcels(2, 1);
    bool done = false;
    int limit = 0;
    for (; !done && limit < 200; limit++) {
        allowed = limit;
        mem_fault_set(deny, NULL);
        bool ok = write_all(2);
        mem_fault_set(NULL, NULL);
        done = ok && parcels[0].verdict == VERDICT_DONE && parcels[1].verdict == VERDICT_DONE;
        /* (TLS without memory says that certificates are too large.) */
        if (!ok && err.kind != ERR_RETRY && err.kind != ERR_CONFIG) {
            fail_msg("%d: %s: %s", limit, err_kind_name(err.kind), err.text);
        }
        assert_true(parcels[0].verdict != VERDICT_REJECT);
    }
    assert_true(limit > 3 && done);
    leads_are(2);
}

static void ledgers(void **state)
{
    struct buf buf;
    struct str cell = STR("");
    (void)state;
    buf_init(&buf, &arena, 65536);
    for (int i = 0; i < SHEET_LEDGER_EFFECTS_MAX + 3; i++) {
        set(0, RECORD_EFFECT, "leads", "x", i, "{}");
        assert_true(sheet_ledger_is_new(cell, &parcels[0]));
        buf_clear(&buf);
        sheet_ledger_add(cell, &parcels[0], &buf);
        cell = arena_copy(&arena, buf_str(&buf));
        assert_false(sheet_ledger_is_new(cell, &parcels[0]));
    }
    assert_int_equal(cell.len, SHEET_LEDGER_EFFECTS_MAX * 33 - 1);
    set(0, RECORD_EFFECT, "leads", "x", 3, "{}");
    assert_false(sheet_ledger_is_new(cell, &parcels[0]));
    set(0, RECORD_EFFECT, "leads", "x", 2, "{}"); /* So old that it was forgotten. */
    assert_true(sheet_ledger_is_new(cell, &parcels[0]));
    cell = STR("הערה של מישהו desk=x desk-2=9.9.9 desk=3.5.0");
    set(0, RECORD_ABSOLUTE, "leads", "x", 5, "{}");
    assert_false(sheet_ledger_is_new(cell, &parcels[0]));
    set(0, RECORD_ABSOLUTE, "leads", "x", 6, "{}");
    assert_true(sheet_ledger_is_new(cell, &parcels[0]));
    buf_clear(&buf);
    sheet_ledger_add(cell, &parcels[0], &buf);
    assert_str_equal(buf_str(&buf), STR("הערה של מישהו desk=x desk-2=9.9.9 desk=3.6.0"));
}

static int setup(void **state)
{
    (void)state;
    err = (struct err){0};
    ahead_ms = 0;
    kept[0] = '\0';
    if (started) {
        google_ask("calm");
    }
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    one_rig_drop(&sink);
    if (started) {
        google_judge(&arena);
    }
    return 0;
}

static int group_setup(void **state)
{
    (void)state;
    arena_init(&arena, 512 << 20);
    arena_init(&opened, 16 << 20);
    started = google_start("any-time");
    return 0;
}

static int group_teardown(void **state)
{
    (void)state;
    outside_stop(&google);
    arena_free(&arena);
    arena_free(&opened);
    return 0;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(rosters_are_updated),
        TEST(odd_rosters),
        TEST(rows_that_move),
        TEST(new_rows_once),
        TEST(unknown_outcomes),
        TEST(refused_alone),
        TEST(many),
        TEST(without_a_ledger),
        TEST(migrations),
        TEST(stopping_lets_it_end),
        TEST(missing_memory),
        TEST(ledgers),
    };
    return cmocka_run_group_tests_name("google-sheets sink", tests, group_setup, group_teardown);
}
