/*
 * gzip: bytes packed and unpacked as they stream by, in bounded memory.
 *
 * One instance goes one way. Bytes are pushed in and what comes out is handed to `put`, in pieces
 * of at most GZIP_PIECE_MAX bytes that are gone after the call. Unpacking checks the sum at the end
 * of the stream: gzip_done() tells whether it was reached, so a stream that was cut is never taken
 * for a whole one. What is behind the end is refused.
 */
#ifndef SLUICE_TEXT_GZIP_H
#define SLUICE_TEXT_GZIP_H

#include <stdbool.h>

#include "base/err.h"
#include "base/str.h"

enum { GZIP_PIECE_MAX = 64 * 1024 };

enum gzip_way { GZIP_PACK = 0, GZIP_UNPACK };

struct gzip;

bool gzip_open(struct gzip **out, enum gzip_way way, struct err *err);
void gzip_close(struct gzip *gzip); /* NULL is fine. */

/* `last` (packing only) ends the stream. False when `put` was, or with ERR_REJECT for bytes that
   are no gzip stream. */
bool gzip_push(struct gzip *gzip, struct str bytes, bool last,
               bool (*put)(void *context, struct str piece, struct err *err), void *context,
               struct err *err);

/* The end of the stream has been seen, and its sum was right. */
bool gzip_done(const struct gzip *gzip);

#endif
