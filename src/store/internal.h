/* internal: what the files of store share. Nobody outside this folder includes it. */
#ifndef SLUICE_STORE_INTERNAL_H
#define SLUICE_STORE_INTERNAL_H

#include "base/file.h"
#include "base/must.h"
#include "db/sqlite.h"
#include "store/store.h"

/* Names by text and by number, kept in memory for as long as the handle is open. */
enum { NAMES_KEPT_MAX = 4096, NAMES_SLOTS = 8192 };

struct name_entry {
    int64_t id;
    struct str text;
};

struct chat_entry {
    int64_t id;
    int64_t source; /* Name number. */
    struct str chat;
};

struct store {
    struct sqlite *db;
    struct clock *clock;
    struct gate *gate;
    store_crash_point *crash_point;
    void *crash_context;
    uint64_t hash_seed;
    int64_t birth_s;
    int64_t data_version;
    bool changing; /* Between store_begin() and its end: the gate is held. */
    bool reading;
    bool readonly;
    bool dead;   /* A crash point fired: nothing works until the store is opened again. */
    bool shadow; /* Changes go to private tables (shadow.h); the store's snapshot is held. */
    bool shadow_intake;
    bool old_numbers; /* `seen` has rows for numbers, from an older version (seen.h). */
    const char *vfs;
    char *path;

    /* Dictionaries. What a change added is forgotten when it is rolled back. */
    struct arena names_arena;
    struct name_entry *names; /* Open addressing by hash of the text. */
    size_t name_count;
    size_t chat_count;
    struct chat_entry *chats; /* Open addressing by hash of (source, chat). */
    bool names_fresh;         /* The open change added some. */
};

/* A cached statement; NULL (with an error) when the store is dead or SQLite refuses. */
struct query *store_query(struct store *store, const char *sql, struct err *err);

/* Step, with errors graded for the store: a failing disk or a corrupt file stops the process. */
bool store_step(struct store *store, struct query *query, bool *row, struct err *err);
bool store_run(struct store *store, struct query *query, struct err *err);

/* The number of a chat, made when it is new (needs an open change then). */
bool store_chat(struct store *store, struct str source, struct str chat, int64_t *id,
                struct err *err);
bool store_chat_find(struct store *store, struct str source, struct str chat, int64_t *id,
                     struct err *err);

/* What a person typed as words of the index's language; empty when there is nothing to look for.
   False when the arena is full. */
bool store_search_match(struct arena *arena, struct str typed, struct str *match);

/* "<store>.lock" */
bool store_lock_path(struct str store_path, char path[FILE_PATH_MAX], struct err *err);

/* Start the dictionaries anew. */
void store_forget_names(struct store *store);

/* A shadow's private tables (shadow.c). */
bool shadow_prepare(struct store *store, struct err *err);

/* Notes of the store itself. */
bool store_meta_get(struct store *store, const char *key, int64_t fallback, int64_t *out,
                    struct err *err);
bool store_meta_put(struct store *store, const char *key, int64_t value, struct err *err);

#endif
