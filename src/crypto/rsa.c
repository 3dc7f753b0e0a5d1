#include "crypto/rsa.h"

#include <bearssl_pem.h>
#include <bearssl_rsa.h>
#include <bearssl_x509.h>
#include <string.h>

#include "base/mem.h"
#include "crypto/digest.h"
#include "crypto/token.h"

struct rsa {
    br_skey_decoder_context decoder; /* The key's numbers lie in it. */
};

/* One reading of a PEM text. */
struct reading {
    struct rsa *rsa;
    bool inside; /* Of a private key. */
    bool found;
    bool locked;
};

static void take_bytes(void *context, const void *bytes, size_t len)
{
    struct reading *reading = context;
    br_skey_decoder_push(&reading->rsa->decoder, bytes, len);
}

/* What the library calls a block; 80 letters at most. */
static void begin_block(struct reading *reading, br_pem_decoder_context *pem)
{
    struct str name = str_of(br_pem_decoder_name(pem));
    reading->locked = reading->locked || str_equal(name, STR("ENCRYPTED PRIVATE KEY"));
    reading->inside = !reading->found && (str_equal(name, STR("PRIVATE KEY")) ||
                                          str_equal(name, STR("RSA PRIVATE KEY")));
    if (reading->inside) {
        br_skey_decoder_init(&reading->rsa->decoder);
    }
    br_pem_decoder_setdest(pem, reading->inside ? take_bytes : NULL, reading);
}

static bool read_pem(struct reading *reading, struct str text)
{
    br_pem_decoder_context pem;
    bool ok = true;
    br_pem_decoder_init(&pem);
    for (size_t at = 0; ok && at < text.len;) {
        at += br_pem_decoder_push(&pem, text.ptr + at, text.len - at);
        switch (br_pem_decoder_event(&pem)) {
        case BR_PEM_BEGIN_OBJ:
            begin_block(reading, &pem);
            break;
        case BR_PEM_END_OBJ:
            reading->found = reading->found || reading->inside;
            break;
        case BR_PEM_ERROR:
            ok = false;
            break;
        default:
            break;
        }
    }
    token_wipe(&pem, sizeof pem);
    return ok;
}

static bool judge(const struct reading *reading, bool sound, struct err *err)
{
    const br_skey_decoder_context *decoder = &reading->rsa->decoder;
    if (!reading->found) {
        return err_set(err, ERR_CONFIG, "%s",
                       reading->locked ? "the key is locked with a password: only an open one "
                                         "(a PEM block PRIVATE KEY) can be used"
                       : sound         ? "it holds no PEM block PRIVATE KEY, or not all of it"
                                       : "the key is damaged: it is no base64");
    }
    if (br_skey_decoder_last_error(decoder) != 0) {
        return err_set(err, ERR_CONFIG, "the key is damaged: it cannot be read");
    }
    const br_rsa_private_key *key = br_skey_decoder_get_rsa(decoder);
    if (key == NULL) {
        return err_set(err, ERR_CONFIG, "it is no RSA key");
    }
    return (key->n_bitlen >= RSA_BITS_MIN && key->n_bitlen <= RSA_BITS_MAX) ||
           err_set(err, ERR_CONFIG, "the key has %u bits, and only %d to %d are taken",
                   (unsigned)key->n_bitlen, RSA_BITS_MIN, RSA_BITS_MAX);
}

bool rsa_open(struct rsa **out, struct str pem, struct err *err)
{
    struct reading reading = {.rsa = mem_alloc(sizeof *reading.rsa)};
    if (reading.rsa == NULL) {
        return err_set(err, ERR_RETRY, "out of memory for a key");
    }
    if (pem.len > RSA_PEM_MAX) {
        rsa_close(reading.rsa);
        return err_set(err, ERR_CONFIG, "it is longer than %d bytes", RSA_PEM_MAX);
    }
    br_skey_decoder_init(&reading.rsa->decoder);
    bool sound = read_pem(&reading, pem);
    if (!judge(&reading, sound, err)) {
        rsa_close(reading.rsa);
        return false;
    }
    *out = reading.rsa;
    return true;
}

void rsa_close(struct rsa *rsa)
{
    if (rsa != NULL) {
        token_wipe(rsa, sizeof *rsa);
        mem_free(rsa);
    }
}

bool rsa_sign_sha256(const struct rsa *rsa, struct str bytes, char out[RSA_SIGNATURE_MAX],
                     struct str *signature, struct err *err)
{
    char digest[DIGEST_SIZE_MAX];
    const br_rsa_private_key *key = br_skey_decoder_get_rsa(&rsa->decoder);
    struct str hash = digest_of(DIGEST_SHA256, bytes, digest);
    bool ok = br_rsa_pkcs1_sign_get_default()(BR_HASH_OID_SHA256, (const unsigned char *)hash.ptr,
                                              hash.len, key, (unsigned char *)out) == 1;
    *signature = (struct str){out, ok ? (key->n_bitlen + 7) / 8 : 0};
    return ok || err_set(err, ERR_CONFIG, "the key's parts do not belong together");
}
