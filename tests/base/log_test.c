/* log: whom it must hide, what must stay readable, and that no text can forge a line. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/log.h"
#include "base/rng.h"
#include "base/thread.h"
#include "test.h"

struct pair {
    const char *in;
    const char *out;
};

static void assert_masked(const struct pair *pairs, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        char room[512];
        struct str got = log_mask(str_of(pairs[i].in), room, sizeof room);
        assert_string_equal(got.ptr, pairs[i].out);
        assert_int_equal(got.len, strlen(pairs[i].out));
    }
}

#define ASSERT_MASKED(pairs) assert_masked(pairs, sizeof(pairs) / sizeof(pairs)[0])

static void numbers_of_people_are_masked(void **state)
{
    (void)state;
    static const struct pair pairs[] = {
        {"972556602298", "972•••98"},
        {"+972 55-660-2298 called", "+972•••98 called"},
        {"+972556602298,+27825550123", "+972•••98,+278•••23"},
        {"055-6602298", "055•••98"},
        {"(055) 660-2298.", "(055•••98."},
        {"055.660.2298", "055•••98"},
        {"tel972556602298x", "tel972•••98x"},
        {"972556602298@s.whatsapp.net", "972•••98@s.whatsapp.net"},
        {"972556602298:12@s.whatsapp.net", "972•••98:12@s.whatsapp.net"},
        {"123456789012345@lid", "123•••45@lid"},
        {"972556602298-1612345678@g.us", "972•••78@g.us"},
        {"6602298", "66•••98"},
        {"660-2298", "66•••98"},
        {"660229", "660229"},
        {"call 0556602298 or 0541234567", "call 055•••98 or 054•••67"},
        {"0556602298, 0541234567", "055•••98, 054•••67"},
        {"phone=055%20660%202298&x", "phone=055•••98&x"},
        {"%2B972556602298", "%2B972•••98"},
        {"+972\xC2\xA0"
         "55\xE2\x80\x91"
         "660\xE2\x80\x91"
         "2298",
         "+972•••98"},
        {"\xE2\x80\x8E"
         "0\xE2\x80\x8B"
         "55\xE2\x81\xA0"
         "6602298",
         "\\u{200E}055•••98"},
        {"055\xE2\x88\x92"
         "660\xE3\x80\x80"
         "2298",
         "055•••98"},
        {"٠٥٥٦٦٠٢٢٩٨", "055•••98"},
        {"۰۵۵-۶۶۰۲۲۹۸", "055•••98"},
        {"０５５６６０２２９８", "055•••98"},
        {"a\xFF"
         "0556602298\xFF",
         "a\\x{FF}055•••98\\x{FF}"},
        {"1763712000000 ms", "176•••00 ms"},
    };
    ASSERT_MASKED(pairs);
}

static void keys_dates_and_counts_stay(void **state)
{
    (void)state;
    static const struct pair pairs[] = {
        {"• Lawley: 120363418298130331@g.us", "• Lawley: 120363418298130331@g.us"},
        {"chat 3 120363418298130331@g.us", "chat 3 120363418298130331@g.us"},
        {"\"120363421664266245@g.us\"", "\"120363421664266245@g.us\""},
        {"drop DR12345678 is in", "drop DR12345678 is in"},
        {"DR12345678,DR87654321.", "DR12345678,DR87654321."},
        {"DR12345678 0556602298", "DR12345678 055•••98"},
        {"2025-11-21T10:00:00", "2025-11-21T10:00:00"},
        {"2025-11-21T10:00:00Z", "2025-11-21T10:00:00Z"},
        {"at 2025-11-21 10:00:00.123456+02:00 sharp", "at 2025-11-21 10:00:00.123456+02:00 sharp"},
        {"2025-11-21", "2025-11-21"},
        {"2025-11-21 0556602298", "2025-11-21 055•••98"},
        {"0556602298 2025-11-21T10:00:00Z", "055•••98 2025-11-21T10:00:00Z"},
        {"12 2025-11-21T10:00:00 7", "12 2025-11-21T10:00:00 7"},
        {"[21.11.2025, 10:00:05]", "[21.11.2025, 10:00:05]"},
        {"11-21-2025 10:00", "11-21-2025 10:00"},
        {"21/11/2025", "21/11/2025"},
        {"10:00:00.123456", "10:00:00.123456"},
        {"192.168.100.200:27017", "192.168.100.200:27017"},
        {"1,000,000 messages in 12 s", "1,000,000 messages in 12 s"},
        {"read 256 of 1200, 4096 left", "read 256 of 1200, 4096 left"},
        {"", ""},
    };
    ASSERT_MASKED(pairs);
}

/* Each of these resembles something that stays readable, and is none. */
static void disguises_do_not_help(void **state)
{
    (void)state;
    static const struct pair pairs[] = {
        {"12036341829813@g.us", "120•••13@g.us"},       /* One digit short. */
        {"120363418298130331@g.usx", "120•••31@g.usx"}, /* Another host. */
        {"120363418298130331@s.us", "120•••31@s.us"},
        {"120363418298130331120363@g.us", "120•••63@g.us"},
        {"0556602298-120363418298130331@g.us", "055•••31@g.us"},
        {"DR123456789", "DR12•••89"},
        {"DR1234567", "DR12•••67"},
        {"XDR12345678", "XDR12•••78"},
        {"DR12345678a", "DR12•••78a"},
        {"2025-13-21", "20•••21"},
        {"2025-11-32", "20•••32"},
        {"2025-11-2100", "202•••00"},
        {"2025-11-21-0556", "202•••56"},
        {"20251121", "20•••21"},
        {"0555-11-21", "05•••21"},
        {"31.12.0555", "31•••55"},
        {"31.12-2025", "31•••25"},
        {"055.66.02.29", "05•••29"},
        {"972.55.66.22", "97•••22"},
        {"10.20.30.40.50.60", "102•••60"},
        {"10:00-660-2298", "10:00•••98"},
        {"972-2025-11-21", "972•••21"},
    };
    ASSERT_MASKED(pairs);
}

