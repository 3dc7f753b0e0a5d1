/*
 * phone: one number, whatever it looks like.
 *
 * The same person is `+972 55-660-2298` wrapped in bidi controls on a page, `972556602298` in a
 * bridge, `0556602298` in a sheet (or `556602298`, because the sheet took it for a number), and
 * `972556602298@s.whatsapp.net` in a JID. phone_parse() turns each of them into the international
 * digits without a plus, which is what two numbers are compared by, and says why a text that is no
 * number cannot be one.
 *
 * National forms (a leading 0) are understood for the home country: Israel and South Africa.
 * Numbers with a country code, with or without + or 00, are understood for all countries; those of
 * the two are checked against their plans, all others only by country code and length.
 *
 * Everything is by value, nothing allocates, any thread. Error texts show at most a masked number.
 */
#ifndef SLUICE_TEXT_PHONE_H
#define SLUICE_TEXT_PHONE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"

/* E.164 allows 15 digits; the shortest numbers in use have 7 with their country code. */
enum { PHONE_DIGITS_MAX = 15, PHONE_DIGITS_MIN = 7, PHONE_TEXT_MAX = 128, PHONE_LOOK_MAX = 32 };

/* Whose national forms are meant. Without one only international numbers are understood. */
enum phone_country { PHONE_ANYWHERE = 0, PHONE_SOUTH_AFRICA = 27, PHONE_ISRAEL = 972 };

/* International digits, without plus; `len` is 0 for no number. Ends in NUL. */
struct phone {
    char digits[PHONE_DIGITS_MAX + 1];
    uint8_t len;
};

/*
 * Read a phone in any look. False with ERR_REJECT and the reason when the text cannot be one:
 * letters, too short, too long, unknown prefix, a group or a LID instead of a person.
 */
bool phone_parse(struct str text, enum phone_country home, struct phone *phone, struct err *err);

struct str phone_str(const struct phone *phone);

/* The same number. Two that are none are not equal. */
bool phone_equal(const struct phone *a, const struct phone *b);

/* Only the digits of a text, of any script, in ASCII; at most `size` of them. Gives the count. */
size_t phone_digits(struct str text, char *out, size_t size);

/*
 * WhatsApp's look without plus, as the sender label has it: `972 55-660-2298` from
 * U+202A `+972` U+00A0 `55` U+2011 `660-2298` U+202C. Invisible characters go, spaces and dashes
 * of all kinds become the ASCII ones, and the leading plus goes. Other text (a contact's name) is
 * kept as it is otherwise. The result's ptr is NULL only when the arena is full.
 */
struct str phone_look(struct arena *arena, struct str text);

/* The same look made from the digits: `972 55-660-2298`, `27 82 123 4567`; others plain. */
struct str phone_format(const struct phone *phone, char out[PHONE_LOOK_MAX]);

/*
 * For logs: the first digits (country and network) and the last two, `97255*****98`. Takes any
 * text; what has fewer than seven digits is masked whole.
 */
struct str phone_mask(struct str text, char out[PHONE_LOOK_MAX]);

/* What stands behind the @ of a WhatsApp address. */
enum phone_jid {
    PHONE_JID_NONE = 0,  /* No @. */
    PHONE_JID_PERSON,    /* s.whatsapp.net, c.us: the user part is a phone. */
    PHONE_JID_GROUP,     /* g.us */
    PHONE_JID_LID,       /* lid: a number that hides the phone. */
    PHONE_JID_BROADCAST, /* broadcast, status */
    PHONE_JID_CHANNEL,   /* newsletter */
    PHONE_JID_OTHER,
};

enum phone_jid phone_jid_kind(struct str jid);

/* The part before the @, without a device (`:12`) or agent (`.0`, `_1`) suffix. */
struct str phone_jid_user(struct str jid);

#endif
