/*
 * cases: what people write down of their rules, as YAML: messages in, rows out.
 *
 *     pipeline: drops                          of the configuration; `config: other.yaml` names one
 *     chat: 120363000000000001@g.us            where messages are said, unless they say otherwise
 *     cases:
 *       - case: a second sight is a resubmission
 *         rows:                                what the tables hold before
 *           qa_photo_reviews: {DR10000001: {project: Lawley, comment: by hand}}
 *         references: {roster: {0550000001: {teacher: Dana}}}
 *         messages:
 *           - {at: 2026-01-05 10:00, from: Sipho, text: DR10000001 done}
 *           - {id: A, text: שלום DR10000002}
 *           - {text: a picture, direction: out, attachments: [{sha256: …}], extra: {group: true}}
 *           - {edit: A, text: שלום DR10000003}
 *           - {delete: A}
 *           - {tick: 2026-01-05 12:00}
 *           - {reference: {roster: {…}}}
 *           - {answer: dana, sink: ai, text: '{"city":"haifa"}'}
 *           - {receipt: dana, sink: green}
 *         expect:                              only the columns that are named are compared
 *           qa_photo_reviews:
 *             DR10000001: {resubmitted: true, comment: {contains: PHOTOS UPDATED}}
 *         expect-none: {qa_photo_reviews: [DR10000009]}
 *         expect-asked: {ai: [dana]}
 *         expect-refused: 0
 *
 * Times without an offset are on the wall of `zone` (the configured one). A message without `at`
 * comes a minute after the one before it. "Now" of a rule is the time of its message.
 *
 * Each case runs the pipeline's own worker over a store of its own in memory, so what passes here
 * is what production does; the rows are worked out on paper (model/row.h).
 */
#ifndef SLUICE_CLI_CASES_H
#define SLUICE_CLI_CASES_H

#include "cli/cli.h"
#include "text/json.h"
#include "text/zone.h"

struct cases {
    struct cli *cli;
    const struct zone *zone;  /* Unless the file names another. */
    struct json_writer *json; /* Failures go there as objects, if there is one. */
    int64_t count;
    int64_t failed;
    bool broken; /* A file could not be read, or says what cannot be. */
};

/* All cases of one file. Failures are printed or written as they come. */
void cases_run_file(struct cases *cases, struct str path);

#endif
