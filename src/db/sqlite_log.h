/*
 * sqlite_log: a write-ahead log that is written in large pieces.
 *
 * SQLite hands each page of a change to the system in two calls, its 24 bytes of header and then
 * the page; a commit of a hundred pages is two hundred calls. A VFS of this kind puts what is
 * adjacent together and hands on 64 KiB at a time. Nobody can see the difference:
 *
 * - A header that ends a change says so, and from its page on everything is handed on at once,
 * before SQLite tells other handles (by shared memory) that the change is there. Hence no setting
 * of `synchronous` is needed for it to be right.
 * - Whatever asks about the file (a read, its size, a sync, a cut) first hands on what lies here.
 * - What never became part of a whole change is dropped when the file is closed.
 *
 * A write that fails is reported by the call that handed it on, at the latest by the commit. All
 * other files go straight to the system.
 */
#ifndef SLUICE_DB_SQLITE_LOG_H
#define SLUICE_DB_SQLITE_LOG_H

/* The name of a VFS that does so above the VFS `below` (NULL: the system's), or `below` itself
   where there is none, which is merely slower. From any thread. */
const char *sqlite_log_vfs(const char *below);

#endif
