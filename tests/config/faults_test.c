/* faults: tests/config/cases/faults.txt, and that every code is described and raised by a case. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "app/kinds.h"
#include "base/buf.h"
#include "base/file.h"
#include "base/mem.h"
#include "config/excerpt.h"
#include "config/rig.h"

enum { CASES_MAX = 4 * 1024 * 1024, VARIABLES_MAX = 16, PIECE_MAX = 5 * 1024 * 1024 };

/* 2026-01-01, so that the changes of the clock stay where the cases have them. */
#define NOW_MS INT64_C(1767225600000)

static const char cases_path[] = "tests/config/cases/faults.txt";

static bool raised[FAULT_CODES];

/* A case on its way. */
struct run {
    struct arena arena;
    struct buf out; /* The file as it is written anew. */
    struct str name;
    struct str file; /* The file that is being read; absent: none. */
    struct buf bytes;
    unsigned mode;
    struct str expected;
    const char *environment[VARIABLES_MAX + 1];
    size_t variables;
    size_t failed;
    size_t cases;
};

/* {{E2 80 8F}} and {{1000*a}}. */
static void unbrace(struct str line, struct buf *out)
{
    while (line.len > 0) {
        size_t open = str_find(line, STR("{{"), 0);
        size_t close = open == STR_NONE ? STR_NONE : str_find(line, STR("}}"), open);
        buf_add(out, str_slice(line, 0, open));
        if (close == STR_NONE) {
            buf_add(out, open == STR_NONE ? STR("") : str_slice(line, open, line.len));
            return;
        }
        struct str inner = str_slice(line, open + 2, close);
        size_t star = str_find_byte(inner, '*', 0);
        int64_t count = 0;
        if (star != STR_NONE && str_to_int64(str_slice(inner, 0, star), &count)) {
            for (int64_t i = 0; i < count; i++) {
                buf_add(out, str_slice(inner, star + 1, inner.len));
            }
        } else {
            for (size_t i = 0; i + 1 < inner.len; i += 3) {
                char digits[3] = {inner.ptr[i], inner.ptr[i + 1], '\0'};
                buf_add_byte(out, (char)strtoul(digits, NULL, 16));
            }
        }
        line = str_slice(line, close + 2, line.len);
    }
}

static void file_end(struct run *run)
{
    char path[512];
    char name[128];
    if (run->file.ptr == NULL) {
        return;
    }
    (void)snprintf(name, sizeof name, "%.*s", STR_ARG(run->file));
    (void)snprintf(path, sizeof path, "%s/%s", rig_folder(), name);
    if (str_ends(run->file, STR("/"))) {
        assert_int_equal(mkdir(path, 0700), 0);
    } else if (str_equal(run->file, STR("environment"))) {
        struct str rest = buf_str(&run->bytes);
        struct str line = {0};
        while (str_split(&rest, '\n', &line)) {
            if (line.len > 0 && run->variables < VARIABLES_MAX) {
                run->environment[run->variables++] = arena_copy(&run->arena, line).ptr;
            }
        }
    } else {
        struct err err = {0};
        assert_true(buf_ok(&run->bytes));
        if (!file_write(str_of(path), run->mode, buf_str(&run->bytes), &err)) {
            fail_msg("%s", err.text);
        }
    }
    run->file = (struct str){0};
}

static void take(struct buf *out, const struct faults *faults)
{
    char front[80];
    struct buf shown;
    buf_init(&shown, out->arena, 4096);
    excerpt_show_all(faults, false, &shown);
    (void)snprintf(front, sizeof front, "%s/", rig_folder());
    struct str text = buf_str(&shown);
    for (size_t at = str_find(text, str_of(front), 0); at != STR_NONE;
         at = str_find(text, str_of(front), 0)) {
        buf_add(out, str_slice(text, 0, at));
        text = str_slice(text, at + strlen(front), text.len);
    }
    buf_add(out, text);
}