static void controls_are_shown(void **state)
{
    (void)state;
    static const struct pair pairs[] = {
        {"a\r\nb\tc", "a\\r\\nb\\tc"},
        {"\x1B[31mred", "\\u{1B}[31mred"},
        {"\x7F\xC2\x85\x01", "\\u{7F}\\u{85}\\u{1}"},
        {"\xE2\x80\xAE"
         "abc\xE2\x81\xA9",
         "\\u{202E}abc\\u{2069}"},
        {"\xE2\x80\xA8\xD8\x9C\xEF\xBB\xBF", "\\u{2028}\\u{61C}\\u{FEFF}"},
        {"\xF3\xA0\x81\x81", "\\u{E0041}"},
        {"\xC0\x8A\xED\xA0\x80\xF5", "\\x{C0}\\x{8A}\\x{ED}\\x{A0}\\x{80}\\x{F5}"},
        {"\xE2\x80", "\\x{E2}\\x{80}"},
        {"שלום עולם 👩‍👧 ok", "שלום עולם 👩‍👧 ok"},
        {"quote \" and \\ stay", "quote \" and \\ stay"},
    };
    ASSERT_MASKED(pairs);
    char room[64];
    struct str got = log_mask(STR("a\0b"), room, sizeof room);
    assert_string_equal(got.ptr, "a\\u{0}b");
}

static void a_small_room_cuts_between_tokens(void **state)
{
    (void)state;
    const struct str text = STR("ab 0556602298 \x1B 120363418298130331@g.us שלום");
    char room[128];
    size_t whole = log_mask(text, room, sizeof room).len;
    for (size_t size = 4; size < sizeof room; size++) {
        char *exact = malloc(size); /* So that ASan sees a byte too many. */
        assert_non_null(exact);
        struct str got = log_mask(text, exact, size);
        assert_true(got.len < size && exact[got.len] == '\0');
        assert_true(got.len == whole || str_ends(got, STR("…")));
        size_t group = str_find(got, STR("1203"), 0);
        assert_true(group == STR_NONE || str_find(got, STR("120363418298130331"), 0) == group);
        free(exact);
    }
}

/* Seven digits in a row come out only as a group's id or a drop's number. */
static void assert_no_number(struct str line)
{
    size_t run = 0;
    for (size_t i = 0; i <= line.len; i++) {
        if (i < line.len && line.ptr[i] >= '0' && line.ptr[i] <= '9') {
            run++;
            continue;
        }
        bool group = run >= 15 && str_starts(str_slice(line, i, line.len), STR("@g.us"));
        bool drop = run == 8 && i >= 10 && memcmp(line.ptr + i - 10, "DR", 2) == 0;
        assert_true(run < 7 || group || drop);
        run = 0;
    }
}

