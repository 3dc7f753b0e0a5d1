#include "text/gzip.h"

#include <limits.h>

#define ZLIB_CONST
#include <zlib.h>

#include "base/mem.h"
#include "base/must.h"

enum { WINDOW_GZIP = 15 + 16, MEMORY_LEVEL = 8 };

struct gzip {
    z_stream stream;
    enum gzip_way way;
    bool ready;
    bool done;
    unsigned char piece[GZIP_PIECE_MAX];
};

static void *take(void *unused, unsigned count, unsigned size)
{
    (void)unused;
    return mem_alloc((size_t)count * size);
}

static void give(void *unused, void *block)
{
    (void)unused;
    mem_free(block);
}

bool gzip_open(struct gzip **out, enum gzip_way way, struct err *err)
{
    struct gzip *gzip = mem_alloc(sizeof *gzip);
    if (gzip == NULL) {
        return err_set(err, ERR_RETRY, "gzip: out of memory");
    }
    gzip->way = way;
    gzip->stream.zalloc = take;
    gzip->stream.zfree = give;
    /* Speed before size: a backup runs beside the work. */
    int rc = way == GZIP_PACK ? deflateInit2(&gzip->stream, Z_BEST_SPEED, Z_DEFLATED, WINDOW_GZIP,
                                             MEMORY_LEVEL, Z_DEFAULT_STRATEGY)
                              : inflateInit2(&gzip->stream, WINDOW_GZIP);
    gzip->ready = rc == Z_OK;
    if (!gzip->ready) {
        gzip_close(gzip);
        return err_set(err, ERR_RETRY, "gzip: out of memory");
    }
    *out = gzip;
    return true;
}

void gzip_close(struct gzip *gzip)
{
    if (gzip == NULL) {
        return;
    }
    if (gzip->ready && gzip->way == GZIP_PACK) {
        (void)deflateEnd(&gzip->stream);
    } else if (gzip->ready) {
        (void)inflateEnd(&gzip->stream);
    }
    mem_free(gzip);
}

static int turn(struct gzip *gzip, bool last)
{
    gzip->stream.next_out = gzip->piece;
    gzip->stream.avail_out = sizeof gzip->piece;
    return gzip->way == GZIP_PACK ? deflate(&gzip->stream, last ? Z_FINISH : Z_NO_FLUSH)
                                  : inflate(&gzip->stream, Z_NO_FLUSH);
}

static bool push_some(struct gzip *gzip, struct str bytes, bool last,
                      bool (*put)(void *context, struct str piece, struct err *err), void *context,
                      struct err *err)
{
    gzip->stream.next_in = (const Bytef *)bytes.ptr;
    gzip->stream.avail_in = (uInt)bytes.len;
    do {
        if (gzip->done) {
            return err_set(err, ERR_REJECT, "there is something behind the end of the gzip stream");
        }
        int rc = turn(gzip, last);
        if (rc == Z_MEM_ERROR) {
            return err_set(err, ERR_RETRY, "gzip: out of memory");
        }
        if (rc != Z_OK && rc != Z_STREAM_END && rc != Z_BUF_ERROR) {
            return err_set(err, ERR_REJECT, "these bytes are not a gzip stream, or were damaged");
        }
        gzip->done = rc == Z_STREAM_END;
        size_t len = sizeof gzip->piece - gzip->stream.avail_out;
        if (len > 0 && !put(context, (struct str){(const char *)gzip->piece, len}, err)) {
            return false;
        }
    } while (gzip->stream.avail_in > 0 || gzip->stream.avail_out == 0 || (last && !gzip->done));
    return true;
}

bool gzip_push(struct gzip *gzip, struct str bytes, bool last,
               bool (*put)(void *context, struct str piece, struct err *err), void *context,
               struct err *err)
{
    must(bytes.len <= INT_MAX && (!last || gzip->way == GZIP_PACK));
    return (bytes.len == 0 && !last) || push_some(gzip, bytes, last, put, context, err);
}

bool gzip_done(const struct gzip *gzip)
{
    return gzip->done;
}