/* All files are there: load, and compare. */
static void case_end(struct run *run)
{
    char path[512];
    struct config config;
    struct err err = {0};
    struct buf found;
    if (run->name.ptr == NULL) {
        return;
    }
    (void)snprintf(path, sizeof path, "%s/sluice.yaml", rig_folder());
    struct config_input input = {
        .path = str_of(path),
        .environment = run->environment,
        .kinds = str_ends(run->name, STR("(app)")) ? &app_kinds : &rig_kinds,
        .now_ms = NOW_MS,
    };
    bool ok = config_load(&config, &input, &err);
    assert_true(ok == (config.faults.count == 0));
    buf_init(&found, &run->arena, 4096);
    take(&found, &config.faults);
    for (size_t i = 0; i < config.faults.kept; i++) {
        raised[config.faults.items[i].code] = true;
    }
    struct str text = buf_str(&found);
    if (str_find(text, STR("hunter2"), 0) != STR_NONE) {
        print_error("%.*s: a secret is shown\n", STR_ARG(run->name));
        run->failed++;
    }
    if (!str_equal(str_trim(text), str_trim(run->expected))) {
        print_error("=== %.*s\n--- found\n%.*s--- expected\n%.*s\n", STR_ARG(run->name),
                    STR_ARG(text), STR_ARG(run->expected));
        run->failed++;
    }
    buf_add(&run->out, text);
    buf_add_byte(&run->out, '\n');
    config_free(&config);
    rig_end();
    run->name = (struct str){0};
    run->cases++;
}

/* "--- NAME [MODE]" */
static void file_begin(struct run *run, struct str words)
{
    size_t space = str_find_byte(words, ' ', 0);
    run->file = str_slice(words, 0, space);
    run->mode = FILE_PRIVATE;
    if (space != STR_NONE) {
        run->mode = 0644;
    }
    buf_init(&run->bytes, &run->arena, 4096);
}

static void cases_run(struct run *run, struct str bytes)
{
    struct str line = {0};
    struct str rest = bytes;
    bool expected = false;
    while (str_split(&rest, '\n', &line)) {
        bool begins = str_starts(line, STR("=== "));
        if (expected && !begins && rest.ptr != NULL) {
            size_t from = (size_t)(run->expected.ptr - bytes.ptr);
            size_t to = (size_t)(line.ptr - bytes.ptr) + line.len;
            run->expected = str_slice(bytes, from, to);
            continue;
        }
        if (begins) {
            case_end(run);
            expected = false;
            rig_begin();
            run->name = str_slice(line, 4, line.len);
            run->variables = 0;
            memset(run->environment, 0, sizeof run->environment);
        } else if (run->name.ptr != NULL && str_starts(line, STR("--- "))) {
            file_end(run);
            expected = str_equal(line, STR("--- expected"));
            if (expected) {
                run->expected = (struct str){rest.ptr != NULL ? rest.ptr : "", 0};
            } else {
                file_begin(run, str_slice(line, 4, line.len));
            }
        } else if (run->file.ptr != NULL) {
            unbrace(line, &run->bytes);
            buf_add_byte(&run->bytes, '\n');
        }
        if (rest.ptr != NULL) { /* Not what stands behind the last line end. */
            buf_add(&run->out, line);
            buf_add_byte(&run->out, '\n');
        }
    }
    case_end(run);
}

static void each_mistake_has_its_words_and_its_place(void **state)
{
    struct run run = {0};
    struct str bytes = {0};
    struct err err = {0};
    const char *wish = getenv("SLUICE_CASES");
    (void)state;
    arena_init(&run.arena, 256 * 1024 * 1024);
    if (!file_read(&run.arena, str_of(cases_path), CASES_MAX, &bytes, &err)) {
        fail_msg("%s", err.text);
    }
    buf_init(&run.out, &run.arena, bytes.len * 2);
    cases_run(&run, bytes);
    assert_true(run.cases >= 40);
    if (wish != NULL && strcmp(wish, "write") == 0) {
        struct str text = buf_str(&run.out);
        text = str_ends(text, STR("\n\n")) ? str_slice(text, 0, text.len - 1) : text;
        assert_true(file_write(str_of(cases_path), 0644, text, &err));
    }
    assert_int_equal(run.failed, 0);
    arena_free(&run.arena);
}

