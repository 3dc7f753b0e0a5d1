/*
 * keys: the guard over how keys are made.
 *
 * From its first record on, the store knows how a pipeline makes the keys of its rows (model/keys.h
 * says why that matters, store/keys.h keeps it). `serve`, `run`, `check` and every reload ask
 * keys_look() whether the plan makes them in the same way. What it finds is refused:
 *
 *   another pattern, key, normalization     rows that are there would not be found; they are
 * doubled another source in place of the old one  its messages have other names, and all act once
 * more a pipeline under another name           it begins at the start of the archive, and every
 * message acts once more
 *
 * Somebody who wants that says so (`sluice keys accept`): keys_accept() takes the new way for
 * known, and the audit log has who did it and what it was before. Nothing that was written is
 * touched.
 *
 * A pipeline that has emitted nothing yet may be changed freely.
 */
#ifndef SLUICE_ENGINE_KEYS_H
#define SLUICE_ENGINE_KEYS_H

#include "model/plan.h"
#include "store/store.h"

/* Something that the guard refuses. */
struct key_change {
    struct str pipeline;
    struct str part;   /* "pattern"; "name" when the pipeline was called otherwise. */
    struct str before; /* Absent: there was no such part. */
    struct str after;  /* Absent: it is gone. */
};

struct key_changes {
    struct key_change *items;
    size_t count;
};

/* How a pipeline makes its keys, as the store keeps it. Absent when the arena is full. */
struct str keys_text(const struct plan_pipeline *pipeline, struct arena *arena);

/* All that has changed since records were emitted. */
bool keys_look(struct store *store, const struct plan *plan, struct arena *arena,
               struct key_changes *out, struct err *err);

/* In words, with what would happen and what to do. */
struct str keys_words(const struct key_change *change, struct arena *arena);

/* keys_look(), as an ERR_CONFIG with the first change's words. */
bool keys_guard(struct store *store, const struct plan *plan, struct err *err);

/* The present way is the known one. Needs an open change. */
bool keys_accept(struct store *store, const struct plan_pipeline *pipeline, struct arena *arena,
                 struct err *err);

/* The parts of a kept text, as names and values. */
struct key_parts;
bool keys_parse(struct str text, struct arena *arena, struct key_parts *out);

#endif
