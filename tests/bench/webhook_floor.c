/*
 * What no program that answers after the commit can beat by much: HTTP read with memmem(), one
 * thread that writes what lies there to SQLite in one transaction (WAL, FULL), 200 after the
 * commit. No token, no JSON, no chats, no limits.
 *
 *     webhook_floor PORT FILE
 */
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <sqlite3.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { REQUEST_MAX = 65536, EVENTS_MAX = 128, BACKLOG = 512, CALLERS_MAX = 4096 };

static const char answer_text[] = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
                                  "Content-Length: 15\r\n\r\n{\"status\":\"ok\"}";

struct caller {
    int fd;
    bool waits; /* For the commit. */
    size_t length;
    size_t taken; /* Of which this request. */
    const char *body;
    size_t body_length;
    struct caller *next;
    char bytes[REQUEST_MAX];
};

static struct {
    pthread_mutex_t lock;
    pthread_cond_t some;
    struct caller *first;
    struct caller **last;
    struct caller *done;
    int event;
    sqlite3 *db;
    sqlite3_stmt *begin, *insert, *commit;
} hall = {.lock = PTHREAD_MUTEX_INITIALIZER, .some = PTHREAD_COND_INITIALIZER, .last = &hall.first};

static struct caller *callers[CALLERS_MAX]; /* By descriptor. */

static void need(bool ok, const char *what)
{
    if (!ok) {
        perror(what);
        exit(1);
    }
}

static void step(sqlite3_stmt *statement)
{
    need(sqlite3_step(statement) == SQLITE_DONE, sqlite3_errmsg(hall.db));
    sqlite3_reset(statement);
}

static void insert(const struct caller *caller)
{
    static const char key[] = "\"idMessage\":\"";
    const char *id = memmem(caller->body, caller->body_length, key, sizeof key - 1);
    const char *end = caller->body + caller->body_length;
    need(id != NULL, "a body without idMessage");
    id += sizeof key - 1;
    const char *stop = memchr(id, '"', (size_t)(end - id));
    need(stop != NULL, "an idMessage without an end");
    sqlite3_bind_text(hall.insert, 1, id, (int)(stop - id), SQLITE_STATIC);
    sqlite3_bind_int64(hall.insert, 2, time(NULL));
    sqlite3_bind_blob(hall.insert, 3, caller->body, (int)caller->body_length, SQLITE_STATIC);
    step(hall.insert);
}

static void *write_all(void *unused)
{
    (void)unused;
    for (;;) {
        pthread_mutex_lock(&hall.lock);
        while (hall.first == NULL) {
            pthread_cond_wait(&hall.some, &hall.lock);
        }
        struct caller *list = hall.first;
        hall.first = NULL;
        hall.last = &hall.first;
        pthread_mutex_unlock(&hall.lock);
        struct caller *end = list;
        step(hall.begin);
        for (struct caller *one = list; one != NULL; one = one->next) {
            insert(one);
            end = one;
        }
        step(hall.commit);
        pthread_mutex_lock(&hall.lock);
        end->next = hall.done;
        hall.done = list;
        pthread_mutex_unlock(&hall.lock);
        uint64_t one = 1;
        need(write(hall.event, &one, sizeof one) == sizeof one, "eventfd");
    }
}

/* The next request is whole: then it waits for the commit. */
static void look(struct caller *caller)
{
    char *end = memmem(caller->bytes, caller->length, "\r\n\r\n", 4);
    if (end == NULL) {
        return;
    }
    *end = '\0';
    const char *length = strcasestr(caller->bytes, "content-length:");
    size_t body = length == NULL ? 0 : strtoul(length + 15, NULL, 10);
    *end = '\r';
    size_t head = (size_t)(end + 4 - caller->bytes);
    need(body <= REQUEST_MAX - head, "a request that is too large");
    if (caller->length < head + body) {
        return;
    }
    caller->body = caller->bytes + head;
    caller->body_length = body;
    caller->taken = head + body;
    caller->waits = true;
    caller->next = NULL;
    pthread_mutex_lock(&hall.lock);
    *hall.last = caller;
    hall.last = &caller->next;
    pthread_cond_signal(&hall.some);
    pthread_mutex_unlock(&hall.lock);
}

