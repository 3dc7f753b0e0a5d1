#include "net/http.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/must.h"
#include "net/dial.h"
#include "net/http_url.h"
#include "text/gzip.h"

enum {
    CONNECTION_AGE_S = 60,
    HEADER_LINE_MAX = 16 * 1024,
    SHOWN_MAX = 300,
    WORDS_MAX = 160,
};

struct http {
    struct dial dial;
    bool allow_clear;
    CURL *curl; /* NULL: at rest. It keeps the connections. */
};

/* One request on its way. */
struct transfer {
    struct http *http;
    struct arena *arena;
    const struct http_request *request;
    const struct http_url *url;
    struct buf body;
    size_t body_max;
    struct http_header *headers;
    size_t header_count;
    bool too_large;
    bool no_memory;
    char words[CURL_ERROR_SIZE];
};

/* ---- Life ---- */

bool http_open(struct http **out, const struct http_options *options, struct err *err)
{
    struct http *http = mem_alloc(sizeof *http);
    if (http == NULL) {
        return err_set(err, ERR_RETRY, "http: out of memory");
    }
    http->dial.clock = options->clock != NULL ? options->clock : clock_system();
    http->dial.stopping = options->stopping;
    http->dial.stopping_context = options->stopping_context;
    http->dial.anywhere = options->anywhere;
    http->allow_clear = options->allow_clear;
    if (!dial_set_root(&http->dial, options->root, err)) {
        mem_free(http);
        return err_prefix(err, "http: ");
    }
    *out = http;
    return true;
}

void http_rest(struct http *http)
{
    if (http->curl != NULL) {
        curl_easy_cleanup(http->curl);
        http->curl = NULL;
    }
    dial_rest(&http->dial);
}

void http_close(struct http *http)
{
    if (http != NULL) {
        http_rest(http);
        mem_free(http);
    }
}

/* ---- What curl calls ---- */

static size_t take_body(char *bytes, size_t size, size_t count, void *context)
{
    struct transfer *transfer = context;
    size_t len = size * count;
    if (len > transfer->body_max - transfer->body.len) {
        transfer->too_large = true;
        return CURL_WRITEFUNC_ERROR;
    }
    buf_add(&transfer->body, (struct str){bytes, len});
    transfer->no_memory = !buf_ok(&transfer->body);
    return transfer->no_memory ? CURL_WRITEFUNC_ERROR : len;
}

/* The length is known: room at once, instead of moving a large body again and again. */
static void expect_body(struct transfer *transfer, const struct http_header *header)
{
    int64_t len = 0;
    if (str_equal_ascii_case(header->name, STR("Content-Length")) &&
        !str_equal(transfer->request->method, STR("HEAD")) && str_to_int64(header->value, &len) &&
        len > 0 && (uint64_t)len <= transfer->body_max) {
        transfer->no_memory = !buf_reserve(&transfer->body, (size_t)len);
    }
}

static size_t take_header(char *bytes, size_t size, size_t count, void *context)
{
    struct transfer *transfer = context;
    struct str line = str_trim((struct str){bytes, size * count});
    size_t colon = str_find_byte(line, ':', 0);
    if (str_starts(line, STR("HTTP/"))) {
        transfer->header_count = 0; /* A new answer, behind "100 Continue" and its like. */
    } else if (colon != STR_NONE && line.len <= HEADER_LINE_MAX &&
               transfer->header_count < HTTP_ANSWER_HEADERS_MAX) {
        struct http_header *header = &transfer->headers[transfer->header_count];
        header->name = arena_copy(transfer->arena, str_slice(line, 0, colon));
        header->value = arena_copy(transfer->arena, str_trim(str_slice(line, colon + 1, line.len)));
        transfer->no_memory = header->name.ptr == NULL || header->value.ptr == NULL;
        transfer->header_count += !transfer->no_memory;
        if (!transfer->no_memory) {
            expect_body(transfer, header);
        }
    }
    return transfer->no_memory ? 0 : size * count;
}

/* ---- Setting up ---- */

static bool no_memory(struct err *err)
{
    return err_set(err, ERR_RETRY, "http: out of memory");
}

