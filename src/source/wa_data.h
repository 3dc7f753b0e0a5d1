/*
 * wa_data: files of the tree that are part of the binary: selectors and the page's scripts.
 *
 * build.zig writes the table from config/selectors and from the scripts beside this file.
 */
#ifndef SLUICE_SOURCE_WA_DATA_H
#define SLUICE_SOURCE_WA_DATA_H

#include <stddef.h>

#include "base/str.h"

struct wa_data {
    struct str name; /* "2026-08.json", "wa_list.js" */
    struct str text;
};

extern const struct wa_data wa_data_files[];
extern const size_t wa_data_count;

/* Absent when there is none of that name. */
struct str wa_data_find(struct str name);

#endif
