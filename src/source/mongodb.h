/*
 * mongodb: documents of a MongoDB collection, as messages or as a reference (source/select.h).
 *
 * A column is a field of the document, or one deeper down by its path ("address.city"). Documents
 * need not be alike: a field that is not there is an empty cell. Values reach messages as people
 * read them: an ObjectId as its 24 digits, a date as ISO 8601, numbers of all kinds as numbers,
 * lists and documents as JSON. The rising field is `_id` unless another is named; it must hold
 * values of one type in all documents (numbers, texts, dates or ObjectIds), because MongoDB
 * compares only what is alike.
 *
 * `filter` is a filter of MongoDB's, as JSON; {"$date": "…"} and {"$oid": "…"} are values.
 */
#ifndef SLUICE_SOURCE_MONGODB_H
#define SLUICE_SOURCE_MONGODB_H

#include "model/source.h"

extern const struct source_type source_mongodb;

#endif
