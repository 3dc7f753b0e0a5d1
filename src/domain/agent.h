/*
 * agent: which messages belong to the conversation with the house's own assistant.
 *
 * Three things make one (and any of them is enough):
 *
 *   a chat with the assistant      `contacts`: its number in any look, or the name it is saved
 * under a group kept for the assistant `threads`: the title, or the id where the source has no
 * titles a message that addresses it    begins with "Kenny," or "@Kenny", whatever chat it stands
 * in
 *
 * Names and titles are compared folded: capitals, niqqud, controls of direction and odd spaces do
 * not matter. A group is never a contact's chat, even if it has the contact's name. "Kenny," wants
 * its comma (of any script), so that a sentence about Kenny is none to him; "@Kenny" wants its end,
 * so that "@Kennyson" is somebody else.
 *
 * Empty entries of the lists count as none, so that a variable that is not set switches one off.
 * Two ops share this: `sync` marks such messages, `proposals` hands them over. Memory is that of
 * the op's open; after it nothing changes.
 */
#ifndef SLUICE_DOMAIN_AGENT_H
#define SLUICE_DOMAIN_AGENT_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"
#include "domain/chat_facts.h"
#include "model/message.h"
#include "model/option.h"
#include "text/phone.h"

enum { AGENT_ENTRIES_MAX = 64, AGENT_NAME_MAX = 200 };

/* One entry of a list, as it is compared. */
struct agent_entry {
    struct str name;    /* Folded. */
    struct str plain;   /* As it was written. */
    struct phone phone; /* len 0: it is no number. */
};

struct agent_entries {
    struct agent_entry *items;
    size_t count;
};

struct agent {
    /* From the configuration. */
    struct str_list contact_texts;
    struct str_list thread_texts;
    struct str_list name_texts;

    /* Made by agent_open. */
    struct agent_entries contacts;
    struct agent_entries threads;
    struct agent_entries names;
};

/* The options of an op whose instance has a `struct agent` as member `m`. */
#define AGENT_OPTIONS(s, m)                                                                        \
    OPTION_LIST(s, m.contact_texts, "agent_contact", NULL,                                         \
                "The assistant's number, or the name it is saved under: its 1:1 chat."),           \
        OPTION_LIST(s, m.thread_texts, "agent_thread", NULL,                                       \
                    "Title (or id) of a group that is kept for the assistant."),                   \
        OPTION_LIST(s, m.name_texts, "agent_names", "Kenny",                                       \
                    "A message that begins with one of these and a comma, or with @ and one of "   \
                    "them, is for the assistant.")

bool agent_open(struct agent *agent, struct arena *arena, struct err *err);

enum agent_answer {
    AGENT_NO = 0,
    AGENT_THREAD,    /* The whole chat is the assistant's. */
    AGENT_ADDRESSED, /* This message begins with its name. */
    AGENT_NO_MEMORY,
};

/* Does the message belong to the assistant's channel? `scratch` is used for folding. */
enum agent_answer agent_channel(const struct agent *agent, struct arena *scratch,
                                const struct message *message, const struct chat_facts *facts);

/* Was it the assistant itself who wrote it? What it says is no request to it. */
bool agent_wrote(const struct agent *agent, const struct message *message);

#endif
