/*
 * key_form: when two keys of a table are the same key.
 *
 * Tables that people keep are looked up by something that people type, and a telephone number has
 * many looks: `055-660-2298`, `972 55-660-2298`, or 556602298, when a spreadsheet took it for a
 * number. With `key_form: phone` each of them becomes the international digits (text/phone.h), and
 * what cannot be a number is told apart, with the reason. Kinds that have a key offer the options
 * below.
 */
#ifndef SLUICE_MODEL_KEY_FORM_H
#define SLUICE_MODEL_KEY_FORM_H

#include <stdbool.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"
#include "model/option.h"

enum { KEY_FORM_BYTES_MAX = 1024 };

struct key_form {
    int form;    /* Of key_form_names. */
    int country; /* Of key_form_countries. */
};

extern const char *const key_form_names[];     /* text, phone */
extern const char *const key_form_countries[]; /* israel, south-africa, none */

/*
 * The key that counts, in the arena. ERR_REJECT with the reason for a text that is none (empty, too
 * long, no telephone number), ERR_RETRY where the arena is full.
 */
bool key_form_apply(const struct key_form *form, struct str text, struct arena *arena,
                    struct str *key, struct err *err);

#define KEY_FORM_OPTIONS(s, m)                                                                     \
    OPTION_CHOICE(s, m.form, "key_form", "text", key_form_names,                                   \
                  "When keys are equal. text: letter by letter. phone: when they are the same "    \
                  "telephone number, whatever it looks like; it becomes international digits "     \
                  "(972556602298)."),                                                              \
        OPTION_CHOICE(s, m.country, "key_country", "israel", key_form_countries,                   \
                      "With key_form phone: whose national numbers (055…) are meant.")

#endif
