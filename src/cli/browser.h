/*
 * browser: sources that live in a browser and that a person logs in (model/connector.h, `attend`).
 *
 * What is known of their session stands in the store, written by whoever has the source open
 * (source/wa_session.h lists the notes); the verbs `pair` and `session`, and `status`, read it.
 */
#ifndef SLUICE_CLI_BROWSER_H
#define SLUICE_CLI_BROWSER_H

#include "cli/cli.h"
#include "store/store.h"
#include "text/json.h"

struct browser_state {
    struct str state; /* "ready", "code", … Absent: nothing is known yet. */
    int64_t since_ms;
    int64_t seen_ms;
    int64_t ready_ms;
    int64_t opened_ms; /* 0: no browser runs, or not any more. */
    int64_t memory;
    struct str browser;
    struct str locale;
    struct str zone;
    struct str selectors;
    bool telephone_off;
    const struct json_value *commands; /* An object; NULL: none. */
};

/* Does a person log it in? */
bool browser_has(const struct plan_source *source);

/* The source of this name, or the only one when there is none; CLI_OK, or the code after it was
   said what is wrong. */
int browser_pick(const struct cli *cli, const struct plan *plan, struct str name,
                 const struct plan_source **out);

/* `store` NULL: nothing is known. */
bool browser_read(struct store *store, struct arena *arena, struct str source,
                  struct browser_state *state, struct err *err);

/* "unknown" where nothing is known. */
struct str browser_state_name(const struct browser_state *state);

/* The chats can be read. */
bool browser_is_ready(const struct browser_state *state);

/* For a person: what the state means. */
const char *browser_words(struct str state);

/* Is there something for a person to do that `sluice pair` is for? */
bool browser_wants_pair(struct str state);

/* Seen lately enough to be believed, while somebody is at work. */
enum { BROWSER_NOTE_MS = 3 * 60 * 1000 };

#endif
