/* tls: the policy against servers that are right, and wrong in one way each (tests/net/servers.py).
 */
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/file.h"
#include "base/mem.h"
#include "crypto/tls.h"
#include "rig/outside.h"
#include "test.h"

enum { PATIENCE_MS = 20000 };

static struct outside servers;
static struct arena arena;
static bool started;

static int setup(void **state)
{
    static const char *const words[] = {"python3", "tests/net/servers.py", "{folder}", NULL};
    (void)state;
    arena_init(&arena, 16 << 20);
    started = outside_start(&servers, words, 60);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    outside_stop(&servers);
    arena_free(&arena);
    return 0;
}

static ptrdiff_t moved(ssize_t count)
{
    if (count > 0) {
        return count;
    }
    return count == 0 ? TLS_ENDED : errno == EAGAIN ? TLS_WAIT : TLS_FAILED;
}

static ptrdiff_t send_to(void *context, const void *bytes, size_t len)
{
    return moved(send(*(int *)context, bytes, len, MSG_NOSIGNAL));
}

static ptrdiff_t receive_from(void *context, void *bytes, size_t len)
{
    return moved(recv(*(int *)context, bytes, len, 0));
}

static void await(int fd, short events)
{
    struct pollfd one = {.fd = fd, .events = events};
    (void)poll(&one, 1, PATIENCE_MS);
}

static enum tls_step shake(struct tls *tls, struct tls_transport *transport)
{
    for (int turn = 0; turn < 1000; turn++) {
        enum tls_step step = tls_handshake(tls, transport);
        if (step != TLS_WANTS_READ && step != TLS_WANTS_WRITE) {
            return step;
        }
        await(*(int *)transport->context, step == TLS_WANTS_READ ? POLLIN : POLLOUT);
    }
    return TLS_CUT;
}

/* GET /ok over the session; true when the answer came whole. */
static bool fetch(struct tls *tls, struct tls_transport *transport)
{
    static const char request[] = "GET /ok HTTP/1.1\r\nConnection: close\r\n\r\n";
    char answer[1024];
    size_t done = 0;
    int fd = *(int *)transport->context;
    while (done < sizeof request - 1) {
        ptrdiff_t sent = tls_write(tls, transport, request + done, sizeof request - 1 - done);
        if (sent < 0) {
            return false;
        }
        done += (size_t)sent;
        await(fd, POLLOUT);
    }
    size_t len = 0;
    for (;;) {
        ptrdiff_t got = tls_read(tls, transport, answer + len, sizeof answer - 1 - len);
        if (got == TLS_WAIT) {
            await(fd, POLLIN);
            continue;
        }
        if (got < 0) {
            break;
        }
        len += (size_t)got;
    }
    answer[len] = '\0';
    return strstr(answer, "200") != NULL && strstr(answer, "fine") != NULL;
}

/* One connection; `why` is filled when it fails. */
static bool try(const char *server, const char *host, enum tls_verify verify, const char *root,
                struct err *why)
{
    struct tls_policy policy = {.verify = verify, .host = str_of(host)};
    struct tls *tls = NULL;
    int fd = outside_connect(outside_port(&servers, server));
    struct tls_transport transport = {&fd, send_to, receive_from};
    assert_true(fd >= 0);
    bool ok = tls_trust_load(str_of(outside_path(&servers, root)), &policy.trust, why) &&
              tls_new(&tls, &policy, why);
    tls_trust_drop(policy.trust);
    if (ok) {
        enum tls_step step = shake(tls, &transport);
        ok = step == TLS_DONE && fetch(tls, &transport);
        if (!ok && step == TLS_CUT) {
            (void)err_set(why, ERR_RETRY, "the transport was cut");
        } else if (!ok) {
            (void)tls_why(tls, why);
        }
        tls_end(tls, &transport);
    }
    tls_free(tls);
    (void)close(fd);
    return ok;
}

