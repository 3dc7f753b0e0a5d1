/*
 * mediatype: kinds of files, by the two names that they have.
 *
 * What was found out of the bytes of a file ("jpg") is how it is stored, and its media type
 * ("image/jpeg") is how messages and rows call it. One follows from the other, so that whoever has
 * the type knows the path. What is not in the table is "bin", "application/octet-stream".
 */
#ifndef SLUICE_TEXT_MEDIATYPE_H
#define SLUICE_TEXT_MEDIATYPE_H

#include "base/str.h"

/* "image/jpeg" of "jpg". */
struct str mediatype_of(struct str ending);

/* "jpg" of "image/jpeg". */
struct str mediatype_ending(struct str type);

#endif
