/* postgres_inside: what the files of the sink postgres share; seen by them only. */
#ifndef SLUICE_SINK_POSTGRES_INSIDE_H
#define SLUICE_SINK_POSTGRES_INSIDE_H

#include "model/sink.h"
#include "sink/postgres_ledger.h"
#include "sink/postgres_shape.h"
#include "sink/postgres_statement.h"
#include "sink/postgres_table.h"

enum {
    POSTGRES_TARGETS_MAX = 128,
    POSTGRES_SHAPES_MAX = 64, /* Then they are made anew. */
    POSTGRES_MADE_MAX = 16 * 1024 * 1024,
    POSTGRES_BATCH_MAX = 512 * 1024 * 1024,
    POSTGRES_LINES_SLACK = 16, /* Bytes that may be read behind the last line. */
};

struct postgres_sink {
    struct sink sink; /* First. */

    /* Options. */
    struct secret uri;
    struct secret password;
    struct str root;
    struct str schema;
    struct str_map statement_texts;
    int64_t connect_ms;
    bool allow_insecure;

    /* From open to close. */
    struct postgres *db;
    struct postgres_ledger ledger;
    struct postgres_statement *statements;
    size_t statement_count;
    bool repeating;    /* The last transaction met what was applied before: so may the next. */
    bool copy_refused; /* By the server, for another reason than the data. */
    size_t room;       /* Parcels that one transaction takes; less while the server is slow. */

    /* What the catalogue said: until the connection is lost, or it turns out to be old. */
    bool known;
    struct arena made;
    struct postgres_table *tables; /* One a target; without a name while it was not looked at. */
    struct postgres_shape *shapes;
    size_t shape_count;
    const struct postgres_shape *recent; /* The last body that was read as a line had it. */

    struct arena batch; /* Of the transaction at hand. */
    struct buf lines;   /* Of its rows, one behind the other. */
    struct body body;   /* Of the parcel at hand. */
};

/* A parcel with all that its statement needs. */
struct postgres_entry {
    struct parcel *parcel;
    const struct postgres_shape *shape; /* One of these two. */
    const struct postgres_statement *statement;
    struct str *values; /* NULL where the row was read as a line. */
    size_t line_at;     /* In `lines`. */
    size_t line_len;    /* 0: there is none. */
    size_t run;
};

static inline struct postgres_sink *postgres_self(struct connector *connector)
{
    return (struct postgres_sink *)(void *)connector; /* The connector is its first member. */
}

/* By name; NULL when no pipeline declares it. `index` is its place among the targets. */
const struct target *postgres_sink_target(const struct postgres_sink *self, struct str name,
                                          size_t *index);
const struct postgres_statement *postgres_sink_statement(const struct postgres_sink *self,
                                                         struct str name);
size_t postgres_sink_targets(const struct postgres_sink *self);

/* Connected, and the catalogue is asked anew where the connection is another one. */
bool postgres_sink_connect(struct postgres_sink *self, int64_t deadline_ms, struct err *err);
void postgres_sink_forget(struct postgres_sink *self); /* What the catalogue said. */

/* The table of a target; ERR_CONFIG when it is not there or not fit. */
bool postgres_sink_table(struct postgres_sink *self, size_t index, int64_t deadline_ms,
                         const struct postgres_table **out, struct err *err);

/* Begins a transaction that needs nothing of its session. */
bool postgres_sink_begin(struct postgres_sink *self, bool reading, int64_t deadline_ms,
                         struct err *err);

/* ---- Rows of one shape: postgres_rows.c ---- */

/* Read its body as a line; false where it has to be read as values. */
bool postgres_rows_line(struct postgres_sink *self, const struct postgres_table *table,
                        struct postgres_entry *entry);

/* The values of the sink's `body`, which has the entry's shape, as the table reads them. */
bool postgres_rows_values(struct postgres_sink *self, struct postgres_entry *entry,
                          struct err *err);

/* Entries of one shape: all have lines, or all have values. */
struct postgres_rows {
    struct postgres_entry **entries;
    size_t count;
    int64_t deadline_ms;
    bool last; /* Of the transaction. */
};

/* Whatever is there. The order of the entries may change. */
bool postgres_rows_write(struct postgres_sink *self, const struct postgres_rows *rows,
                         struct err *err);

/* Is there a way for many that are new, and for many that are there? */
bool postgres_rows_copies(const struct postgres_rows *rows);
bool postgres_rows_updates(const struct postgres_rows *rows);

/* Is any of them there, as far as a sample of their keys tells? What follows is chosen by it. */
bool postgres_rows_look(struct postgres_sink *self, const struct postgres_rows *rows, bool *there,
                        struct err *err);

/* Those that are there, then those that are not; for lines. `*whole` is false when somebody made
   or removed one in between: then all of it has to be undone. */
bool postgres_rows_update(struct postgres_sink *self, const struct postgres_rows *rows, bool *whole,
                          struct err *err);

/* None is there: this fails if one is. */
bool postgres_rows_copy(struct postgres_sink *self, const struct postgres_rows *rows,
                        struct err *err);

bool postgres_sink_write(struct sink *sink, struct parcel *parcels, size_t count,
                         struct arena *arena, int64_t deadline_ms, struct err *err);
bool postgres_sink_read_back(struct sink *sink, struct held *rows, size_t count,
                             struct arena *arena, int64_t deadline_ms, struct err *err);
bool postgres_sink_dump(struct sink *sink, struct str target, struct arena *arena, sink_row *each,
                        void *context, struct err *err);

bool postgres_sink_save(struct sink *sink, const struct sink_saver *saver, struct arena *arena,
                        struct str *how, struct err *err);
bool postgres_sink_load(struct sink *sink, const struct sink_loader *loader, enum sink_load how,
                        struct arena *arena, struct str *done, struct err *err);

bool postgres_sink_explain(const struct postgres_sink *self, struct err *err);

#endif
