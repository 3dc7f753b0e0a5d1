/*
 * openapi: what the API says of itself, as an OpenAPI 3.1 document.
 *
 * Written from two small tables, the operations and the shapes of what goes in and out. A test asks
 * the running binary what it does and compares (tests/product/api_contract.sh), and service_start()
 * insists that each route below /api/ is described.
 */
#ifndef SLUICE_SERVE_OPENAPI_H
#define SLUICE_SERVE_OPENAPI_H

#include <stdbool.h>

#include "base/buf.h"

/* `path` as the routes have it, "/api/v1/runs/{}". */
bool openapi_describes(const char *method, const char *path);

void openapi_write(struct buf *out);

#endif
