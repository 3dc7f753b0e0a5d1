/*
 * from: what a pipeline listens to.
 *
 *     source: bridge                   the short form: one source, and its chats
 *     chats: all                       or a list of chat ids
 *
 *     from:                            the long one: several sources, each with its chats
 *       - {source: bridge, chats: [a@g.us, b@g.us]}
 *       - {source: orders, chats: all}
 *       - {source: runs, chats: [drops]}     how runs of other pipelines ended
 *
 *     ticks: clock                     with either: also the ticks of that source
 *
 * Chats are never chosen by leaving something out. A source that brings a table to look things up
 * in has no chats, so no pipeline listens to it.
 */
#ifndef SLUICE_CONFIG_FROM_H
#define SLUICE_CONFIG_FROM_H

#include <stdbool.h>

#include "config/reader.h"
#include "model/plan.h"

enum { FROM_SOURCES_MAX = 64 };

struct from {
    struct reader *reader;
    const struct yaml_node *sources; /* The section, with those that are wrong. */
    const struct plan *plan;         /* Those that were read. */
};

/* The source that a key of the pipeline names. */
bool from_source(const struct from *from, const struct yaml_node *map, const char *what,
                 const char *key, struct str *source);

/* `chats: all`, or a list of ids: added to what the pipeline listens to. */
bool from_chats(const struct from *from, const struct yaml_node *node, struct str source,
                struct plan_pipeline *pipeline);

/* `from:`, in place of `source` and `chats`. */
bool from_list(const struct from *from, const struct yaml_node *map, const char *what,
               struct plan_pipeline *pipeline);

/* `ticks: clock`: the pipeline also hears the ticks of that source. Harmless without it. */
bool from_ticks(const struct from *from, const struct yaml_node *map, const char *what,
                struct plan_pipeline *pipeline);

#endif
