#include "net/http_url.h"

#include <curl/curl.h>
#include <string.h>

#include "net/http.h"

enum {
    TOKEN_LETTERS = 16, /* A part of a path that is as long and mixed is taken for a secret. */
    PART_SHOWN_MAX = 80,
};

static bool bad(struct err *err, const char *why)
{
    return err_set(err, ERR_CONFIG, "the URL is not right: %s", why);
}

static bool part(CURLU *handle, CURLUPart which, unsigned flags, struct arena *arena,
                 struct str *out)
{
    char *text = NULL;
    *out = (struct str){0};
    if (curl_url_get(handle, which, &text, flags) != CURLUE_OK || text == NULL) {
        return false;
    }
    *out = arena_copy(arena, str_of(text));
    curl_free(text);
    return out->ptr != NULL;
}

static bool read_parts(CURLU *handle, struct arena *arena, struct http_url *out, struct err *err)
{
    struct str scheme = {0};
    *out = (struct http_url){0};
    if (part(handle, CURLUPART_SCHEME, 0, arena, &scheme)) {
        out->secure = str_equal(scheme, STR("https"));
    }
    if (!out->secure && !str_equal(scheme, STR("http"))) {
        return bad(err, "it must begin with https:// or http://");
    }
    if (!part(handle, CURLUPART_HOST, 0, arena, &out->host) ||
        !part(handle, CURLUPART_PORT, CURLU_DEFAULT_PORT, arena, &out->port) ||
        !part(handle, CURLUPART_URL, 0, arena, &out->text)) {
        return bad(err, "it has no host");
    }
    if (str_starts(out->host, STR("[")) && str_ends(out->host, STR("]"))) {
        out->host = str_slice(out->host, 1, out->host.len - 1);
    }
    return true;
}

static bool set_url(CURLU *handle, struct str url, struct err *err)
{
    char text[HTTP_URL_MAX + 1];
    if (url.len == 0 || url.len > HTTP_URL_MAX) {
        return bad(err, "it is empty or longer than 8192 bytes");
    }
    if (memchr(url.ptr, '\0', url.len) != NULL) {
        return bad(err, "it holds a NUL byte");
    }
    memcpy(text, url.ptr, url.len);
    text[url.len] = '\0';
    switch ((int)curl_url_set(handle, CURLUPART_URL, text, CURLU_NON_SUPPORT_SCHEME)) {
    case CURLUE_OK:
        return true;
    case CURLUE_BAD_PORT_NUMBER:
        return bad(err, "its port is no number from 1 to 65535");
    case CURLUE_NO_HOST:
    case CURLUE_BAD_HOSTNAME:
        return bad(err, "its host is missing or misspelt");
    case CURLUE_BAD_SCHEME:
    case CURLUE_UNSUPPORTED_SCHEME:
        return bad(err, "it must begin with https:// or http://");
    case CURLUE_OUT_OF_MEMORY:
        return err_set(err, ERR_RETRY, "out of memory for a URL");
    default:
        return bad(err, "it must read https://HOST/PATH, with spaces as %20");
    }
}

bool http_url_read(struct str url, struct arena *arena, struct http_url *out, struct err *err)
{
    CURLU *handle = curl_url();
    if (handle == NULL) {
        return err_set(err, ERR_RETRY, "out of memory for a URL");
    }
    bool ok = set_url(handle, url, err) && read_parts(handle, arena, out, err);
    curl_url_cleanup(handle);
    return ok;
}

bool http_url_follow(const struct http_url *base, struct str location, struct arena *arena,
                     struct http_url *out, struct err *err)
{
    CURLU *handle = curl_url();
    if (handle == NULL) {
        return err_set(err, ERR_RETRY, "out of memory for a URL");
    }
    bool ok = set_url(handle, base->text, err) && set_url(handle, location, err) &&
              read_parts(handle, arena, out, err);
    curl_url_cleanup(handle);
    return ok;
}

bool http_url_same_origin(const struct http_url *a, const struct http_url *b)
{
    return a->secure == b->secure && str_equal_ascii_case(a->host, b->host) &&
           str_equal(a->port, b->port);
}