/* `http://` where it is not allowed, and the authorities for `https://`. */
static bool judge_url(struct http *http, const struct http_url *url, struct err *err)
{
    if (url->secure) {
        return dial_trust(&http->dial, err);
    }
    enum host_kind kind = host_kind_of(url->host);
    if ((kind == HOST_PUBLIC || kind == HOST_SPECIAL) && !http->allow_clear) {
        return err_set(err, ERR_CONFIG,
                       "http:// would send everything in the clear over a public network: use "
                       "https://, or allow it by name (allow_clear)");
    }
    return true;
}

/* Line ends would make another header of the rest, and a name is letters without a colon. */
static bool header_is_sound(const struct http_header *header)
{
    for (size_t i = 0; i < header->name.len; i++) {
        unsigned char letter = (unsigned char)header->name.ptr[i];
        if (letter <= ' ' || letter >= 0x7F || strchr("()<>@,;:\\\"/[]?={}", letter) != NULL) {
            return false;
        }
    }
    for (size_t i = 0; i < header->value.len; i++) {
        unsigned char letter = (unsigned char)header->value.ptr[i];
        if ((letter < ' ' && letter != '\t') || letter == 0x7F) {
            return false;
        }
    }
    return header->name.len > 0;
}

static bool add_header(struct curl_slist **list, struct arena *arena,
                       const struct http_header *header)
{
    if (!header_is_sound(header)) {
        return false;
    }
    struct str line =
        header->value.len > 0
            ? arena_printf(arena, "%.*s: %.*s", STR_ARG(header->name), STR_ARG(header->value))
            : arena_printf(arena, "%.*s;", STR_ARG(header->name));
    struct curl_slist *longer = line.ptr != NULL ? curl_slist_append(*list, line.ptr) : NULL;
    *list = longer != NULL ? longer : *list;
    return longer != NULL;
}

static bool make_headers(const struct transfer *transfer, bool foreign, struct curl_slist **list,
                         struct err *err)
{
    const struct http_request *request = transfer->request;
    struct http_header own[HTTP_SIGNED_HEADERS_MAX];
    size_t count = 0;
    must(request->header_count <= HTTP_HEADERS_MAX);
    const struct http_header packed = {STR("Accept-Encoding"), STR("gzip")};
    *list = curl_slist_append(NULL, "Expect:"); /* Without a value: curl leaves it out. */
    bool ok = *list != NULL && add_header(list, transfer->arena, &packed);
    for (size_t i = 0; ok && !foreign && i < request->header_count; i++) {
        ok = add_header(list, transfer->arena, &request->headers[i]);
    }
    if (ok && !foreign && request->sign != NULL) {
        if (!request->sign(request->sign_context, request, transfer->arena, own, &count, err)) {
            return false;
        }
        must(count <= HTTP_SIGNED_HEADERS_MAX);
    }
    for (size_t i = 0; ok && i < count; i++) {
        ok = add_header(list, transfer->arena, &own[i]);
    }
    return ok ||
           err_set(err, ERR_REJECT,
                   "http: a header's name or value holds a line end or another control character, "
                   "or there is no memory");
}

#define SET(option, value) (ok = ok && curl_easy_setopt(curl, (option), (value)) == CURLE_OK)

