/*
 * google_rig: the double of Google Sheets (tests/google/sheets_server.py) for tests of C.
 *
 *     if (!google_start("any-time")) skip …
 *     google_ask("sheet {\"id\": \"B\", \"title\": \"main\", \"rows\": [[\"phone\"]]}");
 */
#ifndef SLUICE_TESTS_NET_GOOGLE_RIG_H
#define SLUICE_TESTS_NET_GOOGLE_RIG_H

#include <stdbool.h>

#include "base/arena.h"
#include "rig/outside.h"
#include "text/json.h"

extern struct outside google;

/* `how`: "any-time" where the clock is set by hand, else NULL. */
bool google_start(const char *how);

/* A command of the double; fails the test when it is refused. */
__attribute__((format(printf, 1, 2))) void google_ask(const char *format, ...);

struct str google_api(struct arena *arena);
struct str google_credentials(struct arena *arena); /* The text of the key file. */

/* A part of what `dump` gives: "calls/append", "sheets/B/main/1/0". */
const struct json_value *google_look(struct arena *arena, const char *path);
int64_t google_calls(struct arena *arena, const char *operation);

/* Fails the test when a request broke the vendor's description. */
void google_judge(struct arena *arena);

/* The rows of a worksheet as one text: cells parted by |, a line each. */
struct str google_rows(struct arena *arena, const char *book, const char *title);

#endif
