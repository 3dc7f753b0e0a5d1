/* What can be written in a configuration: help on a kind, the schema, the pages. */
#include "config/reference.h"

#include <stdio.h>

#include "base/file.h"
#include "cli/help.h"

enum {
    REFERENCE_ARENA = 16 * 1024 * 1024,
    PAGE_MODE = 0644,
    FOLDER_MODE = 0755,
    SCHEMA_FIRST = 64 * 1024
};

int cli_help_kind(const struct kinds *kinds, struct str first, struct str second)
{
    struct arena arena;
    struct buf out;
    bool role = second.len > 0;
    arena_init(&arena, REFERENCE_ARENA);
    buf_init(&out, &arena, 4096);
    size_t count = reference_help(kinds, role ? first : STR(""), role ? second : first, &out);
    if (count == 1) {
        return help_print(&out);
    }
    arena_free(&arena);
    if (count > 1) {
        cli_say("'%.*s' is more than one kind; say which: sluice help source|sink|op|step %.*s",
                STR_ARG(first), STR_ARG(first));
        return CLI_FAILED;
    }
    return CLI_USAGE;
}

int cli_schema(struct cli *cli)
{
    struct arena arena;
    struct buf out;
    arena_init(&arena, REFERENCE_ARENA);
    buf_init(&out, &arena, SCHEMA_FIRST);
    reference_schema(cli->kinds, &out);
    return help_print(&out);
}

static bool write_pages(const struct reference *reference, struct arena *arena, struct str folder,
                        struct err *err)
{
    if (!file_make_dirs(folder, FOLDER_MODE, err)) {
        return false;
    }
    for (size_t i = 0; i < reference->count; i++) {
        const struct reference_page *page = &reference->pages[i];
        struct str path = arena_printf(arena, "%.*s/%.*s", STR_ARG(folder), STR_ARG(page->name));
        if (!file_write(path, PAGE_MODE, page->text, err)) {
            return false;
        }
    }
    return true;
}

int cli_reference(struct cli *cli)
{
    struct arena arena;
    struct err err = {0};
    arena_init(&arena, REFERENCE_ARENA);
    struct reference *reference = arena_alloc(&arena, sizeof *reference);
    bool ok = reference != NULL && reference_make(cli->kinds, &arena, reference);
    ok = ok ? write_pages(reference, &arena, cli->words[0], &err)
            : err_set(&err, ERR_RETRY, "out of memory for the pages");
    if (ok && reference != NULL) {
        (void)printf("%zu files in %.*s\n", reference->count, STR_ARG(cli->words[0]));
    }
    arena_free(&arena);
    return ok ? CLI_OK : cli_fail(&err);
}
