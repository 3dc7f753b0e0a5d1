#include "net/webdriver_fake.h"

#include <arpa/inet.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/str.h"
#include "base/thread.h"
#include "text/test.h"

enum {
    REPLIES_MAX = 128,
    REQUESTS_MAX = 256,
    CONNECTIONS_MAX = 128,
    TICK_MS = 20,
    HEAD_MAX = 16384
};

struct connection {
    struct fake *fake;
    struct thread thread;
    int fd;
    int number;
};

struct fake {
    struct lock lock;
    struct thread thread;
    int listener;
    int port;
    bool stopping;
    struct fake_reply replies[REPLIES_MAX];
    size_t told;
    size_t given;
    struct fake_request requests[REQUESTS_MAX];
    size_t seen;
    struct connection connections[CONNECTIONS_MAX];
    int connection_count;
};

static bool stopping(struct fake *fake)
{
    lock_take(&fake->lock);
    bool yes = fake->stopping;
    lock_give(&fake->lock);
    return yes;
}

/* Wait, but not past the end of the test. */
static void rest(struct fake *fake, int ms)
{
    struct clock *clock = clock_system();
    int64_t until_ms = clock_mono_ms(clock) + ms;
    while (!stopping(fake) && clock_mono_ms(clock) < until_ms) {
        int64_t next_ms = clock_mono_ms(clock) + TICK_MS;
        clock->sleep_until(clock, next_ms < until_ms ? next_ms : until_ms);
    }
}

/* ---- Answering ---- */

/* False when the client is gone. */
static bool put(int fd, const char *bytes, size_t len)
{
    while (len > 0) {
        ssize_t sent = send(fd, bytes, len, MSG_NOSIGNAL);
        if (sent <= 0) {
            return false;
        }
        bytes += sent;
        len -= (size_t)sent;
    }
    return true;
}

static bool put_head(int fd, const struct fake_reply *reply, const char *length)
{
    char head[512];
    char type[200] = "";
    if (reply->type == NULL) {
        (void)snprintf(type, sizeof type, "Content-Type: application/json; charset=utf-8\r\n");
    } else if (reply->type[0] != '\0') {
        (void)snprintf(type, sizeof type, "content-type:%s\r\n", reply->type);
    }
    int len = snprintf(head, sizeof head, "HTTP/1.1 %d Said so\r\n%s%s\r\n\r\n",
                       reply->status != 0 ? reply->status : 200, type, length);
    return put(fd, head, (size_t)len);
}

static bool put_chunked(struct fake *fake, int fd, const struct fake_reply *reply)
{
    char size[16];
    const char *body = reply->body != NULL ? reply->body : "";
    size_t left = strlen(body);
    bool ok = put_head(fd, reply, "Transfer-Encoding: chunked");
    while (ok && left > 0 && !stopping(fake)) {
        size_t piece = left < reply->piece ? left : reply->piece;
        int len = snprintf(size, sizeof size, "%zx\r\n", piece);
        ok = put(fd, size, (size_t)len) && put(fd, body, piece) && put(fd, "\r\n", 2);
        body += piece;
        left -= piece;
    }
    return ok && put(fd, "0\r\n\r\n", 5);
}

static bool put_letters(struct fake *fake, int fd, const struct fake_reply *reply)
{
    static const char letters[] =
        "abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyzabcdefghijkl";
    char length[64];
    size_t left = reply->piece;
    (void)snprintf(length, sizeof length, "content-length:%zu",
                   reply->piece + strlen("{\"value\":\"\"}"));
    bool ok = put_head(fd, reply, length) && put(fd, "{\"value\":\"", 10);
    while (ok && left > 0 && !stopping(fake)) {
        size_t piece = left < sizeof letters - 1 ? left : sizeof letters - 1;
        ok = put(fd, letters, piece);
        left -= piece;
    }
    return ok && put(fd, "\"}", 2);
}

