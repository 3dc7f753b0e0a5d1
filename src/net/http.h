/*
 * http: the one HTTP client.
 *
 * A `struct http` belongs to one worker and keeps its connections open from request to request. It
 * touches no network and reads no certificates before the first request.
 *
 *     struct http_request request = {
 *         .url = STR("https://api.example/v1/things"), .body = json,
 *         .headers = headers, .header_count = 2,
 *     };
 *     struct http_answer answer;
 *     if (!http_send(http, &request, deadline, arena, &answer, err)) …   no answer: why is in err
 *     if (!http_grade(&answer, where, err)) …                            an answer, but not a good
 * one
 *
 * A request ends by its absolute deadline, whatever the other side does (a name that is not found,
 * a byte every ten seconds), and within about a second when the owner is asked to stop. Answers,
 * their headers and what they unpack to are limited.
 *
 * TLS is crypto/tls with its one policy. Plain http:// is refused on the way to a public host
 * unless `allow_clear`. Without `anywhere` only public addresses are connected to, judged after the
 * name was looked up, so that a stranger's URL cannot make us ask our own network; link-local
 * addresses are refused always. The environment's proxies are not used.
 *
 * Redirects are not followed unless `redirects` says how many. They never lead from https to http.
 * To another host (or port) only GET and HEAD follow, and nothing goes along: no headers of the
 * caller, no body, no signature.
 *
 * Nothing is tried again here: that is the engine's business, and the errors are graded for it. But
 * a connection that was kept and turns out to be dead is replaced at once, with the request sent
 * anew; where a request must not arrive twice, `once` takes a new connection from the start.
 *
 * Addresses may hold secrets (a password, a key in the query, a token in a path): in messages they
 * appear as http_show() writes them.
 */
#ifndef SLUICE_NET_HTTP_H
#define SLUICE_NET_HTTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/str.h"

struct http;

enum {
    HTTP_URL_MAX = 8192,
    HTTP_HEADERS_MAX = 64,                /* Of a request. */
    HTTP_ANSWER_HEADERS_MAX = 128,        /* Further ones are not kept. */
    HTTP_ANSWER_MAX = 1024 * 1024,        /* Bytes of a body, unless the request says otherwise. */
    HTTP_ANSWER_LIMIT = 64 * 1024 * 1024, /* More cannot be asked for. */
    HTTP_CONNECT_MS = 10000,
    HTTP_REDIRECTS_MAX = 10,
    HTTP_RETRY_AFTER_MAX_MS = 24 * 60 * 60 * 1000,
    HTTP_CONNECTIONS_KEPT = 4,
};

struct http_options {
    struct str root;  /* File of authorities; absent: the machine's. */
    bool anywhere;    /* Private and loopback addresses too: for what the configuration names. */
    bool allow_clear; /* http:// to public hosts. */
    struct clock *clock;
    bool (*stopping)(void *context); /* May be NULL. */
    void *stopping_context;
};

struct http_header {
    struct str name;
    struct str value;
};

struct http_request;

/* More headers for a request that is about to leave: signatures over the body. False: do not send.
 */
typedef bool http_sign(void *context, const struct http_request *request, struct arena *arena,
                       struct http_header *headers, size_t *count, struct err *err);

enum { HTTP_SIGNED_HEADERS_MAX = 8 };

struct http_request {
    struct str method; /* Absent: POST with a body, else GET. */
    struct str url;
    const struct http_header *headers;
    size_t header_count;
    struct str body;    /* Absent for none; empty is a body, too. */
    size_t answer_max;  /* 0: HTTP_ANSWER_MAX. */
    unsigned redirects; /* How many may be followed. */
    bool once;          /* It must not arrive twice. */
    bool secret_url;    /* All of the address behind the host is a secret. */
    http_sign *sign;    /* May be NULL. */
    void *sign_context;
};

struct http_answer {
    int status;
    struct str body;
    const struct http_header *headers;
    size_t header_count;
    int64_t retry_after_ms; /* The server asked to wait so long; 0 for nothing. */
    bool reused;            /* No new connection was needed. */
    bool may_have_arrived;  /* Also without an answer: something was sent. */
    bool too_large;         /* Without an answer: its body would be larger than asked for. */
    struct str url;         /* The last one, after redirects. */
};

bool http_open(struct http **out, const struct http_options *options, struct err *err);
void http_close(struct http *http); /* NULL is fine. */

/* Close the kept connections and give memory back; the client stays usable. */
void http_rest(struct http *http);

/* True for any answer, whatever its status. The answer lives in `arena`. */
bool http_send(struct http *http, const struct http_request *request, int64_t deadline_ms,
               struct arena *arena, struct http_answer *answer, struct err *err);

/* Whose authorities judge https: a file, or "built-in" (see crypto/tls_trust.h); absent before the
 * first such request. */
struct str http_authorities(const struct http *http);

/* The value of a header of the answer, whatever the case of its name; absent for none. */
struct str http_header_get(const struct http_answer *answer, struct str name);

/*
 * True for 2xx. Else an error for people, graded: ERR_RETRY with the wait that was asked for (408,
 * 425, 429, 5xx), ERR_LOGIN (401, 403, 407), ERR_CONFIG (redirects, 404, 410: the address is
 * wrong), ERR_REJECT (other 4xx: this request will never be taken). The body is not quoted.
 */
bool http_grade(const struct http_answer *answer, const char *where, struct err *err);

/* ---- Addresses ---- */

/* Is it an absolute http(s) URL with a host? ERR_CONFIG says what is wrong. */
bool http_url_check(struct str url, struct err *err);

/* For messages: no user, no password, no values of the query, nothing that looks like a token. */
void http_show(struct buf *buf, struct str url, bool secret);

/* Seconds or a date, as Retry-After has them, to a wait; 0 for nonsense or the past. */
int64_t http_retry_after(struct str value, int64_t wall_ms);

#endif
