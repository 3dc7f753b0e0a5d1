/*
 * qr: a QR code of a text, drawn for a terminal or as a picture.
 *
 * For a terminal two rows of the code become one line of half blocks, with the quiet zone that
 * scanners need around them. Scanners want dark on light. With colours (QR_COLOURS) both are set,
 * so it is right on any terminal; without them the blocks are in the terminal's own letters, and it
 * matters whether those are light on dark (QR_ON_DARK) or dark on light (QR_ON_LIGHT).
 *
 * The text may be a credential. It is in no error, and a `struct qr` is wiped by whoever made it.
 */
#ifndef SLUICE_TEXT_QR_H
#define SLUICE_TEXT_QR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"

enum {
    QR_TEXT_MAX = 1024,
    QR_VERSION_MAX = 25,
    QR_SIDE_MAX = QR_VERSION_MAX * 4 + 17,
    QR_ROOM = (QR_SIDE_MAX * QR_SIDE_MAX + 7) / 8 + 1,
    QR_QUIET = 4, /* Light modules around it. */
};

struct qr {
    int side; /* Modules. */
    uint8_t modules[QR_ROOM];
};

/* The smallest that holds it, with the strongest correction that does not make it larger. */
bool qr_make(struct qr *qr, struct str text, struct err *err);

/* Light outside of the code. */
bool qr_is_dark(const struct qr *qr, int x, int y);

enum qr_look { QR_COLOURS = 0, QR_ON_DARK, QR_ON_LIGHT };

/* Lines, each with its end. */
void qr_draw_blocks(const struct qr *qr, enum qr_look look, struct buf *out);

/* How many columns and lines that takes. */
int qr_blocks_columns(const struct qr *qr);
int qr_blocks_lines(const struct qr *qr);

/* A whole SVG document, black on white, sized by whoever shows it. */
void qr_draw_svg(const struct qr *qr, struct buf *out);

#endif
