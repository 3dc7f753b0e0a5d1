/*
 * log: what sluice says while it runs.
 *
 * One line an event, written with one write(2), so that threads and processes sharing the place
 * never mix their lines. On a terminal a line is made for people:
 *
 *     2025-11-21 10:00:00Z warn  [run 7f3k] lawley: the bridge file is locked; next try in 4 s
 *
 * and otherwise it is a JSON object, in this order of keys, `run` only within a run:
 *
 *     {"time":"2025-11-21T10:00:00.123Z","level":"warn","run":"7f3k","text":"lawley: …"}
 *
 * This is the one formatter, and it protects people even where a caller forgot to:
 *
 *  - Seven digits or more are taken for a telephone number, also with separators between them,
 *    non-Latin digits, or as the user part of a WhatsApp id, and shown as 972•••98 (two or three
 *    leading digits and two trailing ones). Readable stay: group ids (15 to 20 digits and "@g.us"),
 *    drop numbers ("DR" and 8 digits), calendar dates, times, IPv4 addresses. Write large counts
 *    with commas (1,000,000) and lists of numbers likewise, or they are masked.
 *  - Controls, line breaks and bidi controls are shown as \n, \u{1B}, \u{202E}, bytes that are not
 *    UTF-8 as \x{FF}: no text from outside can forge a line or steer a terminal. In JSON the text
 *    has these visible forms too, so that it is harmless after decoding as well.
 *  - A line has at most LOG_LINE_MAX bytes; what is cut ends in "…" and never inside a number.
 *
 * The logger is made once, at start, and given as the process's own (log_default_set); it may then
 * be used from any thread. The run is a thread's own. Without a logger nothing is written.
 */
#ifndef SLUICE_BASE_LOG_H
#define SLUICE_BASE_LOG_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/log_file.h"
#include "base/str.h"

enum log_level {
    LOG_LEVEL_DEBUG = -1,
    LOG_LEVEL_INFO = 0,
    LOG_LEVEL_WARN,
    LOG_LEVEL_ERROR,
};

enum log_form {
    LOG_FORM_AUTO = 0, /* For people on a terminal, else JSON. */
    LOG_FORM_TEXT,
    LOG_FORM_JSON,
};

enum {
    LOG_LINE_MAX = 4096, /* What a pipe takes at once. */
    LOG_RUN_MAX = 40,
    LOG_COUNT_MAX = 32,
};

struct log_options {
    struct str path;  /* Appended to, made with 0600; absent means standard error. */
    int64_t size_max; /* With a path: then it is turned (log_file.h); 0 never. */
    int keep;         /* Old files that are kept. */
    enum log_level level;
    enum log_form form;
};

struct log {
    struct clock *clock;
    struct log_file file; /* Of the last path. */
    atomic_bool to_file;
    atomic_bool json;
    atomic_int level;          /* An enum log_level. */
    atomic_uint_fast64_t lost; /* Lines that could not be written. */
};

bool log_open(struct log *log, struct clock *clock, const struct log_options *options,
              struct err *err);

/*
 * From the next line on, elsewhere or at another level, while threads go on writing. False: nothing
 * has changed. One thread at a time.
 */
bool log_change(struct log *log, const struct log_options *options, struct err *err);

/* Not while another thread may still write. */
void log_close(struct log *log);

/* The logger of the process; NULL takes it away. Before threads start and after they ended. */
void log_default_set(struct log *log);

/* What this thread works on from now on; a short word without secrets. Absent: nothing. */
void log_run_set(struct str run);

/* The same by its number; 0: nothing. */
void log_run_set_id(int64_t run);

/* What was set, with a NUL; may be called in a signal handler. */
const char *log_run(void);

__attribute__((format(printf, 3, 4))) void log_write(struct log *log, enum log_level level,
                                                     const char *format, ...);

/* To the logger of the process. */
__attribute__((format(printf, 1, 2))) void log_debug(const char *format, ...);
__attribute__((format(printf, 1, 2))) void log_info(const char *format, ...);
__attribute__((format(printf, 1, 2))) void log_warn(const char *format, ...);
__attribute__((format(printf, 1, 2))) void log_error(const char *format, ...);

/* 1000000 as "1,000,000", so that it is not taken for a telephone number. The text is in `room`. */
const char *log_count(int64_t count, char room[LOG_COUNT_MAX]);

/* "debug", "info", "warn", "error"; false for another word. */
bool log_level_parse(struct str name, enum log_level *level);

/*
 * The text as a line shows it: masked and escaped. For others who show what came from outside
 * (`tap`, bundles). The view is in `room`; what does not fit is cut and ends in "…".
 */
struct str log_mask(struct str text, char *room, size_t room_size);

#endif