static void garbage_never_leaks_or_breaks(void **state)
{
    (void)state;
    static const char *const parts[] = {
        "0",
        "55",
        "660",
        "2298",
        "972556602298",
        "-",
        " ",
        ".",
        "(",
        ")",
        "+",
        "DR",
        "@g.us",
        "120363418298130331",
        "2025-11-21",
        "T10:00:00",
        ":",
        "%20",
        "a",
        "\n",
        "\x1B",
        "\xE2\x80\xAE",
        "\xE2\x80\x8B",
        "٠١٢٣",
        "\xFF",
        "\xC2\xA0",
        "\"",
        "\\",
    };
    struct rng rng;
    rng_seed(&rng, 20251121);
    for (int round = 0; round < 30000; round++) {
        char text[400];
        size_t len = 0;
        for (uint64_t n = rng_below(&rng, 24); n > 0; n--) {
            const char *part = parts[rng_below(&rng, sizeof parts / sizeof parts[0])];
            size_t part_len = strlen(part);
            if (rng_chance(&rng, 10)) { /* A torn character. */
                part_len = 1 + (size_t)rng_below(&rng, part_len);
            }
            memcpy(text + len, part, part_len);
            len += part_len;
        }
        char room[200];
        struct str got = log_mask((struct str){text, len}, room, 8 + rng_below(&rng, 190));
        assert_no_number(got);
        for (size_t i = 0; i < got.len; i++) {
            assert_true((unsigned char)got.ptr[i] >= 0x20);
        }
        assert_true(str_find(got, STR("\xE2\x80\xAE"), 0) == STR_NONE);
    }
}

/* ---- Whole lines ---- */

struct fixed_clock {
    struct clock base;
    int64_t wall;
};

static int64_t fixed_wall(struct clock *clock)
{
    return ((struct fixed_clock *)(void *)clock)->wall;
}

static struct fixed_clock fixed = {.base = {.wall_ms = fixed_wall}, .wall = 1763719200123};
static struct log log_file;
static struct arena arena;
static struct err err;
static char path[64];

static int setup(void **state)
{
    (void)state;
    arena_init(&arena, 64 << 20);
    (void)snprintf(path, sizeof path, "/tmp/sluice-log-XXXXXX");
    int fd = mkstemp(path);
    return fd < 0 ? -1 : close(fd);
}

static int teardown(void **state)
{
    (void)state;
    log_close(&log_file);
    log_run_set((struct str){0});
    arena_free(&arena);
    return unlink(path);
}

static void open_log(enum log_form form, enum log_level level)
{
    struct log_options options = {.path = str_of(path), .form = form, .level = level};
    assert_true(log_open(&log_file, &fixed.base, &options, &err));
    log_default_set(&log_file);
}

static struct str content(void)
{
    struct str bytes = {0};
    assert_true(file_read(&arena, str_of(path), 32 << 20, &bytes, &err));
    return bytes;
}

static void lines_for_people(void **state)
{
    (void)state;
    open_log(LOG_FORM_TEXT, LOG_LEVEL_INFO);
    log_debug("not shown");
    log_info("hello \"%s\"", "world\nforged");
    log_run_set(STR("7f3k x\n"));
    errno = EPERM;
    log_error("from %s", "+972 55-660-2298");
    assert_int_equal(errno, EPERM);
    assert_string_equal(content().ptr, "2025-11-21 10:00:00Z info  hello \"world\\nforged\"\n"
                                       "2025-11-21 10:00:00Z error [run 7f3k?x?] from +972•••98\n");
}

static void lines_for_machines(void **state)
{
    (void)state;
    open_log(LOG_FORM_AUTO, LOG_LEVEL_DEBUG); /* A file is no terminal. */
    log_debug("a \"b\" \\ \x1B");
    log_run_set(STR("7f3k"));
    log_warn("dr DR12345678");
    assert_string_equal(
        content().ptr, "{\"time\":\"2025-11-21T10:00:00.123Z\",\"level\":\"debug\","
                       "\"text\":\"a \\\"b\\\" \\\\ \\\\u{1B}\"}\n"
                       "{\"time\":\"2025-11-21T10:00:00.123Z\",\"level\":\"warn\",\"run\":\"7f3k\","
                       "\"text\":\"dr DR12345678\"}\n");
}

