/*
 * wa_pack: what the parts of WhatsApp Web are called, as data.
 *
 * The page is changed every few months, and nobody should have to wait for another binary then. So
 * the names by which its parts are found (CSS selectors, attributes, a few words of the page) stand
 * in files, one for each generation of the page: config/selectors/2026-08.json and so on. Those are
 * part of the binary; a folder of the user's may replace them (same name) and add to them.
 *
 *     { "sluice-selectors": 1, "about": "…",
 *       "list":  {"title": ["[data-testid~=\"cell-frame-title\"] span[title]", …], …},
 *       "words": {"today": {"en": ["Today"], "he": ["היום"]}, …}, … }
 *
 * Packs are tried in order: those of the user that the binary does not have, the newest name first,
 * then the others, the newest name first. A page may be of two generations at once (it is rolled
 * out to some users, and in parts), so a script is given all packs of a section
 * (wa_packs_section_all) and asks them one after another for each part of the page.
 *
 * wa_packs_look() reads files again whose size or time of change is another one. A file that is
 * broken is refused with its name, line and column, once, and the packs stay as they were.
 *
 * What a section may hold is listed in wa_pack.c; an unknown name is an error. Selectors are not
 * parsed here: a script passes over those that the browser refuses, and says which.
 *
 * Views that were handed out are valid until wa_packs_look() says `changed`. One thread.
 */
#ifndef SLUICE_SOURCE_WA_PACK_H
#define SLUICE_SOURCE_WA_PACK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"

enum {
    WA_PACKS_MAX = 24,
    WA_PACK_SIZE_MAX = 256 * 1024, /* Bytes of a file. */
    WA_PACK_ITEMS_MAX = 64,        /* Selectors or words of one list. */
    WA_PACK_ITEM_MAX = 512,        /* Bytes of one. */
};

struct wa_packs;

/* `folder` may be absent: then there are only those of the binary. ERR_CONFIG for a broken file, or
   a folder that is not there. */
bool wa_packs_open(struct wa_packs **out, struct str folder, struct err *err);
void wa_packs_close(struct wa_packs *packs); /* NULL is fine. */

/* Reads what is new. False, with the reason, when a file is broken that was not known to be so; the
   packs are as they were then. `changed` may be NULL. */
bool wa_packs_look(struct wa_packs *packs, bool *changed, struct err *err);

/* From the first to be tried to the last. */
size_t wa_packs_count(const struct wa_packs *packs);

/* "2026-08" */
struct str wa_packs_name(const struct wa_packs *packs, size_t pack);

/* A section as JSON, "{}" where the pack has none: an argument for a script. */
struct str wa_packs_section(const struct wa_packs *packs, size_t pack, struct str section);

/* All packs' in order: [{"pack":"2026-08","parts":{…}}, …]. */
void wa_packs_section_all(const struct wa_packs *packs, struct str section, struct buf *out);

/* One pack alone, from a text: for tests, and for whoever wants to check a file. `name` is what
   errors call it. */
bool wa_pack_check(struct str name, struct str text, struct err *err);

#endif