/* What is the same for all requests. */
static bool set_manners(struct http *http)
{
    CURL *curl = http->curl;
    bool ok = dial_manners(&http->dial, curl);
    SET(CURLOPT_PROTOCOLS_STR, "http,https");
    SET(CURLOPT_FOLLOWLOCATION, 0L);
    SET(CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    SET(CURLOPT_MAXCONNECTS, (long)HTTP_CONNECTIONS_KEPT);
    SET(CURLOPT_MAXAGE_CONN, (long)CONNECTION_AGE_S);
    SET(CURLOPT_USERAGENT, "sluice/" SLUICE_VERSION);
    return ok;
}

static bool set_request(struct transfer *transfer, bool foreign, int64_t left_ms)
{
    const struct http_request *request = transfer->request;
    CURL *curl = transfer->http->curl;
    bool ok = true;
    bool body = request->body.ptr != NULL && !foreign;
    struct str method = arena_copy(transfer->arena, request->method);
    SET(CURLOPT_URL, transfer->url->text.ptr);
    SET(CURLOPT_TIMEOUT_MS, (long)left_ms);
    SET(CURLOPT_CONNECTTIMEOUT_MS, (long)(left_ms < HTTP_CONNECT_MS ? left_ms : HTTP_CONNECT_MS));
    SET(CURLOPT_FRESH_CONNECT, request->once ? 1L : 0L);
    SET(CURLOPT_ERRORBUFFER, transfer->words);
    SET(CURLOPT_WRITEFUNCTION, take_body);
    SET(CURLOPT_WRITEDATA, transfer);
    SET(CURLOPT_HEADERFUNCTION, take_header);
    SET(CURLOPT_HEADERDATA, transfer);
    SET(CURLOPT_HTTPGET, 1L);
    if (body) {
        SET(CURLOPT_POST, 1L);
        SET(CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)request->body.len);
        SET(CURLOPT_POSTFIELDS, request->body.len > 0 ? request->body.ptr : "");
    }
    if (str_equal(request->method, STR("HEAD"))) {
        SET(CURLOPT_NOBODY, 1L);
    } else if (request->method.len > 0) {
        SET(CURLOPT_CUSTOMREQUEST, method.ptr);
    }
    return ok && method.ptr != NULL;
}

/* ---- When there is no answer ---- */

static bool why_refused(const struct http *http, const char *shown, struct err *err)
{
    bool near = http->dial.refused == HOST_LINK_LOCAL;
    return err_set(err, ERR_REJECT, "%s: its address is %s, where a URL of strangers must not lead",
                   shown,
                   near                                  ? "link-local"
                   : http->dial.refused == HOST_LOOPBACK ? "this machine"
                   : http->dial.refused == HOST_PRIVATE  ? "in a private network"
                                                         : "none of a server");
}

static const char *words_of(CURLcode code)
{
    switch ((int)code) {
    case CURLE_WEIRD_SERVER_REPLY:
    case CURLE_UNSUPPORTED_PROTOCOL:
    case CURLE_HTTP2:
        return "what answers there does not speak HTTP/1";
    default:
        return dial_words(code);
    }
}

static bool why(const struct transfer *transfer, CURLcode code, struct err *err)
{
    char memory[SHOWN_MAX];
    struct buf buf;
    buf_init(&buf, transfer->arena, 0);
    http_show(&buf, transfer->url->text, transfer->request->secret_url);
    (void)snprintf(memory, sizeof memory, "%.*s", STR_ARG(buf_str(&buf)));
    if (transfer->http->dial.stopped) {
        return err_set(err, ERR_STOP, "%s: asked to stop", memory);
    }
    if (strstr(transfer->words, "Too large response headers") != NULL) {
        return err_set(err, ERR_REJECT, "%s: the headers of the answer are larger than we take",
                       memory);
    }
    if (transfer->too_large || code == CURLE_TOO_LARGE) {
        return err_set(err, ERR_REJECT, "%s: the answer is larger than %zu bytes", memory,
                       transfer->body_max);
    }
    if (transfer->no_memory) {
        return no_memory(err);
    }
    if (transfer->http->dial.was_refused && code == CURLE_COULDNT_CONNECT) {
        return why_refused(transfer->http, memory, err);
    }
    bool tls = code == CURLE_SSL_CONNECT_ERROR || code == CURLE_PEER_FAILED_VERIFICATION ||
               code == CURLE_FAILED_INIT || strncmp(transfer->words, "SSL: ", 5) == 0;
    if (tls && transfer->url->secure &&
        (transfer->http->dial.check != NULL || transfer->http->dial.tls.kind != ERR_NONE)) {
        bool handshake =
            transfer->http->dial.check == NULL || !tls_check_passed(transfer->http->dial.check);
        if (handshake || code != CURLE_RECV_ERROR) {
            (void)dial_why_tls(&transfer->http->dial, transfer->words, err);
            return err_prefix(err, "%s: ", memory);
        }
    }
    const char *words = words_of(code);
    char own[WORDS_MAX];
    (void)snprintf(own, sizeof own, "%s", curl_easy_strerror(code));
    return err_set(err, ERR_RETRY, "%s: %s", memory, words != NULL ? words : own);
}

/* ---- Packed answers ---- */

