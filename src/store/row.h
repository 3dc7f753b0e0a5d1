/* row: how an archive row is read, for archive and reader. Nobody outside this folder includes it.
 */
#ifndef SLUICE_STORE_ROW_H
#define SLUICE_STORE_ROW_H

#include "db/sqlite.h"
#include "model/message.h"

#define ARCHIVE_COLUMNS                                                                            \
    "id, chat, flags, external_id, sender, sent_ms, archived_ms, text, sent_text, revision, part," \
    " about, version_ms, attachments, extra"

enum { ROW_ID = 0, ROW_CHAT = 1, ROW_SENDER = 4 };

/*
 * Take a row of ARCHIVE_COLUMNS. Texts are borrowed from the query. Source, chat and sender are
 * numbers in the row and are not resolved here.
 */
void store_archive_row(const struct query *query, struct message *out);

#endif
