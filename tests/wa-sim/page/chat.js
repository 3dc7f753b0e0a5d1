"use strict";
/* The open chat: header, list of messages, composer.
 *
 * The list has all loaded messages as items. In profile A the document holds only a window of them; in B and C each
 * keeps its row, and what is further from the view than a margin loses its inside (a shell). */

const TICK_MS = 16, TOP_PX = 200, ROW_PX = 56, VANISH_MS = 60;
let chat_view = null;

/* The day of a message; asked again and again for all of them, so it is kept while the zone stays. */
function day_of(m) {
    if (m.day_zone !== config.zone) {
        m.day_zone = config.zone;
        m.day = day_key(m.epoch);
    }
    return m.day;
}

class ChatView {
    constructor(summary, members) {
        this.chat = summary;
        this.members = members;
        this.messages = [];
        this.items = [];
        this.more = true;
        this.phone = false;
        this.loading = false;
        this.start = 0;
        this.waiting = new Map();
        this.unread = summary.was_unread || 0;
        this.empty_left = config.faults.empty_first;
        this.build();
    }

    /* --- the frame ---------------------------------------------------------------------------------- */

    build() {
        const old = frame_profile() === "A";
        this.seen_top = 0;
        this.windowed = old;
        this.margin = config.margin || (frame_profile() === "B" ? 4000 : 1000);
        this.list = h("div", {});
        this.scroller = h("div", { css: "scroller", tabindex: "0", place: "messages", t: old ? null : "conversation-panel-messages" }, this.list);
        this.scroller.addEventListener("scroll", () => this.scrolled(), { passive: true });
        const title = h("span", { dir: "auto", title: this.chat.title, t: old ? null : "conversation-info-header-chat-title" }, this.chat.title);
        const outward = (kind) => ({ click: () => journal(kind, { chat: this.chat.jid }) });
        const header = h("header", { css: "bar", t: "conversation-header" },
            h("span", { "aria-hidden": "true" }, "wds-ic-group"), h("div", { role: "button" }, title),
            h("span", { dir: "auto", css: "meta", title: this.members.join(", ") }, `${this.members.length} ${word("group_members")}`),
            h("button", { "data-icon": "video-call", on: outward("call") }, "✆"),
            h("button", { "data-icon": "menu", on: outward("menu") }, "⋮"));
        const panel = h("div", { class: old ? "copyable-area" : null, css: "main" }, this.scroller);
        this.element = h("div", { id: "main", css: "main" }, header, panel, this.composer());
    }

    composer() {
        if (config.faults.restricted) {
            return h("footer", { css: "bar" }, h("div", { t: "block-message" }, h("div", { t: "reachout-timelock-compose-bar" }, word("restricted"))));
        }
        const box = h("div", {
            contenteditable: "true", "data-lexical-editor": "true", role: "textbox", css: "composer", place: "composer",
            "aria-label": word("type"), "data-tab": "10", t: "conversation-compose-box-input",
        });
        const send = () => {
            journal("send", { chat: this.chat.jid, text: box.innerText });
            box.textContent = "";
        };
        box.addEventListener("keydown", (e) => { if (e.key === "Enter") { e.preventDefault(); send(); } });
        new MutationObserver(() => journal("composer", { what: "changed", text: box.innerText.slice(0, 80) }))
            .observe(box, { childList: true, characterData: true, subtree: true });
        return h("footer", { css: "bar" }, box, h("button", { "aria-label": "send", "data-icon": "send", on: { click: send } }, "➤"));
    }

    /* --- items --------------------------------------------------------------------------------------- */

    rebuild() {
        const known = new Map(this.items.map((item) => [item.key, item]));
        const keep = (key, make) => known.get(key) || { key, height: ROW_PX, urls: [], ...make() };
        const items = [];
        if (this.phone && !this.more) items.push(keep("older", () => ({ note: "older" })));
        let day = null;
        const divider = this.messages.length - this.unread;
        this.messages.forEach((m, i) => {
            const today = day_of(m);
            if (today !== day) items.push(keep("day" + today, () => ({ note: "day", epoch: m.epoch })));
            if (this.unread > 0 && i === divider) items.push(keep("unread", () => ({ note: "unread" })));
            const item = keep(m.id, () => ({ m }));
            const first = m.first || today !== day;
            item.stale = item.full && item.first !== first;
            item.first = first;
            items.push(item);
            day = today;
        });
        this.items = items;
    }

    note_element(item) {
        if (item.note === "older") {
            return h("div", { css: "note" }, h("div", { role: "button", tabindex: "0", on: { click: () => this.load(true) } }, word("older")));
        }
        const text = item.note === "day" ? day_text(item.epoch) : `${this.unread} ${word("unread")}`;
        return h("div", { css: "note" }, h("span", { dir: "auto" }, text));
    }

    element_of(item) {
        if (!item.element) {
            if (item.note) item.element = this.note_element(item);
            else {
                Object.assign(item, row_shell(item.m));
                if (!this.windowed) this.empty(item);
            }
        }
        return item.element;
    }

