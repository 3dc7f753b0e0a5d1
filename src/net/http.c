#include "net/http.h"

#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/must.h"
#include "base/thread.h"
#include "crypto/tls.h"
#include "net/http_url.h"
#include "text/host.h"

enum {
    CONNECTION_AGE_S = 60,
    HEADER_LINE_MAX = 16 * 1024,
    SHOWN_MAX = 300,
    WORDS_MAX = 160,
};

struct http {
    struct clock *clock;
    bool (*stopping)(void *context);
    void *stopping_context;
    bool anywhere;
    bool allow_clear;
    char root[1024];

    CURL *curl; /* NULL: at rest. It keeps the connections. */
    struct tls_trust *trust;
    struct tls_check *check; /* Of the last handshake. */
    enum host_kind refused;  /* An address that was not connected to, and its kind. */
    bool was_refused;
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
    bool stopped;
    struct err tls; /* Why the check could not be set up. */
    char words[CURL_ERROR_SIZE];
};

/* ---- Life ---- */

static bool init_library(struct err *err)
{
    static struct lock lock = {PTHREAD_MUTEX_INITIALIZER};
    static bool done;
    lock_take(&lock);
    done = done || curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK;
    bool ok = done;
    lock_give(&lock);
    return ok || err_set(err, ERR_RETRY, "http: the library cannot be set up");
}

bool http_open(struct http **out, const struct http_options *options, struct err *err)
{
    struct http *http = mem_alloc(sizeof *http);
    if (http == NULL) {
        return err_set(err, ERR_RETRY, "http: out of memory");
    }
    http->clock = options->clock != NULL ? options->clock : clock_system();
    http->stopping = options->stopping;
    http->stopping_context = options->stopping_context;
    http->anywhere = options->anywhere;
    http->allow_clear = options->allow_clear;
    if (options->root.len >= sizeof http->root) {
        mem_free(http);
        return err_set(err, ERR_CONFIG, "http: the path of the authorities is too long");
    }
    if (options->root.len > 0) {
        memcpy(http->root, options->root.ptr, options->root.len);
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
    tls_check_free(http->check);
    http->check = NULL;
    tls_trust_drop(http->trust);
    http->trust = NULL;
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
    }
    return transfer->no_memory ? 0 : size * count;
}

static int look_up(void *context, curl_off_t a, curl_off_t b, curl_off_t c, curl_off_t d)
{
    struct transfer *transfer = context;
    struct http *http = transfer->http;
    (void)a;
    (void)b;
    (void)c;
    (void)d;
    transfer->stopped = http->stopping != NULL && http->stopping(http->stopping_context);
    return transfer->stopped;
}

/* The name was looked up: may we go to this address? */
static curl_socket_t open_socket(void *context, curlsocktype purpose, struct curl_sockaddr *address)
{
    struct http *http = context;
    enum host_kind kind = HOST_SPECIAL;
    (void)purpose;
    if (address->family == AF_INET) {
        /* The address stands behind family and port. */
        kind = host_kind_of_address((const unsigned char *)&address->addr + 4, 4);
    } else if (address->family == AF_INET6) {
        kind = host_kind_of_address((const unsigned char *)&address->addr + 8, 16);
    }
    bool fine =
        kind == HOST_PUBLIC || (http->anywhere && (kind == HOST_LOOPBACK || kind == HOST_PRIVATE));
    if (!fine) {
        http->was_refused = true;
        http->refused = kind;
        return CURL_SOCKET_BAD;
    }
    return socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}

/* A handshake is about to begin: our policy takes the place of curl's. */
static CURLcode begin_tls(CURL *curl, void *client, void *context)
{
    struct transfer *transfer = context;
    struct http *http = transfer->http;
    (void)curl;
    tls_check_free(http->check);
    http->check = NULL;
    struct tls_policy policy = {
        .trust = http->trust, .host = transfer->url->host, .clock = http->clock};
    if (!tls_check_new(&http->check, &policy, &transfer->tls)) {
        return CURLE_SSL_CONNECT_ERROR;
    }
    tls_check_install(http->check, client);
    return CURLE_OK;
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
        return http->trust != NULL || tls_trust_load(str_of(http->root), &http->trust, err);
    }
    enum host_kind kind = host_kind_of(url->host);
    if ((kind == HOST_PUBLIC || kind == HOST_SPECIAL) && !http->allow_clear) {
        return err_set(err, ERR_CONFIG,
                       "http:// would send everything in the clear over a public network: use "
                       "https://, or allow it by name (allow_clear)");
    }
    return true;
}

