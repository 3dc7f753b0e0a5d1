/*
 * contract_rig: a sink of any kind in a folder of its own, for the suite that all kinds must pass.
 *
 * A kind joins by one entry of contract_kinds: its type, the options it is tried with, and what it
 * can do. Everything is observed through read_back, and through the bytes of its files where it
 * has any.
 */
#ifndef SLUICE_TESTS_SINK_CONTRACT_RIG_H
#define SLUICE_TESTS_SINK_CONTRACT_RIG_H

#include <stdbool.h>

#include "base/arena.h"
#include "model/sink.h"

enum { RIG_OPTIONS_MAX = 8, RIG_ROW_MAX = 1 << 20 };

struct contract_kind {
    const char *name; /* In the list of tests. */
    const struct sink_type *type;
    const char *options[RIG_OPTIONS_MAX][2]; /* As a person would write them. */
    const char *file;                        /* Of the target `reviews`; NULL: none to compare. */
    bool keeps_versions;                     /* The file has each version of a row, one a line. */
    bool remote; /* A server, which the suite starts; its tables are made by migrate. */
    bool cells;  /* Of a spreadsheet: an empty text is nothing, and 50,000 letters are the most. */
};

extern const struct contract_kind contract_kinds[];
extern const size_t contract_kind_count;

struct rig {
    const struct contract_kind *kind;
    struct sink *sink;
    struct arena opened;
    struct arena step;
    char home[64];
};

/* A clock that is set by hand. */
extern int64_t rig_mono_ms;

/* Of a remote kind: is there a server to try it with? Starts it at the first call. */
bool rig_can(const struct contract_kind *kind);
void rig_stop(void); /* Ends what rig_can() started. */

/* What the kind writes to goes away, and comes back. */
void rig_away(struct rig *rig, bool away);

void rig_begin(struct rig *rig, const struct contract_kind *kind);
void rig_end(struct rig *rig); /* Closes, and removes the folder. */
void rig_open(struct rig *rig);
void rig_close(struct rig *rig);

/*
 * Die at the n-th call from now that changes a file or sends something (a write is half done by
 * then); 0 for never.
 * The calls of the C library are replaced in this program, so it also dies inside of SQLite.
 */
extern int rig_die_at;
enum { RIG_DIED = 9 };

/* A parcel of the table `reviews`. */
struct parcel rig_parcel(enum record_kind kind, const char *entity, int64_t message,
                         const char *body);

/* Hand them over; must succeed. */
void rig_write(struct rig *rig, struct parcel *parcels, size_t count);
bool rig_try(struct rig *rig, struct parcel *parcels, size_t count, struct err *err);

/* The row as read_back gives it; absent for none. Good until the next call on the rig. */
struct str rig_row(struct rig *rig, const char *entity);

/* The bytes of the kind's file; absent when it has none. */
struct str rig_file(struct rig *rig);

#endif
