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

    struct arena batch; /* Of the transaction at hand. */
    struct body body;   /* Of the parcel at hand. */
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
