#include "net/mail.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "crypto/token.h"
#include "net/dial.h"

enum {
    SERVER_MAX = 300,
    USER_MAX = 320,
    PASSWORD_MAX = 1024,
    ADDRESS_ROOM = MAIL_ADDRESS_MAX + 3, /* In <>, with a NUL. */
    CONNECTION_AGE_S = 60,
};

struct mail {
    struct dial dial;
    char server[SERVER_MAX]; /* "smtps://host:465" */
    char host[TLS_HOST_MAX + 1];
    char user[USER_MAX];
    char password[PASSWORD_MAX];
    bool login;
    bool sealed; /* TLS is demanded. */
    CURL *curl;  /* NULL: at rest. It keeps the connection. */
};

/* ---- Life ---- */

static bool copy(char *out, size_t size, struct str text)
{
    if (text.len >= size || (text.len > 0 && memchr(text.ptr, '\0', text.len) != NULL)) {
        return false;
    }
    if (text.len > 0) {
        memcpy(out, text.ptr, text.len);
    }
    out[text.len] = '\0';
    return true;
}

static bool bad_server(struct err *err)
{
    return err_set(err, ERR_CONFIG,
                   "mail: the server must be smtps://HOST or smtp://HOST, with :PORT if it is not "
                   "465 or 587, and without user and password");
}

/* The host, and whether its scheme is smtps. Nothing else may stand there. */
static bool read_server(struct mail *mail, struct str server, bool *tls_first, struct err *err)
{
    *tls_first = str_starts(server, STR("smtps://"));
    if (!*tls_first && !str_starts(server, STR("smtp://"))) {
        return bad_server(err);
    }
    struct str rest = str_slice(server, *tls_first ? 8 : 7, server.len);
    rest = str_ends(rest, STR("/")) ? str_slice(rest, 0, rest.len - 1) : rest;
    for (size_t i = 0; i < rest.len; i++) {
        if ((unsigned char)rest.ptr[i] <= ' ' || (unsigned char)rest.ptr[i] >= 0x7F ||
            strchr("/?#@%\\\"<>", rest.ptr[i]) != NULL) {
            return bad_server(err);
        }
    }
    bool six = str_starts(rest, STR("["));
    size_t end = six ? str_find_byte(rest, ']', 0) : str_find_byte(rest, ':', 0);
    struct str host = str_slice(rest, six ? 1 : 0, end == STR_NONE ? rest.len : end);
    struct str port = str_slice(rest, end == STR_NONE ? rest.len : end + (six ? 1 : 0), rest.len);
    int64_t number = *tls_first ? 465 : 587;
    bool ok = host.len > 0 && copy(mail->host, sizeof mail->host, host) &&
              !(six && end == STR_NONE) &&
              (port.len == 0 ||
               (port.ptr[0] == ':' && str_to_int64(str_slice(port, 1, port.len), &number) &&
                number > 0 && number < 65536));
    (void)snprintf(mail->server, sizeof mail->server, "%s://%s%s%s:%d",
                   *tls_first ? "smtps" : "smtp", six ? "[" : "", mail->host, six ? "]" : "",
                   (int)number);
    return ok || bad_server(err);
}

/* A password never travels in the clear to another machine, and nothing does over a public way. */
static bool judge(struct mail *mail, const struct mail_options *options, bool tls_first,
                  struct err *err)
{
    enum host_kind kind = host_kind_of(str_of(mail->host));
    bool near = kind == HOST_LOOPBACK || (kind == HOST_PRIVATE && !mail->login);
    mail->sealed = tls_first || !(near || (options->allow_clear && !mail->login));
    if (mail->login && options->password.len == 0) {
        return err_set(err, ERR_CONFIG, "mail: there is a user and no password");
    }
    return true;
}

bool mail_open(struct mail **out, const struct mail_options *options, struct err *err)
{
    bool tls_first = false;
    struct mail *mail = mem_alloc(sizeof *mail);
    if (mail == NULL) {
        return err_set(err, ERR_RETRY, "mail: out of memory");
    }
    mail->dial.clock = options->clock != NULL ? options->clock : clock_system();
    mail->dial.stopping = options->stopping;
    mail->dial.stopping_context = options->stopping_context;
    mail->dial.anywhere = true; /* The configuration names the server. */
    mail->login = options->user.len > 0;
    bool ok = read_server(mail, options->server, &tls_first, err) &&
              judge(mail, options, tls_first, err) &&
              dial_set_root(&mail->dial, options->root, err) &&
              ((copy(mail->user, sizeof mail->user, options->user) &&
                copy(mail->password, sizeof mail->password, options->password)) ||
               err_set(err, ERR_CONFIG, "mail: user or password is too long, or holds a NUL byte"));
    if (!ok) {
        mail_close(mail);
        return false;
    }
    *out = mail;
    return true;
}

