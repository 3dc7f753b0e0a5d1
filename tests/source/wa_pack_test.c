/* Selectors are data: what the binary has, what a user's folder changes, and what is refused. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "source/wa_data.h"
#include "source/wa_pack.h"
#include "test.h"

#define HEAD "{\"sluice-selectors\": 1, "

struct folder {
    char path[64];
    struct arena arena;
    struct wa_packs *packs;
    struct err err;
};

static int make_folder(void **state)
{
    struct folder *folder = calloc(1, sizeof *folder);
    (void)snprintf(folder->path, sizeof folder->path, "/tmp/sluice-wa-pack.XXXXXX");
    assert_non_null(mkdtemp(folder->path));
    arena_init(&folder->arena, 1 << 20);
    *state = folder;
    return 0;
}

static int drop_folder(void **state)
{
    struct folder *folder = *state;
    char command[128];
    static const char *const names[] = {"2024.json", "2030-01.json", "2029-12.json", "notes.txt"};
    wa_packs_close(folder->packs);
    for (size_t i = 0; i < COUNT(names); i++) {
        (void)snprintf(command, sizeof command, "%s/%s", folder->path, names[i]);
        (void)unlink(command);
    }
    assert_int_equal(rmdir(folder->path), 0);
    arena_free(&folder->arena);
    free(folder);
    return 0;
}

static void put(struct folder *folder, const char *name, const char *text)
{
    char path[128];
    (void)snprintf(path, sizeof path, "%s/%s", folder->path, name);
    FILE *file = fopen(path, "w");
    if (file == NULL) {
        fail_msg("%s cannot be written", path);
        return;
    }
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

static void order_is(const struct folder *folder, const char *expected)
{
    char got[256] = "";
    for (size_t i = 0; i < wa_packs_count(folder->packs); i++) {
        size_t len = strlen(got);
        (void)snprintf(got + len, sizeof got - len, "%s%.*s", i > 0 ? " " : "",
                       STR_ARG(wa_packs_name(folder->packs, i)));
    }
    assert_string_equal(got, expected);
}

static void the_binary_has_three_generations(void **state)
{
    struct folder *folder = *state;
    assert_true(wa_packs_open(&folder->packs, (struct str){0}, &folder->err));
    order_is(folder, "2026-08 2026-04 2024");
    assert_true(str_find(wa_packs_section(folder->packs, 0, STR("messages")),
                         STR("conversation-panel-messages"), 0) != STR_NONE);
    assert_str_equal(wa_packs_section(folder->packs, 2, STR("words")), STR("{}"));
    assert_str_equal(wa_packs_section(folder->packs, 9, STR("list")), STR("{}"));
    struct buf buf;
    buf_init(&buf, &folder->arena, 0);
    wa_packs_section_all(folder->packs, STR("search"), &buf);
    assert_true(
        str_starts(buf_str(&buf), STR("[{\"pack\":\"2026-08\",\"parts\":{\"box\":[\"#side")));
    bool changed = true;
    assert_true(wa_packs_look(folder->packs, &changed, &folder->err));
    assert_false(changed);
}

static void each_of_the_binary_passes(void **state)
{
    struct err err = {0};
    (void)state;
    for (size_t i = 0; i < wa_data_count; i++) {
        if (str_ends(wa_data_files[i].name, STR(".json")) &&
            !wa_pack_check(wa_data_files[i].name, wa_data_files[i].text, &err)) {
            fail_msg("%s", err.text);
        }
    }
}

static void a_folder_adds_and_replaces(void **state)
{
    struct folder *folder = *state;
    put(folder, "2030-01.json", HEAD "\"list\": {\"pane\": [\"#new\"]}}");
    put(folder, "2029-12.json", HEAD "\"list\": {\"pane\": [\"#old\"]}}");
    put(folder, "2024.json", HEAD "\"list\": {\"pane\": [\"#ours\"]}}");
    put(folder, "notes.txt", "no selectors");
    assert_true(wa_packs_open(&folder->packs, str_of(folder->path), &folder->err));
    order_is(folder, "2030-01 2029-12 2026-08 2026-04 2024");
    assert_str_equal(wa_packs_section(folder->packs, 0, STR("list")), STR("{\"pane\":[\"#new\"]}"));
    assert_str_equal(wa_packs_section(folder->packs, 4, STR("list")),
                     STR("{\"pane\":[\"#ours\"]}"));
}

static void a_change_is_read_and_a_broken_one_refused(void **state)
{
    struct folder *folder = *state;
    bool changed = false;
    assert_true(wa_packs_open(&folder->packs, str_of(folder->path), &folder->err));
    put(folder, "2030-01.json", HEAD "\"list\": {\"pane\": [\"#new\"]}}");
    assert_true(wa_packs_look(folder->packs, &changed, &folder->err));
    assert_true(changed);
    order_is(folder, "2030-01 2026-08 2026-04 2024");
    put(folder, "2030-01.json", HEAD "\"list\":\n  {\"panes\": [\"#newer one\"]}}");
    assert_false(wa_packs_look(folder->packs, &changed, &folder->err));
    assert_false(changed);
    assert_non_null(strstr(folder->err.text, "2030-01.json:2:5: the section list has no 'panes'"));
    assert_str_equal(wa_packs_section(folder->packs, 0, STR("list")), STR("{\"pane\":[\"#new\"]}"));
    /* It was said once. */
    assert_true(wa_packs_look(folder->packs, &changed, &folder->err));
    assert_false(changed);
    put(folder, "2030-01.json", HEAD "\"list\": {\"pane\": [\"#newest of them\"]}}");
    assert_true(wa_packs_look(folder->packs, &changed, &folder->err));
    assert_true(changed);
    char path[128];
    (void)snprintf(path, sizeof path, "%s/2030-01.json", folder->path);
    assert_int_equal(unlink(path), 0);
    assert_true(wa_packs_look(folder->packs, &changed, &folder->err));
    assert_true(changed);
    order_is(folder, "2026-08 2026-04 2024");
}

