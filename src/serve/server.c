#include "serve/server.h"

#include <arpa/inet.h>
#include <errno.h>
#include <microhttpd.h>
#include <netinet/in.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/must.h"
#include "serve/deadline.h"
#include "text/json.h"

enum {
    BACKLOG = 512,
    SPARE_CALLS_MAX = 128,       /* Kept for the next requests. */
    SPARE_BYTES_MAX = 64 * 1024, /* Larger ones give their memory back. */
    POOL_BYTES = 32 * 1024,
    STRICTNESS = 1, /* As strict as the standard allows. */
    REFUSAL_MAX = 512,
    HTTP_BAD_REQUEST = 400,
    HTTP_TOO_LARGE = 413,
    HTTP_SERVER_ERROR = 500,
};

struct server {
    struct server_options options;
    struct MHD_Daemon *daemon;
    struct deadline deadline;
    int socket;
    int port;
    bool watching;
    struct call *spare; /* Of the daemon's one thread. */
    size_t spares;
};

/* ---- Calls ---- */

static struct call *call_take(struct server *server)
{
    struct call *call = server->spare;
    if (call != NULL) {
        server->spare = call->next;
        server->spares--;
        struct arena arena = call->arena;
        *call = (struct call){.arena = arena};
    } else {
        call = mem_alloc(sizeof *call);
        if (call == NULL) {
            return NULL;
        }
        arena_init(&call->arena, SERVER_CALL_ARENA_MAX);
    }
    call->server = server;
    call->began_ms = clock_mono_ms(clock_system());
    return call;
}

static void call_give(struct server *server, struct call *call)
{
    bool small = call->arena.used <= SPARE_BYTES_MAX;
    arena_reset(&call->arena);
    if (small && server->spares < SPARE_CALLS_MAX) {
        call->next = server->spare;
        server->spare = call;
        server->spares++;
    } else {
        arena_free(&call->arena);
        mem_free(call);
    }
}

struct str call_header(const struct call *call, const char *name)
{
    return str_of(MHD_lookup_connection_value(call->connection, MHD_HEADER_KIND, name));
}

struct str call_argument(const struct call *call, const char *name)
{
    return str_of(MHD_lookup_connection_value(call->connection, MHD_GET_ARGUMENT_KIND, name));
}

struct headers {
    struct inbox_header *items;
    size_t count;
    size_t room;
};

/* With their lengths: there may be NULs inside of what was written as %00. */
static enum MHD_Result keep_header(void *context, enum MHD_ValueKind kind, const char *name,
                                   size_t name_len, const char *value, size_t value_len)
{
    struct headers *headers = context;
    (void)kind;
    if (headers->count == headers->room) {
        return MHD_NO;
    }
    struct inbox_header one = {{name, name_len}, {value != NULL ? value : "", value_len}};
    headers->items[headers->count++] = one;
    return MHD_YES;
}

static size_t all_values(struct call *call, enum MHD_ValueKind kind, struct inbox_header **out)
{
    int count = MHD_get_connection_values(call->connection, kind, NULL, NULL);
    struct headers headers = {.room = count > 0 ? (size_t)count : 0};
    headers.items = arena_array(&call->arena, headers.room + 1, sizeof *headers.items);
    if (headers.items != NULL) {
        (void)MHD_get_connection_values_n(call->connection, kind, keep_header, &headers);
    }
    *out = headers.items;
    return headers.count;
}

size_t call_headers(struct call *call, struct inbox_header **out)
{
    return all_values(call, MHD_HEADER_KIND, out);
}

size_t call_arguments(struct call *call, struct inbox_header **out)
{
    return all_values(call, MHD_GET_ARGUMENT_KIND, out);
}

struct str call_header_all(struct call *call, const char *name)
{
    struct inbox_header *headers = NULL;
    struct buf out;
    bool any = false;
    if (call_header(call, name).ptr == NULL) {
        return (struct str){0};
    }
    size_t count = call_headers(call, &headers);
    buf_init(&out, &call->arena, ADDRESS_FORWARDED_MAX);
    for (size_t i = 0; headers != NULL && i < count; i++) {
        if (str_equal_ascii_case(headers[i].name, str_of(name))) {
            buf_add(&out, any ? STR(",") : STR(""));
            buf_add(&out, headers[i].value);
            any = true;
        }
    }
    return buf_str(&out);
}