static void the_matrix(void **state)
{
    static const struct {
        const char *server;
        const char *host;
        enum tls_verify verify;
        const char *root;
        const char *why; /* NULL: connects. */
    } cases[] = {
        {"rsa", "localhost", TLS_VERIFY_FULL, "ca.crt", NULL},
        {"rsa", "LocalHost", TLS_VERIFY_FULL, "ca.crt", NULL},
        {"rsa", "localhost.", TLS_VERIFY_FULL, "ca.crt", NULL},
        {"rsa", "localhost", TLS_VERIFY_FULL, "bundle.crt", NULL},
        {"rsa384", "localhost", TLS_VERIFY_FULL, "ca.crt", NULL},
        {"rsa512", "localhost", TLS_VERIFY_FULL, "ca.crt", NULL},
        {"ec", "localhost", TLS_VERIFY_FULL, "ecca.crt", NULL},
        {"ec384", "localhost", TLS_VERIFY_FULL, "ecca.crt", NULL},
        {"chain", "localhost", TLS_VERIFY_FULL, "ca.crt", NULL},
        {"rsa", "127.0.0.1", TLS_VERIFY_FULL, "ca.crt", NULL},
        {"rsa", "::1", TLS_VERIFY_FULL, "ca.crt", NULL},
        {"rsa", "one.wild.test", TLS_VERIFY_FULL, "ca.crt", NULL},
        {"cnonly", "localhost", TLS_VERIFY_FULL, "ca.crt", NULL},
        {"wrong", "localhost", TLS_VERIFY_CA, "ca.crt", NULL},
        {"expired", "localhost", TLS_VERIFY_NONE, "ca.crt", NULL},
        {"selfsigned", "localhost", TLS_VERIFY_NONE, "ca.crt", NULL},
        {"selfsigned", "localhost", TLS_VERIFY_FULL, "selfsigned.crt", NULL},

        {"rsa", "one.two.wild.test", TLS_VERIFY_FULL, "ca.crt", "for another host"},
        {"rsa", "wild.test", TLS_VERIFY_FULL, "ca.crt", "for another host"},
        {"rsa", "rsa.test", TLS_VERIFY_FULL, "ca.crt", "it is for localhost, *.wild.test"},
        {"rsa", "127.0.0.2", TLS_VERIFY_FULL, "ca.crt", "127.0.0.1"},
        {"nameonly", "127.0.0.1", TLS_VERIFY_FULL, "ca.crt", "use the name instead"},
        {"cnonly", "127.0.0.1", TLS_VERIFY_FULL, "ca.crt", "for another host"},
        {"wrong", "localhost", TLS_VERIFY_FULL, "ca.crt", "other.example, alt.example"},
        {"expired", "localhost", TLS_VERIFY_FULL, "ca.crt", "expired on 2025-01-01"},
        {"expired", "localhost", TLS_VERIFY_CA, "ca.crt", "expired on 2025-01-01"},
        {"future", "localhost", TLS_VERIFY_FULL, "ca.crt", "valid only from 2040-01-01"},
        {"selfsigned", "localhost", TLS_VERIFY_FULL, "ca.crt", "signed by itself"},
        {"unknown", "localhost", TLS_VERIFY_FULL, "ca.crt", "not signed by an authority we know"},
        {"rsa", "localhost", TLS_VERIFY_CA, "otherca.crt", "not signed by an authority we know"},
        {"chain", "localhost", TLS_VERIFY_FULL, "ecca.crt", "not signed by an authority we know"},
        {"oldroot", "localhost", TLS_VERIFY_FULL, "expiredca.crt",
         "whose own certificate expired on 2025-01-01"},
        {"limitroot", "localhost", TLS_VERIFY_FULL, "limitedca.crt", "name constraints"},
        {"constrained", "localhost", TLS_VERIFY_FULL, "ca.crt", "name constraints"},
        {"constrained2", "localhost", TLS_VERIFY_FULL, "ca.crt", "name constraints"},
        {"byleaf", "localhost", TLS_VERIFY_FULL, "ca.crt", "not meant for"},
        {"client", "localhost", TLS_VERIFY_FULL, "ca.crt", "not meant for servers"},
        {"weakhash", "localhost", TLS_VERIFY_FULL, "ca.crt", "SHA-1"},
        {"weakkey", "localhost", TLS_VERIFY_FULL, "ca.crt", "too short"},
        {"pss", "localhost", TLS_VERIFY_FULL, "ca.crt", "not supported"},
        {"disorder", "localhost", TLS_VERIFY_FULL, "ca.crt", "not in order"},
        {"ed25519", "localhost", TLS_VERIFY_FULL, "ca.crt", "shares no cipher or key type"},
        {"tls13", "localhost", TLS_VERIFY_FULL, "ca.crt", "insists on TLS 1.3"},
        {"tls11", "localhost", TLS_VERIFY_FULL, "ca.crt", "TLS 1.2 (older is not safe)"},
        {"oldcipher", "localhost", TLS_VERIFY_FULL, "ca.crt", "shares no cipher"},
        {"plain", "localhost", TLS_VERIFY_FULL, "ca.crt", ""},
        {"garbage", "localhost", TLS_VERIFY_FULL, "ca.crt", "does not speak TLS"},
        {"cut_hello", "localhost", TLS_VERIFY_FULL, "ca.crt", "closed the connection during"},
        {"cut_half", "localhost", TLS_VERIFY_FULL, "ca.crt", "closed the connection during"},
        {"rsa", "localhost", TLS_VERIFY_FULL, "rsa.key", "there is no certificate in it"},
        {"rsa", "localhost", TLS_VERIFY_FULL, "cut.crt", "cut off"},
        {"rsa", "localhost", TLS_VERIFY_FULL, "nothere.crt", "there is no such file"},
        {"rsa", "local host", TLS_VERIFY_FULL, "ca.crt", "plain letters"},
        {"rsa", "שרת.example", TLS_VERIFY_FULL, "ca.crt", "xn--"},
        {"rsa", "", TLS_VERIFY_FULL, "ca.crt", "host's name is needed"},
    };
    (void)state;
    if (!started) {
        skip();
    }
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct err why = {0};
        bool ok = try(cases[i].server, cases[i].host, cases[i].verify, cases[i].root, &why);
        if (ok != (cases[i].why == NULL)) {
            fail_msg("%s as %s with %s: %s", cases[i].server, cases[i].host, cases[i].root,
                     ok ? "connected" : why.text);
        }
        if (!ok && strstr(why.text, cases[i].why) == NULL) {
            fail_msg("%s as %s: \"%s\" does not say \"%s\"", cases[i].server, cases[i].host,
                     why.text, cases[i].why);
        }
    }
}

