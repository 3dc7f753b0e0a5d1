/* Rates, live: on a terminal a screen that is drawn again and again, elsewhere one look. */
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <termios.h>
#include <unistd.h>

#include "base/clock.h"
#include "cli/overview.h"
#include "cli/runs.h"
#include "cli/table.h"
#include "text/duration.h"

enum { TOP_INTERVAL_MS = 1000, TOP_INTERVAL_MS_MIN = 100, SIGNAL_EXIT = 128 };

struct sample {
    int64_t at_ms;
    int64_t messages;
    int64_t delivered; /* By run records. */
};

struct top {
    const struct cli *cli;
    struct look *look;
    struct sample before; /* at_ms 0: none yet. */
    struct sample now;
    struct overview all;
    int64_t interval_ms;
    int64_t left; /* Looks to show before the end; below 0: no end. */
    bool as_json;
    bool drawn; /* On a terminal, over the last one. */
};

static bool take_sample(struct top *top, struct err *err)
{
    struct look *look = top->look;
    top->before = top->now;
    if (!overview_read(&top->all, look, err) ||
        !store_int(look->store, "SELECT coalesce(sum(delivered), 0) FROM run", &top->now.delivered,
                   err)) {
        return false;
    }
    top->now.at_ms = clock_mono_ms(clock_system());
    top->now.messages = top->all.messages;
    return true;
}

static double rate(const struct top *top, int64_t before, int64_t now)
{
    int64_t elapsed_ms = top->now.at_ms - top->before.at_ms;
    return top->before.at_ms == 0 || elapsed_ms <= 0
               ? 0
               : (double)(now - before) * 1000.0 / (double)elapsed_ms;
}

static void write_json(struct top *top)
{
    struct json_writer json;
    const struct overview *all = &top->all;
    json_writer_init(&json, &top->look->out);
    json_object_begin(&json);
    show_json_time(&json, STR("at"), top->look->screen.now_ms);
    json_field_bool(&json, STR("served"), all->served);
    json_field_int(&json, STR("messages"), all->messages);
    json_key(&json, STR("messages_a_second"));
    json_put_double(&json, rate(top, top->before.messages, top->now.messages));
    json_key(&json, STR("delivered_a_second"));
    json_put_double(&json, rate(top, top->before.delivered, top->now.delivered));
    json_field_int(&json, STR("waiting"), all->waiting);
    json_field_int(&json, STR("dead_letters"), all->dead);
    json_field_int(&json, STR("refused"), all->refused);
    json_field_int(&json, STR("problems"), (int64_t)all->problem_count);
    json_object_end(&json);
    buf_add_byte(&top->look->out, '\n');
}

static void write_numbers(struct top *top)
{
    static const struct table_column columns[] = {
        {"", TABLE_LEFT, 0}, {"all", TABLE_RIGHT, 0}, {"a second", TABLE_RIGHT, 0}};
    struct look *look = top->look;
    const struct overview *all = &top->all;
    struct table table;
    table_init(&table, &look->arena, &look->screen, columns, sizeof columns / sizeof columns[0]);
    table_word(&table, STR("messages"));
    table_count(&table, all->messages);
    table_word(&table, arena_printf(&look->arena, "%.1f",
                                    rate(top, top->before.messages, top->now.messages)));
    table_word(&table, STR("delivered"));
    table_count(&table, top->now.delivered);
    table_word(&table, arena_printf(&look->arena, "%.1f",
                                    rate(top, top->before.delivered, top->now.delivered)));
    table_word(&table, STR("waiting"));
    table_count(&table, all->waiting);
    table_word(&table, STR(""));
    table_word(&table, STR("dead letters"));
    table_count(&table, all->dead);
    table_word(&table, STR(""));
    table_word(&table, STR("refused"));
    table_count(&table, all->refused);
    table_word(&table, STR(""));
    table_print(&table, &look->out);
}

static void write_text(struct top *top)
{
    struct look *look = top->look;
    const struct overview *all = &top->all;
    struct buf *out = &look->out;
    char text[SHOW_MAX];
    struct str served = all->served ? STR("at work") : STR("nobody is at work");
    buf_printf(out, "%.*s  ", STR_ARG(show_time(&look->screen, look->screen.now_ms, text)));
    show_styled(out, &look->screen, all->served ? SHOW_GOOD : SHOW_BAD, served);
    buf_printf(out, ", %zu problem%s%s\n\n", all->problem_count, all->problem_count == 1 ? "" : "s",
               all->problem_count > 0 ? " (sluice status)" : "");
    write_numbers(top);
    if (all->run_count > 0) {
        buf_add_byte(out, '\n');
        runs_table(&look->arena, &look->screen, all->runs, all->run_count, out);
    }
    if (top->drawn) {
        buf_add(out, STR("\nq ends\n"));
    }
}

