/*
 * whatsapp-web: chats of WhatsApp Web, read in a browser over WebDriver.
 *
 *     wa_session   the browser, its login and its end
 *     wa_reader    the page, by selectors that are data
 *     wa_sweep     which chats, how far, and what is proved by it
 *
 * Nothing is ever written there. Only chats that pipelines name are opened (with `chats: all` those
 * with messages inside the lookback); opening marks a chat read. A chat's name is its title.
 *
 * A page that is not as the selectors say gives nothing at all: the fetch fails, one event
 * ("snapshot") tells of it with the page's bones and no text, and it is tried again with the next
 * selectors.
 */
#ifndef SLUICE_SOURCE_WHATSAPP_WEB_H
#define SLUICE_SOURCE_WHATSAPP_WEB_H

#include "model/source.h"

extern const struct source_type source_whatsapp_web;

#endif
