/*
 * excerpt: a fault as a person reads it, and as a program does.
 *
 *     config/drops.yaml:7:5: error[E0107]: source 'bridge': unknown key 'pol'
 *       7 |     pol: 5s
 *         |     ^^^
 *       why: a key that nobody reads would be ignored in silence
 *       help: did you mean 'poll'?
 *
 * The caret stands right below what it means on any terminal that draws East Asian characters two
 * columns wide: tabs become four spaces, what is not drawn (marks of direction, controls, broken
 * bytes) is written out as <U+200F> or <FF>. Terminals that turn right-to-left letters around move
 * them away from the caret; so what is marked is repeated behind it, isolated, when it has such
 * letters.
 *
 * No secret is shown: what was noted by faults_hide(), passwords within URIs, and values behind
 * words like `password:` (the file may be too broken to know more) appear as ***.
 */
#ifndef SLUICE_CONFIG_EXCERPT_H
#define SLUICE_CONFIG_EXCERPT_H

#include "base/buf.h"
#include "config/fault.h"
#include "text/json.h"

/* Whole lines. `color`: with ANSI colors, for a terminal. */
void excerpt_show(const struct faults *faults, const struct fault *fault, bool color,
                  struct buf *out);

/* All that are kept, and at the end how many there are, and where more is explained. */
void excerpt_show_all(const struct faults *faults, bool color, struct buf *out);

/* An array of objects: code, severity, file, line, column, length, text, why, help. */
void excerpt_json(const struct faults *faults, struct json_writer *json);

#endif
