/*
 * api: /api/v1/…, for programs of this house.
 *
 * Each call names itself with a token (tokens.h). What it may not do is refused before its body is
 * read; the rest stands in line for a thread with a handle of the store (calls.h). Here is what the
 * calls share: who calls, arguments, pages, the audit log, errors. The calls themselves are in
 * api_look.c and api_act.c; what they say is written in openapi.c.
 *
 * Whoever reads messages, records or dead letters is noted in the audit log before the answer goes
 * out, and whoever acts, in the change of the act itself; what cannot be noted is refused. Of reads
 * there is one entry for a token, an address and a path in a minute: more would tell no more, and
 * each costs the disk a write.
 *
 * Lists come in pages. A cursor is opaque; it names the last item that was given, so that nothing
 * comes twice and nothing is left out however much arrives meanwhile.
 */
#ifndef SLUICE_SERVE_API_H
#define SLUICE_SERVE_API_H

#include "config/http.h"
#include "crypto/aead.h"
#include "serve/calls.h"
#include "serve/planned.h"
#include "serve/renew.h"
#include "serve/tokens.h"
#include "text/json.h"

enum {
    API_BODY_MAX = 64 * 1024,
    API_LIMIT_USUAL = 50,
    API_LIMIT_MAX = 1000,
    API_ANSWER_MAX = 8 * 1024 * 1024, /* A page ends early when it would get larger. */
    API_TEXT_MAX = 1024,              /* Of an argument. */
    API_NOTED = 1024,                 /* Reads of this minute that are in the audit log. */

    STATUS_OK = 200,
    STATUS_ACCEPTED = 202,
    STATUS_WRONG = 400,
    STATUS_UNAUTHORIZED = 401,
    STATUS_FORBIDDEN = 403,
    STATUS_NOT_FOUND = 404,
    STATUS_CONFLICT = 409,
    STATUS_WRONG_TYPE = 415,
    STATUS_TOO_MANY = 429,
    STATUS_FAILED = 500,
    STATUS_UNAVAILABLE = 503,
};

/* A dry run of a pipeline, by whoever can load a configuration (cli/dry.h); `run` NULL: nobody. */
struct api_dry_wish {
    struct str pipeline;
    int64_t since_ms; /* 0: from the beginning. */
    int64_t until_ms; /* 0: no end. */
    bool (*stopping)(void *context);
    void *stopping_context;
};

struct api_dry {
    bool (*run)(void *context, const struct api_dry_wish *wish, struct arena *arena,
                struct str *text, struct err *err);
    void *context;
};

struct api {
    const struct config_http *http;
    struct engine *engine;
    struct planned *planned;
    struct planned_words words;
    struct renew *renew;
    struct api_dry dry;
    struct tokens *tokens;
    struct calls *calls;
    uint64_t seed;
    struct lock lock; /* Of all below. */
    bool stop;
    bool drying; /* One at a time. */
    bool keyed;
    struct aead_key key; /* Of cursors. */
    struct {
        uint64_t hash;
        int64_t minute;
    } noted[API_NOTED];
};

typedef bool api_work(struct api *api, struct calls_hand *hand, struct call *call);

bool api_start(struct api *api, struct err *err);

/* Calls that wait are answered; then the servers may stop, and then it is freed. */
void api_stop(struct api *api);
void api_free(struct api *api);

/* ---- For the thread that reads connections ---- */

/* Who calls, and with whose token: false after a refusal. Also when no token is needed. */
bool api_admit(struct api *api, struct call *call, unsigned scope);

/* May this call, which needs no token, see what a scope is for? False after a refusal as well. */
bool api_shows(struct api *api, struct call *call, unsigned scope);

/* Puts it off. */
bool api_take(struct api *api, struct call *call, api_work *work);

/* ---- For the calls ---- */

/* Only these arguments, each once and as text; ended by NULL. False after a refusal. */
bool api_arguments(struct call *call, const char *const *names);
struct str api_argument(const struct call *call, const char *name); /* Absent: not given. */

bool api_limit(struct call *call, size_t *limit);
bool api_time(struct call *call, const char *name, int64_t *ms); /* 0: not given. */
bool api_id(struct call *call, const char *what, int64_t *id);   /* The word of the path. */

/* "next":"…", or null for 0. */
void api_put_next(struct json_writer *json, char kind, int64_t id);
bool api_cursor(struct calls_hand *hand, struct call *call, char kind, int64_t *id);

/*
 * The same for a place that names a person: sealed with a key of the store's own, since cursors
 * stand in addresses, which proxies log. `context` is the list that it is of.
 */
bool api_seal(struct api *api, struct calls_hand *hand, struct str context, struct str plain,
              struct str *text, struct err *err);
/* `plain` is absent when no cursor was given. False after a refusal. */
bool api_unseal(struct api *api, struct calls_hand *hand, struct call *call, struct str context,
                struct str *plain);

/* True: it is noted that this was read. False after a refusal. */
bool api_audit_read(struct api *api, struct calls_hand *hand, struct call *call);

/* Within an open change. `detail` goes on behind the address: ",\"request\":7". */
bool api_audit_act(struct calls_hand *hand, const struct call *call, const char *act,
                   struct str object, struct str detail, struct err *err);

/* May names and numbers of people be seen? */
bool api_sees_people(const struct call *call);

/* Always true, so that a call can end with it. */
bool api_fail(struct call *call, const struct err *err);
bool api_answer(struct call *call, int status, struct buf *body);

#endif
