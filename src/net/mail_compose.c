/* A mail's text: headers (RFC 5322, 2047) and a body in base64, equal bytes for equal input. */
#include <string.h>

#include "crypto/encode.h"
#include "net/mail.h"
#include "text/datetime.h"
#include "text/utf8.h"

enum {
    WORD_BYTES = 42, /* Of a subject in one encoded word: 56 letters, 68 with its frame. */
    LINE_BYTES = 57, /* Of the body in one line: 76 letters. */
    LOCAL_MAX = 64,
};

static bool is_letter_or_digit(char letter)
{
    return (letter >= 'a' && letter <= 'z') || (letter >= 'A' && letter <= 'Z') ||
           (letter >= '0' && letter <= '9');
}

static bool all_of(struct str text, const char *others)
{
    for (size_t i = 0; i < text.len; i++) {
        if (!is_letter_or_digit(text.ptr[i]) &&
            (text.ptr[i] == '\0' || strchr(others, text.ptr[i]) == NULL)) {
            return false;
        }
    }
    return text.len > 0;
}

bool mail_address_check(struct str address, struct err *err)
{
    size_t at = str_find_byte(address, '@', 0);
    struct str local = str_slice(address, 0, at == STR_NONE ? 0 : at);
    struct str host = str_slice(address, at == STR_NONE ? 0 : at + 1, address.len);
    bool ok = at != STR_NONE && address.len <= MAIL_ADDRESS_MAX && local.len <= LOCAL_MAX &&
              all_of(local, "!#$%&'*+-/=?^_`{|}~.") && all_of(host, ".-") && local.ptr[0] != '.' &&
              local.ptr[0] != '-' && !str_ends(local, STR(".")) &&
              str_find(local, STR(".."), 0) == STR_NONE && host.ptr[0] != '.' &&
              host.ptr[0] != '-' && !str_ends(host, STR(".")) &&
              str_find(host, STR(".."), 0) == STR_NONE;
    return ok || err_set(err, ERR_REJECT,
                         "a mail address must be like name@host.example, in plain letters and "
                         "without spaces, names or line ends (%zu bytes are not)",
                         address.len);
}

/* Control characters would end the header, or hide what it says. */
static bool check_subject(struct str subject, struct err *err)
{
    bool ok = subject.len <= MAIL_SUBJECT_MAX && utf8_valid(subject);
    for (size_t i = 0; ok && i < subject.len; i++) {
        unsigned char byte = (unsigned char)subject.ptr[i];
        ok = byte >= ' ' && byte != 0x7F;
    }
    return ok || err_set(err, ERR_REJECT,
                         "a mail's subject must be one line of UTF-8, %d bytes at most, without "
                         "control characters",
                         MAIL_SUBJECT_MAX);
}

static bool check(const struct mail_message *message, struct err *err)
{
    if (message->to_count == 0 || message->to_count > MAIL_TO_MAX) {
        return err_set(err, ERR_REJECT, "a mail needs 1 to %d recipients, and has %zu", MAIL_TO_MAX,
                       message->to_count);
    }
    if (!mail_address_check(message->from, err)) {
        return err_prefix(err, "from: ");
    }
    for (size_t i = 0; i < message->to_count; i++) {
        if (!mail_address_check(message->to[i], err)) {
            return err_prefix(err, "to: ");
        }
    }
    if (message->text.len > MAIL_TEXT_MAX || !utf8_valid(message->text)) {
        return err_set(err, ERR_REJECT, "a mail's text must be UTF-8, %d bytes at most",
                       MAIL_TEXT_MAX);
    }
    if (message->id.len > MAIL_ID_MAX || !all_of(message->id, "_.-")) {
        return err_set(err, ERR_REJECT, "a mail's id must be of letters, digits and _.-");
    }
    return check_subject(message->subject, err);
}

/* How much of the text goes into one encoded word: no letter is cut apart. */
static size_t word_len(struct str text)
{
    size_t len = text.len < WORD_BYTES ? text.len : WORD_BYTES;
    while (len > 0 && len < text.len && ((unsigned char)text.ptr[len] & 0xC0U) == 0x80U) {
        len--;
    }
    return len > 0 ? len : text.len;
}

static bool is_plain(struct str text)
{
    for (size_t i = 0; i < text.len; i++) {
        if ((unsigned char)text.ptr[i] >= 0x80) {
            return false;
        }
    }
    return text.len <= 60 && str_find(text, STR("=?"), 0) == STR_NONE;
}

static void put_subject(struct buf *out, struct str subject)
{
    buf_add(out, STR("Subject: "));
    if (is_plain(subject)) {
        buf_add(out, subject);
    } else {
        for (bool first = true; subject.len > 0; first = false) {
            size_t len = word_len(subject);
            buf_add(out, first ? STR("=?UTF-8?B?") : STR("\r\n =?UTF-8?B?"));
            encode_base64(out, str_slice(subject, 0, len));
            buf_add(out, STR("?="));
            subject = str_slice(subject, len, subject.len);
        }
    }
    buf_add(out, STR("\r\n"));
}

/* Line ends as mail has them, whatever the text has. */
static bool put_text(struct buf *out, struct str text)
{
    struct buf lines;
    buf_init(&lines, out->arena, text.len + text.len / 16 + 64);
    for (size_t i = 0; i < text.len; i++) {
        bool alone = text.ptr[i] == '\n' && (i == 0 || text.ptr[i - 1] != '\r');
        buf_add(&lines, alone ? STR("\r\n") : (struct str){text.ptr + i, 1});
    }
    struct str rest = buf_str(&lines);
    while (rest.len > 0) {
        size_t len = rest.len < LINE_BYTES ? rest.len : LINE_BYTES;
        encode_base64(out, str_slice(rest, 0, len));
        buf_add(out, STR("\r\n"));
        rest = str_slice(rest, len, rest.len);
    }
    return buf_ok(&lines);
}

bool mail_compose(const struct mail_message *message, struct buf *out, struct err *err)
{
    char date[DATETIME_TEXT_MAX];
    if (!check(message, err)) {
        return false;
    }
    size_t at = str_find_byte(message->from, '@', 0);
    buf_printf(out, "Date: %.*s\r\n", STR_ARG(datetime_format_mail(message->date_ms, 0, date)));
    buf_printf(out, "From: <%.*s>\r\n", STR_ARG(message->from));
    for (size_t i = 0; i < message->to_count; i++) {
        buf_printf(out, "%s<%.*s>", i == 0 ? "To: " : ",\r\n ", STR_ARG(message->to[i]));
    }
    buf_add(out, STR("\r\n"));
    put_subject(out, message->subject);
    buf_printf(out, "Message-ID: <%.*s@%.*s>\r\n", STR_ARG(message->id),
               STR_ARG(str_slice(message->from, at + 1, message->from.len)));
    buf_add(out, STR("MIME-Version: 1.0\r\n"
                     "Content-Type: text/plain; charset=utf-8\r\n"
                     "Content-Transfer-Encoding: base64\r\n"
                     "Auto-Submitted: auto-generated\r\n"
                     "\r\n"));
    bool ok = put_text(out, message->text) && buf_ok(out);
    return ok || err_set(err, ERR_RETRY, "out of memory for a mail");
}
