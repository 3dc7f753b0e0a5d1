/*
 * step: one link of a chain of generic rules, and how what a message says flows through it.
 *
 * A pipeline with `ops:` in its configuration is a chain of steps. Its op (pipeline/chain) turns a
 * message into an *item*, a row of named fields, and gives it to the first step. A step looks at
 * fields, sets fields, and then does one of four things with the item:
 *
 *   passes it on       to the step behind it, once, or several times (three leads in one message
 *                      are three items, numbered by the field `item`)
 *   leaves it out      to the steps of its `otherwise:`, with the reason in the field `reason`;
 *                      without `otherwise:` that is its end, which is what a filter is for
 *   keeps it           in its state, to let it go later (park, collect)
 *   refuses it         with ERR_REJECT: the whole message is undone, listed and counted
 *
 * The step `write` makes a record of an item. So three lines of YAML are one walk:
 *
 *   "שם: דנה / טלפון: 055-000-0001"
 *      extract     {name: דנה, phone: 055-000-0001}
 *      normalize   {name: דנה, phone: 972550000001}
 *      write       a record for the target `leads`, entity "972550000001"
 *
 * Fields. Every item has those of its message (enum step_builtin: text, sender, chat, sent, …);
 * steps add more. Which fields there are, and of which type, is known before anything runs: each
 * step says in prepare() what it reads and what it sets, and gets a number for each name, so that
 * nothing is looked up by name while messages flow. A step reads only what stands before it. A
 * field may be absent in a single item (a label that was not written); that is not the empty text.
 *
 * State. All steps of a chain share the state of their pipeline, which is one for all its chats:
 * whoever wants to count by chat puts {chat} into the key. What a step keeps lies under its name
 * and a colon, so moving a step, or putting one in front of it, changes nothing of what it knows;
 * renaming it makes it start afresh. The name is the kind unless `name:` says another, and two
 * steps of a chain that keep state may not have one name.
 *
 * "Now" is the archived time of the message; there is no other clock, no chance and no I/O. So the
 * same archive and the same rules give the same records. Edits run through the chain again: a count
 * knows what it has counted, a duplicate is never one of itself, and records are absolute, so the
 * row of an edited message is corrected. Deletions are passed over unless the pipeline asks for
 * them; they take nothing back.
 *
 * Two phases. prepare() runs while the configuration is read: it resolves fields, compiles
 * templates into the scope's arena, declares targets and references, and reports every mistake with
 * its place; nothing is opened. open() and close() frame the work of one worker, as for an op.
 */
#ifndef SLUICE_MODEL_STEP_H
#define SLUICE_MODEL_STEP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"
#include "model/op.h"
#include "model/option.h"
#include "text/zone.h"

enum {
    STEPS_MAX = 256,          /* Of one chain, nested ones included. */
    STEP_DEPTH_MAX = 8,       /* Branches within branches. */
    STEP_FIELDS_MAX = 256,    /* Names of one chain, those of the message included. */
    STEP_NAME_MAX = 64,       /* Bytes of the name of a field or a step. */
    STEP_COLUMNS_MAX = 128,   /* Of one target, its key included. */
    STEP_TARGETS_MAX = 256,   /* Of one configuration. */
    STEP_ITEMS_MAX = 1000,    /* That one message may become. */
    STEP_VALUE_MAX = 1 << 20, /* Bytes of a value that a step makes. */
    STEP_REFERENCES_MAX = 32, /* Of one chain. */
    STEP_TEXT_MAX = 20 << 20, /* Bytes of a message's text; the archive keeps less. */
};

enum value_kind {
    VALUE_ABSENT = 0,
    VALUE_TEXT,
    VALUE_INT,
    VALUE_DOUBLE,
    VALUE_BOOL, /* In `integer`. */
    VALUE_TIME, /* Unix ms, in `integer`. */
};

struct value {
    enum value_kind kind;
    struct str text;
    int64_t integer;
    double real;
};

/* What every item has; a field's number is its place among an item's values. */
enum step_builtin {
    FIELD_ID = 0,         /* id: the source's own name of the message. */
    FIELD_UID,            /* uid: "<chat>/<id>" */
    FIELD_SOURCE,         /* source */
    FIELD_CHAT,           /* chat */
    FIELD_SENDER,         /* sender */
    FIELD_TEXT,           /* text */
    FIELD_SENT,           /* sent: when it was written. */
    FIELD_NOW,            /* now: when it was archived. */
    FIELD_KIND,           /* kind: message, tick, run, answer, receipt, reference. */
    FIELD_DIRECTION,      /* direction: in, out; absent when it is not known. */
    FIELD_REVISION,       /* revision: 0, and rising with each edit. */
    FIELD_DELETED,        /* deleted */
    FIELD_ATTACHMENTS,    /* attachments: JSON; absent for none. */
    FIELD_HAS_ATTACHMENT, /* has_attachment */
    FIELD_EXTRA,          /* extra: JSON of what only the source knows. */
    FIELD_ABOUT_SENT, /* about_sent: of a receipt, when the message was written that it is about. */
    FIELD_ITEM,       /* item: which of several items of the message, from 1. */
    FIELD_REASON,     /* reason: in `otherwise:`, why the item was left out. */
    FIELD_BUILTINS,
};

struct flow; /* One item on its way: pipeline/flow.h. */
struct step;
struct step_scope;

struct step_list {
    struct step **items;
    size_t count;
};

struct step_type {
    const char *kind;
    const char *summary;
    const struct option *options;
    size_t size;     /* Of the instance; its first member is struct step. */
    bool leaves;     /* Leaves items out, so it may have `otherwise:`. */
    bool no_passing; /* Nothing stands behind it: what goes in does not come out. */