static bool put_endless(struct fake *fake, int fd, const struct fake_reply *reply)
{
    bool ok = put_head(fd, reply, "Transfer-Encoding: chunked") &&
              put(fd, "9\r\n{\"value\":\r\n", 14) && put(fd, "1\r\n\"\r\n", 6);
    while (ok && !stopping(fake)) {
        ok = put(fd, "10\r\nabcdefghijklmnop\r\n", 22);
    }
    return false;
}

static bool put_slowly(struct fake *fake, int fd, const struct fake_reply *reply)
{
    const char *body = reply->body != NULL ? reply->body : "";
    size_t left = strlen(body);
    bool ok = put_head(fd, reply, "Content-Length: 100000");
    while (ok && left > 0 && !stopping(fake)) {
        size_t piece = left < reply->piece ? left : reply->piece;
        ok = put(fd, body, piece);
        body += piece;
        left -= piece;
        rest(fake, reply->ms);
    }
    while (ok && !stopping(fake)) {
        rest(fake, TICK_MS);
    }
    return false;
}

/* False: the connection ends. */
static bool give(struct fake *fake, int fd, const struct fake_reply *reply)
{
    const char *body = reply->body != NULL ? reply->body : "{\"value\":null}";
    char length[64];
    (void)snprintf(length, sizeof length, "Content-Length:%zu", strlen(body));
    switch (reply->manner) {
    case FAKE_CHUNKED:
        return put_chunked(fake, fd, reply);
    case FAKE_SLOW:
        return put_slowly(fake, fd, reply);
    case FAKE_CUT:
        (void)(put_head(fd, reply, length) && put(fd, body, reply->piece));
        return false;
    case FAKE_MUTE:
        while (!stopping(fake)) {
            rest(fake, TICK_MS);
        }
        return false;
    case FAKE_HUGE:
        return put_letters(fake, fd, reply);
    case FAKE_ENDLESS:
        return put_endless(fake, fd, reply);
    case FAKE_GARBAGE:
        (void)put(fd, "\x01\x02 what?\r\n\r\n", 12);
        return false;
    case FAKE_HANG_UP:
        return false;
    case FAKE_WHOLE:
    case FAKE_LAST:
        break;
    }
    return put_head(fd, reply, length) && put(fd, body, strlen(body)) && reply->manner != FAKE_LAST;
}

/* ---- Asking ---- */

static void copy(char *out, size_t size, struct str text)
{
    (void)snprintf(out, size, "%.*s", STR_ARG(text));
}

static void note(struct fake *fake, int number, struct str head, struct str body,
                 struct fake_reply *reply)
{
    struct str rest_of = head;
    struct str line = {0};
    struct str word = {0};
    lock_take(&fake->lock);
    assert_true(fake->seen < REQUESTS_MAX);
    struct fake_request *request = &fake->requests[fake->seen++];
    *request = (struct fake_request){.connection = number};
    (void)str_split(&rest_of, '\n', &line);
    (void)str_split(&line, ' ', &word);
    copy(request->method, sizeof request->method, word);
    (void)str_split(&line, ' ', &word);
    copy(request->path, sizeof request->path, word);
    while (str_split(&rest_of, '\n', &line)) {
        if (str_starts(line, STR("Content-Type:"))) {
            copy(request->type, sizeof request->type, str_trim(str_slice(line, 13, line.len)));
        }
        if (str_starts(line, STR("Authorization:"))) {
            copy(request->authorization, sizeof request->authorization,
                 str_trim(str_slice(line, 14, line.len)));
        }
    }
    copy(request->body, sizeof request->body, body);
    *reply = fake->given < fake->told ? fake->replies[fake->given++] : (struct fake_reply){0};
    lock_give(&fake->lock);
}

static size_t body_len(struct str head)
{
    size_t at = str_find(head, STR("Content-Length:"), 0);
    return at == STR_NONE ? 0 : (size_t)strtol(head.ptr + at + 15, NULL, 10);
}

