/*
 * json: the current rows as one JSON document, an array or an object by key, one row a line.
 *
 * Each change replaces the document as a whole (sink/files.h), so whoever reads it sees the old one
 * or the new one. With `keep` the last versions stay beside it.
 */
#ifndef SLUICE_SINK_JSON_H
#define SLUICE_SINK_JSON_H

#include "model/sink.h"

extern const struct sink_type sink_json;

#endif
