/*
 * message_view: how a message is shown, by `messages` and by `tap`.
 *
 * With SHOW_MASKED the text passes the log's formatter and its sender is masked too, also where it
 * is a name. With SHOW_PEOPLE all is as it was written.
 */
#ifndef SLUICE_CLI_MESSAGE_VIEW_H
#define SLUICE_CLI_MESSAGE_VIEW_H

#include "cli/look.h"
#include "cli/table.h"
#include "model/message.h"

/* Who may be seen of it. */
struct message_privacy {
    enum show_privacy text;
    enum show_privacy people; /* Senders, and chats that are a person's. */
};

const char *message_kind_name(const struct message *message);

/* The sender as it may be shown: "Dana Invented" is "D•••" when people are masked. */
struct str message_sender(struct arena *arena, const struct message *message,
                          enum show_privacy privacy);

void message_json(struct json_writer *json, struct look *look, const struct message *message,
                  struct message_privacy privacy);

#endif