void call_refuse(struct call *call, int status, const char *code, const char *format, ...)
{
    char text[REFUSAL_MAX];
    struct buf out;
    struct json_writer json;
    va_list arguments;
    va_start(arguments, format);
    int len = vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    buf_init(&out, &call->arena, sizeof text);
    json_writer_init(&json, &out);
    json_object_begin(&json);
    json_key(&json, STR("error"));
    json_object_begin(&json);
    json_field_str(&json, STR("code"), str_of(code));
    json_field_str(&json, STR("message"), len > 0 ? str_of(text) : (struct str){0});
    json_object_end(&json);
    json_object_end(&json);
    json_writer_done(&json);
    buf_add_byte(&out, '\n');
    call->status = status;
    call->type = NULL;
    call->answer = buf_str(&out);
}

/* ---- What the library calls ---- */

static struct deadline_slot *slot_of(struct MHD_Connection *connection)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
    return info != NULL ? info->socket_context : NULL;
}

static void protect(struct MHD_Response *response)
{
    static const char *const headers[][2] = {
        {"Cache-Control", "no-store"},
        {"Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'"},
        {"X-Content-Type-Options", "nosniff"},
        {"Referrer-Policy", "no-referrer"},
        {"Cross-Origin-Resource-Policy", "same-origin"},
    };
    for (size_t i = 0; i < sizeof headers / sizeof headers[0]; i++) {
        (void)MHD_add_response_header(response, headers[i][0], headers[i][1]);
    }
}

static enum MHD_Result reply(struct call *call)
{
    static const char out_of_memory[] = "{\"error\":{\"code\":\"memory\"}}\n";
    struct str text = call->answer;
    if (text.ptr == NULL && call->status >= HTTP_BAD_REQUEST) {
        text = str_of(out_of_memory);
    }
    /* The library only reads it, and not after the call has ended. */
    struct MHD_Response *response = MHD_create_response_from_buffer_static(text.len, text.ptr);
    if (response == NULL) {
        return MHD_NO;
    }
    protect(response);
    (void)MHD_add_response_header(response, "Content-Type",
                                  call->type != NULL ? call->type : "application/json");
    if (call->header != NULL && call->header_value.ptr != NULL) {
        (void)MHD_add_response_header(response, call->header, call->header_value.ptr);
    }
    if (call->close) {
        (void)MHD_add_response_header(response, "Connection", "close");
    }
    enum MHD_Result result = MHD_queue_response(call->connection, (unsigned)call->status, response);
    MHD_destroy_response(response);
    return result;
}

static void take_head(struct call *call, struct MHD_Connection *connection, const char *url,
                      const char *method)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
    call->connection = connection;
    call->method = str_of(method); /* Both live as long as the request. */
    call->path = str_of(url);
    call->peer = info != NULL ? address_text(info->client_addr, call->peer_room) : (struct str){0};
}

/* Headers that may only be there once: what two readers could read in two ways is refused. */
struct lonely {
    int lengths;
    int hosts;
    int authorizations;
};

static enum MHD_Result count_header(void *context, enum MHD_ValueKind kind, const char *name,
                                    const char *value)
{
    struct lonely *seen = context;
    struct str key = str_of(name);
    (void)kind;
    (void)value;
    seen->lengths += str_equal_ascii_case(key, STR("Content-Length"));
    seen->hosts += str_equal_ascii_case(key, STR("Host"));
    seen->authorizations += str_equal_ascii_case(key, STR("Authorization"));
    return MHD_YES;
}

static bool is_ambiguous(const struct call *call)
{
    struct lonely seen = {0};
    (void)MHD_get_connection_values(call->connection, MHD_HEADER_KIND, count_header, &seen);
    return seen.lengths > 1 || seen.hosts > 1 || seen.authorizations > 1;
}

/* More than the route takes, by its own word: not a byte of it is read. */
static bool announced_too_much(const struct call *call)
{
    int64_t len = 0;
    struct str text = call_header(call, "Content-Length");
    return text.ptr != NULL && str_to_int64(text, &len) && len > (int64_t)call->body_max;
}

static void refuse_large(struct call *call)
{
    call_refuse(call, HTTP_TOO_LARGE, "too_large", "the body is larger than %zu bytes",
                call->body_max);
    call->close = true;
}

