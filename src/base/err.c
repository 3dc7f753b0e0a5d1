#include "base/err.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/must.h"

bool err_set(struct err *err, enum err_kind kind, const char *format, ...)
{
    must(err != NULL);
    must(kind != ERR_NONE);

    char text[ERR_TEXT_MAX]; /* The arguments may point into err->text. */
    va_list args;
    va_start(args, format);
    (void)vsnprintf(text, sizeof text, format, args);
    va_end(args);
    err->kind = kind;
    err->retry_after_ms = 0;
    memcpy(err->text, text, sizeof text);
    return false;
}

bool err_prefix(struct err *err, const char *format, ...)
{
    char where[ERR_TEXT_MAX];
    char whole[ERR_TEXT_MAX];
    va_list args;
    va_start(args, format);
    int where_len = vsnprintf(where, sizeof where, format, args);
    va_end(args);
    must(where_len >= 0);
    size_t used = strnlen(where, sizeof where - 1);
    memcpy(whole, where, used);
    size_t room = sizeof whole - 1 - used;
    size_t rest = strnlen(err->text, sizeof err->text - 1);
    rest = rest < room ? rest : room;
    memcpy(whole + used, err->text, rest);
    whole[used + rest] = '\0';
    memcpy(err->text, whole, used + rest + 1);
    return false;
}

const char *err_kind_name(enum err_kind kind)
{
    switch (kind) {
    case ERR_NONE:
        return "none";
    case ERR_RETRY:
        return "retry";
    case ERR_LOGIN:
        return "login";
    case ERR_REJECT:
        return "reject";
    case ERR_CONFIG:
        return "config";
    case ERR_STOP:
        return "stop";
    case ERR_STORE:
        return "store";
    }
    must_failed("unknown err_kind", __FILE__, __LINE__);
}