/* A file of the servers' folder. */
static struct str read_text(const char *name)
{
    struct err err = {0};
    struct str text = {0};
    if (!file_read(&arena, str_of(outside_path(&servers, name)), 8 << 20, &text, &err)) {
        fail_msg("%s", err.text);
    }
    return text;
}

/* Behind what it holds; made when it is not there. */
static void append_text(const char *name, struct str text)
{
    struct err err = {0};
    struct str path = str_of(outside_path(&servers, name));
    struct str old = {0};
    struct file_info info;
    assert_true(file_look(path, &info, &err));
    if (info.kind == FILE_REGULAR) {
        old = read_text(name);
    }
    struct str whole = arena_printf(&arena, "%.*s%.*s", STR_ARG(old), STR_ARG(text));
    assert_true(file_write(path, FILE_PRIVATE, whole, &err));
}

/* A file is read once for all who ask, and again after it changed. */
static void trust_is_shared(void **state)
{
    struct tls_trust *a = NULL;
    struct tls_trust *b = NULL;
    struct err err = {0};
    (void)state;
    if (!started) {
        skip();
    }
    struct str path = str_of(outside_path(&servers, "bundle.crt"));
    assert_true(tls_trust_load(path, &a, &err));
    assert_true(tls_trust_load(path, &b, &err));
    assert_ptr_equal(a, b);
    assert_int_equal(tls_trust_count(a), 144);
    tls_trust_drop(b);
    append_text("bundle.crt", STR("\n# a comment\n"));
    assert_true(tls_trust_load(path, &b, &err));
    assert_ptr_not_equal(a, b);
    assert_int_equal(tls_trust_count(a), 144); /* Who holds the old one goes on. */
    tls_trust_drop(a);
    tls_trust_drop(b);
}

/* Mozilla's list, for machines that have none: it is whole, shared, and knows nobody of ours. */
static void the_built_in_list(void **state)
{
    struct tls_trust *a = NULL;
    struct tls_trust *b = NULL;
    struct err err = {0};
    (void)state;
    assert_true(tls_trust_load(STR(TLS_TRUST_BUILT_IN), &a, &err));
    assert_true(tls_trust_load(STR(TLS_TRUST_BUILT_IN), &b, &err));
    assert_ptr_equal(a, b);
    assert_true(tls_trust_count(a) >= 100);
    assert_true(tls_trust_skipped(a) * 20 < tls_trust_count(a));
    print_message("built-in authorities: %zu of %s, %zu left out\n", tls_trust_count(a),
                  tls_trust_built_in_version(), tls_trust_skipped(a));
    tls_trust_drop(a);
    tls_trust_drop(b);
}