static enum MHD_Result begin(struct server *server, struct MHD_Connection *connection,
                             const char *url, const char *method, void **request)
{
    struct call *call = call_take(server);
    if (call == NULL) {
        return MHD_NO;
    }
    *request = call;
    take_head(call, connection, url, method);
    if (is_ambiguous(call)) {
        call_refuse(call, HTTP_BAD_REQUEST, "ambiguous",
                    "a header that may be there once is there more often");
    } else {
        server->options.admit(server->options.context, call);
    }
    if (call->status == 0 && announced_too_much(call)) {
        refuse_large(call);
    }
    if (call->status != 0) {
        deadline_set(&server->deadline, slot_of(connection), 0);
        call->close = true; /* What follows may be a body that nobody reads. */
        return reply(call);
    }
    deadline_set(&server->deadline, slot_of(connection), SERVER_PATIENCE_MS);
    return MHD_YES;
}

static void take_body(struct call *call, const char *bytes, size_t size)
{
    if (call->body.arena == NULL) {
        buf_init(&call->body, &call->arena, size);
    }
    if (call->body.len + size > call->body_max) {
        call->large = true; /* Said when it is over; what comes is thrown away until then. */
    } else {
        buf_add(&call->body, (struct str){bytes, size});
    }
}

static enum MHD_Result on_request(void *context, struct MHD_Connection *connection, const char *url,
                                  const char *method, const char *version, const char *upload,
                                  size_t *upload_size, void **request)
{
    struct server *server = context;
    struct call *call = *request;
    (void)version;
    if (call == NULL) {
        return begin(server, connection, url, method, request);
    }
    if (*upload_size > 0) {
        take_body(call, upload, *upload_size);
        *upload_size = 0;
        return MHD_YES;
    }
    if (!call->handed) {
        call->handed = true;
        deadline_set(&server->deadline, slot_of(connection), 0);
        if (call->large) {
            refuse_large(call);
        } else if (call->body.failed) {
            call_refuse(call, HTTP_SERVER_ERROR, "memory", "out of memory");
        } else if (!server->options.handle(server->options.context, call)) {
            return MHD_YES; /* Another thread has it, and may have answered by now. */
        }
    }
    return call->status != 0 ? reply(call) : MHD_YES;
}

static void on_completed(void *context, struct MHD_Connection *connection, void **request,
                         enum MHD_RequestTerminationCode code)
{
    struct server *server = context;
    (void)code;
    if (*request != NULL) {
        call_give(server, *request);
        *request = NULL;
    }
    deadline_set(&server->deadline, slot_of(connection), SERVER_IDLE_MS);
}

static void on_connection(void *context, struct MHD_Connection *connection, void **slot,
                          enum MHD_ConnectionNotificationCode code)
{
    struct server *server = context;
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
    if (code == MHD_CONNECTION_NOTIFY_STARTED && info != NULL) {
        *slot = deadline_enter(&server->deadline, info->connect_fd, SERVER_PATIENCE_MS);
    } else if (code == MHD_CONNECTION_NOTIFY_CLOSED && *slot != NULL) {
        deadline_leave(&server->deadline, *slot);
        *slot = NULL;
    }
}

void server_defer(struct call *call)
{
    MHD_suspend_connection(call->connection);
}

void server_resume(struct call *call)
{
    must(call->status != 0);
    MHD_resume_connection(call->connection);
}

/* ---- Listening ---- */

static bool parse_address(struct str host, int64_t port, struct sockaddr_storage *out,
                          socklen_t *len)
{
    char text[ADDRESS_TEXT_MAX];
    struct sockaddr_in four = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    struct sockaddr_in6 six = {.sin6_family = AF_INET6, .sin6_port = htons((uint16_t)port)};
    if (host.len == 0 || host.len >= sizeof text) {
        return false;
    }
    memcpy(text, host.ptr, host.len);
    text[host.len] = '\0';
    if (inet_pton(AF_INET, text, &four.sin_addr) == 1) {
        memcpy(out, &four, sizeof four);
        *len = sizeof four;
        return true;
    }
    if (inet_pton(AF_INET6, text, &six.sin6_addr) == 1) {
        memcpy(out, &six, sizeof six);
        *len = sizeof six;
        return true;
    }
    return false;
}

