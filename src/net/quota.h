/*
 * quota: how many requests an account may still send, over all who use it in this process.
 *
 * Google counts the requests of an account, not of a program's parts: two sinks and a source that
 * write and read with one key share 60 reads and 60 writes a minute. So whoever sends in the name
 * of an account joins its quota, asks for a turn before each request, and waits as long as it is
 * told to instead of being refused in a storm of 429s. What one of them is told by a 429 holds for
 * all of them.
 *
 * In no stretch of a minute are more turns given than the lowest rate that anybody who has joined
 * asked for; those of the last 60 seconds are counted second by second. What was sent is forgotten
 * when the last one leaves.
 *
 * From any thread. Times are monotonic, and of one clock for all who share an account.
 */
#ifndef SLUICE_NET_QUOTA_H
#define SLUICE_NET_QUOTA_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/str.h"

enum { QUOTA_WINDOW_S = 60, QUOTA_ACCOUNT_MAX = 320 };

enum quota_kind { QUOTA_READS = 0, QUOTA_WRITES, QUOTA_KINDS };

struct quota;

/* The part of one who shares; the caller's, zeroed before it joins, and where it is until it left.
 */
struct quota_share {
    struct quota *quota; /* NULL: has not joined. */
    struct quota_share *next;
    int64_t rate;
};

/* `rate` turns a minute of each kind. */
bool quota_join(struct quota_share *share, struct str account, int64_t rate, struct err *err);
void quota_leave(struct quota_share *share); /* Does nothing for one that has not joined. */

/* Take a turn: 0, or how many milliseconds it is until there may be one, and then nothing is taken.
 */
int64_t quota_take(struct quota_share *share, enum quota_kind kind, int64_t now_ms);

/* Nobody gets a turn before `until_ms`. */
void quota_hold(struct quota_share *share, enum quota_kind kind, int64_t until_ms);

/* The lowest rate of all who have joined. */
int64_t quota_rate(struct quota_share *share);

#endif
