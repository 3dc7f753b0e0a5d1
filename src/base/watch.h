/*
 * watch: tells when some files have become others, and when whoever wrote them is done.
 *
 * A file is known by its identity, size and time of change, looked at by its name and through
 * links; so an editor that writes in place, one that puts a new file in the old one's name, and a
 * link that is turned to another folder are all the same. inotify on the folders says when to look;
 * where a file system has no such events, WATCH_POLL_MS does.
 *
 *   watch_set(watch, paths, count)       these files from now on; as they are now is "known"
 *   while (watch_wait(watch, INT64_MAX)) something changed, or watch_wake() was called
 *       watch_settle(watch, deadline)    until nobody is writing any more
 *       watch_take(watch)                what is there now is known
 *       … read the files …
 *       if (watch_changed(watch))        they changed while they were read: once more
 *
 * Half a file looks like a whole one. Files have settled when they stayed as they are for
 * WATCH_QUIET_MS, none that was there is missing, and, where the system can tell (our own files on
 * a local disk), nobody has one of them open for writing.
 *
 * One thread uses a watch; watch_wake() may be called from any.
 */
#ifndef SLUICE_BASE_WATCH_H
#define SLUICE_BASE_WATCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/str.h"

enum {
    WATCH_FILES_MAX = 128, /* Further ones are not watched. */
    WATCH_POLL_MS = 5000,
    WATCH_QUIET_MS = 300,
};

struct watch;

bool watch_open(struct watch **out, struct err *err);
void watch_close(struct watch *watch); /* NULL is fine. */

/* Paths that are too long are left out. A file may be missing; one that was watched before keeps
   what is known of it. */
void watch_set(struct watch *watch, const struct str *paths, size_t count);

/* Sleep until something changed (true), watch_wake() was called (true), or the deadline (false). */
bool watch_wait(struct watch *watch, int64_t deadline_mono_ms);

/* True: settled. False: the deadline came, or watch_wake() was called. */
bool watch_settle(struct watch *watch, int64_t deadline_mono_ms);

void watch_take(struct watch *watch);
bool watch_changed(struct watch *watch);

void watch_wake(struct watch *watch);

#endif
