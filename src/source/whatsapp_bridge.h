/*
 * whatsapp-bridge: the messages.db of a WhatsApp bridge, read while the bridge writes to it.
 *
 * A walk through one fetch:
 *
 *   bridge_file    finds the file, opens it so that nothing in its folder changes, says what helps
 *   bridge_schema  looks which columns mean what: the document's shape, the public bridge's, forks
 *   bridge_cursor  where each chat was left, and what the rows before that place looked like
 *   bridge_window  are those rows still the same?
 *   bridge_scan    one pass for all chats, in order of arrival (rowid)
 *   bridge_row     a row becomes a message
 *
 * What it promises:
 *  - Nothing is skipped: not when a row is replaced (it gets a new number and arrives again, as an
 *    edit or as a repeat that the archive drops), not when the highest number is used again, not
 *    when another file takes the name (all is read again, and an event "swapped" says so).
 *  - Edits in place are seen among the last `overlap` rows of the table; older ones are not looked
 *    at again. The bridges replace rows instead, which is seen wherever it happens.
 *  - The file, its folder and its -wal are never written to. With a bridge that is running SQLite
 *    keeps its locks in the -shm file, as every reader does.
 *  - A fetch holds a read lock for at most BRIDGE_SCAN_ROWS_MAX rows or up to its deadline.
 *
 * Failures while the bridge is down, starting, or repairing itself are ERR_RETRY; a wrong path's
 * kind of file, missing rights and an unknown table are ERR_CONFIG. The next fetch tries all anew,
 * so whatever a person repairs outside takes effect without a restart.
 *
 * Events: "swapped" (see above), "chat" (a chat that has no message yet: is its name right?), and
 * once a fetch for rows that were changed on the way, with counts and the first id: "cut" (longer
 * than MESSAGE_TEXT_MAX), "time" (unreadable), "replaced" (broken UTF-8, NUL).
 */
#ifndef SLUICE_SOURCE_WHATSAPP_BRIDGE_H
#define SLUICE_SOURCE_WHATSAPP_BRIDGE_H

#include "model/source.h"

extern const struct source_type source_whatsapp_bridge;

#endif
