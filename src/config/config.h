/*
 * config: files and variables that people wrote, checked as a whole and made into a plan.
 *
 *     store: data                        the data folder, unless --data or $SLUICE_DATA say another
 *     zone: Asia/Jerusalem               in which times are shown, unless $SLUICE_ZONE says another
 *     sources:
 *       bridge:                          a name of one's own
 *         kind: whatsapp-bridge
 *         path: ${WHATSAPP_DB_PATH}      options of the kind, by its table
 *         poll: ${SCAN_INTERVAL:15}s     poll and timeout: options that every source has
 *     sinks:
 *       records: {kind: sqlite}          timeout and attempts: options that every sink has
 *     pipelines:
 *       drops:
 *         kind: drops                    the op, with its options beside it
 *         source: bridge                 what it listens to …
 *         projects: projects.yaml        … and which chats there: by an option of named chats, or
 *         schedule: {on: message}        by `chats: all` or a list of chat ids (several: from.h)
 *
 * A pipeline of generic steps has `ops:`, a list of such maps, in place of `kind:` (ops.h). With
 * `ticks: clock` it also hears the ticks of that source.
 *
 * `include: [team.yaml]` adds what other files define (tree.h), `secrets:` says where secrets are
 * (secrets.h). Whatever is read is wiped from memory before it is given back.
 *
 * Everything is checked with nothing opened: the same plan that `check` approves is the one that
 * `serve` runs. All mistakes of a pass are collected (fault.h). On success the plan's instances are
 * filled and not yet open; they, and all texts, live in the configuration's own arena until
 * config_free(). A configuration is read by one thread and constant afterwards.
 */
#ifndef SLUICE_CONFIG_CONFIG_H
#define SLUICE_CONFIG_CONFIG_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/log.h"
#include "base/str.h"
#include "config/alerts.h"
#include "config/backups.h"
#include "config/fault.h"
#include "config/http.h"
#include "config/kinds.h"
#include "config/reader.h"
#include "config/secrets.h"
#include "model/plan.h"

enum {
    CONFIG_ARENA_LIMIT = 64 * 1024 * 1024,
    CONFIG_NAME_MAX = 64, /* Of a source, pipeline or sink. */
    CONFIG_POLL_MS_MIN = 100,
    CONFIG_LOG_MB = 64, /* Of one log file, unless $LOG_FILE_MB says another. */
    CONFIG_LOG_KEEP = 7,
};

struct config_input {
    struct str path;                /* --config; absent: looked for. */
    struct str data_dir;            /* --data; absent: looked for. */
    const char *const *environment; /* "NAME=value", ended by NULL. */
    const struct kinds *kinds;
    int64_t now_ms; /* For schedules that meet a change of the clock; 0: not asked. */
};

/* A pipeline's chats by their names, to be said at start. */
struct config_projects {
    struct str pipeline;
    struct named_chats chats;
};

struct config {
    struct arena arena;
    struct faults faults;
    struct plan plan;
    struct str path;
    struct str data_dir;
    const struct zone *zone; /* In which people are shown times; NULL: not said. */
    struct str log_file;     /* $LOG_FILE; absent for standard error. */
    int64_t log_bytes_max;   /* $LOG_FILE_MB: then it is turned; 0 never. */
    int log_keep;            /* $LOG_FILE_KEEP: old ones that are kept. */
    enum log_level log_level;
    struct config_http http;
    struct config_alerts alerts;
    struct config_backups backups;
    struct str environment; /* $ENV: "production"; absent when it is not said. */
    struct config_projects *projects;
    size_t project_lists;
    const struct secrets *secrets;    /* Where each comes from; NULL when nothing was read. */
    const struct reader_files *files; /* All that were looked at, .env included. */
};

/*
 * False with ERR_CONFIG when anything is wrong; then `faults` holds what, and `err` says it in one
 * line. config_free() is due in both cases.
 */
bool config_load(struct config *config, const struct config_input *input, struct err *err);
void config_free(struct config *config);

/* What the lists of projects call a chat, and the chat of a name in any case of letters; what they
   do not know is as it was. */
struct str config_chat_name(const struct config *config, struct str chat);
struct str config_chat_id(const struct config *config, struct str typed);

/* The files that were read or looked for, also after a failure: what to watch for a reload. */
const struct str *config_files(const struct config *config, size_t *count);

/*
 * Only where the data folder is, for verbs that read a store and need no more: the same answer as
 * config_load() gives, also when the rest of the file is wrong.
 */
bool config_load_place(struct config *config, const struct config_input *input, struct err *err);

/* "poll", "timeout": what every source and every sink can be told besides its own options. */
const struct option *config_source_options(void);
const struct option *config_sink_options(void);

/*
 * The same for what is no option of an instance, and only described: keys on top, of `keep`, and of
 * a pipeline. Of a map or a list, `choices` names what it holds ("schedule").
 */
const struct option *config_top_options(void);
const struct option *config_keep_options(void);
const struct option *config_pipeline_options(void);

#endif
