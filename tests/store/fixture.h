/* fixture: a store in a folder of its own, with a clock set by hand. */
#ifndef SLUICE_TESTS_STORE_FIXTURE_H
#define SLUICE_TESTS_STORE_FIXTURE_H

#include "store/archive.h"
#include "store/store.h"
#include "text/test.h"

struct fixture {
    struct clock clock; /* First: the clock's functions find the time behind it. */
    int64_t now_ms;
    char folder[64];
    char path[96];
    struct store *store;
    struct arena arena;
    struct err err;
};

/* For CMocka: `*state` is the fixture. */
int fixture_open(void **state);
int fixture_open_quick(void **state); /* In memory where there is such a folder: no waiting. */
int fixture_close(void **state);

/* Another handle on the same file. */
struct store *fixture_handle(struct fixture *fixture);

/* Close and open again, as after a restart. */
void fixture_reopen(struct fixture *fixture);

/* Fails the test with the error's text. */
void fixture_ok(struct fixture *fixture, bool ok);

void fixture_begin(struct fixture *fixture);
void fixture_commit(struct fixture *fixture);

/* The one integer of a literal. */
int64_t fixture_int(struct fixture *fixture, const char *sql);

/* File one chat message; gives its number. Needs an open change. */
int64_t fixture_say(struct fixture *fixture, const char *chat, const char *id, const char *text);

/* Run any SQL on the file with a connection that knows nothing of stores. */
void fixture_tamper(struct fixture *fixture, const char *sql);

/* Do the bytes of the store's file, log or index hold the text? */
bool fixture_file_holds(struct fixture *fixture, const char *text);

#endif