static void answer_all(void)
{
    uint64_t count = 0;
    need(read(hall.event, &count, sizeof count) == sizeof count || errno == EAGAIN, "eventfd");
    pthread_mutex_lock(&hall.lock);
    struct caller *list = hall.done;
    hall.done = NULL;
    pthread_mutex_unlock(&hall.lock);
    for (struct caller *next = NULL; list != NULL; list = next) {
        next = list->next;
        (void)!write(list->fd, answer_text, sizeof answer_text - 1);
        memmove(list->bytes, list->bytes + list->taken, list->length - list->taken);
        list->length -= list->taken;
        list->waits = false;
        look(list);
    }
}

static void take_bytes(struct caller *caller)
{
    ssize_t got = read(caller->fd, caller->bytes + caller->length, REQUEST_MAX - caller->length);
    if (got <= 0 && errno != EAGAIN) {
        callers[caller->fd] = NULL;
        close(caller->fd);
        free(caller);
    } else if (got > 0) {
        caller->length += (size_t)got;
        look(caller);
    }
}

static void take_callers(int poll, int door)
{
    int on = 1;
    for (int fd; (fd = accept4(door, NULL, NULL, SOCK_NONBLOCK)) >= 0;) {
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        struct caller *caller = calloc(1, sizeof *caller);
        need(caller != NULL && fd < CALLERS_MAX, "memory");
        callers[fd] = caller;
        caller->fd = fd;
        struct epoll_event event = {.events = EPOLLIN, .data.ptr = caller};
        epoll_ctl(poll, EPOLL_CTL_ADD, fd, &event);
    }
}

static void prepare(const char *file)
{
    need(sqlite3_open(file, &hall.db) == SQLITE_OK &&
             sqlite3_exec(hall.db,
                          "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;"
                          "PRAGMA locking_mode=EXCLUSIVE; CREATE TABLE inbox("
                          "id INTEGER PRIMARY KEY, mid TEXT UNIQUE, at INTEGER, body BLOB)",
                          NULL, NULL, NULL) == SQLITE_OK &&
             sqlite3_prepare_v2(hall.db, "BEGIN IMMEDIATE", -1, &hall.begin, NULL) == SQLITE_OK &&
             sqlite3_prepare_v2(hall.db, "INSERT OR IGNORE INTO inbox(mid,at,body) VALUES(?,?,?)",
                                -1, &hall.insert, NULL) == SQLITE_OK &&
             sqlite3_prepare_v2(hall.db, "COMMIT", -1, &hall.commit, NULL) == SQLITE_OK,
         file);
}

int main(int count, char **words)
{
    static struct caller door;
    static struct caller event;
    need(count == 3, "webhook_floor PORT FILE");
    prepare(words[2]);
    int on = 1;
    int poll = epoll_create1(0);
    struct sockaddr_in here = {.sin_family = AF_INET,
                               .sin_port = htons((uint16_t)strtoul(words[1], NULL, 10)),
                               .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    door.fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    need(door.fd >= 0, "socket");
    setsockopt(door.fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    need(bind(door.fd, (struct sockaddr *)&here, sizeof here) == 0 && listen(door.fd, BACKLOG) == 0,
         "listen");
    hall.event = eventfd(0, EFD_NONBLOCK);
    struct epoll_event add = {.events = EPOLLIN, .data.ptr = &door};
    epoll_ctl(poll, EPOLL_CTL_ADD, door.fd, &add);
    add.data.ptr = &event;
    epoll_ctl(poll, EPOLL_CTL_ADD, hall.event, &add);
    pthread_t thread;
    need(pthread_create(&thread, NULL, write_all, NULL) == 0, "thread");
    for (;;) {
        struct epoll_event events[EVENTS_MAX];
        int ready = epoll_wait(poll, events, EVENTS_MAX, -1);
        for (int i = 0; i < ready; i++) {
            struct caller *caller = events[i].data.ptr;
            if (caller == &door) {
                take_callers(poll, door.fd);
            } else if (caller == &event) {
                answer_all();
            } else if (!caller->waits) {
                take_bytes(caller);
            }
        }
    }
}
