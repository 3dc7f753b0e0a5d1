/* Which errors there are, what they mean for the session, and what people are told. */
#include <stdio.h>
#include <string.h>

#include "base/must.h"
#include "net/webdriver_call.h"

enum { QUOTED_MAX = 200, NET_CODE_MAX = 48 };

struct fault_row {
    const char *name;
    enum webdriver_fate fate;
    enum err_kind kind;
    const char *words;
};

static const struct fault_row rows[] = {
    [WEBDRIVER_FINE] = {"fine", WEBDRIVER_CALL, ERR_NONE, ""},
    [WEBDRIVER_STOPPED] = {"stopped", WEBDRIVER_GO_HOME, ERR_STOP, "asked to stop"},
    [WEBDRIVER_UNREACHABLE] = {"unreachable", WEBDRIVER_DROP, ERR_RETRY, "nobody answers"},
    [WEBDRIVER_LATE] = {"late", WEBDRIVER_DROP, ERR_RETRY, "no answer in time"},
    [WEBDRIVER_TOO_LARGE] = {"too-large", WEBDRIVER_CALL, ERR_REJECT,
                             "the answer is larger than we take"},
    [WEBDRIVER_NONSENSE] = {"nonsense", WEBDRIVER_DROP, ERR_CONFIG,
                            "what answers there is no WebDriver: is the address right?"},
    [WEBDRIVER_NO_MEMORY] = {"no-memory", WEBDRIVER_CALL, ERR_RETRY, "out of memory"},
    [WEBDRIVER_NO_SESSION] = {"no-session", WEBDRIVER_DROP, ERR_RETRY,
                              "there is no session; start one"},
    [WEBDRIVER_SESSION_LOST] = {"session-lost", WEBDRIVER_DROP, ERR_RETRY,
                                "the server does not have our session any more"},
    [WEBDRIVER_TAB_CRASHED] = {"tab-crashed", WEBDRIVER_DROP, ERR_RETRY,
                               "the page crashed in the browser (often: too little memory, or "
                               "/dev/shm is small)"},
    [WEBDRIVER_BROWSER_GONE] = {"browser-gone", WEBDRIVER_DROP, ERR_RETRY,
                                "the browser ended or does not answer its driver"},
    [WEBDRIVER_WINDOW_LOST] = {"window-lost", WEBDRIVER_DROP, ERR_RETRY,
                               "the browser's window was closed"},
    [WEBDRIVER_NOT_CREATED] = {"not-created", WEBDRIVER_DROP, ERR_RETRY,
                               "no browser could be started"},
    [WEBDRIVER_SCRIPT_TIMEOUT] = {"script-timeout", WEBDRIVER_RETRY_SAME, ERR_RETRY,
                                  "the page did not finish the script in its time"},
    [WEBDRIVER_PAGE_TIMEOUT] = {"page-timeout", WEBDRIVER_RETRY_SAME, ERR_RETRY,
                                "the page did not load in its time"},
    [WEBDRIVER_NO_ELEMENT] = {"no-element", WEBDRIVER_CALL, ERR_RETRY,
                              "the page has no such element"},
    [WEBDRIVER_STALE_ELEMENT] = {"stale-element", WEBDRIVER_CALL, ERR_RETRY,
                                 "the page has replaced the element since"},
    [WEBDRIVER_NOT_INTERACTABLE] = {"not-interactable", WEBDRIVER_CALL, ERR_RETRY,
                                    "the element cannot be used now (hidden, or without a place)"},
    [WEBDRIVER_COVERED] = {"covered", WEBDRIVER_CALL, ERR_RETRY,
                           "another element covers it, such as a dialog"},
    [WEBDRIVER_ALERT] = {"alert", WEBDRIVER_CALL, ERR_RETRY,
                         "the page had opened an alert; it was dismissed"},
    [WEBDRIVER_SCRIPT_FAILED] = {"script-failed", WEBDRIVER_CALL, ERR_RETRY,
                                 "the script failed in the page"},
    [WEBDRIVER_BAD_ARGUMENT] = {"bad-argument", WEBDRIVER_CALL, ERR_REJECT,
                                "the server refuses an argument of the command"},
    [WEBDRIVER_BAD_SELECTOR] = {"bad-selector", WEBDRIVER_CALL, ERR_CONFIG,
                                "the selector is no valid CSS"},
    [WEBDRIVER_BAD_CERTIFICATE] = {"bad-certificate", WEBDRIVER_CALL, ERR_CONFIG,
                                   "the browser does not trust the page's certificate"},
    [WEBDRIVER_UNKNOWN_COMMAND] = {"unknown-command", WEBDRIVER_CALL, ERR_CONFIG,
                                   "the server does not know the command: is the address right "
                                   "(with or without /wd/hub)?"},
    [WEBDRIVER_NO_PAGE] = {"no-page", WEBDRIVER_CALL, ERR_RETRY,
                           "the browser cannot reach the page's server"},
    [WEBDRIVER_FAILED] = {"failed", WEBDRIVER_CALL, ERR_RETRY, "the browser or its driver failed"},
};