    empty(item) {
        item.full = false;
        for (const url of item.urls) URL.revokeObjectURL(url);
        item.urls.dead = true;
        item.urls = [];
        item.slot.setAttribute("data-virtualized", "true");
        item.slot.style.height = item.height + "px";
        item.slot.replaceChildren(h("div", {}));
    }

    fill(item) {
        item.full = true;
        item.slot.setAttribute("data-virtualized", "false");
        item.slot.style.height = "";
        item.slot.replaceChildren(row_inside(item.m, item.first, item.urls));
    }

    /* Nothing is under way here: no older rows asked for, no row to be filled, and each scroll step was acted upon (the
     * browser tells of one a frame later, or much later on a busy machine). */
    at_rest() {
        return !this.loading && !this.frame && !this.timer && this.scroller.scrollTop === this.seen_top;
    }

    /* The page moves the view itself; the journal tells this from what a reader does. */
    move(top) {
        this.scroller.scrollTop = top;
        this.own_top = this.scroller.scrollTop;
    }

    /* What the reader looks at stays where it is, whatever changes above. */
    anchored(change) {
        const bottom = this.scroller.scrollHeight - this.scroller.scrollTop - this.scroller.clientHeight < 4;
        const top = this.scroller.scrollTop;
        const anchor = this.shown_items().find((item) => item.m && item.element && item.element.offsetTop + item.element.offsetHeight > top);
        const before = anchor ? anchor.element.offsetTop : 0;
        change();
        if (bottom && !this.prepending) this.move(this.scroller.scrollHeight);
        else if (anchor && anchor.element.isConnected) {
            const shift = anchor.element.offsetTop - before;
            if (shift !== 0) this.move(top + shift);
        }
    }

    shown_items() {
        return this.windowed ? this.items.slice(this.start, this.start + config.window_rows) : this.items;
    }

    /* --- what is in the document ------------------------------------------------------------------------- */

    draw() {
        for (const item of this.items) if (item.stale && item.element) this.fill_again(item);
        if (this.windowed) return this.draw_window();
        const wanted = this.items.map((item) => this.element_of(item));
        /* Mostly a few come before or behind; so nothing that stays is touched. */
        let at = this.list.firstChild;
        for (const element of wanted) {
            if (element === at) at = at.nextSibling;
            else this.list.insertBefore(element, at);
        }
        while (at) { const next = at.nextSibling; at.remove(); at = next; }
        this.virtualize();
    }

    draw_window() {
        const part = this.shown_items();
        const sum = (items) => items.reduce((total, item) => total + item.height, 0);
        const above = h("div", { style: `height:${sum(this.items.slice(0, this.start))}px` });
        const below = h("div", { style: `height:${sum(this.items.slice(this.start + part.length))}px` });
        for (const item of this.drawn || []) {
            if (part.includes(item) || item.note) continue;
            item.element = null;
            for (const url of item.urls) URL.revokeObjectURL(url);
            item.urls.dead = true;
            item.urls = [];
        }
        for (const item of part) {
            if (item.element || item.note) continue;
            this.element_of(item);
            item.slot.replaceChildren(row_inside(item.m, item.first, item.urls));
            item.full = true;
        }
        this.list.replaceChildren(above, ...part.map((item) => this.element_of(item)), below);
        this.drawn = part;
        for (const item of part) item.height = item.element.offsetHeight || ROW_PX;
    }

    slide() {
        let y = 0, index = 0;
        while (index < this.items.length - 1 && y + this.items[index].height < this.scroller.scrollTop) y += this.items[index++].height;
        const last = Math.max(0, this.items.length - config.window_rows);
        const wanted = Math.min(last, Math.max(0, index - Math.floor(config.window_rows / 3)));
        if (Math.abs(wanted - this.start) > 8 || (wanted !== this.start && (wanted === 0 || wanted === last))) {
            this.start = wanted;
            this.draw_window();
        }
    }

    virtualize() {
        const from = this.scroller.scrollTop - this.margin;
        const to = this.scroller.scrollTop + this.scroller.clientHeight + this.margin;
        const leave = [];
        for (const item of this.items) {
            if (item.note || !item.element) continue;
            const top = item.element.offsetTop;
            const near = top + item.element.offsetHeight >= from && top <= to;
            if (near && !item.full && !this.waiting.has(item)) this.waiting.set(item, performance.now() + delay_ms("hydrate"));
            else if (!near && this.waiting.has(item)) this.waiting.delete(item);
            else if (!near && item.full) leave.push([item, item.slot.offsetHeight]);
        }
        for (const [item, height] of leave) {
            item.height = height || ROW_PX;
            this.empty(item);
        }
        if (this.waiting.size > 0 && !this.timer) this.timer = setTimeout(() => this.hydrate(), TICK_MS);
    }

    hydrate() {
        this.timer = null;
        const now = performance.now();
        const due = [...this.waiting].filter(([, at]) => at <= now).map(([item]) => item);
        if (due.length > 0) {
            this.anchored(() => {
                for (const item of due) {
                    this.waiting.delete(item);
                    if (item.element && item.element.isConnected) this.fill(item);
                }
            });
        }
        if (this.waiting.size > 0) this.timer = setTimeout(() => this.hydrate(), TICK_MS);
        else this.virtualize();
    }

