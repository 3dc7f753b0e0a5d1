#include "crypto/password.h"

#include <crypt.h>
#include <string.h>

#include "base/must.h"
#include "crypto/digest.h"
#include "crypto/encode.h"
#include "crypto/token.h"

enum {
    BCRYPT_LEN = 60,      /* $2b$12$ + 22 of salt + 31 of hash */
    BCRYPT_SALT_END = 29, /* Where the hash proper begins. */
    SALT_LETTERS = 22,
    PREHASH_LETTERS = 44,
};

static const char prefix[] = "bcrypt-sha256:";
static const char bcrypt_letters[] =
    "./ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

/* A hash of nothing anybody knows, with the cost of new ones: for users that do not exist. */
static const char nobody[] = "$2b$12$CCCCCCCCCCCCCCCCCCCCC.aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";

_Static_assert(PASSWORD_COST == 12, "the hash of nobody has the cost in it");
_Static_assert(sizeof nobody == BCRYPT_LEN + 1, "the hash of nobody has the length of one");
_Static_assert(sizeof prefix + BCRYPT_LEN <= PASSWORD_HASH_SIZE, "room for a hash");

/* What is tried first of all, of those that are long enough; compared without case. */
static const struct str common[] = {
    STR_INIT("password"),      STR_INIT("password1"),    STR_INIT("password12"),
    STR_INIT("password123"),   STR_INIT("passw0rd"),     STR_INIT("p@ssw0rd"),
    STR_INIT("p@ssword"),      STR_INIT("12345678"),     STR_INIT("123456789"),
    STR_INIT("1234567890"),    STR_INIT("0123456789"),   STR_INIT("87654321"),
    STR_INIT("987654321"),     STR_INIT("11223344"),     STR_INIT("12341234"),
    STR_INIT("qwertyui"),      STR_INIT("qwertyuiop"),   STR_INIT("qwerty12"),
    STR_INIT("qwerty123"),     STR_INIT("qwerty1234"),   STR_INIT("1q2w3e4r"),
    STR_INIT("1q2w3e4r5t"),    STR_INIT("1qaz2wsx"),     STR_INIT("q1w2e3r4"),
    STR_INIT("asdfghjk"),      STR_INIT("asdfghjkl"),    STR_INIT("zxcvbnm1"),
    STR_INIT("iloveyou"),      STR_INIT("iloveyou1"),    STR_INIT("sunshine"),
    STR_INIT("princess"),      STR_INIT("princess1"),    STR_INIT("football"),
    STR_INIT("baseball"),      STR_INIT("superman"),     STR_INIT("trustno1"),
    STR_INIT("welcome1"),      STR_INIT("welcome123"),   STR_INIT("letmein1"),
    STR_INIT("letmein123"),    STR_INIT("admin123"),     STR_INIT("admin1234"),
    STR_INIT("administrator"), STR_INIT("changeme"),     STR_INIT("changeme1"),
    STR_INIT("changeme123"),   STR_INIT("abcd1234"),     STR_INIT("abc12345"),
    STR_INIT("a1b2c3d4"),      STR_INIT("aa123456"),     STR_INIT("a1234567"),
    STR_INIT("test1234"),      STR_INIT("testtest"),     STR_INIT("whatever"),
    STR_INIT("computer"),      STR_INIT("internet"),     STR_INIT("starwars"),
    STR_INIT("michelle"),      STR_INIT("jennifer"),     STR_INIT("secret123"),
    STR_INIT("default1"),      STR_INIT("whatsapp"),     STR_INIT("telegram"),
    STR_INIT("sluice123"),     STR_INIT("sluicesluice"),
};

static size_t letters_count(struct str text)
{
    size_t count = 0;
    for (size_t i = 0; i < text.len; i++) {
        count += ((unsigned char)text.ptr[i] & 0xC0U) != 0x80U;
    }
    return count;
}

bool password_check(struct str password, struct err *err)
{
    size_t letters = letters_count(password);
    if (letters < PASSWORD_LETTERS_MIN || letters > PASSWORD_LETTERS_MAX ||
        password.len > PASSWORD_BYTES_MAX) {
        return err_set(err, ERR_REJECT, "a password has %d to %d characters; this one has %zu",
                       PASSWORD_LETTERS_MIN, PASSWORD_LETTERS_MAX, letters);
    }
    bool same = true;
    for (size_t i = 1; i < password.len; i++) {
        same = same && password.ptr[i] == password.ptr[0];
    }
    for (size_t i = 0; i < sizeof common / sizeof common[0] && !same; i++) {
        same = str_equal_ascii_case(password, common[i]);
    }
    return !same ||
           err_set(err, ERR_REJECT, "this password is one that is tried first; choose another one");
}

