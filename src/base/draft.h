/*
 * draft: files that are too large to be held whole: written, and read, piece by piece.
 *
 * A draft is written as PATH.part and takes its name in draft_keep(), when it is on the disk: so a
 * name that exists is whole. What a killed process left as PATH.part is overwritten by the next one
 * that writes PATH. Errors are those of base/file.
 */
#ifndef SLUICE_BASE_DRAFT_H
#define SLUICE_BASE_DRAFT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/file.h"
#include "base/str.h"

enum { DRAFT_PIECE_MAX = 64 * 1024 };

struct draft {
    int fd;
    char path[FILE_PATH_MAX]; /* With ".part". */
    size_t len;               /* Of the path without it. */
    uint64_t size;
};

/* Mode 0600. */
bool draft_open(struct draft *draft, struct str path, struct err *err);
bool draft_add(struct draft *draft, struct str bytes, struct err *err);
bool draft_keep(struct draft *draft, struct err *err);
void draft_drop(struct draft *draft); /* Harmless after draft_keep(). */

/* Every byte of a regular file in order, in pieces that are gone after the call. */
bool draft_read(struct str path, bool (*each)(void *context, struct str piece, struct err *err),
                void *context, struct err *err);

#endif