static int64_t connect_us(const char *root)
{
    struct err why = {0};
    int64_t began = clock_cpu_us();
    if (!try("ec", "localhost", TLS_VERIFY_FULL, root, &why)) {
        fail_msg("%s", why.text);
    }
    return clock_cpu_us() - began;
}

/* 144 more authorities cost no more than a tenth. The machine is shared: CPU is compared, the best
 * of many connections that take turns, and what disturbed all of one kind is measured again. */
static void many_authorities_cost_little(void **state)
{
    enum { TURNS = 40, ROUNDS = 5 };
    int64_t one = INT64_MAX;
    int64_t many = INT64_MAX;
    (void)state;
    if (!started) {
        skip();
    }
    append_text("many.crt", read_text("bundle.crt"));
    append_text("many.crt", read_text("ecca.crt"));
    (void)connect_us("many.crt"); /* Reads the file. */
    (void)connect_us("ecca.crt");
    for (int round = 0; round == 0 || (round < ROUNDS && many >= one * 11 / 10); round++) {
        for (int i = 0; i < TURNS; i++) {
            int64_t with_one = connect_us("ecca.crt");
            int64_t with_many = connect_us("many.crt");
            one = with_one < one ? with_one : one;
            many = with_many < many ? with_many : many;
        }
    }
    print_message("connect: %lld us with 1 authority, %lld us with 145\n", (long long)one,
                  (long long)many);
    assert_true(many < one * 11 / 10);
}

/* The reader of certificates, fed with damaged ones: it may refuse, and must not fall. */
static void damaged_certificates(void **state)
{
    (void)state;
    if (!started) {
        skip();
    }
    struct str whole = read_text("rsa.crt");
    size_t len = whole.len;
    assert_true(len > 0 && len <= 4096);
    uint64_t chance = 88172645463325252U;
    for (int i = 0; i < 20000; i++) {
        char copy[4096];
        memcpy(copy, whole.ptr, len);
        for (int j = 0; j < 3; j++) {
            chance ^= chance << 13;
            chance ^= chance >> 7;
            chance ^= chance << 17;
            copy[chance % len] = (char)(chance >> 32);
        }
        struct tls_trust *trust = NULL;
        struct err err = {0};
        if (tls_trust_parse((struct str){copy, len}, STR("damaged"), &trust, &err)) {
            tls_trust_drop(trust);
        }
    }
}

static bool countdown(void *context)
{
    int *left = context;
    return (*left)-- <= 0;
}

/* One connection of which the n-th allocation fails; false as soon as one did. */
static bool shake_without(struct str authorities, int allocation, struct err *why)
{
    struct tls_policy policy = {.host = STR("localhost")};
    struct tls *tls = NULL;
    int left = allocation;
    int fd = outside_connect(outside_port(&servers, "chain"));
    struct tls_transport transport = {&fd, send_to, receive_from};
    assert_true(fd >= 0);
    mem_fault_set(countdown, &left);
    bool ok = tls_trust_parse(authorities, STR("ca.crt"), &policy.trust, why) &&
              tls_new(&tls, &policy, why);
    ok = ok && (shake(tls, &transport) == TLS_DONE || tls_why(tls, why));
    mem_fault_set(NULL, NULL);
    tls_trust_drop(policy.trust);
    tls_free(tls);
    (void)close(fd);
    return ok;
}

/* It says nothing about the server, so it must not be taken for a wrong certificate. */
static void lost_memory_is_tried_again(void **state)
{
    (void)state;
    if (!started) {
        skip();
    }
    struct str authorities = read_text("ca.crt");
    bool ok = false;
    int failures = 0;
    while (!ok && failures < 100) {
        struct err why = {0};
        ok = shake_without(authorities, failures, &why);
        if (!ok && (why.kind != ERR_RETRY || strstr(why.text, "out of memory") == NULL)) {
            fail_msg("allocation %d: %s: %s", failures, err_kind_name(why.kind), why.text);
        }
        failures += !ok;
    }
    assert_true(ok && failures >= 6);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_matrix),           cmocka_unit_test(trust_is_shared),
        cmocka_unit_test(the_built_in_list),    cmocka_unit_test(many_authorities_cost_little),
        cmocka_unit_test(damaged_certificates), cmocka_unit_test(lost_memory_is_tried_again),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
