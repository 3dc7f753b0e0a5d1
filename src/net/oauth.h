/*
 * oauth: tokens of a Google service account, a user that is a program and has a key.
 *
 * The key file that Google's console hands out names the account and holds its private key. With
 * that key a statement is signed (a JWT: who, what for, until when), the service at the file's
 * `token_uri` takes it, and gives a token that opens the interfaces for an hour:
 *
 *     Authorization: Bearer ya29.…
 *
 * A token is kept until five minutes before its end. When a service does not take it any more,
 * oauth_forget() makes the next call get a new one.
 *
 * The file is judged when it is opened: it must be of a service account (the same console also
 * hands out files of other kinds), with an RSA key and an address that is https (http:// only on
 * this machine). What the token service refuses is said in words that a person can act on: a key
 * that was deleted, an account that was, and above all a clock that is wrong, which is told from
 * the date of the answer.
 *
 * The texts of the file are never quoted, except the account's address, which is what people need:
 * a spreadsheet is shared with it.
 */
#ifndef SLUICE_NET_OAUTH_H
#define SLUICE_NET_OAUTH_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/str.h"
#include "net/http.h"

struct oauth;

enum {
    OAUTH_FILE_MAX = 64 * 1024,
    OAUTH_TOKEN_MAX = 4096,
    OAUTH_EARLY_MS = 5 * 60 * 1000, /* So long before its end a token is replaced. */
    OAUTH_SKEW_MS = 2 * 60 * 1000,  /* A clock that is further off explains a refusal. */
    OAUTH_LIFE_S = 3600,            /* The longest that the service grants. */
};

struct oauth_options {
    struct str credentials; /* The text of the key file. */
    struct str scope;       /* What the tokens are for; several are parted by a space. */
    struct clock *clock;
};

/* Is it a key file that can be used? ERR_CONFIG says what is wrong with it; nobody is asked. */
bool oauth_check(struct str credentials, struct err *err);

bool oauth_open(struct oauth **out, const struct oauth_options *options, struct err *err);
void oauth_close(struct oauth *oauth); /* NULL is fine. */

/* The account's address. */
struct str oauth_account(const struct oauth *oauth);

/* The value of the header Authorization; lives until the next call. */
bool oauth_token(struct oauth *oauth, struct http *http, int64_t deadline_ms, struct str *value,
                 struct err *err);
void oauth_forget(struct oauth *oauth);

#endif
