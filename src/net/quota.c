#include "net/quota.h"

#include <string.h>

#include "base/mem.h"
#include "base/must.h"
#include "base/thread.h"

enum { SLOTS = QUOTA_WINDOW_S + 1, SECOND_MS = 1000 };

/* Turns of the last minute, by the second in which they were given. */
struct window {
    int64_t second; /* The newest. */
    int64_t total;
    int32_t counts[SLOTS]; /* Of second s at s % SLOTS. */
    int64_t held_until_ms;
};

struct quota {
    struct quota *next;
    char account[QUOTA_ACCOUNT_MAX];
    struct quota_share *shares;
    struct window windows[QUOTA_KINDS];
};

static struct lock lock = {PTHREAD_MUTEX_INITIALIZER};
static struct quota *quotas;

/* Of the account, made if it is not there; NULL without memory. */
static struct quota *find_or_make(struct str account)
{
    struct quota *quota = quotas;
    while (quota != NULL && !str_equal(str_of(quota->account), account)) {
        quota = quota->next;
    }
    if (quota == NULL && (quota = mem_alloc(sizeof *quota)) != NULL) {
        memcpy(quota->account, account.ptr, account.len);
        quota->next = quotas;
        quotas = quota;
    }
    return quota;
}

bool quota_join(struct quota_share *share, struct str account, int64_t rate, struct err *err)
{
    must(rate > 0 && share->quota == NULL);
    account = str_slice(account, 0, QUOTA_ACCOUNT_MAX - 1);
    lock_take(&lock);
    struct quota *quota = find_or_make(account);
    if (quota != NULL) {
        *share = (struct quota_share){quota, quota->shares, rate};
        quota->shares = share;
    }
    lock_give(&lock);
    return quota != NULL || err_set(err, ERR_RETRY, "out of memory for an account's quota");
}

void quota_leave(struct quota_share *share)
{
    if (share->quota == NULL) {
        return;
    }
    lock_take(&lock);
    struct quota *quota = share->quota;
    struct quota_share **at = &quota->shares;
    while (*at != share) {
        at = &(*at)->next;
    }
    *at = share->next;
    if (quota->shares == NULL) {
        struct quota **place = &quotas;
        while (*place != quota) {
            place = &(*place)->next;
        }
        *place = quota->next;
        mem_free(quota);
    }
    lock_give(&lock);
    *share = (struct quota_share){0};
}

static int64_t lowest_rate(const struct quota *quota)
{
    int64_t lowest = quota->shares->rate;
    for (const struct quota_share *share = quota->shares; share != NULL; share = share->next) {
        lowest = share->rate < lowest ? share->rate : lowest;
    }
    return lowest;
}

/* Forget the seconds that are a minute old. */
static void advance(struct window *window, int64_t second)
{
    if (second - window->second >= SLOTS) {
        memset(window->counts, 0, sizeof window->counts);
        window->total = 0;
        window->second = second;
    }
    while (window->second < second) {
        int32_t *oldest = &window->counts[++window->second % SLOTS];
        window->total -= *oldest;
        *oldest = 0;
    }
}

/* When enough of them are forgotten that there is one below `rate`. */
static int64_t free_at_ms(const struct window *window, int64_t rate)
{
    int64_t left = window->total;
    int64_t second = window->second - QUOTA_WINDOW_S;
    for (; second < window->second; second++) {
        left -= second < 0 ? 0 : window->counts[second % SLOTS];
        if (left < rate) {
            break;
        }
    }
    return (second + SLOTS) * SECOND_MS;
}

int64_t quota_take(struct quota_share *share, enum quota_kind kind, int64_t now_ms)
{
    int64_t wait_ms = 0;
    must(share->quota != NULL && now_ms >= 0);
    lock_take(&lock);
    struct window *window = &share->quota->windows[kind];
    int64_t rate = lowest_rate(share->quota);
    advance(window, now_ms / SECOND_MS);
    if (now_ms < window->held_until_ms) {
        wait_ms = window->held_until_ms - now_ms;
    } else if (window->total >= rate) {
        wait_ms = free_at_ms(window, rate) - now_ms;
    } else {
        window->counts[window->second % SLOTS]++;
        window->total++;
    }
    lock_give(&lock);
    return wait_ms;
}

void quota_hold(struct quota_share *share, enum quota_kind kind, int64_t until_ms)
{
    must(share->quota != NULL);
    lock_take(&lock);
    struct window *window = &share->quota->windows[kind];
    window->held_until_ms = until_ms > window->held_until_ms ? until_ms : window->held_until_ms;
    lock_give(&lock);
}

int64_t quota_rate(struct quota_share *share)
{
    must(share->quota != NULL);
    lock_take(&lock);
    int64_t rate = lowest_rate(share->quota);
    lock_give(&lock);
    return rate;
}
