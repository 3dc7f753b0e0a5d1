/*
 * option: what a kind can be told, as a table.
 *
 * Defaults, checks, "did you mean", `sluice help KIND`, the reference in docs/ and the schema for
 * editors all come from these tables, so an option is described once:
 *
 *   static const struct option options[] = {
 *       OPTION_PATH(struct bridge, path, "path", OPTION_REQUIRED, "SQLite file of the bridge."),
 *       OPTION_DURATION(struct bridge, poll_ms, "poll", "15s", "How long between two looks."),
 *       OPTION_END,
 *   };
 *
 * Each option writes one member of the instance: text and paths a `struct str`, numbers and
 * durations (in ms) an `int64_t`, switches a `bool`, choices an `int` (index into `choices`),
 * lists a `struct str_list`, maps a `struct str_map`, named chats a `struct named_chats`, steps a
 * `struct step_list`, secrets a `struct secret`. A default is the text that a person would have
 * typed.
 */
#ifndef SLUICE_MODEL_OPTION_H
#define SLUICE_MODEL_OPTION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/str.h"
#include "model/secret.h"

/* As a default: the option must be given. NULL as a default: it may be left out (absent, 0). */
#define OPTION_REQUIRED "\001required"

enum option_type {
    OPTION_TYPE_END = 0,
    OPTION_TYPE_TEXT,
    OPTION_TYPE_PATH,   /* Relative to the file that names it. */
    OPTION_TYPE_SECRET, /* Never printed. */
    OPTION_TYPE_INT,
    OPTION_TYPE_BOOL,
    OPTION_TYPE_DURATION, /* "15s", "2h", "30d" */
    OPTION_TYPE_SIZE,     /* "16MiB" */
    OPTION_TYPE_CHOICE,
    OPTION_TYPE_LIST,      /* Of text. */
    OPTION_TYPE_ZONE,      /* IANA name. */
    OPTION_TYPE_SINK,      /* Name of a configured sink. */
    OPTION_TYPE_REFERENCE, /* Of a source that brings a table; the op then may look it up. */
    OPTION_TYPE_CHATS,     /* Named chats: a list, or the path of a YAML file that holds one. */
    OPTION_TYPE_MAP,       /* Of names to text, in the order in which they stand. */
    OPTION_TYPE_STEPS, /* Steps of a chain (model/step.h); `choices` may name their only kind. */
};

struct str_list {
    const struct str *items;
    size_t count;
};

struct str_pair {
    struct str name;
    struct str text;
};

/* Names are unique. */
struct str_map {
    const struct str_pair *items;
    size_t count;
};

/* A chat and what a business calls it: the projects of projects.yaml, without disabled ones. */
struct named_chat {
    struct str name; /* "Lawley" */
    struct str chat; /* "120363418298130331@g.us" */
};

/* Names and chats are unique. A pipeline whose op has such an option listens to these chats. */
struct named_chats {
    const struct named_chat *items;
    size_t count;
    struct str file; /* That holds them; absent when they stand in the configuration itself. */
};

struct option {
    enum option_type type;
    const char *name;
    const char *fallback;
    const char *doc;
    const char *const *choices; /* For a choice: names, ended by NULL. */
    size_t offset;
    int64_t min; /* Numbers, durations and sizes; both 0 for "no bounds but the type's". */
    int64_t max;
};

#define OPTION_ANY(kind_, struct_, member_, name_, fallback_, doc_)                                \
    {.type = (kind_),                                                                              \
     .name = (name_),                                                                              \
     .fallback = (fallback_),                                                                      \
     .doc = (doc_),                                                                                \
     .offset = offsetof(struct_, member_)}
#define OPTION_TEXT(s, m, name, fallback, doc)                                                     \
    OPTION_ANY(OPTION_TYPE_TEXT, s, m, name, fallback, doc)
#define OPTION_PATH(s, m, name, fallback, doc)                                                     \
    OPTION_ANY(OPTION_TYPE_PATH, s, m, name, fallback, doc)
/* Only a `struct secret` compiles here. A secret has no default: required, or NULL. */
#define OPTION_SECRET(s, m, name_, fallback_, doc_)                                                \
    {.type = OPTION_TYPE_SECRET,                                                                   \
     .name = (name_),                                                                              \
     .fallback = (fallback_),                                                                      \
     .doc = (doc_),                                                                                \
     .offset = _Generic(((s *)0)->m, struct secret: offsetof(s, m))}
#define OPTION_BOOL(s, m, name, fallback, doc)                                                     \
    OPTION_ANY(OPTION_TYPE_BOOL, s, m, name, fallback, doc)
#define OPTION_DURATION(s, m, name, fallback, doc)                                                 \
    OPTION_ANY(OPTION_TYPE_DURATION, s, m, name, fallback, doc)
#define OPTION_SIZE(s, m, name, fallback, doc)                                                     \
    OPTION_ANY(OPTION_TYPE_SIZE, s, m, name, fallback, doc)
#define OPTION_LIST(s, m, name, fallback, doc)                                                     \
    OPTION_ANY(OPTION_TYPE_LIST, s, m, name, fallback, doc)
#define OPTION_ZONE(s, m, name, fallback, doc)                                                     \
    OPTION_ANY(OPTION_TYPE_ZONE, s, m, name, fallback, doc)
#define OPTION_SINK(s, m, name, fallback, doc)                                                     \
    OPTION_ANY(OPTION_TYPE_SINK, s, m, name, fallback, doc)
#define OPTION_REFERENCE(s, m, name, fallback, doc)                                                \
    OPTION_ANY(OPTION_TYPE_REFERENCE, s, m, name, fallback, doc)
#define OPTION_MAP(s, m, name, fallback, doc) OPTION_ANY(OPTION_TYPE_MAP, s, m, name, fallback, doc)
#define OPTION_STEPS(s, m, name, fallback, doc)                                                    \
    OPTION_ANY(OPTION_TYPE_STEPS, s, m, name, fallback, doc)
#define OPTION_CHATS(s, m, name, fallback, doc)                                                    \
    OPTION_ANY(OPTION_TYPE_CHATS, s, m, name, fallback, doc)
#define OPTION_INT(s, m, name_, fallback_, min_, max_, doc_)                                       \
    {.type = OPTION_TYPE_INT,                                                                      \
     .name = (name_),                                                                              \
     .fallback = (fallback_),                                                                      \
     .doc = (doc_),                                                                                \
     .offset = offsetof(s, m),                                                                     \
     .min = (min_),                                                                                \
     .max = (max_)}
#define OPTION_CHOICE(s, m, name_, fallback_, choices_, doc_)                                      \
    {.type = OPTION_TYPE_CHOICE,                                                                   \
     .name = (name_),                                                                              \
     .fallback = (fallback_),                                                                      \
     .doc = (doc_),                                                                                \
     .choices = (choices_),                                                                        \
     .offset = offsetof(s, m)}
#define OPTION_END {.type = OPTION_TYPE_END}

/* Do two instances say the same in every option of the table? */
bool option_same(const struct option *options, const void *a, const void *b);

/* By name; NULL when the table has none such. */
const struct option *option_find(const struct option *options, struct str name);

/* The value for people, never that of a secret. Absent when the arena is full. */
struct str option_words(const struct option *option, const void *instance, struct arena *arena);

#endif
