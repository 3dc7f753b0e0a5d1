/* address: who calls behind which proxies, and which networks hold whom. */
#include <arpa/inet.h>
#include <netinet/in.h>

#include "serve/address.h"
#include "text/test.h"

static struct str_list list_of(const struct str *items, size_t count)
{
    return (struct str_list){.items = items, .count = count};
}

static void networks_hold_their_addresses(void **state)
{
    static const struct {
        const char *network;
        const char *address;
        bool holds;
    } table[] = {
        {"10.0.0.0/8", "10.255.1.2", true},
        {"10.0.0.0/8", "11.0.0.0", false},
        {"10.0.0.0/9", "10.127.0.1", true},
        {"10.0.0.0/9", "10.128.0.1", false},
        {"192.0.2.7", "192.0.2.7", true},
        {"192.0.2.7", "192.0.2.8", false},
        {"192.0.2.7/31", "192.0.2.6", true},
        {"0.0.0.0/0", "203.0.113.9", true},
        {"0.0.0.0/0", "::1", false},
        {"2001:db8::/33", "2001:db8:7fff::1", true},
        {"2001:db8::/33", "2001:db8:8000::1", false},
        {"::1", "0:0:0:0:0:0:0:1", true},
        {"::/0", "192.0.2.7", false},
        {"10.0.0.0/8", "nobody", false},
        {"10.0.0.0/8", "", false},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(table); i++) {
        struct str network = str_of(table[i].network);
        struct str_list list = list_of(&network, 1);
        assert_int_equal(address_listed(str_of(table[i].address), &list), table[i].holds);
    }
}

static void what_is_none_is_refused(void **state)
{
    static const char *const good[] = {"192.0.2.7", "10.0.0.0/8", "::1", "2001:db8::/32",
                                       "0.0.0.0/0"};
    static const char *const wrong[] = {"",           "10.0.0.0/33", "10.0.0.0/-1", "10.0.0.0/",
                                        "10.0.0/8",   "::/129",      "localhost",   "10.0.0.0/8/8",
                                        "1.2.3.4:80", " 10.0.0.1",   "010.0.0.1x"};
    (void)state;
    for (size_t i = 0; i < COUNT(good); i++) {
        assert_true(address_valid(str_of(good[i])));
    }
    for (size_t i = 0; i < COUNT(wrong); i++) {
        assert_false(address_valid(str_of(wrong[i])));
    }
}

/* The header is believed as far as our own proxies wrote it, and no further. */
static void only_our_own_proxies_are_believed(void **state)
{
    static const struct str ours[] = {STR_INIT("10.0.0.0/8"), STR_INIT("::1")};
    static const struct {
        const char *peer;
        const char *forwarded;
        const char *caller;
    } table[] = {
        {"203.0.113.9", NULL, "203.0.113.9"},
        {"203.0.113.9", "192.0.2.1", "203.0.113.9"}, /* A stranger's claim. */
        {"10.0.0.1", NULL, "10.0.0.1"},
        {"10.0.0.1", "192.0.2.1", "192.0.2.1"},
        {"10.0.0.1", "192.0.2.1, 198.51.100.4", "198.51.100.4"}, /* What the client made up … */
        {"10.0.0.1", "192.0.2.1,198.51.100.4,10.2.2.2", "198.51.100.4"},
        {"10.0.0.1", "10.9.9.9, 10.2.2.2", "10.9.9.9"},
        {"::1", " 2001:db8::7 ", "2001:db8::7"},
        {"10.0.0.1", "unknown", "10.0.0.1"},
        {"10.0.0.1", "192.0.2.1, nonsense", "10.0.0.1"},
        {"10.0.0.1", "192.0.2.1, 10.2.2.2, nonsense, 10.3.3.3", "10.3.3.3"},
        {"10.0.0.1", "192.0.2.0/24", "10.0.0.1"},
        {"10.0.0.1", ",", "10.0.0.1"},
        {"10.0.0.1", "", "10.0.0.1"},
    };
    struct str_list list = list_of(ours, COUNT(ours));
    (void)state;
    for (size_t i = 0; i < COUNT(table); i++) {
        struct str caller =
            address_caller(str_of(table[i].peer), str_of(table[i].forwarded), &list);
        assert_str_equal(caller, str_of(table[i].caller));
    }
}

static void an_address_has_one_text(void **state)
{
    char out[ADDRESS_TEXT_MAX];
    struct sockaddr_in four = {.sin_family = AF_INET};
    struct sockaddr_in6 six = {.sin6_family = AF_INET6};
    (void)state;
    assert_int_equal(inet_pton(AF_INET, "192.0.2.7", &four.sin_addr), 1);
    assert_str_equal(address_text((struct sockaddr *)&four, out), STR("192.0.2.7"));
    assert_int_equal(inet_pton(AF_INET6, "::ffff:192.0.2.7", &six.sin6_addr), 1);
    assert_str_equal(address_text((struct sockaddr *)&six, out), STR("192.0.2.7"));
    assert_int_equal(inet_pton(AF_INET6, "2001:db8:0::7", &six.sin6_addr), 1);
    assert_str_equal(address_text((struct sockaddr *)&six, out), STR("2001:db8::7"));
    assert_null(address_text(NULL, out).ptr);
    assert_str_equal(address_household(STR("2001:db8:1:2:3:4:5:6"), out), STR("2001:db8:1:2::"));
    assert_str_equal(address_household(STR("192.0.2.7"), out), STR("192.0.2.7"));
    assert_str_equal(address_household((struct str){0}, out), STR(""));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(networks_hold_their_addresses),
        cmocka_unit_test(what_is_none_is_refused),
        cmocka_unit_test(only_our_own_proxies_are_believed),
        cmocka_unit_test(an_address_has_one_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