static bool refused(const struct server_options *options, int why, struct err *err)
{
    struct str host = options->host;
    long long port = options->port;
    if (why == EADDRINUSE) {
        return err_set(err, ERR_RETRY,
                       "http: port %lld of %.*s is in use by another program; stop that one, or "
                       "choose another with `http: {listen: HOST:PORT}` or $PORT",
                       port, STR_ARG(host));
    }
    if (why == EACCES) {
        return err_set(err, ERR_CONFIG,
                       "http: port %lld may only be used by root; choose one above 1023 and put a "
                       "proxy in front of it",
                       port);
    }
    if (why == EADDRNOTAVAIL) {
        return err_set(err, ERR_CONFIG, "http: this machine does not have the address %.*s",
                       STR_ARG(host));
    }
    return err_set(err, ERR_CONFIG, "http: cannot listen on %.*s port %lld: %s", STR_ARG(host),
                   port, strerror(why));
}

static bool listen_on(struct server *server, struct err *err)
{
    struct sockaddr_storage address = {0};
    socklen_t len = 0;
    int on = 1;
    const struct server_options *options = &server->options;
    if (!parse_address(options->host, options->port, &address, &len)) {
        return err_set(
            err, ERR_CONFIG,
            "http: '%.*s' is no address; write 127.0.0.1, 0.0.0.0 or ::", STR_ARG(options->host));
    }
    server->socket = socket(address.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (server->socket < 0) {
        return refused(options, errno, err);
    }
    (void)setsockopt(server->socket, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (bind(server->socket, (struct sockaddr *)&address, len) != 0 ||
        listen(server->socket, BACKLOG) != 0 ||
        getsockname(server->socket, (struct sockaddr *)&address, &len) != 0) {
        return refused(options, errno, err);
    }
    server->port = address.ss_family == AF_INET
                       ? ntohs(((struct sockaddr_in *)(void *)&address)->sin_port)
                       : ntohs(((struct sockaddr_in6 *)(void *)&address)->sin6_port);
    return true;
}

static bool start_daemon(struct server *server, struct err *err)
{
    unsigned flags = MHD_USE_EPOLL_INTERNAL_THREAD | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ITC;
    server->daemon = MHD_start_daemon(
        flags, 0, NULL, NULL, on_request, server, MHD_OPTION_LISTEN_SOCKET, server->socket,
        MHD_OPTION_NOTIFY_COMPLETED, on_completed, server, MHD_OPTION_NOTIFY_CONNECTION,
        on_connection, server, MHD_OPTION_CONNECTION_LIMIT, (unsigned)SERVER_CONNECTIONS_MAX,
        MHD_OPTION_PER_IP_CONNECTION_LIMIT, (unsigned)SERVER_CONNECTIONS_OF_ONE_MAX,
        MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)(SERVER_IDLE_MS / 1000),
        MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)POOL_BYTES, MHD_OPTION_CLIENT_DISCIPLINE_LVL,
        (int)STRICTNESS, MHD_OPTION_THREAD_STACK_SIZE, (size_t)THREAD_STACK_SIZE, MHD_OPTION_END);
    return server->daemon != NULL ||
           err_set(err, ERR_RETRY, "http: the server cannot start: %s", strerror(errno));
}

bool server_start(struct server **out, const struct server_options *options, struct err *err)
{
    struct server *server = mem_alloc(sizeof *server);
    if (server == NULL) {
        return err_set(err, ERR_RETRY, "out of memory");
    }
    server->options = *options;
    server->socket = -1;
    bool ok = listen_on(server, err);
    server->watching = ok && deadline_start(&server->deadline, clock_system(), err);
    ok = server->watching && start_daemon(server, err);
    if (!ok) {
        server_stop(server);
        return false;
    }
    *out = server;
    return true;
}

int server_port(const struct server *server)
{
    return server->port;
}

void server_quiesce(struct server *server)
{
    if (server != NULL && server->socket >= 0) {
        (void)MHD_quiesce_daemon(server->daemon);
        (void)close(server->socket);
        server->socket = -1;
    }
}

void server_stop(struct server *server)
{
    if (server == NULL) {
        return;
    }
    if (server->daemon != NULL) {
        MHD_stop_daemon(server->daemon); /* Closes the socket as well. */
        server->socket = server->socket >= 0 ? -1 : server->socket;
    }
    if (server->watching) {
        deadline_stop(&server->deadline);
    }
    if (server->socket >= 0) {
        (void)close(server->socket);
    }
    while (server->spare != NULL) {
        struct call *call = server->spare;
        server->spare = call->next;
        arena_free(&call->arena);
        mem_free(call);
    }
    mem_free(server);
}
