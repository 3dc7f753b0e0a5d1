/*
 * reload: a serving session takes up a changed configuration.
 *
 * A thread watches the files that the configuration was read from (base/watch.h) and hears SIGHUP.
 * When they have changed and nobody is writing any more, it reads all of them anew, as a start
 * would:
 *
 *   something is wrong      every mistake is logged, and that the old configuration goes on
 *   the store is another    refused: that needs a restart
 *   it is good              the log moves if it was told so, the engine takes the new plan
 *                           (engine_reload), and one line says in words what has changed
 *
 * Files that changed once more while they were read are read again. What the environment said at
 * the start stays; .env is read again.
 */
#ifndef SLUICE_CLI_RELOAD_H
#define SLUICE_CLI_RELOAD_H

#include "base/err.h"
#include "cli/session.h"

struct reload;

/* `session` and `cli` must live until reload_stop(). */
bool reload_start(struct reload **out, struct session *session, const struct cli *cli,
                  struct err *err);
void reload_stop(struct reload *reload); /* NULL is fine. */

#endif