static void mistakes_have_a_place(void **state)
{
    static const struct {
        const char *text;
        const char *says;
    } cases[] = {
        {"", "x.json: JSON is empty"},
        {"{}", "x.json:1:1: this is no file of selectors"},
        {"{\"sluice-selectors\": 2}", "this is no file of selectors"},
        {HEAD "\"lists\": {}}", "x.json:1:26: there is no section 'lists'"},
        {HEAD "\"list\": []}", "expected an object for the section 'list'"},
        {HEAD "\"list\": {\"row\": []}}", "expected a list of texts"},
        {HEAD "\"list\": {\"row\": \"#a\"}}", "x.json:1:35: expected a list of texts"},
        {HEAD "\"list\": {\"row\": [7]}}", "expected texts of 1 to 512 bytes"},
        {HEAD "\"list\": {\"row\": [\"\"]}}", "expected texts of 1 to 512 bytes"},
        {HEAD "\"list\": {\"row\": [\"a\\nb\"]}}", "control character"},
        {HEAD "\"words\": {\"today\": [\"Today\"]}}", "expected words by language"},
        {HEAD "\"words\": {\"today\": {\"he\": \"x\"}}}", "expected a list of texts"},
        {HEAD "\"list\": {\"row\": [\"a\"], \"row\": [\"b\"]}}", "x.json: JSON, line 1"},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct err err = {0};
        assert_false(wa_pack_check(STR("x.json"), str_of(cases[i].text), &err));
        assert_int_equal(err.kind, ERR_CONFIG);
        if (strstr(err.text, cases[i].says) == NULL) {
            fail_msg("\"%s\" should say \"%s\"", err.text, cases[i].says);
        }
    }
}

static void a_broken_file_stops_the_start(void **state)
{
    struct folder *folder = *state;
    put(folder, "2030-01.json", "{");
    assert_false(wa_packs_open(&folder->packs, str_of(folder->path), &folder->err));
    assert_int_equal(folder->err.kind, ERR_CONFIG);
    assert_non_null(strstr(folder->err.text, "2030-01.json"));
    assert_false(wa_packs_open(&folder->packs, STR("/nowhere/at/all"), &folder->err));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(the_binary_has_three_generations, make_folder, drop_folder),
        cmocka_unit_test(each_of_the_binary_passes),
        cmocka_unit_test_setup_teardown(a_folder_adds_and_replaces, make_folder, drop_folder),
        cmocka_unit_test_setup_teardown(a_change_is_read_and_a_broken_one_refused, make_folder,
                                        drop_folder),
        cmocka_unit_test(mistakes_have_a_place),
        cmocka_unit_test_setup_teardown(a_broken_file_stops_the_start, make_folder, drop_folder),
    };
    return cmocka_run_group_tests_name("source/wa_pack", tests, NULL, NULL);
}
