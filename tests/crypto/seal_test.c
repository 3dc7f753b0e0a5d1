/* seal: what goes in comes out, in any pieces; what was changed, cut or moved does not. */
#include <stdlib.h>
#include <string.h>

#include "crypto/seal.h"
#include "crypto/token.h"
#include "test.h"

enum { PLAIN_MAX = 3 * SEAL_PIECE, ROOM = PLAIN_MAX + 4096 };

static const struct str secret = {"an invented secret of a test", 28};

struct bytes {
    size_t len;
    char at[ROOM];
};

static char plain[PLAIN_MAX];
static struct bytes sealed;
static struct bytes opened;
static struct bytes changed;
static struct seal seal;
static struct err err;

static bool collect(void *context, struct str bytes, struct err *why)
{
    struct bytes *to = context;
    (void)why;
    assert_true(to->len + bytes.len <= ROOM);
    memcpy(to->at + to->len, bytes.ptr, bytes.len);
    to->len += bytes.len;
    return true;
}

static void seal_all(size_t size, size_t step)
{
    sealed.len = 0;
    assert_true(seal_begin(&seal, secret, collect, &sealed, &err));
    for (size_t at = 0; at < size; at += step) {
        assert_true(
            seal_add(&seal, (struct str){plain + at, size - at < step ? size - at : step}, &err));
    }
    assert_true(seal_end(&seal, &err));
    token_wipe(&seal, sizeof seal);
}

static bool open_all(const struct bytes *from, struct str with, size_t step)
{
    opened.len = 0;
    bool ok = unseal_begin(&seal, with, collect, &opened, &err);
    for (size_t at = 0; ok && at < from->len; at += step) {
        size_t size = from->len - at < step ? from->len - at : step;
        ok = unseal_add(&seal, (struct str){from->at + at, size}, &err);
    }
    ok = ok && unseal_end(&seal, &err);
    token_wipe(&seal, sizeof seal);
    return ok;
}

static void comes_out_again(void **state)
{
    static const size_t sizes[] = {0,        1, 100, SEAL_PIECE - 1, SEAL_PIECE, SEAL_PIECE + 1,
                                   PLAIN_MAX};
    static const size_t steps[] = {7, 4096, ROOM};
    (void)state;
    for (size_t i = 0; i < PLAIN_MAX; i++) {
        plain[i] = (char)(i * 31 + i / 251);
    }
    for (size_t i = 0; i < COUNT(sizes); i++) {
        for (size_t j = 0; j < COUNT(steps); j++) {
            seal_all(sizes[i], steps[j]);
            if (!open_all(&sealed, secret, steps[COUNT(steps) - 1 - j])) {
                fail_msg("%zu bytes: %s", sizes[i], err.text);
            }
            assert_int_equal(opened.len, sizes[i]);
            assert_memory_equal(opened.at, plain, sizes[i]);
        }
    }
    seal_all(5000, 5000); /* And nothing of it can be seen. */
    assert_true(str_find((struct str){sealed.at, sealed.len}, (struct str){plain, 16}, 0) ==
                STR_NONE);
}

static void refuse(const char *what)
{
    if (open_all(&changed, secret, ROOM)) {
        fail_msg("%s: it is taken for genuine", what);
    }
    assert_int_equal(err.kind, ERR_REJECT);
}

static void damage_is_seen(void **state)
{
    (void)state;
    size_t piece = SEAL_PIECE + 4 + AEAD_TAG_SIZE;
    seal_all(2 * SEAL_PIECE + 50, ROOM);
    assert_false(open_all(&sealed, STR("another invented secret"), ROOM));
    assert_int_equal(err.kind, ERR_REJECT);
    assert_int_equal(opened.len, 0);
    for (size_t at = 0; at < sealed.len; at += at < 200 ? 1 : 997) {
        changed = sealed;
        changed.at[at] ^= 4;
        refuse("a bit");
    }
    for (size_t cut = 0; cut < sealed.len; cut += cut < 200 ? 1 : 4999) {
        changed = sealed;
        changed.len = cut;
        refuse("a cut");
    }
    changed = sealed;
    changed.len = SEAL_HEAD + 2 * piece; /* At the end of a piece. */
    refuse("a cut between pieces");
    changed = sealed;
    memcpy(changed.at + SEAL_HEAD, sealed.at + SEAL_HEAD + piece, piece);
    memcpy(changed.at + SEAL_HEAD + piece, sealed.at + SEAL_HEAD, piece);
    refuse("another order");
    changed = sealed;
    changed.at[changed.len++] = 'x';
    refuse("something behind the end");
    assert_false(seal_begin(&seal, STR("short"), collect, &sealed, &err));
    assert_int_equal(err.kind, ERR_CONFIG);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(comes_out_again),
        cmocka_unit_test(damage_is_seen),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