/* curl would take a packed body that was cut for a whole one, so it is unpacked here. */
struct unpacking {
    struct buf body;
    size_t max;
    bool too_large;
};

static bool take_unpacked(void *context, struct str piece, struct err *err)
{
    struct unpacking *unpacking = context;
    unpacking->too_large = piece.len > unpacking->max - unpacking->body.len;
    if (!unpacking->too_large) {
        buf_add(&unpacking->body, piece);
    }
    return (!unpacking->too_large && buf_ok(&unpacking->body)) || no_memory(err);
}

static bool why_unpacking(const struct transfer *transfer, bool too_large, struct err *err)
{
    struct buf buf;
    buf_init(&buf, transfer->arena, 0);
    http_show(&buf, transfer->url->text, transfer->request->secret_url);
    return too_large
               ? err_set(err, ERR_REJECT, "%.*s: the answer is larger than %zu bytes",
                         STR_ARG(str_slice(buf_str(&buf), 0, SHOWN_MAX)), transfer->body_max)
               : err_set(err, ERR_RETRY,
                         "%.*s: the answer is packed in a way that cannot be unpacked, or was "
                         "cut",
                         STR_ARG(str_slice(buf_str(&buf), 0, SHOWN_MAX)));
}

/* The body as it was before the server packed it. */
static bool unpack(struct transfer *transfer, const struct http_answer *answer, struct err *err)
{
    struct str coding = str_trim(http_header_get(answer, STR("Content-Encoding")));
    struct unpacking unpacking = {.max = transfer->body_max};
    struct gzip *gzip = NULL;
    if (coding.len == 0 || str_equal_ascii_case(coding, STR("identity")) ||
        transfer->body.len == 0) {
        return true;
    }
    if (!str_equal_ascii_case(coding, STR("gzip")) &&
        !str_equal_ascii_case(coding, STR("x-gzip"))) {
        return why_unpacking(transfer, false, err);
    }
    buf_init(&unpacking.body, transfer->arena, transfer->body.len);
    if (!gzip_open(&gzip, GZIP_UNPACK, err)) {
        return false;
    }
    struct err why = {0};
    bool ok = gzip_push(gzip, buf_str(&transfer->body), false, take_unpacked, &unpacking, &why) &&
              gzip_done(gzip);
    gzip_close(gzip);
    if (!ok && why.kind == ERR_RETRY && !unpacking.too_large) {
        return no_memory(err);
    }
    transfer->body = unpacking.body;
    return ok || why_unpacking(transfer, unpacking.too_large, err);
}

/* ---- One request ---- */

/* One hop. `foreign`: another host, to which nothing of the caller's goes. */
static bool perform(struct transfer *transfer, bool foreign, int64_t deadline_ms,
                    struct http_answer *answer, struct err *err)
{
    struct http *http = transfer->http;
    struct curl_slist *headers = NULL;
    long status = 0;
    long connects = 0;
    long request_size = 0;
    int64_t left_ms = deadline_ms - clock_mono_ms(http->dial.clock);
    if (left_ms <= 0) {
        return err_set(err, ERR_RETRY, "http: no time left");
    }
    if (http->curl == NULL) {
        http->curl = curl_easy_init();
    }
    if (http->curl == NULL) {
        return no_memory(err);
    }
    curl_easy_reset(http->curl); /* Connections stay. */
    http->dial.was_refused = http->dial.stopped = false;
    http->dial.tls = (struct err){0};
    http->dial.host = transfer->url->host;
    bool ok = judge_url(http, transfer->url, err) && make_headers(transfer, foreign, &headers, err);
    if (ok && !(set_manners(http) && set_request(transfer, foreign, left_ms) &&
                curl_easy_setopt(http->curl, CURLOPT_HTTPHEADER, headers) == CURLE_OK)) {
        ok = no_memory(err);
    }
    if (ok) {
        CURLcode code = curl_easy_perform(http->curl);
        (void)curl_easy_getinfo(http->curl, CURLINFO_RESPONSE_CODE, &status);
        (void)curl_easy_getinfo(http->curl, CURLINFO_NUM_CONNECTS, &connects);
        (void)curl_easy_getinfo(http->curl, CURLINFO_REQUEST_SIZE, &request_size);
        answer->may_have_arrived |= request_size > 0;
        answer->too_large = transfer->too_large || code == CURLE_TOO_LARGE;
        ok = code == CURLE_OK || why(transfer, code, err);
        /* A new connection over TLS that nobody judged cannot be; if it were, it would not count.
         */
        must(!ok || !transfer->url->secure || connects == 0 ||
             (http->dial.check != NULL && tls_check_passed(http->dial.check)));
    }
    curl_slist_free_all(headers);
    answer->status = (int)status;
    answer->reused = connects == 0;
    return ok;
}

