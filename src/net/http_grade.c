/* What a status means for the one who asked. */
#include "net/http.h"
#include "text/datetime.h"

int64_t http_retry_after(struct str value, int64_t wall_ms)
{
    int64_t wait_ms = 0;
    struct stamp stamp;
    struct err ignored = {0};
    int64_t moment_ms = 0;
    value = str_trim(value);
    if (str_to_int64(value, &wait_ms)) {
        bool sound = wait_ms > 0 && wait_ms <= HTTP_RETRY_AFTER_MAX_MS / 1000;
        return sound ? wait_ms * 1000 : wait_ms > 0 ? HTTP_RETRY_AFTER_MAX_MS : 0;
    }
    if (value.len == 0 || !datetime_parse_mail(value, &stamp, &ignored) ||
        !datetime_stamp_ms(&stamp, &moment_ms) || moment_ms <= wall_ms) {
        return 0;
    }
    wait_ms = moment_ms - wall_ms;
    return wait_ms < HTTP_RETRY_AFTER_MAX_MS ? wait_ms : HTTP_RETRY_AFTER_MAX_MS;
}

static enum err_kind kind_of(int status)
{
    switch (status) {
    case 401:
    case 403:
    case 407:
        return ERR_LOGIN;
    case 404:
    case 410:
        return ERR_CONFIG;
    case 408:
    case 425:
    case 429:
        return ERR_RETRY;
    default:
        return status >= 500 ? ERR_RETRY : status >= 400 ? ERR_REJECT : ERR_CONFIG;
    }
}

static const char *words_of(int status)
{
    switch (status) {
    case 400:
        return "does not understand the request";
    case 401:
        return "wants to know who asks: is the key or token right?";
    case 403:
        return "forbids it: does the key or token have the right?";
    case 404:
        return "knows no such address: is the URL right?";
    case 407:
        return "is a proxy that wants a login";
    case 408:
        return "waited too long for the request";
    case 409:
        return "sees a conflict with what it has";
    case 410:
        return "says that this address is gone for good";
    case 413:
        return "finds the request too large";
    case 422:
        return "refuses what the request says";
    case 425:
    case 429:
        return "is asked too often";
    case 503:
        return "is overloaded or under repair";
    default:
        return status >= 500   ? "has trouble of its own"
               : status >= 400 ? "refuses the request"
                               : "sends us elsewhere: use the final address";
    }
}

bool http_grade(const struct http_answer *answer, const char *where, struct err *err)
{
    if (answer->status >= 200 && answer->status < 300) {
        return true;
    }
    (void)err_set(err, kind_of(answer->status), "%s %s (HTTP %d)", where, words_of(answer->status),
                  answer->status);
    if (err->kind == ERR_RETRY) {
        err->retry_after_ms = answer->retry_after_ms;
    }
    return false;
}
