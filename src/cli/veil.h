/*
 * veil: takes out of a text what must not leave the house.
 *
 * Values that are known to be private (variables, names of the configuration) are replaced by a
 * word that says what stood there; then come the log's rules (numbers of people, control
 * characters), and at last every run of seven digits or more, whatever it is. So a text behind the
 * veil matches no [0-9]{7,}.
 */
#ifndef SLUICE_CLI_VEIL_H
#define SLUICE_CLI_VEIL_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/str.h"

enum { VEIL_VALUES_MAX = 2048, VEIL_VALUE_MIN = 3, VEIL_LINE_MAX = 16 * 1024 };

struct veil {
    struct {
        struct str value;
        struct str word;
    } known[VEIL_VALUES_MAX];
    size_t count;
};

/* Both live as long as the veil. Values shorter than VEIL_VALUE_MIN hide nothing and are left. */
void veil_add(struct veil *veil, struct str value, struct str word);

/* Line by line; line breaks stay. */
void veil_put(struct veil *veil, struct buf *out, struct str text);

#endif
