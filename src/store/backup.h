/*
 * backup: store, targets and attachments as one file, and back.
 *
 * A backup is a pack (tar.gz) of
 *
 *     sluice-backup    "1": what this is, so that anything else is refused at its first bytes
 *     sluice.db        the store
 *     targets/N.db     what SQLite sinks write, and the ledgers of files, each a whole file
 *     targets/N.file   the file that belongs to the ledger before it
 *     targets/N.rows   what a sink wrote elsewhere: its tables and ledgers, row by row (store/rows)
 *     files/…          attachments that messages refer to, named by their SHA-256
 *     manifest.json    sizes, sums, counts, versions; comes last, so a backup that was cut has none
 *
 * THE ORDER is what makes it safe under load. The store is copied first, then the targets. So a
 * target may already hold what its store still has in the outbox, or has not read yet: that comes
 * again after a restore, and the ledger in the target makes the repetition change nothing. The
 * other order could lose: a record delivered in between would be done in the store and missing in
 * the target. Attachments come last: the copied store says which.
 *
 * A target that is elsewhere and cannot be reached does not stop a backup: it is named as left out,
 * with the reason. Restoring leaves what is elsewhere alone, because mostly it lived on; its rows
 * are put back by a step of its own (`rows`), into tables that are empty or missing.
 *
 * Each copy is one read transaction (sqlite_backup), so it is consistent, is not disturbed by
 * writers and does not hold them up. The copies are checked before they are packed: a damaged store
 * makes no backup. The copies lie in a folder beside the backup, which is removed at the end; one
 * that a killed process left is removed by the next backup there.
 *
 * RESTORING goes through the whole pack, checks every sum, then opens the copies and checks their
 * structure, their rows and the audit chain. Only then something is put in place. What was there is
 * moved aside and kept. While files are being moved a mark stands beside the store, and no store
 * with such a mark is opened (store_open): a restore that was killed is run again and goes on.
 *
 * A restored store is born again: what it decides is newer than all that was decided before, also
 * by the future that was lost. So an absolute record of a target that lived on is never mistaken
 * for newer than what is decided now; effects are known by their origin and not repeated.
 */
#ifndef SLUICE_STORE_BACKUP_H
#define SLUICE_STORE_BACKUP_H

#include "model/sink.h"
#include "store/store.h"

enum { BACKUP_TARGETS_MAX = 192, BACKUP_FORMAT = 1 };

struct backup_target {
    struct str sink; /* Its name in the configuration. */
    struct str path;
    struct str image; /* A file that the database at `path` describes; absent for none. */
};

/* A target that should have been in it. */
struct backup_gap {
    struct str sink;
    struct str why;
};

/* Where it is, for a moving line: "copying the store", 10 of 100 bytes. */
struct backup_watch {
    void (*moved)(void *context, const char *what, uint64_t done, uint64_t total);
    void *context;
};

struct backup_plan {
    struct str data_dir;
    struct str files_dir; /* Of attachments; absent: `files` in data_dir. */
    struct str file;      /* Is replaced when it is there. */
    const struct backup_target *targets;
    size_t target_count;
    struct sink *const *sinks; /* Open, with save(): what they wrote elsewhere. */
    size_t sink_count;
    const struct str *left_out; /* Sinks whose targets are elsewhere. */
    size_t left_out_count;
    struct clock *clock;
    const struct backup_watch *watch; /* May be NULL. */
};

/* What a backup holds, as its manifest says. */
struct backup_facts {
    struct str sluice; /* Version that made it. */
    int64_t made_ms;
    int64_t schema;
    int64_t birth_s;
    int64_t messages;
    int64_t newest; /* Number of the newest message. */
    int64_t waiting;
    int64_t dead;
    int64_t audit;
    int64_t files;
    int64_t file_bytes;
    int64_t files_missing; /* Referred to, but gone from the disk already before. */
    uint64_t bytes;        /* Of the backup itself. */
    size_t target_count;
    struct backup_part {
        struct str name; /* In the pack. */
        struct str sink;
        struct str place;   /* Below the data folder. */
        struct str outside; /* Where it really was, when that was not below the data folder. */
        struct str sha256;
        int64_t size;
        int64_t tables; /* Of rows from elsewhere, */
        int64_t rows;
        struct str how; /* and how consistent they are, in words. */
    } targets[BACKUP_TARGETS_MAX], store;
    struct backup_gap gaps[BACKUP_TARGETS_MAX]; /* Not in the manifest's words: the names are. */
    size_t gap_count;
};

/* Is it rows from elsewhere, or the image of the database before it? */
bool backup_part_is_rows(const struct backup_part *part);
bool backup_part_is_image(const struct backup_part *part);

/* `version` of sluice is noted. Texts of `facts` live in `arena`. */
bool backup_make(const struct backup_plan *plan, struct str version, struct arena *arena,
                 struct backup_facts *facts, struct err *err);

struct restore_plan {
    struct str file;
    struct str data_dir; /* When only checking: a folder for a temporary one. */
    bool force;          /* Move aside what is there. */
    bool only_store;     /* Leave targets as they are: theirs are newer. */
    bool only_check;
    /* With only_check: told of each part with rows from elsewhere once all of it was checked; it
       lies at `path`. May be NULL. */
    bool (*rows)(void *context, const struct backup_part *part, struct str path, struct err *err);
    void *rows_context;
    struct str actor; /* For the audit log. */
    struct clock *clock;
    const struct backup_watch *watch;
};

struct restore_result {
    struct backup_facts facts;
    struct str aside; /* Folder with what was there before; absent when nothing was. */
};

/*
 * ERR_REJECT when the backup is damaged or something is in the way, ERR_CONFIG when it is of a
 * newer sluice, ERR_STOP when a process works on the store. Nothing has been changed then, except
 * that attachments may have come.
 */
bool backup_restore(const struct restore_plan *plan, struct arena *arena,
                    struct restore_result *result, struct err *err);

/* Is the store marked by a restore that did not end? Then false, with what to do. */
bool backup_settled(struct str store_path, struct err *err);

#endif
