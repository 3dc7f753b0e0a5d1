/*
 * drops: drop numbers that field agents post, kept as review rows.
 *
 * A drop number is what `pattern` finds in a message, by default \bDR\d{8}\b. Every number of a
 * message counts, each once, in the order in which they stand there. The first sight of a number
 * makes a row of `qa_photo_reviews`; a later one is a resubmission: the row goes back to the
 * reviewers and its comment gets one block more. Which of the two it is, the sink decides inside
 * its own transaction, by looking whether the row is there, so rows that others made count. Each
 * is an effect: however often it is delivered, it happens once.
 *
 * What counts as a word for \b is what counts for Python: letters, digits and numbers of all
 * scripts, and the underscore; marks (niqqud, the variation selector of an emoji) do not. The eight
 * digits themselves are ASCII, since a number in other digits would be another key in the table.
 * A pattern of one's own is a regular expression, and its whole match is the number.
 *
 * An edit counts only the numbers that the message did not have in any earlier revision; that is
 * all the state there is: message id → its numbers. A deletion takes nothing back. Messages that
 * we sent ourselves count like those of others.
 *
 * `projects` says which chats are read and what their project is called (projects.yaml). Messages
 * of other chats are ignored.
 *
 * "Now" is the archived time of the message, shown in `zone` where people read it (review_date and
 * the comment block), in UTC where programs do (updated_at, whatsapp_message_date).
 */
#ifndef SLUICE_DOMAIN_DROPS_H
#define SLUICE_DOMAIN_DROPS_H

#include <stddef.h>
#include <stdint.h>

#include "base/str.h"
#include "model/op.h"
#include "text/regex.h"
#include "text/zone.h"

enum {
    DROPS_PROJECTS_MAX = 65536,
    DROPS_NUMBERS_MAX = 256, /* Different numbers of one message; more is refused. */
    DROPS_NUMBER_LEN_MAX = 64,
    DROPS_USER_LEN = 20, /* Characters of the sender that the table takes. */
};

struct drops {
    struct op op; /* First. */

    /* From the configuration. */
    struct str zone_name;
    struct str pattern;
    struct str sink;
    struct named_chats projects; /* Their texts live as long as the op. */

    /* Made by open. */
    const struct zone *zone;
    struct zone_span span; /* The stretch of the zone that "now" lies in. */
    struct regex *regex;   /* NULL for the default pattern. */
    const uint32_t *slots; /* Hash table of chats: index into projects + 1, 0 for free. */
    size_t slot_mask;
};

extern const struct op_type op_drops;

#endif
