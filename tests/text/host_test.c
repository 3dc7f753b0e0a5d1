/* host: what kind of place a name or an address stands for. */
#include "test.h"
#include "text/host.h"

static void kinds(void **state)
{
    static const struct {
        const char *host;
        enum host_kind kind;
    } cases[] = {
        {"db.example.com", HOST_PUBLIC},
        {"ep-cool-1-pooler.eu-central-1.aws.neon.tech", HOST_PUBLIC},
        {"8.8.8.8", HOST_PUBLIC},
        {"2606:4700::1111", HOST_PUBLIC},
        {"172.32.0.1", HOST_PUBLIC},
        {"localhost", HOST_LOOPBACK},
        {"LOCALHOST.", HOST_LOOPBACK},
        {"a.localhost", HOST_LOOPBACK},
        {"127.9.9.9", HOST_LOOPBACK},
        {"::1", HOST_LOOPBACK},
        {"[::1]", HOST_LOOPBACK},
        {"::ffff:127.0.0.1", HOST_LOOPBACK},
        {"postgres", HOST_PRIVATE},
        {"nas.local", HOST_PRIVATE},
        {"db.internal", HOST_PRIVATE},
        {"notinternal", HOST_PRIVATE},
        {"db.notinternal", HOST_PUBLIC},
        {"10.0.0.1", HOST_PRIVATE},
        {"172.16.0.1", HOST_PRIVATE},
        {"172.31.255.255", HOST_PRIVATE},
        {"192.168.1.5", HOST_PRIVATE},
        {"100.64.0.1", HOST_PRIVATE},
        {"fd00::1", HOST_PRIVATE},
        {"64:ff9b::10.0.0.1", HOST_PRIVATE},
        {"2002:a00:1::", HOST_PRIVATE},
        {"169.254.169.254", HOST_LINK_LOCAL},
        {"::ffff:169.254.169.254", HOST_LINK_LOCAL},
        {"fe80::1", HOST_LINK_LOCAL},
        {"fe80::1%eth0", HOST_LINK_LOCAL},
        {"0.0.0.0", HOST_SPECIAL},
        {"::", HOST_SPECIAL},
        {"224.0.0.1", HOST_SPECIAL},
        {"255.255.255.255", HOST_SPECIAL},
        {"192.0.2.1", HOST_SPECIAL},
        {"ff02::1", HOST_SPECIAL},
        {"2001:db8::1", HOST_SPECIAL},
        {"", HOST_SPECIAL},
        {"127.1", HOST_SPECIAL},
        {"2130706433", HOST_SPECIAL},
        {"0x7f000001", HOST_SPECIAL},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        if (host_kind_of(str_of(cases[i].host)) != cases[i].kind) {
            fail_msg("%s is %d", cases[i].host, (int)host_kind_of(str_of(cases[i].host)));
        }
    }
    assert_true(host_is_address(STR("[2001:db8::1]")));
    assert_false(host_is_address(STR("1.2.3.example")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(kinds)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
