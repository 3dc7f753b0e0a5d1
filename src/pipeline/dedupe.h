/*
 * dedupe: what was there already is dropped or marked.
 *
 *     - kind: dedupe
 *       key: "{phone}"
 *       window: 30d
 *       action: flag            the field `duplicate_of` names the first one
 *
 * Two items are the same when their keys are. The first of them is remembered with its time; one
 * that comes within `window` of it, before or after, is a duplicate, and of that first one, also
 * when there are many. One that comes later than that is the first of a new stretch. `by` says
 * which time counts: when it was `sent` (so history that is read at once is judged by its own
 * times) or when it arrived (`now`). Without a window the first is remembered for ever.
 *
 * What is remembered is the item and not the message: an edit is never a duplicate of itself, and
 * its item is judged as it was at first. An item whose key lacks a value cannot be compared and is
 * passed on.
 *
 * State: "<name>:k:<key>" gives the time and the name of the first one, about 100 bytes a key. With
 * a window the key also carries which window of arrival it belongs to, and stretches that are two
 * windows old are cleared away, a few keys with each new one: nothing asks for them again.
 *
 * `key`, `window` and `by` decide what a key means: changing them makes the step judge anew.
 */
#ifndef SLUICE_PIPELINE_DEDUPE_H
#define SLUICE_PIPELINE_DEDUPE_H

#include "pipeline/compose.h"

enum { DEDUPE_CLEARED_MAX = 4 /* Old keys that one new key clears away. */ };

enum dedupe_action { DEDUPE_DROP = 0, DEDUPE_FLAG };
enum dedupe_by { DEDUPE_SENT = 0, DEDUPE_NOW };

struct dedupe {
    struct step step; /* First. */

    /* Options. */
    struct str key;
    int64_t window_ms;
    int by;
    int action;
    struct str as;
    struct str show;

    /* Made by prepare. */
    struct compose key_text;
    struct compose show_text;
    size_t field;
    size_t bucket_cleared; /* Up to which stretch nothing is left; forgotten with the process. */
};

extern const struct step_type step_dedupe;

#endif
