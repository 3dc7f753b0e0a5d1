/*
 * bridge_schema: which columns of a bridge's table mean what, found by looking.
 *
 * Two families of files are known, and their forks: the one whose columns are called
 * `chat` and `text`, and the public bridge with `chat_jid` and `content`. Columns are recognised by
 * name, never by position, and no statement says SELECT *, so a fork with more columns works.
 * A mapping (options `table`, `id_column`, …) overrules the looking.
 *
 * The statements made here live in the schema's own arena, because the database handle keeps them
 * by address: close the handle before looking again. One thread.
 */
#ifndef SLUICE_SOURCE_BRIDGE_SCHEMA_H
#define SLUICE_SOURCE_BRIDGE_SCHEMA_H

#include <stdbool.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"
#include "db/sqlite.h"

enum bridge_role {
    BRIDGE_CHAT = 0,
    BRIDGE_ID,
    BRIDGE_SENDER,
    BRIDGE_TEXT,
    BRIDGE_TIME, /* The last one that every table needs. */
    BRIDGE_FROM_ME,
    BRIDGE_MEDIA_TYPE,
    BRIDGE_FILENAME,
    BRIDGE_DELETED,
    BRIDGE_QUOTED,
};

enum {
    BRIDGE_ROLES = BRIDGE_QUOTED + 1,
    BRIDGE_COLUMNS_MAX = 256, /* Of a table; further ones are not looked at. */
    BRIDGE_NAME_MAX = 256,
    BRIDGE_WINDOW_TEXT_MAX = 65536, /* A longer text is known by its length alone. */
};

/* What the configuration says; absent means: look. */
struct bridge_mapping {
    struct str table;
    struct str columns[BRIDGE_ROLES];
};

/*
 * Columns of the statements: `scan` and `sweep` give the rowid (NULL in a sweep), the chat, the
 * id, and then what `column` says; `window` and `sweep_sum` give rowid, chat, id, length of the
 * text, the text unless it is long, deleted.
 */
struct bridge_schema {
    struct arena arena;
    bool known;
    bool has_rowid; /* Else only the sweeps can be used, and the other way round. */
    struct str table;
    struct str names[BRIDGE_ROLES]; /* As the table spells them; absent for a missing one. */
    int column[BRIDGE_ROLES];       /* Place in a row of `scan`, -1 for a missing one. */
    const char *scan;               /* ?1: the first rowid. */
    const char *window;             /* ?1 to ?2: rowids, newest first; ?3: how many at most. */
    const char *newest;             /* The highest rowid. */
    const char *sweep;              /* In order of (chat, id), from behind (?1, ?2). */
    const char *sweep_first;        /* The same, from the start. */
    const char *sweep_nulls; /* Rows without chat or id, which have no place in that order. */
    const char *sweep_sum;   /* All rows. */
    const char *chats;       /* chat, number of messages; the fullest first. */
    const char *count;       /* Number of messages. */
    const char *latest;      /* The time of the row that came last. */
};

enum { BRIDGE_COLUMN_ROWID = 0, BRIDGE_COLUMN_CHAT, BRIDGE_COLUMN_ID };
enum { BRIDGE_WINDOW_LENGTH = 3, BRIDGE_WINDOW_TEXT, BRIDGE_WINDOW_DELETED };

void bridge_schema_init(struct bridge_schema *schema);
void bridge_schema_free(struct bridge_schema *schema);

/*
 * Look at the tables and make the statements. ERR_RETRY while the file has no table at all (the
 * bridge has not started), ERR_CONFIG when the table or columns are not there: the text lists what
 * was found, what is needed and which options say so.
 */
bool bridge_schema_look(struct bridge_schema *schema, struct sqlite *db,
                        const struct bridge_mapping *mapping, struct err *err);

#endif
