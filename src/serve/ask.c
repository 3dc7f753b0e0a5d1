#include "serve/ask.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "serve/address.h"

enum { CHUNK = 16 * 1024, REQUEST_MAX = 256, STATUS_AT = 9, STATUS_LEN = 3 };

/* The socket, or -1. What listens on all addresses is asked on loopback. */
static int connect_to(struct str host, int64_t port, struct err *err)
{
    char text[ADDRESS_TEXT_MAX];
    struct sockaddr_in four = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    struct sockaddr_in6 six = {.sin6_family = AF_INET6, .sin6_port = htons((uint16_t)port)};
    host = str_equal(host, STR("0.0.0.0")) ? STR("127.0.0.1")
           : str_equal(host, STR("::"))    ? STR("::1")
                                           : host;
    (void)snprintf(text, sizeof text, "%.*s", STR_ARG(host));
    bool is_four = inet_pton(AF_INET, text, &four.sin_addr) == 1;
    if (!is_four && inet_pton(AF_INET6, text, &six.sin6_addr) != 1) {
        (void)err_set(err, ERR_CONFIG, "'%s' is no address", text);
        return -1;
    }
    int fd = socket(is_four ? AF_INET : AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0) {
        (void)err_set(err, ERR_RETRY, "no socket: %s", strerror(errno));
        return -1;
    }
    int rc = is_four ? connect(fd, (struct sockaddr *)&four, sizeof four)
                     : connect(fd, (struct sockaddr *)&six, sizeof six);
    if (rc != 0) {
        (void)err_set(err, ERR_RETRY,
                      "nobody answers on %s port %lld (%s): is `sluice serve` running, and is it "
                      "this configuration's?",
                      text, (long long)port, strerror(errno));
        (void)close(fd);
        return -1;
    }
    return fd;
}

static bool read_all(int fd, struct buf *out, struct err *err)
{
    int64_t until_ms = clock_mono_ms(clock_system()) + ASK_WAIT_MS;
    while (out->len < ASK_ANSWER_MAX) {
        char room[CHUNK];
        struct pollfd ready = {.fd = fd, .events = POLLIN};
        int64_t left_ms = until_ms - clock_mono_ms(clock_system());
        if (left_ms <= 0 || poll(&ready, 1, (int)left_ms) == 0) {
            break;
        }
        ssize_t got = recv(fd, room, sizeof room, 0);
        if (got == 0) {
            return buf_ok(out) || err_set(err, ERR_RETRY, "out of memory");
        }
        if (got < 0 && errno != EINTR) {
            break;
        }
        buf_add(out, (struct str){room, got > 0 ? (size_t)got : 0});
    }
    return err_set(err, ERR_RETRY, "sluice did not answer within %d s", ASK_WAIT_MS / 1000);
}

bool ask_get(struct arena *arena, struct str host, int64_t port, const char *path, int *status,
             struct str *body, struct err *err)
{
    char request[REQUEST_MAX];
    struct buf answer;
    int64_t code = 0;
    int len = snprintf(request, sizeof request,
                       "GET %s HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n", path);
    int fd = connect_to(host, port, err);
    if (fd < 0) {
        return false;
    }
    buf_init(&answer, arena, CHUNK);
    bool ok = send(fd, request, (size_t)len, MSG_NOSIGNAL) == len ||
              err_set(err, ERR_RETRY, "cannot ask: %s", strerror(errno));
    ok = ok && read_all(fd, &answer, err);
    (void)close(fd);
    if (!ok) {
        return false;
    }
    struct str text = buf_str(&answer);
    size_t head = str_find(text, STR("\r\n\r\n"), 0);
    if (!str_starts(text, STR("HTTP/1.1 ")) || head == STR_NONE ||
        !str_to_int64(str_slice(text, STATUS_AT, STATUS_AT + STATUS_LEN), &code)) {
        return err_set(err, ERR_RETRY, "what answers on port %lld is not sluice", (long long)port);
    }
    *status = (int)code;
    *body = str_slice(text, head + 4, text.len);
    return true;
}