    /* Reports faults to the scope; false when there was one. */
    bool (*prepare)(struct step *step, struct step_scope *scope);

    /* Optional. `arena` lives until close. */
    bool (*open)(struct step *step, struct arena *arena, struct err *err);
    void (*close)(struct step *step);

    bool (*apply)(struct step *step, struct flow *flow, struct err *err);

    /* Optional: a reference has a new version; the message of the flow is that version. */
    bool (*renewed)(struct step *step, struct flow *flow, struct err *err);
};

/* The configuration fills the options and these; prepare() and open() do the rest. */
struct step {
    const struct step_type *type;
    struct str name;            /* What its state lies under. */
    struct step_list otherwise; /* Empty: what is left out has no further way. */
    const void *origin;         /* Where it was written: for the places of faults. */
    struct step *next;          /* Behind it in its list; NULL at the end. */
};

enum step_edits { EDITS_RUN = 0, EDITS_SKIP };

/* The op of a pipeline with `ops:`. The configuration makes one; pipeline/chain runs it. */
struct chain {
    struct op op; /* First. */
    struct step_list steps;

    /* From the configuration. */
    struct str zone_name;
    int edits; /* enum step_edits. */
    bool deletions;
    bool receipts;

    /* Made by step_chain_prepare(). */
    const struct zone *zone;
    const struct str *fields; /* Names by number. */
    size_t field_count;
    bool needs_uid;
    bool needs_about;
    bool asks; /* A step has renewed(). */
};

/* ---- While the configuration is read ---- */

/* The place of a fault: an option of the step, then an entry of its map or list, then a character.
   Zeros leave each out. */
struct step_spot {
    const char *option;
    struct str key;   /* Of an option that is a map. */
    size_t index;     /* From 1: of an option that is a list. */
    size_t character; /* From 1. */
    bool of_name;     /* The name of the map's entry is meant, and not its text. */
};

struct step_field {
    struct str name;
    enum value_kind type;
    bool visible; /* Set by a step that stands before the one that is prepared. */
};

/* A target on its way: columns are added by every `write` that names it, in any pipeline. */
struct step_target {
    struct str sink;
    struct target target;
    struct column *columns;       /* Room for STEP_COLUMNS_MAX and the end. */
    const struct chain **writers; /* By column: who wrote it first. */
    size_t count;
};

/* Those of a whole configuration; zeroed at first. */
struct step_targets {
    struct step_target items[STEP_TARGETS_MAX];
    size_t count;
};

struct step_scope {
    struct arena *arena; /* Lives as long as the chain. */
    struct step_targets *targets;
    void *context;

    /* Report a fault at a spot of `step`; NULL: of the pipeline. */
    void (*fault)(struct step_scope *scope, const struct step *step, const struct step_spot *spot,
                  const char *text);

    /* Optional: is there such a reference? Reports the fault if not. */
    bool (*has_reference)(struct step_scope *scope, const struct step_spot *spot, struct str name);

    /* Optional: may a target of this sink have the name? Reports the fault if not. */
    bool (*takes_name)(struct step_scope *scope, struct str sink, struct str name);

    /* The nearest visible name as "; did you mean 'x'?", or "". */
    const char *(*hint)(struct step_scope *scope, struct str name);

    struct chain *chain;
    const struct step *step; /* The one that is prepared. */
    struct step_field *fields;
    size_t field_count;
    const struct step **named; /* Those that keep state. */
    size_t named_count;
    const struct target **chain_targets;
    size_t chain_target_count;
    const char **references;
    size_t reference_count;
};

/* Prepare all steps of a chain whose options are filled; false when a fault was reported. `scope`
   has its arena, targets, context and both functions set, and is zero otherwise. */
bool step_chain_prepare(struct chain *chain, struct step_scope *scope);

/* Steps within a step: they see what is visible now, and what they set ends with them. */
bool step_list_prepare(struct step_list *list, struct step_scope *scope);

/* The step keeps state, so its name must be its own in the chain. */
bool step_keeps(struct step_scope *scope, struct step *step);

/* Report a fault of the step that is prepared. Always false. */
__attribute__((format(printf, 3, 4))) bool
step_fault(struct step_scope *scope, struct step_spot spot, const char *format, ...);

/* The same with what a parser of text/ said; "… at character 7" in it becomes the place. */
bool step_fault_err(struct step_scope *scope, struct step_spot spot, const struct err *err);

/* The number of a field that is read; an unknown one is a fault with a suggestion. */
bool step_reads(struct step_scope *scope, struct step_spot spot, struct str name, size_t *field);

/* The number of a field that the step sets. A name that the message has, too, is covered from here
   on (a lead's `source`, a folded `text`); uid, now, revision, deleted and reason cannot be. */
bool step_sets(struct step_scope *scope, struct step_spot spot, struct str name,
               enum value_kind type, size_t *field);

enum value_kind step_field_type(const struct step_scope *scope, size_t field);

/* A target of this name in this sink, old or new; a fault when its key was another. */
struct step_target *step_target(struct step_scope *scope, struct str sink, struct str name,
                                struct str key);

/* A column of it; a fault when it has another type, or another pipeline writes it and neither
   `shared` nor it is the key. */
bool step_column(struct step_scope *scope, struct step_spot spot, struct step_target *target,
                 struct str name, enum column_type type, bool shared);

/* The chain looks things up in this reference. */
bool step_reference(struct step_scope *scope, struct step_spot spot, struct str name);

#endif