const char *webdriver_fault_name(enum webdriver_fault fault)
{
    must((size_t)fault < sizeof rows / sizeof rows[0]);
    return rows[fault].name;
}

enum webdriver_fate webdriver_fault_fate(enum webdriver_fault fault)
{
    must((size_t)fault < sizeof rows / sizeof rows[0]);
    return rows[fault].fate;
}

/* What the servers call them. */
static const struct {
    struct str code;
    enum webdriver_fault fault;
} codes[] = {
    {STR_INIT("invalid session id"), WEBDRIVER_SESSION_LOST},
    {STR_INIT("no such session"), WEBDRIVER_SESSION_LOST},
    {STR_INIT("tab crashed"), WEBDRIVER_TAB_CRASHED},
    {STR_INIT("disconnected"), WEBDRIVER_BROWSER_GONE},
    {STR_INIT("chrome not reachable"), WEBDRIVER_BROWSER_GONE},
    {STR_INIT("no such window"), WEBDRIVER_WINDOW_LOST},
    {STR_INIT("session not created"), WEBDRIVER_NOT_CREATED},
    {STR_INIT("script timeout"), WEBDRIVER_SCRIPT_TIMEOUT},
    {STR_INIT("timeout"), WEBDRIVER_PAGE_TIMEOUT},
    {STR_INIT("no such element"), WEBDRIVER_NO_ELEMENT},
    {STR_INIT("stale element reference"), WEBDRIVER_STALE_ELEMENT},
    {STR_INIT("detached shadow root"), WEBDRIVER_STALE_ELEMENT},
    {STR_INIT("element not interactable"), WEBDRIVER_NOT_INTERACTABLE},
    {STR_INIT("invalid element state"), WEBDRIVER_NOT_INTERACTABLE},
    {STR_INIT("move target out of bounds"), WEBDRIVER_NOT_INTERACTABLE},
    {STR_INIT("element click intercepted"), WEBDRIVER_COVERED},
    {STR_INIT("unexpected alert open"), WEBDRIVER_ALERT},
    {STR_INIT("javascript error"), WEBDRIVER_SCRIPT_FAILED},
    {STR_INIT("invalid argument"), WEBDRIVER_BAD_ARGUMENT},
    {STR_INIT("invalid selector"), WEBDRIVER_BAD_SELECTOR},
    {STR_INIT("insecure certificate"), WEBDRIVER_BAD_CERTIFICATE},
    {STR_INIT("unknown command"), WEBDRIVER_UNKNOWN_COMMAND},
    {STR_INIT("unknown method"), WEBDRIVER_UNKNOWN_COMMAND},
};

/* What "unknown error" hides, by words of the drivers' own that no page can put there: they stand
 * in front. */
static const struct {
    struct str words;
    enum webdriver_fault fault;
} hidden[] = {
    {STR_INIT("tab crashed"), WEBDRIVER_TAB_CRASHED},
    {STR_INIT("session deleted"), WEBDRIVER_SESSION_LOST},
    {STR_INIT("session not created"), WEBDRIVER_NOT_CREATED},
    {STR_INIT("disconnected"), WEBDRIVER_BROWSER_GONE},
    {STR_INIT("chrome not reachable"), WEBDRIVER_BROWSER_GONE},
    {STR_INIT("web view not found"), WEBDRIVER_WINDOW_LOST},
    {STR_INIT("net::ERR_"), WEBDRIVER_NO_PAGE},
    {STR_INIT("Unable to execute request for an existing session: Timeout"),
     WEBDRIVER_SESSION_LOST},
    {STR_INIT("Unable to execute request for an existing session"), WEBDRIVER_BROWSER_GONE},
    {STR_INIT("java.util.concurrent.TimeoutException"), WEBDRIVER_SESSION_LOST},
    {STR_INIT("java.net.http.HttpTimeoutException"), WEBDRIVER_SESSION_LOST},
    {STR_INIT("java.net.http.HttpConnectTimeoutException"), WEBDRIVER_BROWSER_GONE},
    {STR_INIT("java.net.ConnectException"), WEBDRIVER_BROWSER_GONE},
};

