#include "base/command.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/must.h"

enum { LOOK_AGAIN_MS = 10 };

/* The actions and attributes of posix_spawn, made and unmade together. */
struct setup {
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
};

/* Own group, so that the deadline ends its children as well; no signal blocked. */
static int setup_init(struct setup *setup, int input, int output)
{
    sigset_t none;
    (void)sigemptyset(&none);
    (void)posix_spawn_file_actions_init(&setup->actions);
    (void)posix_spawnattr_init(&setup->attributes);
    int code = input >= 0 ? posix_spawn_file_actions_adddup2(&setup->actions, input, STDIN_FILENO)
                          : posix_spawn_file_actions_addopen(&setup->actions, STDIN_FILENO,
                                                             "/dev/null", O_RDONLY, 0);
    code =
        code != 0 ? code : posix_spawn_file_actions_adddup2(&setup->actions, output, STDOUT_FILENO);
    (void)posix_spawnattr_setflags(&setup->attributes,
                                   POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK);
    (void)posix_spawnattr_setpgroup(&setup->attributes, 0);
    (void)posix_spawnattr_setsigmask(&setup->attributes, &none);
    return code;
}

static void setup_end(struct setup *setup)
{
    (void)posix_spawn_file_actions_destroy(&setup->actions);
    (void)posix_spawnattr_destroy(&setup->attributes);
}

static bool words_copy(struct arena *arena, const struct command *command, char ***out)
{
    char **words = arena_array(arena, command->count + 1, sizeof *words);
    for (size_t i = 0; words != NULL && i < command->count; i++) {
        size_t len = command->words[i].len;
        words[i] = arena_bytes(arena, len + 1);
        if (words[i] == NULL) {
            return false;
        }
        memcpy(words[i], command->words[i].ptr, len);
        words[i][len] = '\0';
    }
    *out = words;
    return words != NULL;
}

/* A file in memory, so that nobody waits for the other while it is read; -1 for no input. */
static bool put_input(const struct command *command, int *input, struct err *err)
{
    size_t done = 0;
    *input = -1;
    if (command->input.len == 0) {
        return true;
    }
    *input = memfd_create("input", MFD_CLOEXEC);
    bool ok = *input >= 0;
    while (ok && done < command->input.len) {
        ssize_t got = write(*input, command->input.ptr + done, command->input.len - done);
        ok = got > 0 || (got < 0 && errno == EINTR);
        done += got > 0 ? (size_t)got : 0;
    }
    ok = ok && lseek(*input, 0, SEEK_SET) == 0;
    if (!ok && *input >= 0) {
        (void)close(*input);
    }
    return ok || err_set(err, ERR_RETRY, "no memory for the input of the command %.*s",
                         STR_ARG(command->words[0]));
}

static bool start(struct arena *arena, const struct command *command, int output, pid_t *child,
                  struct err *err)
{
    char **words = NULL;
    struct setup setup;
    int input = -1;
    if (!words_copy(arena, command, &words)) {
        return err_set(err, ERR_RETRY, "out of memory for the words of a command");
    }
    if (!put_input(command, &input, err)) {
        return false;
    }
    int code = setup_init(&setup, input, output);
    if (code == 0) {
        /* The environment is not changed; the interface is older than const. */
        char *const *environment = (char *const *)(uintptr_t)command->environment;
        code = posix_spawnp(child, words[0], &setup.actions, &setup.attributes, words, environment);
    }
    setup_end(&setup);
    if (input >= 0) {
        (void)close(input);
    }
    return code == 0 ||
           err_set(err, ERR_CONFIG, "cannot start the command %s: %s", words[0], file_reason(code));
}

static bool too_late(const struct command *command, struct err *err)
{
    return err_set(err, ERR_RETRY, "the command %.*s took too long and was ended",
                   STR_ARG(command->words[0]));
}

/* Until it closes its output. */
static bool collect(const struct command *command, int input, char *bytes, size_t *len,
                    struct err *err)
{
    for (;;) {
        int64_t left = command->deadline_ms - clock_mono_ms(clock_system());
        struct pollfd wait = {.fd = input, .events = POLLIN};
        int ready = left <= 0 ? 0 : poll(&wait, 1, left > 60000 ? 60000 : (int)left);
        if (left <= 0) {
            return too_late(command, err);
        }
        if (ready == 0 || (ready < 0 && errno == EINTR)) {
            continue;
        }
        ssize_t got = read(input, bytes + *len, command->output_max + 1 - *len);
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got < 0) {
            return err_set(err, ERR_RETRY, "the output of the command %.*s cannot be read",
                           STR_ARG(command->words[0]));
        }
        *len += (size_t)got;
        if (*len > command->output_max) {
            return err_set(err, ERR_REJECT, "the command %.*s wrote more than %zu bytes",
                           STR_ARG(command->words[0]), command->output_max);
        }
        if (got == 0) {
            return true;
        }
    }
}

/* Until it ends: it has closed its output already. */
static bool await(const struct command *command, pid_t child, bool *ended, struct err *err)
{
    int status = 0;
    for (;;) {
        pid_t found = waitpid(child, &status, WNOHANG);
        if (found == child) {
            break;
        }
        int64_t now = clock_mono_ms(clock_system());
        if (now >= command->deadline_ms) {
            return too_late(command, err);
        }
        clock_system()->sleep_until(clock_system(), now + LOOK_AGAIN_MS);
    }
    *ended = true;
    if (WIFEXITED(status) && (WEXITSTATUS(status) == 0 || command->exit_code != NULL)) {
        if (command->exit_code != NULL) {
            *command->exit_code = WEXITSTATUS(status);
        }
        return true;
    }
    if (WIFSIGNALED(status) && command->exit_code != NULL) {
        *command->exit_code = COMMAND_SIGNALLED + WTERMSIG(status);
        return true;
    }
    if (WIFEXITED(status)) {
        return err_set(err, ERR_CONFIG, "the command %.*s failed with exit code %d",
                       STR_ARG(command->words[0]), WEXITSTATUS(status));
    }
    return err_set(err, ERR_CONFIG, "the command %.*s was ended by signal %d",
                   STR_ARG(command->words[0]), WTERMSIG(status));
}

bool command_run(struct arena *arena, const struct command *command, struct str *output,
                 struct err *err)
{
    int pipes[2];
    pid_t child = 0;
    size_t len = 0;
    bool ended = false;
    must(command->count > 0 && command->count <= COMMAND_WORDS_MAX);
    must(command->output_max <= COMMAND_OUTPUT_MAX);
    char *bytes = arena_bytes(arena, command->output_max + 2);
    if (bytes == NULL) {
        return err_set(err, ERR_RETRY, "out of memory for the output of a command");
    }
    if (pipe2(pipes, O_CLOEXEC) != 0) {
        return err_set(err, ERR_RETRY, "cannot make a pipe: %s", file_reason(errno));
    }
    bool ok = start(arena, command, pipes[1], &child, err);
    bool started = ok;
    (void)close(pipes[1]);
    ok = ok && collect(command, pipes[0], bytes, &len, err) && await(command, child, &ended, err);
    (void)close(pipes[0]);
    if (started && !ended) {
        (void)kill(-child, SIGKILL);
        (void)waitpid(child, NULL, 0);
    }
    bytes[len < command->output_max ? len : command->output_max] = '\0';
    *output = (struct str){bytes, len};
    return ok;
}
