/*
 * proposals: what is said to the house's assistant, handed over, and what it proposes, for review.
 *
 * Every message of the assistant's channel (agent.h) that somebody wrote to it becomes one row of
 * `proposals`, keyed as its row in `messages` is (sync_id.h). With `ask`, a sink that answers is
 * asked once for each: a webhook, or a command. Its answer, any JSON, stands in the row then. That
 * is all that happens: nothing here acts on a proposal, and nothing else reads the table. People
 * do, and the column `decision` is theirs.
 *
 *   open       nobody was asked (there is no `ask`)
 *   asked      handed over, no answer yet
 *   old        it was written more than `max_age` before it was seen: kept, nobody was asked
 *   answered   the answer stands in `proposal`
 *   withdrawn  its writer deleted it
 *
 * An edit changes the request in the row; whoever was asked is not asked again. What the assistant
 * writes itself is no request. The question is {"message_id", "platform", "thread_external_id",
 * "external_id", "sender_id", "request", "ts"}.
 */
#ifndef SLUICE_DOMAIN_PROPOSALS_H
#define SLUICE_DOMAIN_PROPOSALS_H

#include "domain/agent.h"
#include "model/op.h"

struct proposals {
    struct op op; /* First. */

    /* From the configuration. */
    struct str sink;
    struct str ask; /* Absent: rows only. */
    struct str platform;
    struct agent agent;
    int64_t max_age_ms;
};

extern const struct op_type op_proposals;

#endif