static enum webdriver_fault fault_of(struct str code, struct str message)
{
    for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++) {
        if (str_equal(code, codes[i].code)) {
            return codes[i].fault;
        }
    }
    if (str_starts(message, STR("unknown error: "))) {
        message = str_slice(message, 15, message.len);
    }
    for (size_t i = 0; i < sizeof hidden / sizeof hidden[0]; i++) {
        if (str_starts(message, hidden[i].words)) {
            return hidden[i].fault;
        }
    }
    return WEBDRIVER_FAILED;
}

bool webdriver_fail(struct webdriver *driver, enum webdriver_fault fault, const char *what,
                    struct err *err)
{
    driver->fault = fault;
    return err_set(err, rows[fault].kind, "webdriver, %s: %s", what, rows[fault].words);
}

/* "net::ERR_CONNECTION_REFUSED", and nothing that a page could have written. */
static void net_code(struct str message, char out[NET_CODE_MAX])
{
    size_t at = str_find(message, STR("net::ERR_"), 0);
    size_t len = 0;
    out[0] = '\0';
    if (at == STR_NONE) {
        return;
    }
    for (size_t i = at + 5; i < message.len && len + 1 < NET_CODE_MAX; i++) {
        char letter = message.ptr[i];
        if (!((letter >= 'A' && letter <= 'Z') || (letter >= '0' && letter <= '9') ||
              letter == '_')) {
            break;
        }
        out[len++] = letter;
    }
    out[len] = '\0';
}

/* Why no browser started: there was no page yet that could speak here. One line of it. */
static void why_not_created(struct str message, char out[QUOTED_MAX])
{
    size_t at = str_find(message, STR("session not created: "), 0);
    struct str line = at != STR_NONE ? str_slice(message, at + 21, message.len) : message;
    size_t end = str_find_byte(line, '\n', 0);
    line = str_trim(str_slice(line, 0, end != STR_NONE ? end : line.len));
    line = str_slice(line, 0, QUOTED_MAX - 4);
    size_t len = 0;
    for (size_t i = 0; i < line.len; i++) {
        unsigned char byte = (unsigned char)line.ptr[i];
        out[len++] = byte < 0x20 || byte >= 0x7F ? '?' : line.ptr[i];
    }
    out[len] = '\0';
}

static bool blame_start(const char *what, struct str message, struct err *err)
{
    char why[QUOTED_MAX];
    why_not_created(message, why);
    bool exited = str_find(message, STR("Chrome instance exited"), 0) != STR_NONE ||
                  str_find(message, STR("user data directory is already in use"), 0) != STR_NONE;
    bool find = str_find(message, STR("no chrome binary"), 0) != STR_NONE ||
                str_find(message, STR("cannot find Chrome binary"), 0) != STR_NONE;
    return err_set(
        err, ERR_RETRY, "webdriver, %s: no browser could be started (%s)%s", what, why,
        exited ? ": is another browser using the profile, was it left locked by a machine of "
                 "another name (its SingletonLock), or does the browser need --no-sandbox there?"
        : find ? ": is the browser installed where the driver runs, and `binary` right?"
               : "");
}

bool webdriver_blame(struct webdriver *driver, const char *what, int status,
                     const struct json_value *value, struct err *err)
{
    struct str code = json_str(json_get(value, STR("error")));
    struct str message = json_str(json_get(value, STR("message")));
    char net[NET_CODE_MAX];
    enum webdriver_fault fault = fault_of(code, message);
    (void)webdriver_fail(driver, fault, what, err);
    if (fault == WEBDRIVER_NOT_CREATED) {
        return blame_start(what, message, err);
    }
    if (fault == WEBDRIVER_NO_PAGE) {
        net_code(message, net);
        return err_set(err, ERR_RETRY, "webdriver, %s: the browser cannot reach the page (net::%s)",
                       what, net);
    }
    if (fault == WEBDRIVER_FAILED) {
        return err_set(err, ERR_RETRY, "webdriver, %s: %s (HTTP %d)", what, rows[fault].words,
                       status);
    }
    return false;
}
