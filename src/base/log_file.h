/*
 * log_file: a file that lines are appended to, and that does not grow without end.
 *
 * At `size_max` bytes the file PATH becomes PATH.1, PATH.1 becomes PATH.2 and so on; what would be
 * more than `keep` old files goes. A file that was moved away by somebody else (logrotate, a
 * person) is noticed before the next line, and a new one is made. Several threads, and several
 * processes on one path, may write: whoever finds the file full turns it while holding a lock on
 * it, the others see that the path names another file and follow. A line is one write(2) and lands
 * whole in one of the files: none is lost, whenever the process dies. While no new file can be made
 * (a full disk, a folder without rights), the old one is written on.
 */
#ifndef SLUICE_BASE_LOG_FILE_H
#define SLUICE_BASE_LOG_FILE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/file.h"
#include "base/str.h"
#include "base/thread.h"

enum { LOG_FILE_KEEP_MAX = 1000, LOG_FILE_MB_MAX = 1000 * 1000 };

struct log_file {
    struct lock lock; /* Guards all below. */
    int fd;
    char path[FILE_PATH_MAX];
    int64_t size_max; /* 0: it is never turned by us. */
    int keep;
    bool fixed; /* /dev/stderr and its like: whatever is behind it is not ours to move. */
};

void log_file_init(struct log_file *file);

/* Made with 0600 when it is missing. One that was open is left for it, between two lines of the
   others; on failure it stays. */
bool log_file_open(struct log_file *file, struct str path, int64_t size_max, int keep,
                   struct err *err);
void log_file_close(struct log_file *file);

/* A whole line. False when it could not be written. */
bool log_file_put(struct log_file *file, struct str line);

#endif