static void times_are_right(void **state)
{
    (void)state;
    static const struct {
        int64_t wall;
        const char *text;
    } cases[] = {
        {0, "1970-01-01T00:00:00.000Z"},
        {951782400000, "2000-02-29T00:00:00.000Z"},
        {1709251199999, "2024-02-29T23:59:59.999Z"},
        {1735689599000, "2024-12-31T23:59:59.000Z"},
        {4107542400000, "2100-03-01T00:00:00.000Z"},
        {-1, "1969-12-31T23:59:59.999Z"},
    };
    open_log(LOG_FORM_JSON, LOG_LEVEL_DEBUG);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        int64_t before = fixed.wall;
        fixed.wall = cases[i].wall;
        log_info("x");
        fixed.wall = before;
        assert_true(str_find(content(), str_of(cases[i].text), 0) != STR_NONE);
    }
}

static void long_texts_are_cut(void **state)
{
    (void)state;
    static char long_text[10000];
    for (int form = LOG_FORM_TEXT; form <= LOG_FORM_JSON; form++) {
        for (size_t len = 3900; len < 4200; len++) {
            memset(long_text, len % 2 == 0 ? '"' : 'x', len);
            (void)snprintf(long_text + len, sizeof long_text - len, "0556602298 and more");
            assert_int_equal(truncate(path, 0), 0);
            open_log((enum log_form)form, LOG_LEVEL_INFO);
            log_info("%s", long_text);
            log_close(&log_file);
            struct str line = content();
            assert_true(line.len <= LOG_LINE_MAX && str_ends(line, STR("\n")));
            assert_true(form == LOG_FORM_TEXT || str_ends(line, STR("\"}\n")));
            assert_true(str_find(line, STR("…"), 0) != STR_NONE ||
                        str_find(line, STR("055•••98"), 0) != STR_NONE);
            assert_true(str_find(line, STR("05566"), 0) == STR_NONE);
            arena_reset(&arena);
        }
    }
}

/* A text so long that it is cut before it is masked: half a number would be no number any more. */
static void a_cut_number_goes_whole(void **state)
{
    (void)state;
    static char long_text[8000];
    open_log(LOG_FORM_TEXT, LOG_LEVEL_INFO);
    for (size_t len = 4070; len < 4100; len++) {
        memset(long_text, '1', 4000); /* Shown as seven characters. */
        memset(long_text + 4000, 'x', len - 4000);
        (void)snprintf(long_text + len, sizeof long_text - len, " 0556602298 and more");
        log_info("%s", long_text);
    }
    struct str lines = content();
    assert_true(str_find(lines, STR("11•••11xxx"), 0) != STR_NONE);
    assert_true(str_find(lines, STR("x 055•••98"), 0) != STR_NONE);
    assert_true(str_find(lines, STR("x…"), 0) != STR_NONE);
    assert_true(str_find(lines, STR("x 0…"), 0) == STR_NONE);
    assert_true(str_find(lines, STR("x 05566"), 0) == STR_NONE);
}

enum { WRITERS = 4, LINES = 2000 };

static void *write_many(void *argument)
{
    const char *run = argument;
    log_run_set(str_of(run));
    for (int i = 0; i < LINES; i++) {
        log_info("line of %s: %0*d", run, 1 + i % 6, 0);
    }
    return NULL;
}

static void threads_do_not_mix(void **state)
{
    (void)state;
    static char names[WRITERS][8] = {"one", "two", "three", "four"};
    struct thread threads[WRITERS];
    open_log(LOG_FORM_TEXT, LOG_LEVEL_INFO);
    for (int i = 0; i < WRITERS; i++) {
        assert_true(thread_start(&threads[i], write_many, names[i], false, &err));
    }
    for (int i = 0; i < WRITERS; i++) {
        thread_join(&threads[i]);
    }
    struct str rest = content();
    struct str line;
    int count = 0;
    while (str_split(&rest, '\n', &line) && line.len > 0) {
        char run[8] = "";
        size_t from = str_find(line, STR("[run "), 0);
        size_t to = str_find(line, STR("]"), 0);
        assert_true(str_starts(line, STR("2025-11-21 10:00:00Z info  [run ")) && to - from < 12);
        memcpy(run, line.ptr + from + 5, to - from - 5);
        assert_true(str_find(line, str_of(run), to) != STR_NONE);
        count++;
    }
    assert_int_equal(count, WRITERS * LINES);
}

static void failing_places(void **state)
{
    (void)state;
    struct log_options options = {.path = STR("/nowhere/at/all.log")};
    assert_false(log_open(&log_file, &fixed.base, &options, &err));
    assert_non_null(strstr(err.text, "no such file"));
    options.path = STR("/dev/full");
    assert_true(log_open(&log_file, &fixed.base, &options, &err));
    log_write(&log_file, LOG_LEVEL_ERROR, "lost");
    assert_int_equal(atomic_load(&log_file.lost), 1);
    log_close(&log_file);
    log_default_set(NULL);
    log_info("nobody listens");
}