static bool is_redirect(int status)
{
    return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
}

static bool reads_only(const struct http_request *request)
{
    return request->body.ptr == NULL &&
           (request->method.len == 0 || str_equal(request->method, STR("GET")) ||
            str_equal(request->method, STR("HEAD")));
}

/* May the redirect be followed, and as what? */
static bool judge_redirect(const struct http_request *request, int status,
                           const struct http_url *from, const struct http_url *to, bool *foreign,
                           struct err *err)
{
    if (from->secure && !to->secure) {
        return err_set(err, ERR_CONFIG, "http: a redirect leads from https to http; not followed");
    }
    *foreign = *foreign || !http_url_same_origin(from, to);
    bool repeats = status == 307 || status == 308;
    if (!reads_only(request) && (*foreign || !repeats)) {
        return err_set(err, ERR_CONFIG,
                       "http: the server redirects what we send to another place; use the final "
                       "address (HTTP %d)",
                       status);
    }
    return true;
}

static bool start_transfer(struct transfer *transfer, const struct http_url *url)
{
    const struct http_request *request = transfer->request;
    size_t max = request->answer_max > 0 ? request->answer_max : HTTP_ANSWER_MAX;
    must(max <= HTTP_ANSWER_LIMIT);
    transfer->url = url;
    transfer->body_max = max;
    transfer->header_count = 0;
    transfer->headers =
        arena_array(transfer->arena, HTTP_ANSWER_HEADERS_MAX, sizeof *transfer->headers);
    buf_init(&transfer->body, transfer->arena, 0);
    return transfer->headers != NULL;
}

bool http_send(struct http *http, const struct http_request *request, int64_t deadline_ms,
               struct arena *arena, struct http_answer *answer, struct err *err)
{
    struct transfer transfer = {.http = http, .arena = arena, .request = request};
    struct http_url url;
    bool foreign = false;
    *answer = (struct http_answer){0};
    if (!dial_init_library(err) || !http_url_read(request->url, arena, &url, err)) {
        return false;
    }
    for (unsigned hop = 0;; hop++) {
        if (!start_transfer(&transfer, &url)) {
            return no_memory(err);
        }
        if (!perform(&transfer, foreign, deadline_ms, answer, err)) {
            return false;
        }
        answer->headers = transfer.headers;
        answer->header_count = transfer.header_count;
        if (!unpack(&transfer, answer, err)) {
            return false;
        }
        answer->body = transfer.body.len > 0 ? buf_str(&transfer.body) : STR("");
        answer->url = url.text;
        answer->retry_after_ms = http_retry_after(http_header_get(answer, STR("Retry-After")),
                                                  clock_wall_ms(http->dial.clock));
        struct str location = http_header_get(answer, STR("Location"));
        if (!is_redirect(answer->status) || request->redirects == 0 || location.len == 0) {
            return true;
        }
        if (hop >= request->redirects || hop >= HTTP_REDIRECTS_MAX) {
            return err_set(err, ERR_CONFIG, "http: more than %u redirects", hop);
        }
        struct http_url next;
        if (!http_url_follow(&url, location, arena, &next, err) ||
            !judge_redirect(request, answer->status, &url, &next, &foreign, err)) {
            return false;
        }
        url = next;
    }
}

struct str http_authorities(const struct http *http)
{
    return http->dial.trust != NULL ? str_of(tls_trust_name(http->dial.trust)) : (struct str){0};
}

struct str http_header_get(const struct http_answer *answer, struct str name)
{
    for (size_t i = 0; i < answer->header_count; i++) {
        if (str_equal_ascii_case(answer->headers[i].name, name)) {
            return answer->headers[i].value;
        }
    }
    return (struct str){0};
}
