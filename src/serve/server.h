/*
 * server: HTTP/1.1 in, HTTP/1.1 out; what the calls mean is somebody else's (service.h).
 *
 * One thread reads all connections with epoll and never waits for anything but them. A call comes
 * twice: `admit` sees it when its head is here and may refuse it (unknown path, wrong method, too
 * large) before a byte of its body is read; `handle` sees it whole. Either sets an answer, or
 * `handle` puts the call off with server_defer(), hands it to another thread, and that one sets the
 * answer and calls server_resume(). So a store that is slow holds up nobody else.
 *
 * Every answer carries the same protective headers, also those that the library makes by itself.
 * A body is at most `body_max` of the call, a head at most SERVER_HEAD_MAX; a client has
 * SERVER_PATIENCE_MS for its whole request (deadline.h). There is no TLS: a proxy does that, or
 * nobody outside the machine can connect.
 */
#ifndef SLUICE_SERVE_SERVER_H
#define SLUICE_SERVE_SERVER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"
#include "model/inbox.h"
#include "serve/address.h"

enum {
    SERVER_CONNECTIONS_MAX = 512,
    SERVER_CONNECTIONS_OF_ONE_MAX = 256, /* From one address. */
    SERVER_HEAD_MAX = 16 * 1024,
    SERVER_BODY_MAX = 4 * 1024 * 1024,
    SERVER_PATIENCE_MS = 15 * 1000,
    SERVER_IDLE_MS = 60 * 1000, /* Between two requests of one connection. */
    SERVER_CALL_ARENA_MAX = 64 * 1024 * 1024,
};

struct api;
struct calls_hand;
struct server;

/* A request and its answer. Belongs to one thread at a time; its texts live in its arena. */
struct call {
    struct arena arena;
    struct str method;
    struct str path;
    struct buf body;
    struct str peer; /* The address that the connection comes from. */
    char peer_room[ADDRESS_TEXT_MAX];
    size_t body_max;   /* Set by admit; 0: a body is refused. */
    const void *route; /* Of whoever admits. */
    struct str word;   /* The part of the path that the route leaves open. */
    struct call *next; /* In whose queue it stands. */
    int64_t began_ms;

    /* Who calls, by whoever admits. */
    struct str caller; /* The peer, or for whom our own proxy passed the call on. */
    struct str holder; /* The name of the token that came with it; absent: none. */
    unsigned scopes;   /* Of that token. */

    /* Of a call that was put off (calls.h). */
    bool (*work)(struct api *api, struct calls_hand *hand, struct call *call);
    const struct inbox_header *arguments; /* Of the query. */
    size_t argument_count;
    void *state; /* What the work remembers when it is asked again; NULL at first. */
    int64_t again_ms;
    int64_t due_ms; /* Monotonic. */

    /* The answer. */
    int status;       /* 0: none yet. */
    const char *type; /* "application/json" unless it is set. */
    struct str answer;
    const char *header;      /* One more header, and … */
    struct str header_value; /* … its value. */

    /* Of the server. */
    struct server *server;
    void *connection;
    bool close; /* The connection ends with this answer. */
    bool handed;
    bool large;
};

struct server_options {
    struct str host; /* An address. */
    int64_t port;    /* 0: one that is free. */
    void (*admit)(void *context, struct call *call);
    bool (*handle)(void *context, struct call *call); /* False: put off. */
    void *context;
};

/* Listens when it returns true. ERR_RETRY: the address is in use; ERR_CONFIG: it cannot be had. */
bool server_start(struct server **out, const struct server_options *options, struct err *err);
int server_port(const struct server *server);

/* No new connections from here on; those that are there go on. */
void server_quiesce(struct server *server);

/* Every call that was put off has been resumed. NULL is fine. */
void server_stop(struct server *server);

/* A header, or an argument of the query; absent when there is none. Within admit and handle only.
 */
struct str call_header(const struct call *call, const char *name);
struct str call_argument(const struct call *call, const char *name);

/* All headers of a name, as one text with commas, in the order in which they came: each proxy may
   have added a line of its own. Within admit and handle only. */
struct str call_header_all(struct call *call, const char *name);

/* All arguments of the query, as call_headers() has the headers. */
size_t call_arguments(struct call *call, struct inbox_header **out);

/* All headers, in the call's arena; `*out` is NULL when memory is out. From handle only. */
size_t call_headers(struct call *call, struct inbox_header **out);

/* From `handle`, before another thread gets the call; and back, from that thread. */
void server_defer(struct call *call);
void server_resume(struct call *call);

/* {"error":{"code":…,"message":…}} */
__attribute__((format(printf, 4, 5))) void call_refuse(struct call *call, int status,
                                                       const char *code, const char *format, ...);

#endif