static void levels_have_names(void **state)
{
    (void)state;
    enum log_level level = LOG_LEVEL_ERROR;
    assert_true(log_level_parse(STR("debug"), &level) && level == LOG_LEVEL_DEBUG);
    assert_true(log_level_parse(STR("warn"), &level) && level == LOG_LEVEL_WARN);
    assert_false(log_level_parse(STR("Warn"), &level));
    assert_false(log_level_parse(STR(""), &level));
}

static size_t size_of(const char *name)
{
    struct stat info;
    return stat(name, &info) == 0 ? (size_t)info.st_size : 0;
}

static void a_log_moves_while_it_is_used(void **state)
{
    struct err why = {0};
    struct log mover;
    char place[] = "/tmp/sluice-log-XXXXXX";
    char paths[2][64];
    (void)state;
    assert_non_null(mkdtemp(place));
    for (int i = 0; i < 2; i++) {
        (void)snprintf(paths[i], sizeof paths[i], "%s/%d.log", place, i);
    }
    struct log_options options = {.path = str_of(paths[0]), .level = LOG_LEVEL_WARN};
    assert_true(log_open(&mover, clock_system(), &options, &why));
    log_write(&mover, LOG_LEVEL_INFO, "too quiet");
    assert_int_equal(size_of(paths[0]), 0);
    options = (struct log_options){.path = str_of(paths[1]), .level = LOG_LEVEL_INFO};
    assert_true(log_change(&mover, &options, &why));
    log_write(&mover, LOG_LEVEL_INFO, "here");
    assert_int_equal(size_of(paths[0]), 0);
    size_t size = size_of(paths[1]);
    assert_true(size > 0);
    assert_int_equal(rename(paths[1], paths[0]), 0); /* As logrotate does. */
    assert_true(log_change(&mover, &options, &why));
    log_write(&mover, LOG_LEVEL_INFO, "here");
    assert_int_equal(size_of(paths[0]), size);
    assert_int_equal(size_of(paths[1]), size);
    options.path = STR("/nonexistent/folder/log");
    assert_false(log_change(&mover, &options, &why));
    log_write(&mover, LOG_LEVEL_INFO, "here");
    assert_int_equal(size_of(paths[1]), 2 * size);
    log_close(&mover);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(unlink(paths[i]), 0);
    }
    assert_int_equal(rmdir(place), 0);
}

static void counts_are_no_numbers_of_people(void **state)
{
    (void)state;
    static const struct {
        int64_t count;
        const char *text;
    } cases[] = {
        {0, "0"},
        {999, "999"},
        {1000, "1,000"},
        {-1234567, "-1,234,567"},
        {1000000, "1,000,000"},
        {INT64_MAX, "9,223,372,036,854,775,807"},
        {INT64_MIN, "-9,223,372,036,854,775,808"},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        char room[LOG_COUNT_MAX];
        char masked[64];
        const char *text = log_count(cases[i].count, room);
        assert_string_equal(text, cases[i].text);
        assert_str_equal(log_mask(str_of(text), masked, sizeof masked), str_of(text));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(counts_are_no_numbers_of_people),
        cmocka_unit_test(a_log_moves_while_it_is_used),
        cmocka_unit_test(numbers_of_people_are_masked),
        cmocka_unit_test(keys_dates_and_counts_stay),
        cmocka_unit_test(disguises_do_not_help),
        cmocka_unit_test(controls_are_shown),
        cmocka_unit_test(a_small_room_cuts_between_tokens),
        cmocka_unit_test(garbage_never_leaks_or_breaks),
        cmocka_unit_test_setup_teardown(lines_for_people, setup, teardown),
        cmocka_unit_test_setup_teardown(lines_for_machines, setup, teardown),
        cmocka_unit_test_setup_teardown(times_are_right, setup, teardown),
        cmocka_unit_test_setup_teardown(long_texts_are_cut, setup, teardown),
        cmocka_unit_test_setup_teardown(a_cut_number_goes_whole, setup, teardown),
        cmocka_unit_test_setup_teardown(threads_do_not_mix, setup, teardown),
        cmocka_unit_test_setup_teardown(failing_places, setup, teardown),
        cmocka_unit_test(levels_have_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
