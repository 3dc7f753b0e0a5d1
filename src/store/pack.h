/*
 * pack: several files in one, as tar (ustar) within gzip: what backups and bundles are.
 *
 * Writing: the pack grows under a temporary name beside its own, and takes its name in
 * pack_finish(), when it is on the disk. So a name that exists is whole, whatever happened. Reading
 * goes through once from front to end and hands each file over in pieces, with its SHA-256 at the
 * end. Memory is bounded in both ways. Names of files are at most PACK_NAME_MAX bytes of plain
 * letters, digits and "._-/", relative, and never lead upwards: others are refused when read, too.
 */
#ifndef SLUICE_STORE_PACK_H
#define SLUICE_STORE_PACK_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/str.h"
#include "store/hash.h"

enum { PACK_NAME_MAX = 99, PACK_ENTRIES_MAX = 10 * 1000 * 1000 };

struct pack;

/* `now_s` is what the files inside are dated with. */
bool pack_open(struct pack **out, struct str path, int64_t now_s, struct err *err);

/* Told how many bytes went by; may be NULL. */
struct pack_watch {
    void (*moved)(void *context, uint64_t bytes);
    void *context;
};

/* Add the file at `from`; `sha256` gets 64 hex digits and a NUL, `size` its bytes. */
bool pack_add_file(struct pack *pack, struct str name, struct str from,
                   const struct pack_watch *watch, char sha256[HASH_HEX_MAX], uint64_t *size,
                   struct err *err);
bool pack_add_bytes(struct pack *pack, struct str name, struct str bytes, struct err *err);

/* End it, bring it to the disk, give it its name. `size` is that of the pack. */
bool pack_finish(struct pack *pack, uint64_t *size, struct err *err);
void pack_close(struct pack *pack); /* Without pack_finish() nothing is left. NULL is fine. */

struct pack_visitor {
    void *context;
    bool (*begin)(void *context, struct str name, uint64_t size, struct err *err);
    bool (*bytes)(void *context, struct str piece, struct err *err);
    bool (*end)(void *context, const char sha256[HASH_HEX_MAX], struct err *err);
};

/* ERR_REJECT for a file that is no pack, was cut or damaged. */
bool pack_read(struct str path, const struct pack_visitor *visitor, const struct pack_watch *watch,
               struct err *err);

#endif
