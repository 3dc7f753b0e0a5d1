/*
 * webhooks: POST /webhook/NAME, a call for a source of the configuration.
 *
 * The call is put into the source's inbox (model/inbox.h) and put off. It is answered by the
 * worker of the source: 200 once it is on disk, 503 when it is not and may be brought again. Which
 * sources there are says the plan, so that one which is not open yet, or just now not, is never
 * told as one that does not exist, and no call goes to another one instead.
 */
#ifndef SLUICE_SERVE_WEBHOOKS_H
#define SLUICE_SERVE_WEBHOOKS_H

#include "model/inbox.h"
#include "model/plan.h"
#include "serve/server.h"

/* False: the call was put off. `name` may be absent: the only source of the plan that is called. */
bool webhooks_take(struct inboxes *inboxes, const struct plan *plan, struct call *call,
                   struct str name);

#endif
