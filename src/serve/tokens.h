/*
 * tokens: who may use the API, and for what.
 *
 * A token is "slc_" and 43 letters by chance. It is shown once, when it is made; the store keeps
 * its SHA-256. A slow hash as for passwords (crypto/password.h) would gain nothing: whoever finds
 * the hash would have to guess 258 bits, and every call would pay for it.
 *
 * Kept as notes of the connector TOKENS_CONNECTOR, one a name. Verbs write them; a serving process
 * holds them in memory and looks TOKENS_LOOK_MS after the store has changed, so a token that was
 * removed stops to work within a second, and a call costs the store nothing. When the store cannot
 * be read for TOKENS_BLIND_MS, nobody is believed any more.
 *
 * Scopes: `read` sees messages, records, runs, gaps, dead letters and pipelines, with people
 * masked; `people` sees numbers and names as they are (and may read with that alone); `run` starts
 * runs; `metrics` is for /metrics and the details of /health; `admin` is all of these but
 * `people`, and reloads.
 */
#ifndef SLUICE_SERVE_TOKENS_H
#define SLUICE_SERVE_TOKENS_H

#include "crypto/digest.h"
#include "crypto/token.h"
#include "store/store.h"

#define TOKENS_CONNECTOR STR("sluice/tokens")

enum {
    TOKENS_MAX = 256,
    TOKENS_NAME_MAX = 64,
    TOKENS_LOOK_MS = 300,
    TOKENS_BLIND_MS = 10 * 1000,
    TOKENS_TEXT_SIZE = 4 + TOKEN_TEXT_SIZE, /* With its NUL. */
    TOKENS_SCOPES_TEXT_MAX = 64,
};

/* Bits. */
enum token_scope {
    TOKEN_READ = 1,
    TOKEN_RUN = 2,
    TOKEN_METRICS = 4,
    TOKEN_PEOPLE = 8,
    TOKEN_ADMIN = 16,
};

struct token_row {
    struct str name;
    unsigned scopes;
    int64_t made_ms;
    int64_t expires_ms; /* 0: never. */
    char digest[DIGEST_SHA256_SIZE];
};

/* "read,run" as bits; false names the word that is none in `wrong`. */
bool token_scopes_parse(struct str text, unsigned *scopes, struct str *wrong);
struct str token_scopes_text(unsigned scopes, char out[TOKENS_SCOPES_TEXT_MAX]);

/* Is what is needed (any of its bits is enough) among what is held? */
bool token_allows(unsigned held, unsigned needed);

/* Letters, digits, - _ . and at most TOKENS_NAME_MAX of them. */
bool token_name_valid(struct str name);

/* A new one; its text is in `text`, its hash in the row. */
void token_new(struct token_row *row, char text[TOKENS_TEXT_SIZE]);

/* By name. A note that cannot be read is left out: it lets nobody in. */
bool token_rows(struct store *store, struct arena *arena, struct token_row **rows, size_t *count,
                struct err *err);

/* Both need an open change. A name that is there is ERR_REJECT. */
bool token_row_add(struct store *store, struct arena *arena, const struct token_row *row,
                   struct err *err);
bool token_row_remove(struct store *store, struct arena *arena, struct str name, bool *found,
                      struct err *err);

/* ---- Of a serving process ---- */

struct tokens;

enum tokens_verdict {
    TOKENS_GOOD = 0,
    TOKENS_WRONG,    /* Nobody's, expired, or removed. */
    TOKENS_TOO_MANY, /* The same, and not the first from this address. */
    TOKENS_BLIND,    /* The store does not say who is known. */
};

struct token_holder {
    char name[TOKENS_NAME_MAX + 1];
    unsigned scopes;
};

/* `store` is theirs from here on. */
bool tokens_start(struct tokens **out, struct store *store, struct err *err);
void tokens_stop(struct tokens *tokens); /* NULL is fine. */

/* What the header Authorization says, from an address. From any thread; never waits. */
enum tokens_verdict tokens_check(struct tokens *tokens, struct str authorization,
                                 struct str address, struct token_holder *holder);

/* How often a token was wrong since the start. */
int64_t tokens_refused(struct tokens *tokens);

#endif
