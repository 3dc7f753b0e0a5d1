#include "rig/outside.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "test.h"

enum { PATIENCE_MS = 5000, SOON_MS = 20000, PATHS = 8 };

static int64_t now_ms(void)
{
    return clock_mono_ms(clock_system());
}

static void rest(int ms)
{
    struct clock *clock = clock_system();
    clock->sleep_until(clock, clock_mono_ms(clock) + ms);
}

static bool spawn(struct outside *outside, const char *const *words)
{
    char expanded[OUTSIDE_WORDS_MAX][256];
    char *argv[OUTSIDE_WORDS_MAX + 1] = {0};
    int in[2];
    int out[2];
    for (size_t i = 0; words[i] != NULL && i < OUTSIDE_WORDS_MAX; i++) {
        bool folder = strcmp(words[i], "{folder}") == 0;
        (void)snprintf(expanded[i], sizeof expanded[i], "%s", folder ? outside->folder : words[i]);
        argv[i] = expanded[i];
    }
    if (pipe2(in, O_CLOEXEC) != 0 || pipe2(out, O_CLOEXEC) != 0) {
        return false;
    }
    posix_spawn_file_actions_t actions;
    (void)posix_spawn_file_actions_init(&actions);
    (void)posix_spawn_file_actions_adddup2(&actions, in[0], STDIN_FILENO);
    (void)posix_spawn_file_actions_adddup2(&actions, out[1], STDOUT_FILENO);
    int rc = posix_spawnp(&outside->pid, argv[0], &actions, NULL, argv, environ);
    (void)posix_spawn_file_actions_destroy(&actions);
    (void)close(in[0]);
    (void)close(out[1]);
    outside->in = in[1];
    outside->out = out[0];
    if (rc != 0) {
        outside->pid = 0;
        (void)fprintf(stderr, "missing: %s (%s)\n", argv[0], strerror(rc));
    }
    return rc == 0;
}

/* One line; false at the end or the deadline. */
static bool read_line(int fd, char *line, size_t size, int64_t deadline_ms)
{
    size_t len = 0;
    while (len + 1 < size) {
        struct pollfd poll_fd = {.fd = fd, .events = POLLIN};
        int64_t left = deadline_ms - now_ms();
        if (left <= 0 || poll(&poll_fd, 1, (int)left) <= 0 || read(fd, line + len, 1) != 1) {
            return false;
        }
        if (line[len] == '\n') {
            line[len] = '\0';
            return true;
        }
        len++;
    }
    return false;
}

bool outside_start(struct outside *outside, const char *const *words, int seconds)
{
    *outside = (struct outside){.in = -1, .out = -1};
    (void)snprintf(outside->folder, sizeof outside->folder, "%s/sluice-test-XXXXXX",
                   getenv("TMPDIR") != NULL ? getenv("TMPDIR") : "/tmp");
    char line[128];
    int64_t deadline_ms = now_ms() + (int64_t)seconds * 1000;
    bool ok = mkdtemp(outside->folder) != NULL && spawn(outside, words);
    while (ok && outside->count < OUTSIDE_PORTS_MAX) {
        ok = read_line(outside->out, line, sizeof line, deadline_ms);
        if (!ok || strcmp(line, "ready") == 0) {
            break;
        }
        if (strncmp(line, "missing:", 8) == 0) {
            (void)fprintf(stderr, "%s\n", line);
            ok = false;
            break;
        }
        char *space = strchr(line, ' ');
        if (space != NULL) {
            *space = '\0';
            (void)snprintf(outside->ports[outside->count].name, sizeof outside->ports[0].name,
                           "%.31s", line);
            outside->ports[outside->count++].port = (int)strtol(space + 1, NULL, 10);
        }
    }
    if (!ok) {
        (void)fprintf(stderr, "%s %s did not become ready\n", words[0], words[1]);
        outside_stop(outside);
    }
    return ok;
}

/* The folder with the files in it; servers keep no others. */
static void remove_folder(const char *folder)
{
    const char *const argv[] = {"rm", "-rf", "--", folder, NULL};
    pid_t pid = 0;
    if (posix_spawnp(&pid, "rm", NULL, NULL, (char *const *)(uintptr_t)argv, environ) == 0) {
        (void)waitpid(pid, NULL, 0);
    }
}

void outside_stop(struct outside *outside)
{
    if (outside->in >= 0) {
        (void)close(outside->in);
        (void)close(outside->out);
    }
    int64_t deadline_ms = now_ms() + PATIENCE_MS;
    while (outside->pid > 0 && waitpid(outside->pid, NULL, WNOHANG) == 0) {
        if (now_ms() > deadline_ms) {
            (void)kill(outside->pid, SIGKILL);
        }
        rest(10);
    }
    if (strstr(outside->folder, "/sluice-test-") != NULL) {
        remove_folder(outside->folder);
    }
    *outside = (struct outside){.in = -1, .out = -1};
}

void outside_ask(const struct outside *outside, const char *line)
{
    enum { ANSWER_MS = 30000 };
    char answer[256] = "";
    size_t len = strlen(line);
    if (write(outside->in, line, len) != (ssize_t)len || write(outside->in, "\n", 1) != 1 ||
        !read_line(outside->out, answer, sizeof answer, now_ms() + ANSWER_MS) ||
        strcmp(answer, "ok") != 0) {
        fail_msg("asked for \"%s\": \"%s\"", line, answer);
    }
}

int outside_port(const struct outside *outside, const char *name)
{
    for (int i = 0; i < outside->count; i++) {
        if (strcmp(outside->ports[i].name, name) == 0) {
            return outside->ports[i].port;
        }
    }
    fail_msg("no server %s", name);
    return 0;
}

const char *outside_path(const struct outside *outside, const char *name)
{
    static char paths[PATHS][160];
    static int turn;
    char *path = paths[turn++ % PATHS];
    (void)snprintf(path, sizeof paths[0], "%s/%s", outside->folder, name);
    return path;
}

int outside_connect(int port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 ||
        connect(fd, (const struct sockaddr *)(const void *)&address, sizeof address) != 0) {
        if (fd >= 0) {
            (void)close(fd);
        }
        return -1;
    }
    (void)fcntl(fd, F_SETFL, O_NONBLOCK);
    return fd;
}

int64_t outside_soon(void)
{
    return now_ms() + SOON_MS;
}
