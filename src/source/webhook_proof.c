#include "source/webhook_proof.h"

#include "base/buf.h"
#include "crypto/encode.h"
#include "crypto/hmac.h"
#include "crypto/token.h"

enum { MS_PER_S = 1000, SIGNATURES_MAX = 8, SIGNED_EXTRA = 128 };

static const char *const secret_names[] = {"secret", "old_secret"};
static const char *const token_names[] = {"token", "old_token"};

/* "whsec_" and base64, as services hand it out; or any long text, taken as it is. */
static bool read_key(const struct secret *secret, struct arena *arena, struct str *key,
                     struct err *err)
{
    struct str text = secret_reveal(secret);
    *key = text;
    if (str_starts(text, STR("whsec_")) &&
        !encode_from_base64(arena, str_slice(text, 6, text.len), key, err)) {
        return err_set(err, ERR_CONFIG, "behind whsec_ stands no base64");
    }
    return !secret_given(secret) || (key->len >= PROOF_BYTES_MIN && key->len <= PROOF_BYTES_MAX) ||
           err_set(err, ERR_CONFIG, "it must have %d to %d bytes", PROOF_BYTES_MIN,
                   PROOF_BYTES_MAX);
}

bool webhook_proof_open(struct webhook_proof *proof, struct arena *arena, const char **option,
                        struct err *err)
{
    for (int i = 0; i < PROOF_LIVE_MAX; i++) {
        struct str token = secret_reveal(&proof->tokens[i]);
        *option = secret_names[i];
        if (!read_key(&proof->secrets[i], arena, &proof->keys[i], err)) {
            return false;
        }
        *option = token_names[i];
        if (secret_given(&proof->tokens[i]) && token.len < PROOF_BYTES_MIN) {
            return err_set(err, ERR_CONFIG, "it must have %d letters or more", PROOF_BYTES_MIN);
        }
    }
    *option = NULL;
    bool proves = secret_given(&proof->secrets[0]) || secret_given(&proof->tokens[0]);
    if (proof->open && proves) {
        return err_set(err, ERR_CONFIG, "`open: true` is for calls that prove nothing");
    }
    return proof->open || proves ||
           err_set(err, ERR_CONFIG,
                   "anybody could call it: add a `secret` that signs the calls, or a `token`");
}

void webhook_proof_close(struct webhook_proof *proof)
{
    for (int i = 0; i < PROOF_LIVE_MAX; i++) {
        proof->keys[i] = (struct str){0};
    }
}

static bool fits_token(const struct webhook_proof *proof, const struct inbox_item *item)
{
    struct str text = inbox_header(item, STR("Authorization"));
    struct str scheme = STR("Bearer ");
    if (text.len <= scheme.len || !str_equal_ascii_case(str_slice(text, 0, scheme.len), scheme)) {
        return false;
    }
    struct str given = str_slice(text, scheme.len, text.len);
    bool fits = false;
    for (int i = 0; i < PROOF_LIVE_MAX; i++) {
        fits = token_equal(given, secret_reveal(&proof->tokens[i])) || fits;
    }
    return fits;
}

/* One signature of the header, "v1,…". */
static bool fits_signature(const struct webhook_proof *proof, struct str one, struct str content,
                           struct arena *arena)
{
    struct str value = {0};
    struct err ignored = {0};
    bool fits = false;
    if (!str_starts(one, STR("v1,")) ||
        !encode_from_base64(arena, str_slice(one, 3, one.len), &value, &ignored)) {
        return false;
    }
    for (int i = 0; i < PROOF_LIVE_MAX; i++) {
        fits =
            (proof->keys[i].len > 0 && hmac_check(DIGEST_SHA256, proof->keys[i], content, value)) ||
            fits;
    }
    return fits;
}

static bool any_signature(const struct webhook_proof *proof, struct str all, struct str content,
                          struct arena *arena)
{
    size_t at = 0;
    for (int i = 0; i < SIGNATURES_MAX && at < all.len; i++) {
        size_t blank = str_find_byte(all, ' ', at);
        size_t end = blank == STR_NONE ? all.len : blank;
        if (fits_signature(proof, str_slice(all, at, end), content, arena)) {
            return true;
        }
        at = end + 1;
    }
    return false;
}

static const char *look_signed(const struct webhook_proof *proof, const struct inbox_item *item,
                               int64_t now_ms, struct arena *arena)
{
    struct str id = inbox_header(item, STR("webhook-id"));
    struct str time = inbox_header(item, STR("webhook-timestamp"));
    struct str signatures = inbox_header(item, STR("webhook-signature"));
    struct buf content;
    int64_t seconds = 0;
    if (id.len == 0 || time.len == 0 || signatures.len == 0) {
        return "it is not signed: webhook-id, webhook-timestamp and webhook-signature are needed";
    }
    if (!str_to_int64(time, &seconds) || seconds < 0 || seconds > INT64_MAX / MS_PER_S) {
        return "webhook-timestamp is no time in seconds";
    }
    int64_t away_ms = now_ms - seconds * MS_PER_S;
    if (away_ms > proof->tolerance_ms || away_ms < -proof->tolerance_ms) {
        return "webhook-timestamp is too far from the present: is it an old call, or a wrong "
               "clock?";
    }
    buf_init(&content, arena, item->body.len + SIGNED_EXTRA);
    buf_add(&content, id);
    buf_add_byte(&content, '.');
    buf_add(&content, time);
    buf_add_byte(&content, '.');
    buf_add(&content, item->body);
    if (!buf_ok(&content) || !any_signature(proof, signatures, buf_str(&content), arena)) {
        return "no signature in webhook-signature fits";
    }
    return NULL;
}

const char *webhook_proof_look(const struct webhook_proof *proof, const struct inbox_item *item,
                               int64_t now_ms, struct arena *arena)
{
    if (proof->open || fits_token(proof, item)) {
        return NULL;
    }
    return secret_given(&proof->secrets[0]) ? look_signed(proof, item, now_ms, arena)
                                            : "this needs the token: Authorization: Bearer …";
}
