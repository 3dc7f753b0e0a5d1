/*
 * chats: named chats, as projects.yaml writes them.
 *
 *     projects:
 *       - name: Lawley
 *         enabled: true
 *         group_jid: "120363418298130331@g.us"
 *         description: "Lawley Activation 3 group"
 *
 * The key on top is the name of the option that wants them ("projects"). The list may also stand
 * directly under that option. All four keys are required, others are faults; disabled entries are
 * checked and left out; a name or a chat that comes twice is a fault that names both places.
 */
#ifndef SLUICE_CONFIG_CHATS_H
#define SLUICE_CONFIG_CHATS_H

#include "config/reader.h"
#include "model/option.h"

enum {
    CHATS_MAX = 4096,     /* As many as one pipeline can listen to. */
    CHATS_NAME_MAX = 200, /* Bytes of a name. */
};

bool config_chats_read(struct reader *reader, const struct yaml_node *node, const char *option,
                       struct named_chats *out);

/* The same from the file at `path`; `place` is where it is named. */
bool config_chats_read_file(struct reader *reader, struct str path, struct place place,
                            const char *option, struct named_chats *out);

#endif
