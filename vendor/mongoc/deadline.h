/* What the glue's two files share: the limits of the call that this thread is in. */
#ifndef SLUICE_VENDOR_MONGOC_DEADLINE_H
#define SLUICE_VENDOR_MONGOC_DEADLINE_H

#include <stdint.h>

extern _Thread_local int64_t sluice_mongoc_deadline_us; /* 0: none. */
extern _Thread_local int sluice_mongoc_failure;         /* An enum err_kind. */

#endif