/* One request; false at the end of the connection. */
static bool serve(struct connection *connection)
{
    static _Thread_local char bytes[HEAD_MAX + 1];
    struct fake *fake = connection->fake;
    size_t len = 0;
    for (;;) {
        struct pollfd poll_fd = {.fd = connection->fd, .events = POLLIN};
        if (stopping(fake)) {
            return false;
        }
        if (poll(&poll_fd, 1, TICK_MS) <= 0) {
            continue;
        }
        ssize_t got = recv(connection->fd, bytes + len, HEAD_MAX - len, 0);
        if (got <= 0) {
            return false;
        }
        len += (size_t)got;
        bytes[len] = '\0';
        struct str text = {bytes, len};
        size_t end = str_find(text, STR("\r\n\r\n"), 0);
        if (end != STR_NONE && len >= end + 4 + body_len(str_slice(text, 0, end))) {
            struct fake_reply reply;
            note(fake, connection->number, str_slice(text, 0, end), str_slice(text, end + 4, len),
                 &reply);
            return give(fake, connection->fd, &reply);
        }
    }
}

static void *keep_connection(void *argument)
{
    struct connection *connection = argument;
    while (serve(connection)) {
    }
    (void)close(connection->fd);
    return NULL;
}

static void *accept_all(void *argument)
{
    struct fake *fake = argument;
    while (!stopping(fake)) {
        struct pollfd poll_fd = {.fd = fake->listener, .events = POLLIN};
        if (poll(&poll_fd, 1, TICK_MS) <= 0) {
            continue;
        }
        int fd = accept(fake->listener, NULL, NULL);
        if (fd >= 0 && fake->connection_count < CONNECTIONS_MAX) {
            struct err err = {0};
            struct connection *one = &fake->connections[fake->connection_count++];
            *one = (struct connection){.fake = fake, .fd = fd, .number = fake->connection_count};
            assert_true(thread_start(&one->thread, keep_connection, one, false, &err));
        }
    }
    return NULL;
}

/* ---- Life ---- */

struct fake *fake_start(void)
{
    struct fake *fake = calloc(1, sizeof *fake);
    struct sockaddr_in address = {.sin_family = AF_INET};
    socklen_t size = sizeof address;
    struct err err = {0};
    if (fake == NULL) {
        return NULL;
    }
    lock_init(&fake->lock);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    fake->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fake->listener < 0) {
        free(fake);
        return NULL;
    }
    assert_int_equal(bind(fake->listener, (struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(listen(fake->listener, 16), 0);
    assert_int_equal(getsockname(fake->listener, (struct sockaddr *)&address, &size), 0);
    fake->port = ntohs(address.sin_port);
    assert_true(thread_start(&fake->thread, accept_all, fake, false, &err));
    return fake;
}

void fake_stop(struct fake *fake)
{
    lock_take(&fake->lock);
    fake->stopping = true;
    lock_give(&fake->lock);
    thread_join(&fake->thread);
    for (int i = 0; i < fake->connection_count; i++) {
        thread_join(&fake->connections[i].thread);
    }
    (void)close(fake->listener);
    free(fake);
}

int fake_port(const struct fake *fake)
{
    return fake->port;
}

void fake_answer(struct fake *fake, const struct fake_reply *reply)
{
    lock_take(&fake->lock);
    assert_true(fake->told < REPLIES_MAX);
    fake->replies[fake->told++] = *reply;
    lock_give(&fake->lock);
}

size_t fake_count(struct fake *fake)
{
    lock_take(&fake->lock);
    size_t count = fake->seen;
    lock_give(&fake->lock);
    return count;
}

const struct fake_request *fake_seen(struct fake *fake, size_t index)
{
    assert_true(index < fake_count(fake));
    return &fake->requests[index];
}

void fake_forget(struct fake *fake)
{
    lock_take(&fake->lock);
    fake->seen = fake->told = fake->given = 0;
    lock_give(&fake->lock);
}