void mail_rest(struct mail *mail)
{
    if (mail->curl != NULL) {
        curl_easy_cleanup(mail->curl);
        mail->curl = NULL;
    }
    dial_rest(&mail->dial);
}

void mail_close(struct mail *mail)
{
    if (mail != NULL) {
        mail_rest(mail);
        token_wipe(mail->password, sizeof mail->password);
        mem_free(mail);
    }
}

struct str mail_server(const struct mail *mail)
{
    return str_of(mail->server);
}

bool mail_sealed(const struct mail *mail)
{
    return mail->sealed;
}

/* ---- One mail ---- */

struct letter {
    struct str rest;
    bool whole; /* curl has taken its end. */
};

static size_t give_text(char *out, size_t size, size_t count, void *context)
{
    struct letter *letter = context;
    size_t len = size * count < letter->rest.len ? size * count : letter->rest.len;
    if (len > 0) {
        memcpy(out, letter->rest.ptr, len);
    }
    letter->rest = str_slice(letter->rest, len, letter->rest.len);
    letter->whole = letter->rest.len == 0;
    return len;
}

static size_t ignore_words(char *bytes, size_t size, size_t count, void *context)
{
    (void)bytes; /* What the server says about a probe. */
    (void)context;
    return size * count;
}

static enum err_kind kind_of(long code)
{
    switch (code) {
    case 530:
    case 534:
    case 535:
    case 538:
        return ERR_LOGIN;
    case 452: /* No room for now, */
    case 552: /* or in the mailbox: that may change. */
        return ERR_RETRY;
    default:
        return code >= 500 ? ERR_REJECT : ERR_RETRY;
    }
}

static bool why_code(const struct mail *mail, long code, struct err *err)
{
    enum err_kind kind = kind_of(code);
    return err_set(err, kind, "%s: the server %s (SMTP %ld)", mail->server,
                   kind == ERR_LOGIN    ? "refuses the login: are user and password right?"
                   : kind == ERR_REJECT ? "refuses this mail, its sender or a recipient for good"
                                        : "does not take it for now",
                   code);
}

static bool why(const struct mail *mail, CURLcode code, long answer, const char *words,
                struct err *err)
{
    const struct dial *dial = &mail->dial;
    if (dial->stopped) {
        return err_set(err, ERR_STOP, "%s: asked to stop", mail->server);
    }
    if (code == CURLE_LOGIN_DENIED) {
        return err_set(err, ERR_LOGIN,
                       "%s: the server refuses the login: are user and password right, and does it "
                       "offer a way that we know (PLAIN, LOGIN, CRAM-MD5)?",
                       mail->server);
    }
    if (code == CURLE_USE_SSL_FAILED) {
        return err_set(err, ERR_CONFIG,
                       "%s: the server offers no TLS (STARTTLS): use its port for smtps://, or "
                       "another server",
                       mail->server);
    }
    if (code == CURLE_COULDNT_CONNECT && dial->was_refused) {
        return err_set(err, ERR_CONFIG, "%s: that is no address of a mail server", mail->server);
    }
    bool tls = code == CURLE_SSL_CONNECT_ERROR || code == CURLE_PEER_FAILED_VERIFICATION ||
               strncmp(words, "SSL: ", 5) == 0;
    if (tls && (dial->check != NULL || dial->tls.kind != ERR_NONE)) {
        (void)dial_why_tls(dial, words, err);
        return err_prefix(err, "%s: ", mail->server);
    }
    if (answer >= 400 && code != CURLE_OPERATION_TIMEDOUT) {
        return why_code(mail, answer, err);
    }
    const char *own = dial_words(code);
    return err_set(err, ERR_RETRY, "%s: %s", mail->server,
                   code == CURLE_WEIRD_SERVER_REPLY ? "what answers there does not speak SMTP"
                   : own != NULL                    ? own
                                                    : curl_easy_strerror(code));
}

#define SET(option, value) (ok = ok && curl_easy_setopt(curl, (option), (value)) == CURLE_OK)

