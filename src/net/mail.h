/*
 * mail: sending one mail at a time through somebody's mail server (SMTP).
 *
 *     struct mail_options options = {.server = STR("smtps://mail.example:465"), .user = …};
 *     struct mail_message message = {.from = …, .to = addresses, .to_count = 1, .id = …, …};
 *     mail_open(&mail, &options, err) && mail_send(mail, &message, deadline, arena, &sent, err)
 *
 * smtps:// speaks TLS from the first byte (port 465), smtp:// turns to it with STARTTLS (port 587
 * unless it is given). On the way to a public host, and wherever a password is sent except to this
 * machine, TLS is demanded; a relay on this machine or in a private network may do without. TLS is
 * crypto/tls with its one policy.
 *
 * A mail is plain text in UTF-8, any language and direction. It is composed by the same input byte
 * for byte; `id` becomes its Message-ID, so whoever sends a mail again gives it the same one, and a
 * reader's program can tell the repeat. Addresses are plain ASCII ones without a name; an address
 * or a subject with a line end, or another control character, is refused and never sent: it could
 * add headers or recipients.
 *
 * SMTP cannot undo. When the connection breaks after the text was handed over and before the server
 * said that it has it, `sent->in_doubt` is true: sending it again may double it.
 *
 * Errors: ERR_RETRY (nobody answers, 4xx, a full mailbox), ERR_LOGIN (wrong password), ERR_CONFIG
 * (no TLS there, wrong certificate), ERR_REJECT (the server refuses this mail or recipient for
 * good, 5xx). They quote neither the text nor the addresses. Everything ends by an absolute
 * deadline and within about a second when the owner is asked to stop. A `struct mail` belongs to
 * one worker.
 */
#ifndef SLUICE_NET_MAIL_H
#define SLUICE_NET_MAIL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/str.h"

struct mail;

enum {
    MAIL_ADDRESS_MAX = 254,
    MAIL_TO_MAX = 50,
    MAIL_SUBJECT_MAX = 900,
    MAIL_TEXT_MAX = 1024 * 1024,
    MAIL_ID_MAX = 64,
    MAIL_CONNECT_MS = 10000,
};

struct mail_options {
    struct str server; /* "smtps://HOST[:PORT]" or "smtp://HOST[:PORT]" */
    struct str user;   /* Absent: no login. */
    struct str password;
    struct str root;  /* File of authorities; absent: the machine's. */
    bool allow_clear; /* Without TLS to a public host. */
    struct clock *clock;
    bool (*stopping)(void *context); /* May be NULL. */
    void *stopping_context;
};

struct mail_message {
    struct str from;
    const struct str *to;
    size_t to_count;
    struct str subject;
    struct str text;
    struct str id;   /* Letters, digits and "_.-": what stands before the @ of the Message-ID. */
    int64_t date_ms; /* Unix time. */
};

struct mail_sent {
    int code;      /* The server's last one; 0 for none. */
    bool in_doubt; /* With a failure: it may have been taken all the same. */
};

/* Checks the server's address; touches no network. */
bool mail_open(struct mail **out, const struct mail_options *options, struct err *err);
void mail_close(struct mail *mail); /* NULL is fine. */

/* Close the kept connection and give memory back; the client stays usable. */
void mail_rest(struct mail *mail);

bool mail_send(struct mail *mail, const struct mail_message *message, int64_t deadline_ms,
               struct arena *arena, struct mail_sent *sent, struct err *err);

/* Is the server there, does TLS work, is the password right? Nothing is sent. */
bool mail_probe(struct mail *mail, int64_t deadline_ms, struct err *err);

/* "smtps://mail.example:465", for messages. */
struct str mail_server(const struct mail *mail);

/* Whether TLS is demanded. */
bool mail_sealed(const struct mail *mail);

/* The mail as it leaves, with CRLF. ERR_REJECT for what cannot be a mail. */
bool mail_compose(const struct mail_message *message, struct buf *out, struct err *err);

/* "name@host.example"; ERR_REJECT says what is wrong, without quoting it. */
bool mail_address_check(struct str address, struct err *err);

#endif