/* From the n-th on, every allocation fails. */
static bool denied(void *context)
{
    int *left = context;
    return (*left)-- <= 0;
}

static void without_memory_it_says_so(void **state)
{
    struct config config;
    struct err err = {0};
    char path[512];
    bool ok = false;
    (void)state;
    rig_begin();
    rig_write("sluice.yaml", STR("sources: {in: {kind: bridge, path: a.db}}\n"
                                 "sinks: {records: {kind: table}}\n"
                                 "pipelines: {p: {kind: plain, source: in, chats: all}}\n"));
    (void)snprintf(path, sizeof path, "%s/sluice.yaml", rig_folder());
    for (int n = 0; n < 200 && !ok; n++) {
        int left = n;
        struct config_input input = {.path = str_of(path), .kinds = &rig_kinds};
        mem_fault_set(denied, &left);
        ok = config_load(&config, &input, &err);
        mem_fault_set(NULL, NULL);
        assert_true(ok || err.kind != ERR_NONE);
        for (size_t i = 0; i < config.faults.kept; i++) {
            raised[config.faults.items[i].code] = true;
        }
        config_free(&config);
    }
    assert_true(ok);
    rig_end();
}

static void every_code_is_described_and_raised(void **state)
{
    (void)state;
    for (int i = 0; i < FAULT_CODES; i++) {
        const struct code *code = code_of((enum fault_code)i);
        enum fault_code found = FAULT_MEMORY;
        assert_int_equal(strlen(code->code), 5);
        assert_true(code->code[0] == 'E' || code->code[0] == 'W');
        assert_true(strlen(code->title) > 0 && strlen(code->why) > 0);
        assert_true(strlen(code->text) > 20 && strlen(code->example) > 0);
        assert_true(code_find(str_of(code->code), &found));
        if ((int)found != i) {
            fail_msg("%s is given to two mistakes", code->code);
        }
        if (!raised[i]) {
            fail_msg("%s (%s) is raised by no case", code->code, code->title);
        }
    }
    enum fault_code none = FAULT_MEMORY;
    assert_true(code_find(STR("e0107"), &none));
    assert_int_equal(none, FAULT_UNKNOWN_KEY);
    assert_false(code_find(STR("E9999"), &none));
}

/* On a terminal the same with colors. */
static void colors_are_for_terminals(void **state)
{
    struct arena arena;
    struct faults faults;
    struct buf out;
    (void)state;
    arena_init(&arena, 1024 * 1024);
    faults_init(&faults, &arena);
    faults_source(&faults, STR("a.yaml"), STR("x: 1\n"));
    (void)fault_add(&faults, FAULT_UNKNOWN_KEY,
                    (struct place){.file = STR("a.yaml"), .line = 1, .column = 1, .length = 1},
                    "unknown key 'x'");
    buf_init(&out, &arena, 256);
    excerpt_show(&faults, &faults.items[0], true, &out);
    assert_str_equal(
        buf_str(&out),
        STR("a.yaml:1:1: \033[1;31merror[E0107]\033[0m: \033[1munknown key 'x'\033[0m\n"
            "\033[1;34m    1 |\033[0m x: 1\n"
            "\033[1;34m      |\033[0m \033[1;31m^\033[0m\n"
            "  why: a key that nobody reads would be ignored in silence\n"));
    buf_clear(&out);
    excerpt_show(&faults, &faults.items[0], false, &out);
    assert_true(str_find(buf_str(&out), STR("\033"), 0) == STR_NONE);
    arena_free(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_mistake_has_its_words_and_its_place),
        cmocka_unit_test(without_memory_it_says_so),
        cmocka_unit_test(every_code_is_described_and_raised),
        cmocka_unit_test(colors_are_for_terminals),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