static bool set_way(struct mail *mail, int64_t left_ms, char *words)
{
    CURL *curl = mail->curl;
    bool ok = dial_manners(&mail->dial, curl);
    SET(CURLOPT_PROTOCOLS_STR, "smtp,smtps");
    SET(CURLOPT_URL, mail->server);
    SET(CURLOPT_USE_SSL, (long)(mail->sealed ? CURLUSESSL_ALL : CURLUSESSL_TRY));
    SET(CURLOPT_TIMEOUT_MS, (long)left_ms);
    SET(CURLOPT_CONNECTTIMEOUT_MS, (long)(left_ms < MAIL_CONNECT_MS ? left_ms : MAIL_CONNECT_MS));
    SET(CURLOPT_MAXAGE_CONN, (long)CONNECTION_AGE_S);
    SET(CURLOPT_ERRORBUFFER, words);
    SET(CURLOPT_WRITEFUNCTION, ignore_words);
    if (mail->login) {
        SET(CURLOPT_USERNAME, mail->user);
        SET(CURLOPT_PASSWORD, mail->password);
    }
    return ok;
}

static bool add_address(struct curl_slist **list, struct str address)
{
    char text[ADDRESS_ROOM];
    (void)snprintf(text, sizeof text, "<%.*s>", STR_ARG(address));
    struct curl_slist *longer = curl_slist_append(*list, text);
    *list = longer != NULL ? longer : *list;
    return longer != NULL;
}

/* Everything of the mail; NULL for a probe. */
static bool set_mail(const struct mail *mail, const struct mail_message *message,
                     struct letter *letter, struct curl_slist **list)
{
    CURL *curl = mail->curl;
    bool ok = true;
    char from[ADDRESS_ROOM];
    if (message == NULL) {
        SET(CURLOPT_NOBODY, 1L);
        SET(CURLOPT_CUSTOMREQUEST, "NOOP");
        return ok;
    }
    (void)snprintf(from, sizeof from, "<%.*s>", STR_ARG(message->from));
    for (size_t i = 0; ok && i < message->to_count; i++) {
        ok = add_address(list, message->to[i]);
    }
    SET(CURLOPT_MAIL_FROM, from);
    SET(CURLOPT_MAIL_RCPT, *list);
    SET(CURLOPT_UPLOAD, 1L);
    SET(CURLOPT_READFUNCTION, give_text);
    SET(CURLOPT_READDATA, letter);
    SET(CURLOPT_INFILESIZE_LARGE, (curl_off_t)letter->rest.len);
    return ok;
}

static bool perform(struct mail *mail, const struct mail_message *message, struct letter *letter,
                    int64_t deadline_ms, struct mail_sent *sent, struct err *err)
{
    struct curl_slist *list = NULL;
    char words[CURL_ERROR_SIZE] = "";
    long answer = 0;
    int64_t left_ms = deadline_ms - clock_mono_ms(mail->dial.clock);
    if (left_ms <= 0) {
        return err_set(err, ERR_RETRY, "%s: no time left", mail->server);
    }
    if (!dial_init_library(err) || !dial_trust(&mail->dial, err)) {
        return false;
    }
    mail->curl = mail->curl != NULL ? mail->curl : curl_easy_init();
    if (mail->curl == NULL) {
        return err_set(err, ERR_RETRY, "mail: out of memory");
    }
    curl_easy_reset(mail->curl); /* The connection stays. */
    mail->dial.was_refused = mail->dial.stopped = false;
    mail->dial.tls = (struct err){0};
    mail->dial.host = str_of(mail->host);
    bool ok = set_way(mail, left_ms, words) && set_mail(mail, message, letter, &list);
    if (!ok) {
        (void)err_set(err, ERR_RETRY, "mail: out of memory");
    } else {
        CURLcode code = curl_easy_perform(mail->curl);
        (void)curl_easy_getinfo(mail->curl, CURLINFO_RESPONSE_CODE, &answer);
        ok = code == CURLE_OK || why(mail, code, answer, words, err);
        sent->code = (int)answer;
        /* Handed over to its end, and no word about it. */
        sent->in_doubt = !ok && letter->whole && answer < 400;
    }
    curl_slist_free_all(list);
    return ok;
}

bool mail_send(struct mail *mail, const struct mail_message *message, int64_t deadline_ms,
               struct arena *arena, struct mail_sent *sent, struct err *err)
{
    struct buf buf;
    buf_init(&buf, arena, 1024 + message->text.len * 3 / 2);
    *sent = (struct mail_sent){0};
    if (!mail_compose(message, &buf, err)) {
        return false;
    }
    struct letter letter = {.rest = buf_str(&buf)};
    return perform(mail, message, &letter, deadline_ms, sent, err);
}

bool mail_probe(struct mail *mail, int64_t deadline_ms, struct err *err)
{
    struct letter letter = {0};
    struct mail_sent sent = {0};
    return perform(mail, NULL, &letter, deadline_ms, &sent, err);
}
