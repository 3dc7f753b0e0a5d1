#include "net/dial.h"

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/thread.h"

bool dial_init_library(struct err *err)
{
    static struct lock lock = {PTHREAD_MUTEX_INITIALIZER};
    static bool done;
    lock_take(&lock);
    done = done || curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK;
    bool ok = done;
    lock_give(&lock);
    return ok || err_set(err, ERR_RETRY, "the library for HTTP and mail cannot be set up");
}

bool dial_set_root(struct dial *dial, struct str root, struct err *err)
{
    if (root.len >= sizeof dial->root) {
        return err_set(err, ERR_CONFIG, "the path of the authorities is too long");
    }
    if (root.len > 0) {
        memcpy(dial->root, root.ptr, root.len);
    }
    return true;
}

bool dial_trust(struct dial *dial, struct err *err)
{
    return dial->trust != NULL || tls_trust_load(str_of(dial->root), &dial->trust, err);
}

void dial_rest(struct dial *dial)
{
    tls_check_free(dial->check);
    dial->check = NULL;
    tls_trust_drop(dial->trust);
    dial->trust = NULL;
}

/* ---- What curl calls ---- */

static int look_up(void *context, curl_off_t a, curl_off_t b, curl_off_t c, curl_off_t d)
{
    struct dial *dial = context;
    (void)a;
    (void)b;
    (void)c;
    (void)d;
    dial->stopped = dial->stopping != NULL && dial->stopping(dial->stopping_context);
    return dial->stopped;
}

/* The name was looked up: may we go to this address? */
static curl_socket_t open_socket(void *context, curlsocktype purpose, struct curl_sockaddr *address)
{
    struct dial *dial = context;
    enum host_kind kind = HOST_SPECIAL;
    (void)purpose;
    if (address->family == AF_INET) {
        /* The address stands behind family and port. */
        kind = host_kind_of_address((const unsigned char *)&address->addr + 4, 4);
    } else if (address->family == AF_INET6) {
        kind = host_kind_of_address((const unsigned char *)&address->addr + 8, 16);
    }
    bool fine =
        kind == HOST_PUBLIC || (dial->anywhere && (kind == HOST_LOOPBACK || kind == HOST_PRIVATE));
    if (!fine) {
        dial->was_refused = true;
        dial->refused = kind;
        return CURL_SOCKET_BAD;
    }
    return socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}

/* A handshake is about to begin: our policy takes the place of curl's. */
static CURLcode begin_tls(CURL *curl, void *client, void *context)
{
    struct dial *dial = context;
    (void)curl;
    tls_check_free(dial->check);
    dial->check = NULL;
    struct tls_policy policy = {.trust = dial->trust, .host = dial->host, .clock = dial->clock};
    if (!tls_check_new(&dial->check, &policy, &dial->tls)) {
        return CURLE_SSL_CONNECT_ERROR;
    }
    tls_check_install(dial->check, client);
    return CURLE_OK;
}

#define SET(option, value) (ok = ok && curl_easy_setopt(curl, (option), (value)) == CURLE_OK)

bool dial_manners(struct dial *dial, CURL *curl)
{
    bool ok = true;
    SET(CURLOPT_NOSIGNAL, 1L);
    SET(CURLOPT_QUICK_EXIT, 1L); /* A name that is never found does not hold us up. */
    SET(CURLOPT_PROXY, "");
    SET(CURLOPT_TCP_KEEPALIVE, 1L);
    SET(CURLOPT_NOPROGRESS, 0L);
    SET(CURLOPT_XFERINFOFUNCTION, look_up);
    SET(CURLOPT_XFERINFODATA, dial);
    SET(CURLOPT_OPENSOCKETFUNCTION, open_socket);
    SET(CURLOPT_OPENSOCKETDATA, dial);
    /* Not unchecked: begin_tls() puts our own judge in the place of curl's. */
    SET(CURLOPT_SSL_VERIFYPEER, 0L);
    SET(CURLOPT_SSL_VERIFYHOST, 0L);
    SET(CURLOPT_SSL_SESSIONID_CACHE, 0L);
    SET(CURLOPT_SSL_CTX_FUNCTION, begin_tls);
    SET(CURLOPT_SSL_CTX_DATA, dial);
    return ok;
}

/* ---- When it goes wrong ---- */

/* curl's words end in BearSSL's code, unless the judge has spoken already. */
bool dial_why_tls(const struct dial *dial, const char *words, struct err *err)
{
    const char *code = strstr(words, "error 0x");
    if (dial->tls.kind != ERR_NONE) {
        *err = dial->tls;
        return false;
    }
    int number = code != NULL ? (int)strtol(code + 8, NULL, 16) : 0;
    return tls_check_why(dial->check, number, err);
}

const char *dial_words(CURLcode code)
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
    case CURLE_OUT_OF_MEMORY:
        return "out of memory";
    default:
        return NULL;
    }
}
