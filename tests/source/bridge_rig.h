/*
 * bridge_rig: a bridge's file in a folder of its own, a source that reads it, and an archive that
 * remembers what was delivered.
 *
 *   rig_make(&rig)           a folder; `rig.path` is messages.db in it
 *   rig_sql(&rig, "…")       what the bridge does, with a writing handle that is kept
 *   rig_open(&rig)           the source, with the options set by rig_set()
 *   rig_fetch(&rig)          one fetch with the cursors of before; the batch lies in rig.batch
 *   rig_drain(&rig)          fetch until nothing is left; all messages go to the archive
 *   rig_free(&rig)           close all, remove the folder
 */
#ifndef SLUICE_TESTS_SOURCE_BRIDGE_RIG_H
#define SLUICE_TESTS_SOURCE_BRIDGE_RIG_H

#include "base/arena.h"
#include "base/clock.h"
#include "base/err.h"
#include "db/sqlite.h"
#include "model/source.h"
#include "test.h"

enum {
    RIG_CHATS_MAX = 8,
    RIG_CURSOR_MAX = 512,
    RIG_ARCHIVE_SLOTS = 65536,
    RIG_PATH_MAX = 512,
    RIG_BATCHES_MAX = 100000,
    RIG_DEADLINE_MS = 20000,
};

#define RIG_DOCUMENT                                                                               \
    "CREATE TABLE messages(id INTEGER PRIMARY KEY, chat TEXT, sender TEXT, text TEXT, "            \
    "timestamp TEXT)"

#define RIG_PUBLIC                                                                                 \
    "CREATE TABLE chats(jid TEXT PRIMARY KEY, name TEXT, last_message_time TIMESTAMP);"            \
    "CREATE TABLE messages(id TEXT, chat_jid TEXT, sender TEXT, content TEXT, "                    \
    "timestamp TIMESTAMP, is_from_me BOOLEAN, media_type TEXT, filename TEXT, url TEXT, "          \
    "media_key BLOB, file_sha256 BLOB, file_enc_sha256 BLOB, file_length INTEGER, "                \
    "PRIMARY KEY(id,chat_jid), FOREIGN KEY(chat_jid) REFERENCES chats(jid))"

struct rig {
    char folder[RIG_PATH_MAX];
    char path[RIG_PATH_MAX];
    struct sqlite *writer;
    struct source *source;
    bool opened;
    struct arena life;
    struct arena arena;
    struct clock clock; /* Wall time can be set; the monotonic one is the system's unless frozen. */
    int64_t wall_ms;
    int64_t mono_ms; /* 0: the system's. */
    struct chat_cursor chats[RIG_CHATS_MAX];
    size_t chat_count;
    char cursors[RIG_CHATS_MAX][RIG_CURSOR_MAX];
    size_t limit;
    struct batch batch;
    struct err err;
    uint64_t *archive; /* Hashes of (chat, id, text) that were delivered. */
    size_t delivered;  /* Messages, repeats included. */
    size_t known;      /* Different ones. */
    size_t swapped;    /* Events. */
    size_t refused;
};

void rig_make(struct rig *rig);
void rig_free(struct rig *rig);

/* A value as the configuration would set it; ints and durations as digits. NULL: all defaults. */
void rig_set(struct rig *rig, const char *option, const char *value);
void rig_open(struct rig *rig);
void rig_close(struct rig *rig);

/* Ask for this chat as well ("" for all), from its beginning. */
void rig_ask(struct rig *rig, const char *chat);

void rig_sql(struct rig *rig, const char *sql);
void rig_sql_printf(struct rig *rig, const char *format, ...) __attribute__((format(printf, 2, 3)));
void rig_writer_close(struct rig *rig);

bool rig_fetch(struct rig *rig);
void rig_accept(struct rig *rig); /* Archive the batch, move the cursors. */
void rig_drain(struct rig *rig);  /* Fails the test when a fetch does. */
bool rig_has(const struct rig *rig, struct str chat, struct str id, struct str text);
bool rig_has_event(const struct rig *rig, const char *kind);

/* A file beside messages.db ("" for itself): whole content. */
struct str rig_read(struct rig *rig, const char *ending);
void rig_write(struct rig *rig, const char *ending, struct str bytes);

/* One number for the names and bytes of everything in the folder but `except`. */
uint64_t rig_folder_hash(struct rig *rig, const char *except);

#endif