static bool show(struct top *top)
{
    struct look *look = top->look;
    buf_init(&look->out, &look->arena, 4096);
    if (top->as_json) {
        write_json(top);
    } else {
        if (top->drawn) {
            buf_add(&look->out, STR("\x1b[H\x1b[J"));
        }
        write_text(top);
    }
    struct str text = buf_str(&look->out);
    return buf_ok(&look->out) && fwrite(text.ptr, 1, text.len, stdout) == text.len &&
           fflush(stdout) == 0;
}

/* Wait for the next look; true when a key asked for the end. */
static bool pause_or_quit(const struct top *top, int64_t until_ms)
{
    struct clock *clock = clock_system();
    if (!top->drawn) {
        clock->sleep_until(clock, until_ms);
        return false;
    }
    for (;;) {
        struct pollfd keys = {.fd = STDIN_FILENO, .events = POLLIN};
        char key = 0;
        int64_t left_ms = until_ms - clock_mono_ms(clock);
        if (left_ms <= 0 || poll(&keys, 1, (int)left_ms) <= 0) {
            return false;
        }
        if (read(STDIN_FILENO, &key, 1) != 1 || key == 'q' || key == 'Q' || key == '\x03' ||
            key == '\x1b') {
            return true;
        }
    }
}

static bool follow(struct top *top, struct err *err)
{
    struct look *look = top->look;
    struct clock *clock = clock_system();
    for (;;) {
        int64_t begin_ms = clock_mono_ms(clock);
        arena_reset(&look->arena);
        screen_refresh(&look->screen, top->cli);
        look->path = arena_printf(&look->arena, "%.*s/sluice.db", STR_ARG(look->config.data_dir));
        if (!take_sample(top, err)) {
            return false;
        }
        top->left -= top->left > 0;
        if (!show(top) || top->left == 0 || pause_or_quit(top, begin_ms + top->interval_ms)) {
            return true;
        }
    }
}

static const char screen_begin[] = "\x1b[?1049h\x1b[?25l";
static const char screen_end[] = "\x1b[?25h\x1b[?1049l";

static struct termios terminal_before;

/* Killed: the terminal must not stay as it is. Only calls that are allowed in a signal handler. */
static void killed(int number)
{
    ssize_t written = write(STDOUT_FILENO, screen_end, sizeof screen_end - 1);
    (void)written;
    (void)tcsetattr(STDIN_FILENO, TCSANOW, &terminal_before);
    _exit(SIGNAL_EXIT + number);
}

/* Keys come at once and unseen, Ctrl-C among them; all is as it was afterwards. */
static bool follow_drawn(struct top *top, struct err *err)
{
    struct sigaction action = {.sa_handler = killed};
    if (tcgetattr(STDIN_FILENO, &terminal_before) != 0) {
        return follow(top, err);
    }
    (void)sigaction(SIGTERM, &action, NULL);
    (void)sigaction(SIGHUP, &action, NULL);
    struct termios raw = terminal_before;
    raw.c_lflag &= ~(tcflag_t)(ICANON | ECHO | ISIG);
    (void)tcsetattr(STDIN_FILENO, TCSANOW, &raw);
    (void)fputs(screen_begin, stdout);
    bool ok = follow(top, err);
    (void)fputs(screen_end, stdout);
    (void)fflush(stdout);
    (void)tcsetattr(STDIN_FILENO, TCSANOW, &terminal_before);
    return ok;
}

static int read_flags(const struct cli *cli, struct top *top)
{
    struct err err = {0};
    struct str interval = cli_value(cli, "--interval");
    if (interval.ptr != NULL && (!duration_parse(interval, &top->interval_ms, &err) ||
                                 top->interval_ms < TOP_INTERVAL_MS_MIN)) {
        return cli_misused(cli, "--interval is a duration from 100ms, such as 2s");
    }
    return cli_number(cli, "--count", 1, INT64_MAX, &top->left);
}

int cli_top(struct cli *cli)
{
    struct look look;
    struct err err = {0};
    struct top top = {
        .cli = cli, .look = &look, .interval_ms = TOP_INTERVAL_MS, .as_json = cli->json};
    bool terminal = isatty(STDIN_FILENO) != 0 && isatty(STDOUT_FILENO) != 0;
    top.drawn = terminal && !cli->plain && !cli->json;
    top.left = terminal ? -1 : 1;
    int code = read_flags(cli, &top);
    if (code != CLI_OK) {
        return code;
    }
    code = look_begin(&look, cli);
    if (code != CLI_OK) {
        (void)look_end(&look, true, &err);
        return code;
    }
    (void)look_configured(&look, cli);
    if (look.store == NULL) {
        cli_say("nothing has run here yet: there is no %.*s", STR_ARG(look.path));
        return look_end(&look, true, &err);
    }
    bool ok = top.drawn ? follow_drawn(&top, &err) : follow(&top, &err);
    arena_reset(&look.arena);
    buf_init(&look.out, &look.arena, 64);
    return look_end(&look, ok, &err);
}
