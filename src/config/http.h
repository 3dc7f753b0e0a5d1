/*
 * http: the section `http:` of the configuration: where `sluice serve` listens.
 *
 * Without the section it listens on 127.0.0.1:8080, which only this machine can reach; $SLUICE_HTTP
 * says another place (an image says 0.0.0.0:8080), and $PORT another port, unless the section says
 * itself. `listen: off` listens nowhere. An address that nobody asked for is no reason to stop when
 * it is taken; one that was asked for is (`asked`).
 */
#ifndef SLUICE_CONFIG_HTTP_H
#define SLUICE_CONFIG_HTTP_H

#include "config/reader.h"
#include "model/option.h"

enum { HTTP_PROXIES_MAX = 32, HTTP_PORT = 8080 };

struct config_http {
    struct str listen;       /* "127.0.0.1"; absent: nowhere. */
    int64_t port;            /* 0: one that is free, which is said. */
    bool asked;              /* Somebody named it. */
    struct str_list proxies; /* Addresses and networks ("10.0.0.0/8") that may say who calls. */
    struct str internal;     /* "HOST:PORT" for this house alone; absent: none. */
};

/* Faults are added; false when there was one. `root` may be NULL. */
bool config_http_read(struct config_http *http, struct reader *reader,
                      const struct yaml_node *root);

const struct option *config_http_options(void);

/* "127.0.0.1:8080", "[::1]:80", ":8080" (all addresses), "localhost:80". False: it is none. */
bool config_http_split(struct str text, struct str *host, int64_t *port);

#endif
