/*
 * wa_look: which screen WhatsApp Web shows.
 *
 * One script a look. It gets the selectors of every generation (section `boot` of the packs) and
 * gives back which of them matched, so nothing that stands on the page leaves the browser but a
 * code's text, and that only when it is asked for. Structure is tried first; words, which lie in
 * the same section by locale, only where no structure matched, and then the page says which of the
 * words it has, not what it says.
 *
 * A look never decides that "the selectors are broken": a cold profile shows nothing known for a
 * minute and more. That is the caller's to say, who knows since when (wa_session).
 */
#ifndef SLUICE_SOURCE_WA_LOOK_H
#define SLUICE_SOURCE_WA_LOOK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"
#include "net/webdriver.h"

/* The names (wa_state_name()) are kept in the store and shown to people: never rename. */
enum wa_state {
    WA_UNKNOWN = 0, /* Nothing known is there, yet. */
    WA_BOOTING,
    WA_PAIRING,        /* It shows how to link a device, and has no code yet. */
    WA_CODE,           /* A code waits for a telephone. */
    WA_CODE_EXPIRED,   /* It went stale; a button makes another. */
    WA_READY,          /* The chats are there. */
    WA_RESTRICTED,     /* WhatsApp says so of the account; with `chats` reading goes on. */
    WA_OFFLINE,        /* The page says that the browser has no connection. */
    WA_TAKEN_OVER,     /* Another window has the session. */
    WA_UNSUPPORTED,    /* This browser will not do. */
    WA_STORAGE_BROKEN, /* The profile lost a part of what it kept, or the disk is full. */
    /* What no look shows, but the way to the page: */
    WA_NO_BROWSER,   /* Nobody answers where the browser should be. */
    WA_BROWSER_BUSY, /* All its places are taken by others. */
    WA_LOCKED,       /* It cannot be started, most likely because the profile is in use. */
    WA_NO_PAGE,      /* The browser cannot reach the page. */
    WA_STRANGE,      /* The time to boot is over, and nothing known is there. */
    WA_STATES
};

/* "code-expired"; also the other way, UNKNOWN for what is none. */
const char *wa_state_name(enum wa_state state);
enum wa_state wa_state_of(struct str name);

enum { WA_CODE_TEXT_MAX = 1024, WA_LOCALE_MAX = 64, WA_ZONE_MAX = 64, WA_PACK_NAME_MAX = 64 };

struct wa_look {
    enum wa_state state;
    bool chats;                  /* READY, RESTRICTED and OFFLINE: the list is there. */
    bool promo;                  /* A dialog that can be put away lies over it. */
    bool dialog;                 /* Another one does, which is not ours to answer. */
    bool takeover_words;         /* TAKEN_OVER: the dialog says what it must before we click. */
    bool telephone_off;          /* OFFLINE: the telephone only; the browser is well. */
    char pack[WA_PACK_NAME_MAX]; /* Of the selectors that matched; empty: none. */
    char locale[WA_LOCALE_MAX];  /* As the page says: "he-IL". */
    char zone[WA_ZONE_MAX];      /* "Asia/Jerusalem" */
    char code[WA_CODE_TEXT_MAX]; /* CODE: a credential. Only when it was asked for. */
};

/* One look. `packs`: their sections `boot`, as wa_packs_section_all() writes them. `with_code`:
   somebody is there to see it. */
bool wa_look_at(struct webdriver *driver, struct str packs, bool with_code, int64_t deadline_ms,
                struct wa_look *look, struct err *err);

/* What may be clicked on the way to the chats; nothing else is. */
enum wa_button {
    WA_BUTTON_RENEW = 0, /* Of a stale code. */
    WA_BUTTON_PROMO,     /* The x of a dialog; never one of its other buttons. */
    WA_BUTTON_TAKEOVER,  /* "Use here", in a dialog with these words only. */
};

/* False with NO_ELEMENT where it is not there (any more). */
bool wa_look_click(struct webdriver *driver, struct str packs, enum wa_button button,
                   int64_t deadline_ms, struct err *err);

#endif