bool http_url_check(struct str url, struct err *err)
{
    struct arena arena;
    struct http_url parts;
    arena_init(&arena, 64 * (size_t)1024);
    bool ok = http_url_read(url, &arena, &parts, err);
    arena_free(&arena);
    return ok;
}

/* ---- For messages ---- */

/* Long, and letters mixed with digits or cases: a key, and not a word. Or "user:password@". */
static bool looks_secret(struct str text)
{
    bool digit = false;
    bool small = false;
    bool large = false;
    for (size_t i = 0; i < text.len; i++) {
        char letter = text.ptr[i];
        digit |= letter >= '0' && letter <= '9';
        small |= letter >= 'a' && letter <= 'z';
        large |= letter >= 'A' && letter <= 'Z';
    }
    size_t colon = str_find_byte(text, ':', 0);
    bool login = colon != STR_NONE && str_find_byte(text, '@', colon) != STR_NONE;
    return login || (text.len >= TOKEN_LETTERS && (digit || (small && large)));
}

static void show_plain(struct buf *buf, struct str text)
{
    for (size_t i = 0; i < text.len && i < PART_SHOWN_MAX; i++) {
        char letter = text.ptr[i];
        buf_add_byte(buf, letter > ' ' && letter < 0x7F ? letter : '?');
    }
}

/* A password with a "/", "?" or "#" in it that was not written as %2F and so on: what looks like
 * the host is the user and a part of the password. */
static bool is_torn(struct str authority, struct str rest)
{
    return str_find_byte(rest, '@', 0) != STR_NONE &&
           str_find_byte(authority, '@', 0) == STR_NONE &&
           str_find_byte(authority, ':', 0) != STR_NONE;
}

/* "https": anything else in front of :// may be a part of a password. */
static bool is_scheme(struct str text)
{
    enum { SCHEME_MAX = 16 };
    for (size_t i = 0; i < text.len; i++) {
        unsigned letter = (unsigned)(unsigned char)text.ptr[i] | 0x20U;
        if (letter < 'a' || letter > 'z') {
            return false;
        }
    }
    return text.len > 0 && text.len <= SCHEME_MAX;
}

void http_show(struct buf *buf, struct str url, bool secret)
{
    size_t start = str_find(url, STR("://"), 0);
    if (start == STR_NONE || !is_scheme(str_slice(url, 0, start))) {
        buf_add(buf, STR("(a URL without a scheme)"));
        return;
    }
    show_plain(buf, str_slice(url, 0, start));
    buf_add(buf, STR("://"));
    struct str rest = str_slice(url, start + 3, url.len);
    size_t end = 0;
    while (end < rest.len && strchr("/?#", rest.ptr[end]) == NULL) {
        end++;
    }
    struct str authority = str_slice(rest, 0, end);
    if (is_torn(authority, str_slice(rest, end, rest.len))) {
        buf_add(buf, STR("\xE2\x80\xA6"));
        return;
    }
    for (size_t at = str_find_byte(authority, '@', 0); at != STR_NONE;
         at = str_find_byte(authority, '@', 0)) {
        authority = str_slice(authority, at + 1, authority.len);
    }
    show_plain(buf, authority);
    rest = str_slice(rest, end, rest.len);
    if (secret) {
        buf_add(buf, rest.len > 1 ? STR("/\xE2\x80\xA6") : STR(""));
        return;
    }
    size_t query = 0;
    while (query < rest.len && strchr("?#", rest.ptr[query]) == NULL) {
        query++;
    }
    struct str path = str_slice(rest, 0, query);
    struct str piece;
    bool first = true;
    path.ptr = path.len > 0 ? path.ptr : NULL;
    while (str_split(&path, '/', &piece)) {
        buf_add(buf, first ? STR("") : STR("/"));
        first = false;
        if (looks_secret(piece)) {
            buf_add(buf, STR("\xE2\x80\xA6"));
        } else {
            show_plain(buf, piece);
        }
    }
    buf_add(buf, query < rest.len ? STR("?\xE2\x80\xA6") : STR(""));
}
