#include "base/buf.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/must.h"

enum { BUF_SIZE_MIN = 64 };

void buf_init(struct buf *buf, struct arena *arena, size_t size_first)
{
    *buf = (struct buf){.arena = arena};
    if (size_first > 0) {
        (void)buf_reserve(buf, size_first);
    }
}

bool buf_reserve(struct buf *buf, size_t extra)
{
    if (buf->failed) {
        return false;
    }
    if (extra < buf->size - buf->len) { /* One byte is kept for the NUL. */
        return true;
    }
    if (extra > SIZE_MAX / 4 || buf->len > SIZE_MAX / 4) {
        buf->failed = true;
        return false;
    }
    size_t size = (buf->len + extra + 1) * 2;
    size = size < BUF_SIZE_MIN ? BUF_SIZE_MIN : size;
    char *ptr = arena_bytes(buf->arena, size);
    if (ptr == NULL) {
        size = buf->len + extra + 1;
        ptr = arena_bytes(buf->arena, size);
    }
    if (ptr == NULL) {
        buf->failed = true;
        return false;
    }
    if (buf->len > 0) {
        memcpy(ptr, buf->ptr, buf->len);
    }
    buf->ptr = ptr;
    buf->size = size;
    return true;
}

void buf_add(struct buf *buf, struct str text)
{
    if (text.len > 0 && buf_reserve(buf, text.len)) {
        memcpy(buf->ptr + buf->len, text.ptr, text.len);
        buf->len += text.len;
    }
}

void buf_add_byte(struct buf *buf, char byte)
{
    if (buf_reserve(buf, 1)) {
        buf->ptr[buf->len++] = byte;
    }
}

void buf_add_int(struct buf *buf, int64_t value)
{
    char digits[24];
    size_t at = sizeof digits;
    uint64_t rest = value < 0 ? 0 - (uint64_t)value : (uint64_t)value;
    do {
        digits[--at] = (char)('0' + rest % 10);
        rest /= 10;
    } while (rest > 0);
    if (value < 0) {
        digits[--at] = '-';
    }
    buf_add(buf, (struct str){digits + at, sizeof digits - at});
}

void buf_printf(struct buf *buf, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    va_list again;
    va_copy(again, args);
    int len = vsnprintf(NULL, 0, format, args);
    va_end(args);
    must(len >= 0);
    if (buf_reserve(buf, (size_t)len)) {
        (void)vsnprintf(buf->ptr + buf->len, (size_t)len + 1, format, again);
        buf->len += (size_t)len;
    }
    va_end(again);
}

struct str buf_str(struct buf *buf)
{
    if (!buf_reserve(buf, 0)) {
        return (struct str){0};
    }
    buf->ptr[buf->len] = '\0';
    return (struct str){buf->ptr, buf->len};
}

bool buf_ok(const struct buf *buf)
{
    return !buf->failed;
}

void buf_clear(struct buf *buf)
{
    buf->len = 0;
    buf->failed = false;
}
