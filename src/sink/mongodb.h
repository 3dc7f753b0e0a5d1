/*
 * sink mongodb: records as documents in collections of a MongoDB database.
 *
 * A target is a collection, and its key an ordinary field with a unique index, so that collections
 * that are there already are adopted as they are: their documents keep their `_id`, whatever it is,
 * and their other fields. `sluice migrate` makes the indexes; write() makes none, and says so where
 * the one on the key is missing. Keys are texts.
 *
 * Exactly once, also on a server without transactions: each record is one statement that decides
 * and writes at once (mongodb_statement.h), and what was done is remembered in the document, in its
 * field `_sluice`, and for good in a collection of ours (mongodb_ledger.h). A batch is one `update`
 * command with many statements that do not depend on each other, confirmed by the majority.
 *
 *     a batch of absolute records   one round trip
 *     a batch of effects            three: the ledger is asked, documents, the ledger is told
 *
 * A duplicate key is looked into: the document of that key says whether the record is old news
 * (done), and one that is not is sent once more by itself. What is refused then breaks a unique
 * index of somebody else: the record is a dead letter that names the index.
 *
 * A batch that the server refuses as a whole is sent again statement by statement, so that only the
 * one that it does not like pays. A failing connection says nothing of any record: all come again.
 *
 * `schema` checks each record before it is sent (text/jsonschema.h): what the record makes of a new
 * document. Questions claim a document: mongodb_claim.h.
 */
#ifndef SLUICE_SINK_MONGODB_H
#define SLUICE_SINK_MONGODB_H

#include "model/sink.h"

extern const struct sink_type sink_mongodb;

#endif
