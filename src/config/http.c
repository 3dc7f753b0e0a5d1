#include "config/http.h"

#include "config/options.h"

enum { PORT_MAX = 65535 };

struct section {
    struct str listen;
    struct str_list proxies;
    struct str internal;
};

static const struct option options[] = {
    OPTION_TEXT(
        struct section, listen, "listen", NULL,
        "HOST:PORT, `:PORT` for all addresses, or `off`; by default 127.0.0.1:8080, or what "
        "$SLUICE_HTTP and $PORT say."),
    OPTION_TEXT(struct section, internal, "internal", NULL,
                "A second HOST:PORT that only your own monitoring can reach: /metrics and the "
                "details of /health need no token there."),
    OPTION_LIST(struct section, proxies, "proxies", NULL,
                "Addresses or networks (10.0.0.0/8) of proxies whose X-Forwarded-For is believed."),
    OPTION_END,
};

const struct option *config_http_options(void)
{
    return options;
}

bool config_http_split(struct str text, struct str *host, int64_t *port)
{
    size_t colon = text.len;
    while (colon > 0 && text.ptr[colon - 1] != ':') {
        colon--;
    }
    struct str digits = str_slice(text, colon, text.len);
    if (colon == 0 || !str_to_int64(digits, port) || *port < 0 || *port > PORT_MAX) {
        return false;
    }
    *host = str_slice(text, 0, colon - 1);
    if (str_starts(*host, STR("[")) && str_ends(*host, STR("]"))) {
        *host = str_slice(*host, 1, host->len - 1);
    } else if (str_find_byte(*host, ':', 0) != STR_NONE) {
        return false; /* An IPv6 address without brackets. */
    }
    if (host->len == 0) {
        *host = STR("0.0.0.0");
    } else if (str_equal(*host, STR("localhost"))) {
        *host = STR("127.0.0.1");
    }
    return true;
}

static bool wrong(struct reader *reader, struct place place, const char *what, struct str text)
{
    (void)fault_add(reader->faults, FAULT_OPTION, place, "%s: '%.*s' is no address to listen on",
                    what, STR_ARG(text));
    return fault_help(reader->faults, "write HOST:PORT, such as 127.0.0.1:8080, or :8080 for all "
                                      "addresses of this machine, or off");
}

static bool take(struct config_http *http, struct reader *reader, struct place place,
                 const char *what, struct str text)
{
    http->asked = true;
    if (str_equal(text, STR("off")) || str_equal(text, STR("false"))) {
        http->listen = (struct str){0};
        return true;
    }
    return config_http_split(text, &http->listen, &http->port) || wrong(reader, place, what, text);
}

/* $SLUICE_HTTP and $PORT, where the file says nothing. */
static bool take_variables(struct config_http *http, struct reader *reader)
{
    struct str text = {0};
    struct place place = {0};
    int64_t port = 0;
    bool good = true;
    if (env_find(reader->env, STR("SLUICE_HTTP"), &text, &place) != ENV_NONE && text.len > 0) {
        good = take(http, reader, place, "SLUICE_HTTP", text);
    }
    if (env_find(reader->env, STR("PORT"), &text, &place) != ENV_NONE && text.len > 0) {
        if (!str_to_int64(text, &port) || port < 1 || port > PORT_MAX) {
            return fault_add(reader->faults, FAULT_VARIABLE_VALUE, place,
                             "PORT: a whole number from 1 to %d is expected", PORT_MAX);
        }
        http->port = port;
        http->asked = true;
    }
    return good;
}

bool config_http_read(struct config_http *http, struct reader *reader, const struct yaml_node *root)
{
    struct section section = {0};
    struct option_set set = {options, &section};
    const struct yaml_node *map = yaml_get(root, STR("http"));
    struct str host = {0};
    int64_t port = 0;
    *http = (struct config_http){.listen = STR("127.0.0.1"), .port = HTTP_PORT};
    if (map != NULL && (!reader_is_map(reader, map, "http") ||
                        !config_options_read(reader, map, "http", &set, 1, NULL))) {
        return false;
    }
    http->proxies = section.proxies;
    http->internal = section.internal;
    if (section.internal.len > 0 && !config_http_split(section.internal, &host, &port)) {
        return wrong(reader, reader_place(yaml_get(map, STR("internal"))), "http.internal",
                     section.internal);
    }
    if (section.proxies.count > HTTP_PROXIES_MAX) {
        return fault_add(reader->faults, FAULT_COUNT, reader_place(yaml_get(map, STR("proxies"))),
                         "http.proxies: at most %d are kept", HTTP_PROXIES_MAX);
    }
    if (section.listen.len > 0) {
        return take(http, reader, reader_place(yaml_get(map, STR("listen"))), "http.listen",
                    section.listen);
    }
    return take_variables(http, reader);
}
