/*
 * webhooks: POST /webhook/NAME, a call for a source of the configuration.
 *
 * The call is put into the source's inbox (model/inbox.h) and put off. It is answered by the
 * worker of the source: 200 once it is on disk, 503 when it is not and may be brought again.
 */
#ifndef SLUICE_SERVE_WEBHOOKS_H
#define SLUICE_SERVE_WEBHOOKS_H

#include "model/inbox.h"
#include "serve/server.h"

/* False: the call was put off. `source` may be absent: the only one that is called. */
bool webhooks_take(struct inboxes *inboxes, struct call *call, struct str source);

#endif