/* `$2b$NN$` and letters of bcrypt's own alphabet. */
static bool is_bcrypt(struct str hash)
{
    bool head = hash.len == BCRYPT_LEN && str_starts(hash, STR("$2")) && hash.ptr[3] == '$' &&
                hash.ptr[6] == '$' &&
                (hash.ptr[2] == 'a' || hash.ptr[2] == 'b' || hash.ptr[2] == 'y');
    int64_t cost = 0;
    if (!head || !str_to_int64(str_slice(hash, 4, 6), &cost) || cost < 4 ||
        cost > PASSWORD_COST_MAX) {
        return false;
    }
    for (size_t i = 7; i < hash.len; i++) {
        if (hash.ptr[i] == '\0' || strchr(bcrypt_letters, hash.ptr[i]) == NULL) {
            return false;
        }
    }
    return true;
}

/* The bcrypt hash within ours, or the hash itself; `*ours` tells which. */
static struct str bcrypt_part(struct str hash, bool *ours)
{
    *ours = str_starts(hash, str_of(prefix));
    return *ours ? str_slice(hash, sizeof prefix - 1, hash.len) : hash;
}

bool password_hash_valid(struct str hash)
{
    bool ours = false;
    return is_bcrypt(bcrypt_part(hash, &ours));
}

/* Base64 of the password's SHA-256, with a NUL: short enough for bcrypt, and without NULs. */
static void prehash(struct str password, char out[PREHASH_LETTERS + 1])
{
    char value[DIGEST_SIZE_MAX];
    encode_base64_into(digest_of(DIGEST_SHA256, password, value), out);
    out[PREHASH_LETTERS] = '\0';
    token_wipe(value, sizeof value);
}

/* bcrypt of a text with the salt of `setting`; false when the system cannot. */
static bool bcrypt(const char *text, const char *setting, char out[BCRYPT_LEN + 1])
{
    struct crypt_data data;
    memset(&data, 0, sizeof data);
    const char *made = crypt_r(text, setting, &data);
    bool ok = made != NULL && strnlen(made, BCRYPT_LEN + 1) == BCRYPT_LEN;
    if (ok) {
        memcpy(out, made, BCRYPT_LEN + 1);
    }
    token_wipe(&data, sizeof data);
    return ok;
}

bool password_hash(struct str password, char out[PASSWORD_HASH_SIZE], struct err *err)
{
    must(password.len <= PASSWORD_BYTES_MAX);
    char setting[BCRYPT_SALT_END + 1] = "$2b$12$";
    unsigned char salt[SALT_LETTERS];
    token_random(salt, sizeof salt);
    for (size_t i = 0; i < SALT_LETTERS; i++) {
        /* 128 bits are 21 letters of six and a last one of two, which are its upper ones. */
        unsigned index = i + 1 < SALT_LETTERS ? salt[i] & 63U : salt[i] & 48U;
        setting[7 + i] = bcrypt_letters[index];
    }
    setting[BCRYPT_SALT_END] = '\0';
    char text[PREHASH_LETTERS + 1];
    prehash(password, text);
    memcpy(out, prefix, sizeof prefix - 1);
    bool ok = bcrypt(text, setting, out + sizeof prefix - 1);
    token_wipe(text, sizeof text);
    return ok || err_set(err, ERR_CONFIG, "this system cannot make bcrypt hashes");
}

/* Plain bcrypt sees the password as C does, up to a NUL: one with a NUL inside never fits. */
static bool plain_text(struct str password, char out[PASSWORD_BYTES_MAX + 1])
{
    bool fits = password.len <= PASSWORD_BYTES_MAX;
    size_t len = fits ? password.len : 0;
    if (len > 0) {
        memcpy(out, password.ptr, len);
    }
    out[len] = '\0';
    return fits && strlen(out) == password.len;
}

bool password_verify(struct str password, struct str hash, bool *renew)
{
    bool ours = false;
    struct str right = bcrypt_part(hash, &ours);
    bool known = is_bcrypt(right);
    if (!known) {
        right = str_of(nobody);
    }
    char setting[BCRYPT_LEN + 1];
    memcpy(setting, right.ptr, BCRYPT_LEN);
    setting[BCRYPT_LEN] = '\0';
    char text[PASSWORD_BYTES_MAX + 1] = "";
    bool possible = password.len <= PASSWORD_BYTES_MAX;
    if (ours || !known) {
        prehash(possible ? password : STR(""), text);
    } else {
        possible = plain_text(password, text);
    }
    char made[BCRYPT_LEN + 1] = "";
    bool ok = bcrypt(text, setting, made);
    token_wipe(text, sizeof text);
    /* The letters of the salt are not compared: its last one has more than one spelling. */
    struct str a = {made + BCRYPT_SALT_END, BCRYPT_LEN - BCRYPT_SALT_END};
    struct str b = str_slice(right, BCRYPT_SALT_END, BCRYPT_LEN);
    ok = token_equal(a, b) && ok && known && possible;
    if (renew != NULL) {
        int64_t cost = 0;
        *renew =
            ok && (!ours || !str_to_int64(str_slice(right, 4, 6), &cost) || cost < PASSWORD_COST);
    }
    return ok;
}