    scrolled() {
        this.seen_top = this.scroller.scrollTop;
        const own = this.scroller.scrollTop === this.own_top;
        journal("scroll", { where: "messages", chat: this.chat.jid, top: Math.round(this.scroller.scrollTop), own });
        if (this.frame) return;
        this.frame = setTimeout(() => {
            this.frame = null;
            if (this.windowed) this.slide();
            else this.virtualize();
            if (this.scroller.scrollTop < TOP_PX && (!this.windowed || this.start === 0)) this.load(false);
        }, TICK_MS);
    }

    /* --- older and newer messages --------------------------------------------------------------------------- */

    async load(unlock) {
        if (this.loading || (!this.more && !unlock)) return;
        this.loading = true;
        try {
            await sleep(delay_ms("batch"));
            if (this.empty_left > 0 && this.messages.length > 0) {
                /* The first answer brings nothing; the rows come later by themselves. */
                this.empty_left--;
                await sleep(600);
            }
            const before = this.messages.length > 0 ? this.messages[0].id : null;
            const got = await ask("POST", "/api/batch", { jid: this.chat.jid, before, unlock });
            if (chat_view !== this) return;
            this.more = got.more;
            this.phone = got.phone;
            this.messages = got.rows.concat(this.messages);
            this.prepending = before !== null;
            this.anchored(() => {
                this.rebuild();
                if (this.windowed) this.start = before === null ? Math.max(0, this.items.length - config.window_rows) : this.start + got.rows.length;
                this.draw();
            });
            this.prepending = false;
            if (before === null) {
                this.move(this.scroller.scrollHeight);
                if (!this.windowed) this.virtualize();
            }
            model_messages(got.rows);
        } finally {
            this.loading = false;
        }
        if (this.more && this.scroller.scrollHeight <= this.scroller.clientHeight) this.load(false);
    }

    append(rows) {
        const bottom = this.scroller.scrollHeight - this.scroller.scrollTop - this.scroller.clientHeight < 40;
        this.messages = this.messages.concat(rows);
        if (this.unread > 0) this.unread += rows.length;
        this.rebuild();
        if (this.windowed && bottom) this.start = Math.max(0, this.items.length - config.window_rows);
        this.draw();
        if (bottom) this.move(this.scroller.scrollHeight);
    }

    revise(row) {
        const at = this.messages.findIndex((m) => m.id === row.id);
        if (at < 0) return;
        row.first = this.messages[at].first;
        this.messages[at] = row;
        const item = this.items.find((one) => one.m && one.m.id === row.id);
        item.m = row;
        if (item.element && item.full) this.anchored(() => this.fill_again(item));
    }

    vanish(id) {
        this.messages = this.messages.filter((m) => m.id !== id);
        this.anchored(() => { this.rebuild(); this.draw(); });
    }

    fill_again(item) {
        item.stale = false;
        if (this.windowed) item.slot.replaceChildren(row_inside(item.m, item.first, item.urls));
        else this.fill(item);
    }

    /* Rows in view become other nodes with the same content, as when a framework renders them anew. */
    renew() {
        const full = this.shown_items().filter((item) => item.full && item.element && item.element.isConnected);
        for (let n = 0; n < config.faults.rerender && full.length > 0; n++) {
            const item = full[Math.floor(chance() * full.length)];
            const old = item.element;
            const made = row_shell(item.m);
            Object.assign(item, made);
            this.fill_again(item);
            old.replaceWith(item.element);
        }
    }

    /* The profile or the locale is another now. */
    restyle() {
        for (const item of this.items) {
            item.element = null;
            item.full = false;
        }
        this.waiting.clear();
        const top = this.scroller.scrollTop;
        this.build();
        return () => {
            this.start = Math.max(0, Math.min(this.start, this.items.length - config.window_rows));
            this.rebuild();
            this.draw();
            this.move(top);
        };
    }
}

/* Whether the page has done all it was asked to; for tests that wait for it instead of for a time. */
function page_at_rest() {
    return (!chat_list || chat_list.at_rest()) && (!chat_view || chat_view.at_rest());
}

setInterval(() => { if (chat_view && config.faults.rerender > 0) chat_view.renew(); }, VANISH_MS);

on_event("revised", ({ jid, row, chat }) => {
    if (chat_list) chat_list.update(chat);
    if (chat_view && chat_view.chat.jid === jid) chat_view.revise(row);
});

on_event("vanished", ({ jid, id, chat }) => {
    if (chat_list) chat_list.update(chat);
    if (chat_view && chat_view.chat.jid === jid) chat_view.vanish(id);
});

on_event("messages", ({ chat, rows }) => {
    if (chat_list) chat_list.update(chat);
    if (chat_view && chat_view.chat.jid === chat.jid && chat_view.messages.length > 0) chat_view.append(rows);
});
