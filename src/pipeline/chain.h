/*
 * chain: the op of a pipeline that is built of steps in the configuration.
 *
 *     pipelines:
 *       leads:
 *         source: bridge
 *         chats: all
 *         zone: Asia/Jerusalem
 *         ops:
 *           - kind: filter
 *             words: [דרוש, מחפש]
 *           - kind: write
 *             sink: records
 *             target: leads
 *             key: "{uid}"
 *             set: {said: "{text}", at: "{sent}"}
 *
 * What an item is and how it flows stands in model/step.h. Messages of people, ticks and ends of
 * runs go through the steps. A reference that has a new version goes to the steps that wait for
 * one. Answers and receipts are none of their business.
 */
#ifndef SLUICE_PIPELINE_CHAIN_H
#define SLUICE_PIPELINE_CHAIN_H

#include "model/step.h"

extern const struct op_type op_chain;

/* All kinds of steps, ended by NULL. */
extern const struct step_type *const chain_steps[];

/* Those that only stand within others: the branches of a route. */
extern const struct step_type *const chain_branches[];

#endif
