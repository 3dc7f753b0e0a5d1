/*
 * look: what the verbs share that only look into a store.
 *
 * The store is opened to read; nothing is written, also beside a running `serve`. A data folder
 * without a store is an answer, not an error: nothing has run there yet.
 */
#ifndef SLUICE_CLI_LOOK_H
#define SLUICE_CLI_LOOK_H

#include "base/arena.h"
#include "base/buf.h"
#include "cli/cli.h"
#include "cli/show.h"
#include "store/store.h"

enum { LOOK_ARENA_LIMIT = 64 * 1024 * 1024, LOOK_LIST_MAX = 1000, LOOK_CELL_MAX = 200 };

struct look {
    struct config config;
    struct arena arena;
    struct buf out;
    struct store *store; /* NULL: there is none yet. */
    struct str path;
    struct screen screen;
    bool configured; /* `config` is whole. */
};

/* CLI_OK, or the code to end with. look_end() is due in both cases. */
int look_begin(struct look *look, const struct cli *cli);

/* The same for a verb that needs the whole configuration, and says all that is wrong with it. */
int look_begin_configured(struct look *look, const struct cli *cli);

/*
 * The whole configuration if it is sound, without a word if it is not: for names of chats and
 * pipelines that make an answer better. False: look->config has only the places.
 */
bool look_configured(struct look *look, const struct cli *cli);

/* The name that the configuration has for a chat, or the chat itself. */
struct str look_chat_name(const struct look *look, struct str chat);

/* The other way round: the chat of a name, or what was typed. */
struct str look_chat_id(const struct look *look, struct str typed);

/* Print what was written to `out`, close, and return `code` or that of the error. */
int look_end(struct look *look, bool ok, const struct err *err);

/* Text of outside on one line of a terminal: shortened, without control characters. */
struct str look_line(struct look *look, struct str text);

#endif
