/*
 * Names that are looked up, against a DNS server of ours (tests/db/dns_server.py) in a network
 * namespace of this test's own: MongoDB's service records, and what happens when nobody answers.
 * Only root can make such a namespace; elsewhere the tests are skipped.
 */
#include <fcntl.h>
#include <net/if.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "db/mongo.h"
#include "db/resolve.h"
#include "rig/outside.h"
#include "test.h"

enum { URI_SIZE = 512, PATIENCE_MS = 20000, CHOOSE_MS = 2000 };

static struct outside server;
static struct outside dns;
static bool started;

static int64_t now_ms(void)
{
    return clock_mono_ms(clock_system());
}

static bool loopback_up(void)
{
    struct ifreq request = {.ifr_name = "lo"};
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    bool ok = fd >= 0 && ioctl(fd, SIOCGIFFLAGS, &request) == 0;
    request.ifr_flags = (short)(request.ifr_flags | IFF_UP);
    ok = ok && ioctl(fd, SIOCSIFFLAGS, &request) == 0;
    (void)close(fd);
    return ok;
}

/* A private network with nothing but the loopback, and a resolv.conf that names our server. */
static bool go_apart(void)
{
    char path[] = "/tmp/sluice-resolv-XXXXXX";
    static const char words[] = "nameserver 127.0.0.77\n";
    if (geteuid() != 0 || unshare(CLONE_NEWNS | CLONE_NEWNET) != 0 || !loopback_up() ||
        mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0) {
        return false;
    }
    int fd = mkstemp(path);
    bool ok = fd >= 0 && write(fd, words, sizeof words - 1) == (ssize_t)sizeof words - 1 &&
              fchmod(fd, 0644) == 0 && mount(path, "/etc/resolv.conf", NULL, MS_BIND, NULL) == 0;
    (void)close(fd);
    (void)unlink(path);
    return ok;
}

static int setup(void **state)
{
    static const char *const mongo[] = {"python3", "tests/db/mongo_server.py", "{folder}", NULL};
    char port[16];
    (void)state;
    if (!go_apart()) {
        (void)fputs("missing: the right to make a network namespace (root)\n", stderr);
        return 0;
    }
    if (!outside_start(&server, mongo, 240)) {
        return 0;
    }
    (void)snprintf(port, sizeof port, "%d", outside_port(&server, "mongo"));
    const char *words[] = {"python3", "tests/db/dns_server.py", port, NULL};
    started = outside_start(&dns, words, 20);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    outside_stop(&dns);
    outside_stop(&server);
    return 0;
}

static bool stop_now(void *context)
{
    return now_ms() > *(int64_t *)context;
}

static bool try(const char *uri, int64_t deadline_ms, int64_t *stop_ms, struct err *err)
{
    char text[URI_SIZE];
    struct mongo *db = NULL;
    (void)snprintf(text, sizeof text, "%s%stlsCAFile=%s/ca.crt", uri,
                   strchr(uri, '?') == NULL ? "?" : "&", server.folder);
    struct mongo_options options = {.uri = str_of(text),
                                    .connect_ms = CHOOSE_MS,
                                    .stopping = stop_ms != NULL ? stop_now : NULL,
                                    .stopping_context = stop_ms};
    bool ok = mongo_open(&db, &options, err) && mongo_ready(db, deadline_ms, err);
    mongo_close(db);
    return ok;
}

#define SRV(name) "mongodb+srv://app:secret@" name ".wild.test/work" /* invented */

static void services(void **state)
{
    static const struct {
        const char *uri;
        const char *why; /* NULL: connects. */
    } cases[] = {
        {SRV("cluster"), NULL},
        {SRV("many") "?authSource=work", NULL}, /* The answer comes over TCP. */
        {SRV("stranger"), "stranger"},
        {SRV("empty"), "SRV"},
        {"mongodb://app:secret@db7.wild.test:1/work?tls=true", "db7.wild.test"},
    };
    (void)state;
    if (!started) {
        skip();
    }
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct err err = {0};
        bool ok = try(cases[i].uri, now_ms() + PATIENCE_MS, NULL, &err);
        if (ok != (cases[i].why == NULL)) {
            fail_msg("%s: %s", cases[i].uri, ok ? "connected" : err.text);
        }
        if (!ok && (err.kind != ERR_RETRY || strstr(err.text, cases[i].why) == NULL ||
                    strstr(err.text, "secret") != NULL)) {
            fail_msg("%s: %s \"%s\"", cases[i].uri, err_kind_name(err.kind), err.text);
        }
    }
}

/* Nobody answers: the deadline holds, and so does a stop. */
static void silence(void **state)
{
    static const char *const uris[] = {
        SRV("silent"),
        "mongodb://app:secret@silent.wild.test/work?tls=true",
    };
    (void)state;
    if (!started) {
        skip();
    }
    for (size_t i = 0; i < COUNT(uris); i++) {
        struct err err = {0};
        int64_t began = now_ms();
        assert_false(try(uris[i], began + 600, NULL, &err));
        if (err.kind != ERR_RETRY || now_ms() - began > 1500) {
            fail_msg("%s: %s \"%s\" after %d ms", uris[i], err_kind_name(err.kind), err.text,
                     (int)(now_ms() - began));
        }
        int64_t stop_ms = now_ms() + 300;
        assert_false(try(uris[i], now_ms() + PATIENCE_MS, &stop_ms, &err));
        if (err.kind != ERR_STOP || now_ms() - stop_ms > 1000) {
            fail_msg("%s: %s \"%s\" after %d ms", uris[i], err_kind_name(err.kind), err.text,
                     (int)(now_ms() - stop_ms));
        }
    }
    struct err err = {0};
    struct resolved found;
    int64_t began = now_ms();
    assert_false(
        resolve_host("silent.wild.test", clock_system(), began + 400, NULL, NULL, &found, &err));
    assert_true(now_ms() - began < 1000);
    assert_non_null(strstr(err.text, "silent.wild.test"));
    assert_true(
        resolve_host("db3.wild.test", clock_system(), now_ms() + 4000, NULL, NULL, &found, &err));
    assert_string_equal(found.addresses[0], "127.0.0.1");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(services),
        cmocka_unit_test(silence),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