static bool add_header(struct curl_slist **list, struct arena *arena,
                       const struct http_header *header)
{
    if (memchr(header->value.len > 0 ? header->value.ptr : "", '\n', header->value.len) != NULL ||
        memchr(header->value.len > 0 ? header->value.ptr : "", '\r', header->value.len) != NULL) {
        return false; /* It would become another header. */
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
    *list = curl_slist_append(NULL, "Expect:"); /* Without a value: curl leaves it out. */
    bool ok = *list != NULL;
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
    return ok || err_set(err, ERR_REJECT, "http: a header holds a line end, or there is no memory");
}

#define SET(option, value) (ok = ok && curl_easy_setopt(curl, (option), (value)) == CURLE_OK)

/* What is the same for all requests. */
static bool set_manners(struct http *http)
{
    CURL *curl = http->curl;
    bool ok = true;
    SET(CURLOPT_NOSIGNAL, 1L);
    SET(CURLOPT_QUICK_EXIT, 1L); /* A name that is never found does not hold us up. */
    SET(CURLOPT_PROTOCOLS_STR, "http,https");
    SET(CURLOPT_PROXY, "");
    SET(CURLOPT_FOLLOWLOCATION, 0L);
    SET(CURLOPT_ACCEPT_ENCODING, "gzip");
    SET(CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    SET(CURLOPT_MAXCONNECTS, (long)HTTP_CONNECTIONS_KEPT);
    SET(CURLOPT_MAXAGE_CONN, (long)CONNECTION_AGE_S);
    SET(CURLOPT_TCP_KEEPALIVE, 1L);
    SET(CURLOPT_NOPROGRESS, 0L);
    SET(CURLOPT_OPENSOCKETFUNCTION, open_socket);
    SET(CURLOPT_OPENSOCKETDATA, http);
    /* Not unchecked: begin_tls() puts our own judge in the place of curl's. */
    SET(CURLOPT_SSL_VERIFYPEER, 0L);
    SET(CURLOPT_SSL_VERIFYHOST, 0L);
    SET(CURLOPT_SSL_SESSIONID_CACHE, 0L);
    SET(CURLOPT_SSL_CTX_FUNCTION, begin_tls);
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
    SET(CURLOPT_XFERINFOFUNCTION, look_up);
    SET(CURLOPT_XFERINFODATA, transfer);
    SET(CURLOPT_SSL_CTX_DATA, transfer);
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
    bool near = http->refused == HOST_LINK_LOCAL;
    return err_set(err, ERR_REJECT, "%s: its address is %s, where a URL of strangers must not lead",
                   shown,
                   near                             ? "link-local"
                   : http->refused == HOST_LOOPBACK ? "this machine"
                   : http->refused == HOST_PRIVATE  ? "in a private network"
                                                    : "none of a server");
}

/* curl's words end in BearSSL's code, unless the judge has spoken already. */
static bool why_tls(const struct transfer *transfer, const char *shown, struct err *err)
{
    const char *code = strstr(transfer->words, "error 0x");
    if (transfer->tls.kind != ERR_NONE) {
        *err = transfer->tls;
    } else {
        int number = code != NULL ? (int)strtol(code + 8, NULL, 16) : 0;
        (void)tls_check_why(transfer->http->check, number, err);
    }
    return err_prefix(err, "%s: ", shown);
}

static const char *words_of(CURLcode code)
{
    switch ((int)code) {
    case CURLE_COULDNT_RESOLVE_HOST:
        return "the host's name is not known (or there is no network)";
    case CURLE_COULDNT_CONNECT:
        return "nobody answers there";
    case CURLE_OPERATION_TIMEDOUT:
        return "no answer in time";
    case CURLE_GOT_NOTHING:
        return "the connection was closed without an answer";
    case CURLE_PARTIAL_FILE:
    case CURLE_RECV_ERROR:
        return "the connection was cut before the end of the answer";
    case CURLE_SEND_ERROR:
        return "the connection was cut in the middle of the request";
    case CURLE_WEIRD_SERVER_REPLY:
    case CURLE_UNSUPPORTED_PROTOCOL:
    case CURLE_HTTP2:
        return "what answers there does not speak HTTP/1";
    case CURLE_BAD_CONTENT_ENCODING:
        return "the answer is packed in a way that cannot be unpacked";
    case CURLE_OUT_OF_MEMORY:
        return "out of memory";
    default:
        return NULL;
    }
}

static bool why(const struct transfer *transfer, CURLcode code, struct err *err)
{
    char memory[SHOWN_MAX];
    struct buf buf;
    buf_init(&buf, transfer->arena, 0);
    http_show(&buf, transfer->url->text, transfer->request->secret_url);
    (void)snprintf(memory, sizeof memory, "%.*s", STR_ARG(buf_str(&buf)));
    if (transfer->stopped) {
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
    if (transfer->http->was_refused && code == CURLE_COULDNT_CONNECT) {
        return why_refused(transfer->http, memory, err);
    }
    bool tls = code == CURLE_SSL_CONNECT_ERROR || code == CURLE_PEER_FAILED_VERIFICATION ||
               code == CURLE_FAILED_INIT || strncmp(transfer->words, "SSL: ", 5) == 0;
    if (tls && transfer->url->secure &&
        (transfer->http->check != NULL || transfer->tls.kind != ERR_NONE)) {
        bool handshake = transfer->http->check == NULL || !tls_check_passed(transfer->http->check);
        if (handshake || code != CURLE_RECV_ERROR) {
            return why_tls(transfer, memory, err);
        }
    }
    const char *words = words_of(code);
    char own[WORDS_MAX];
    (void)snprintf(own, sizeof own, "%s", curl_easy_strerror(code));
    return err_set(err, ERR_RETRY, "%s: %s", memory, words != NULL ? words : own);
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
    int64_t left_ms = deadline_ms - clock_mono_ms(http->clock);
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
    http->was_refused = false;
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
        ok = code == CURLE_OK || why(transfer, code, err);
        /* A new connection over TLS that nobody judged cannot be; if it were, it would not count.
         */
        must(!ok || !transfer->url->secure || connects == 0 ||
             (http->check != NULL && tls_check_passed(http->check)));
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
    if (!init_library(err) || !http_url_read(request->url, arena, &url, err)) {
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
        answer->body = transfer.body.len > 0 ? buf_str(&transfer.body) : STR("");
        answer->url = url.text;
        answer->retry_after_ms = http_retry_after(http_header_get(answer, STR("Retry-After")),
                                                  clock_wall_ms(http->clock));
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
    return http->trust != NULL ? str_of(tls_trust_name(http->trust)) : (struct str){0};
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
