/*
 * act: what the verbs share that change the store.
 *
 *     struct act act;
 *     int code = act_begin(&act, cli);          the place, the store, who acts
 *     if (code == CLI_OK) { ... act_change(&act, &err), the change, act_audit(), act_keep() ... }
 *     return act_end(&act, code);
 *
 * A change is short and works beside a running `serve`, which notices it by itself. Every act is
 * written into the audit log in the transaction of the change: what cannot be audited is not done.
 */
#ifndef SLUICE_CLI_ACT_H
#define SLUICE_CLI_ACT_H

#include "base/arena.h"
#include "base/buf.h"
#include "cli/cli.h"
#include "store/store.h"

enum { ACT_ARENA_LIMIT = 128 * 1024 * 1024, ACT_ACTOR_MAX = 96 };

struct act {
    struct config config;
    struct arena arena;
    struct buf out; /* What goes to standard output at the end. */
    struct str path;
    struct store *store;
    char actor[ACT_ACTOR_MAX]; /* "cli:dana" */
};

/* CLI_OK, or the code to end with after it was said why. act_end() is due in both cases. `whole`:
   the configuration must be sound, not only its place. */
int act_begin(struct act *act, const struct cli *cli, bool whole);
int act_end(struct act *act, int code);

bool act_change(struct act *act, struct err *err);
bool act_keep(struct act *act, struct err *err);

/* `detail` is a JSON text without secrets and without values of records, or absent. */
bool act_audit(struct act *act, const char *what, struct str object, struct str detail,
               struct err *err);

/* Say an error; what another process or a full disk stands in the way of is "try later". */
int act_fail(struct act *act, const struct err *err);

/* "cli:dana", for those who audit without an act. */
void act_name_actor(char actor[ACT_ACTOR_MAX]);

/* "7" as 7; says what is wrong with it otherwise. */
bool act_number(struct str word, const char *what, int64_t *out);

#endif
