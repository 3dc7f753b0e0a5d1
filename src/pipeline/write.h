/*
 * write: an item becomes a record.
 *
 *     - kind: write
 *       sink: records
 *       target: leads                          the table, the collection, the file's section
 *       key: "{uid}/{item}"                    the row's identity, kept in the column key_column
 *       set: {phone: "{phone}", name: "{name}", written: "{sent}"}
 *       insert: {status: new}                  only when the row is not there yet
 *       update: {updated_at: "{now}"}          only when it was
 *       append: {history: "\n{text|line}"}     put behind what the column holds
 *       inc: {calls: "{minutes}"}              a number added to what it holds
 *       push: {tags: "{label}"}                a value put behind the list that it holds
 *       types: {amount: double}
 *
 * The record is absolute: its columns shall have these values, a later one of the same key replaces
 * them, and a repetition changes nothing. So the edit of a message corrects its row. A later record
 * may take the place of one that still waits for the sink; so that `insert` means the first one and
 * `update` the later ones all the same, the step notes what it put into `insert` at a key's first
 * time and repeats it, and later on gives `update` together with `set`. With `once:
 * true` it is an effect: written for the first item of its key and never again, for targets that
 * only take more (a line that is appended, a message that is sent). `append`, `inc` and `push` need
 * `once`, since what is added to something cannot be said absolutely. An absent value adds and
 * pushes nothing. What is pushed is a text, a number or a truth as the template gives it; with
 * `types: {tags: json}` a text that is JSON is pushed as what it says.
 *
 * With `receipt: true` the steps are told when the sink has it: a message of kind `receipt`, for a
 * pipeline with `receipts: true`, whose field about_sent is the time of the message that it is
 * about.
 *
 * The target is declared by what is written into it. A column has the type of its template: that of
 * the field when the template is one place alone, else text; `types` may say another (text, int,
 * double, bool, time, date, json), and a value that cannot have it refuses the message. An absent
 * value is null. Several steps, also of several pipelines, may write into one target, as long as
 * they agree on the key and the types, and no two pipelines write the same column (`shared: true`
 * says that their keys never meet).
 *
 * An item whose key lacks a value refuses its message: rows of nobody would all be one. The item is
 * passed on, so that several steps may write what is one.
 *
 * `sink`, `target`, `key` and `key_column` make the row's identity: changing them makes other rows.
 *
 * State, with `once` only: "<name>:o:<key>"; with `insert` or `update`: "<name>:i:<key>"; where the
 * name is "write-<target>" unless it is given.
 */
#ifndef SLUICE_PIPELINE_WRITE_H
#define SLUICE_PIPELINE_WRITE_H

#include "pipeline/compose.h"

enum { WRITE_GROUPS = 6 };

struct write_column {
    struct str name;
    enum column_type type;
    bool as_text; /* A text that is pushed stays one, whatever it looks like. */
    struct compose value;
};

struct write {
    struct step step; /* First. */

    /* Options. */
    struct str sink;
    struct str target;
    struct str key;
    struct str key_column;
    struct str_map groups[WRITE_GROUPS]; /* set, insert, update, append, inc, push */
    struct str_map types;
    bool once;
    bool receipt;
    bool shared;

    /* Made by prepare. */
    struct compose key_text;
    struct write_column *columns[WRITE_GROUPS];
};

extern const struct step_type step_write;

#endif
