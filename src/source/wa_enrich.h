/*
 * wa_enrich: what the page's own database knows of messages, and the page does not show.
 *
 * WhatsApp Web keeps its messages in an IndexedDB ("model-storage"), their texts encrypted, but not
 * the second at which they were sent, who sent them (the address) and in which direction. Asked for
 * by an option, because its form is nobody's promise: a window is right without it, and it never
 * overrules what the page shows. It is one more round trip a window, and only reads.
 *
 *   time       the second within the minute that the page shows, or the moment of a row whose mark
 *              could not be read; which of the two hours it was on a night in autumn
 *   direction  where the page does not show it
 *   jid        of the author
 */
#ifndef SLUICE_SOURCE_WA_ENRICH_H
#define SLUICE_SOURCE_WA_ENRICH_H

#include "source/wa_page.h"
#include "text/json.h"

enum { WA_ENRICH_KEYS_MAX = 200000 };

/* Adds to `rows` what `found` (an array of the script's) tells of them; gives how many. */
size_t wa_enrich_rows(struct wa_row *rows, size_t count, const struct json_value *found);

#endif
