/*
 * peek: what the verbs share that work in a shadow of the store: `run --dry-run`, `replay`,
 * `explain`.
 *
 * The configuration, a shadow of its store (of an empty one where nothing has run yet), and whether
 * a `serve` is at work on it. Nothing is written outside of the system's temporary folder.
 */
#ifndef SLUICE_CLI_PEEK_H
#define SLUICE_CLI_PEEK_H

#include "cli/cli.h"
#include "cli/show.h"
#include "engine/shadow.h"
#include "store/store.h"

enum { PEEK_ARENA_LIMIT = 64 * 1024 * 1024 };

struct peek {
    struct config config;
    struct arena arena;
    struct buf out;
    struct screen screen;
    struct store *store; /* The shadow. */
    bool missing;        /* There is no store yet; the shadow is that of an empty one. */
    bool served;         /* Another process is at work on it. */
    struct shadow_place place;
    char scratch[64]; /* The folder of the empty store. */
};

/* `intake` where new messages shall be read. CLI_OK, or the code to end with; peek_end() is due. */
int peek_begin(struct peek *peek, const struct cli *cli, bool intake);

/* Print what is in `out`, close; gives `code`, or that of what failed. */
int peek_end(struct peek *peek, int code);

/* The pipeline of this name; NULL after saying that there is none, and the nearest. */
const struct plan_pipeline *peek_pipeline(const struct peek *peek, struct str name);

/* Was the store at rest to the end? Else says so and gives CLI_TRY_LATER. */
int peek_still(const struct peek *peek);

#endif
