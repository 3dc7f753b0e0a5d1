/*
 * store: everything that must survive, in one SQLite file.
 *
 *   archive    every message once, in order of arrival            archive.h
 *   cursors    how far each chat of a source has been read        archive.h
 *   positions  how far each pipeline has worked                   archive.h
 *   state      what ops remember                                  state.h
 *   references tables that ops look things up in, with history    reference.h
 *   outbox     records on their way; dead letters                 outbox.h
 *   leases     who may do which work                              lease.h
 *   runs       what ran, when, how it ended; requests to run      run.h
 *   audit      acts of people, in a hash chain                    audit.h
 *   files      attachments, by the SHA-256 of their bytes         blobs.h
 *   search     full-text index, filled behind                     search.h
 *   upkeep     retention, file size                               upkeep.h
 *   shadows    the same over private tables, for a look ahead       shadow.h
 *
 * A handle belongs to one thread; many handles and many processes may have the file open. Every
 * change happens between store_begin() and store_commit(), and the outside world is never called
 * in between. All handles of a process share one gate, so that writers take turns in order of
 * arrival instead of polling each other's lock.
 *
 * What was committed is on disk (WAL, synchronous=FULL). A failing disk is ERR_STORE: the process
 * stops and never tries an fsync again. A full disk or a busy file is ERR_RETRY: nothing was
 * written, the same step may be tried later.
 *
 * Texts returned by the store live in the arena that the caller passes, unless a header says that
 * they are borrowed.
 */
#ifndef SLUICE_STORE_STORE_H
#define SLUICE_STORE_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/str.h"

struct store;
struct gate;
struct lease;

/* Called before and after each commit; false means: the process dies here. For tests only. */
typedef bool store_crash_point(void *context);

struct store_options {
    struct str path; /* Of the store file; its folder must exist. */
    struct clock *clock;
    struct gate *gate;    /* Shared by the handles of a process; NULL in single-threaded tests. */
    bool readonly;        /* For a verb that only looks: no lock, no write, ever. */
    bool shadow;          /* Set by shadow.c: changes go to private tables. */
    bool shadow_intake;   /* Those of intake, too. */
    const char *vfs;      /* NULL for the system's files. */
    uint64_t seed;        /* For the hash keys of a new file; 0 takes the system's randomness. */
    int cache_kib;        /* Page cache of this handle; 0 for the default. */
    int checkpoint_pages; /* Length of the log that is copied back; 0 for the default. */
};

/* Opens and, when the file is new or older, migrates it to this version's schema. */
bool store_open(struct store **out, const struct store_options *options, struct err *err);
void store_close(struct store *store); /* Rolls back what was not committed. NULL is fine. */

void store_set_crash_point(struct store *store, store_crash_point *point, void *context);

/* One gate a process, made before the first handle. */
bool store_gate_new(struct gate **out, struct err *err);
void store_gate_free(struct gate *gate);

/*
 * Begin a change. With a lease, the transaction holds only while its token is the current one: a
 * worker that was overtaken gets ERR_STOP and writes nothing.
 */
bool store_begin(struct store *store, const struct lease *lease, struct err *err);
bool store_commit(struct store *store, struct err *err);
void store_rollback(struct store *store); /* Does nothing when nothing is open. */

/* A consistent look at several tables without the right to write. Ended by store_rollback(). */
bool store_begin_read(struct store *store, struct err *err);

/* Has anyone else committed since the last call? Costs microseconds. */
bool store_changed(struct store *store, bool *changed, struct err *err);

/* For a handle that goes to sleep: give cached pages back to the system. */
void store_shrink(struct store *store);

/* The calling thread is about to end: what is kept for it in particular goes back to the system. */
void store_leave_thread(void);

/*
 * Names of sources, pipelines, sinks, targets and senders are kept once and used by number. The
 * number of a name never changes. store_name() needs an open change when the name may be new.
 */
bool store_name(struct store *store, struct str text, int64_t *id, struct err *err);
/* 0 when there is none. */
bool store_name_find(struct store *store, struct str text, int64_t *id, struct err *err);
bool store_name_text(struct store *store, struct arena *arena, int64_t id, struct str *text,
                     struct err *err);

/* The version of the store at `path`, and the one that store_open() would bring it to. */
bool store_version(struct str path, int64_t *version, int64_t *current, struct err *err);

/* When the file was made, in seconds of Unix time: a store made later has a newer generation. */
int64_t store_birth_s(const struct store *store);

/* Counters, for status and metrics. */
#define STORE_ARCHIVED "archived" /* Rows of the archive: counting them takes long. */
bool store_count_add(struct store *store, const char *counter, int64_t by, struct err *err);
bool store_count_get(struct store *store, const char *counter, int64_t *out, struct err *err);

/* What could not be taken in, by a source or an op: counted, and listed for people. */
struct refused {
    int64_t id;
    struct str worker; /* Source or pipeline. */
    struct str chat;
    struct str place; /* Id or line at the source; archive id for an op. */
    struct str why;
    int64_t at_ms;
};

enum { STORE_REFUSED_MAX = 10000 }; /* Rows kept; older ones go, the count stays. */

bool store_refused_put(struct store *store, const struct refused *refused, struct err *err);
bool store_refused_list(struct store *store, struct arena *arena, int64_t before_id, size_t limit,
                        struct refused **out, size_t *count, struct err *err);

/* What sources noticed (gaps, session states). */
bool store_event_put(struct store *store, struct str source, struct str kind, struct str chat,
                     struct str detail, struct err *err);

/* For tests and `status`: the one integer that `sql` (a literal) selects. */
bool store_int(struct store *store, const char *sql, int64_t *out, struct err *err);

#endif
