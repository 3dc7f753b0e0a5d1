#include "app/crash.h"

#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"

enum { CRASH_STACK_SIZE = 64 * 1024, CRASH_LINE_MAX = 512 };

static const struct {
    int number;
    const char *words;
} faults[] = {
    {SIGSEGV, "SIGSEGV, memory that is not there"},
    {SIGBUS, "SIGBUS, memory that cannot be read (a file that was cut, or a failing disk)"},
    {SIGFPE, "SIGFPE, arithmetic that cannot be done"},
    {SIGILL, "SIGILL, an instruction that must not be reached"},
    {SIGABRT, "SIGABRT, a rule of its own that did not hold"},
};

enum { FAULT_COUNT = sizeof faults / sizeof faults[0] };

struct line {
    char text[CRASH_LINE_MAX];
    size_t len;
};

static void add(struct line *line, const char *text)
{
    size_t len = strlen(text);
    size_t room = sizeof line->text - line->len;
    len = len < room ? len : room;
    memcpy(line->text + line->len, text, len);
    line->len += len;
}

/* With a mark after each four digits, so that no address looks like a telephone number. */
static void add_hex(struct line *line, uintptr_t value)
{
    char digits[3 * sizeof value + 1] = {0};
    size_t at = sizeof digits - 1;
    int count = 0;
    do {
        if (count > 0 && count % 4 == 0) {
            digits[--at] = '_';
        }
        digits[--at] = "0123456789abcdef"[value & 15];
        value >>= 4;
        count++;
    } while (value != 0);
    add(line, digits + at);
}

static void handle(int number, siginfo_t *info, void *context)
{
    (void)context;
    struct line line = {.len = 0};
    add(&line, "sluice " SLUICE_VERSION " crashed: ");
    for (size_t i = 0; i < FAULT_COUNT; i++) {
        if (faults[i].number == number) {
            add(&line, faults[i].words);
        }
    }
    if (number == SIGSEGV || number == SIGBUS) {
        add(&line, ", at 0x");
        add_hex(&line, (uintptr_t)info->si_addr);
    }
    if (log_run()[0] != '\0') {
        add(&line, ", in run ");
        add(&line, log_run());
    }
    add(&line, "\nNothing that was committed is lost: start it again and it goes on where it was. "
               "Please report this line and the ones above it.\n");
    ssize_t written = write(STDERR_FILENO, line.text, line.len);
    (void)written;
    (void)raise(number); /* SA_RESETHAND: now it is deadly. */
}

void crash_handle(void)
{
    static char stack[CRASH_STACK_SIZE]; /* So that a stack that ran over can still speak. */
    stack_t other = {.ss_sp = stack, .ss_size = sizeof stack};
    (void)sigaltstack(&other, NULL);
    struct sigaction action = {.sa_sigaction = handle,
                               .sa_flags = (int)(SA_SIGINFO | SA_ONSTACK | SA_RESETHAND)};
    (void)sigemptyset(&action.sa_mask);
    for (size_t i = 0; i < FAULT_COUNT; i++) {
        (void)sigaction(faults[i].number, &action, NULL);
    }
}
