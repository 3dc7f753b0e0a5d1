#include "text/qr.h"

#include <qrcodegen.h>
#include <string.h>

_Static_assert(QR_ROOM == qrcodegen_BUFFER_LEN_FOR_VERSION(QR_VERSION_MAX), "room of a code");

/* Of the terminal's 16 colours, because every terminal has them. */
#define BLACK_ON_WHITE "\x1b[30;107m"
#define AS_BEFORE      "\x1b[0m"

bool qr_make(struct qr *qr, struct str text, struct err *err)
{
    uint8_t work[QR_ROOM] = {0}; /* The library takes the bytes from here. */
    *qr = (struct qr){0};
    if (text.len == 0 || text.len > QR_TEXT_MAX) {
        return err_set(err, ERR_REJECT, "a QR code holds 1 to %d bytes", QR_TEXT_MAX);
    }
    memcpy(work, text.ptr, text.len);
    bool ok = qrcodegen_encodeBinary(work, text.len, qr->modules, qrcodegen_Ecc_LOW, 1,
                                     QR_VERSION_MAX, qrcodegen_Mask_AUTO, true);
    explicit_bzero(work, sizeof work);
    if (!ok) {
        return err_set(err, ERR_REJECT, "a text of %zu bytes fits into no QR code", text.len);
    }
    qr->side = qrcodegen_getSize(qr->modules);
    return true;
}

bool qr_is_dark(const struct qr *qr, int x, int y)
{
    return x >= 0 && y >= 0 && x < qr->side && y < qr->side &&
           qrcodegen_getModule(qr->modules, x, y);
}

int qr_blocks_columns(const struct qr *qr)
{
    return qr->side + 2 * QR_QUIET;
}

int qr_blocks_lines(const struct qr *qr)
{
    return (qr->side + 2 * QR_QUIET + 1) / 2;
}

void qr_draw_blocks(const struct qr *qr, enum qr_look look, struct buf *out)
{
    /* By upper and lower half, drawn or not. */
    static const char *const blocks[2][2] = {{" ", "▄"}, {"▀", "█"}};
    bool light_drawn = look == QR_ON_DARK;
    for (int y = -QR_QUIET; y < qr->side + QR_QUIET; y += 2) {
        buf_add(out, str_of(look == QR_COLOURS ? BLACK_ON_WHITE : ""));
        for (int x = -QR_QUIET; x < qr->side + QR_QUIET; x++) {
            bool upper = qr_is_dark(qr, x, y) != light_drawn;
            bool lower = qr_is_dark(qr, x, y + 1) != light_drawn;
            buf_add(out, str_of(blocks[upper][lower]));
        }
        buf_add(out, str_of(look == QR_COLOURS ? AS_BEFORE "\n" : "\n"));
    }
}

void qr_draw_svg(const struct qr *qr, struct buf *out)
{
    int whole = qr->side + 2 * QR_QUIET;
    buf_printf(out,
               "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %d %d\" width=\"%d\" "
               "height=\"%d\" shape-rendering=\"crispEdges\">\n"
               "<rect width=\"%d\" height=\"%d\" fill=\"#fff\"/>\n<path fill=\"#000\" d=\"",
               whole, whole, whole * 6, whole * 6, whole, whole);
    for (int y = 0; y < qr->side; y++) {
        for (int x = 0; x < qr->side; x++) {
            int run = 0;
            while (qr_is_dark(qr, x + run, y)) {
                run++;
            }
            if (run > 0) {
                buf_printf(out, "M%d %dh%dv1h-%dz", x + QR_QUIET, y + QR_QUIET, run, run);
                x += run;
            }
        }
    }
    buf_add(out, STR("\"/>\n</svg>\n"));
}
