"use strict";
/* The list of chats: a window of rows over all of them, the same nodes used again for others, and the search. */

const CELL_PX = 72, POOL = 68, FOUND_MAX = 50;
let chat_list = null;

const strip = (title) => title.replace(/[\u200e\u200f\u202a-\u202e\u2066-\u2069]/g, "").replace(/\u00a0/g, " ").trim().toLowerCase();
const cut = (text, size) => (Array.from(text).length > size ? Array.from(text).slice(0, size - 1).join("") + "…" : text);

class ChatList {
    constructor(chats) {
        this.chats = chats;
        this.show_archived = false;
        this.pool = [];
        this.build();
        this.sort();
    }

    /* --- the frame ------------------------------------------------------------------------------------------ */

    build() {
        const profile = frame_profile();
        this.profile = profile;
        this.seen_top = 0;
        this.grid = h("div", { role: "grid", "aria-label": word("chats"), t: profile === "A" ? null : "chat-list", style: "position:relative" });
        this.pane = h("div", { id: "pane-side", css: "pane", place: "chats" }, this.archive_button(), this.grid);
        this.pane.addEventListener("scroll", () => {
            this.seen_top = this.pane.scrollTop;
            journal("scroll", { where: "chats", top: Math.round(this.pane.scrollTop) });
            this.draw();
        }, { passive: true });
        this.search = this.search_box(profile);
        this.element = h("div", { id: "side", css: "side" }, this.banner(), h("div", { css: "bar" }, this.search), this.pane);
        this.pool = [];
        this.results = null;
    }

    search_box(profile) {
        const input = { place: "search", "data-tab": "3", role: "textbox", "aria-label": word("search"), on: { input: () => this.typed() } };
        if (profile === "C") return h("input", { ...input, type: "text" });
        return h("div", { ...input, contenteditable: "true", css: "composer" });
    }

    banner() {
        const offline = config.faults.offline;
        if (!offline) return null;
        return h("div", { css: "warn", t: "alert-" + offline }, h("span", { "data-icon": "alert-" + offline }), word("offline_" + offline));
    }

    archive_button() {
        if (!this.chats.some((chat) => chat.archived)) return null;
        return h("button", { on: { click: () => { this.show_archived = !this.show_archived; this.sort(); } } }, word("archived"));
    }

    /* --- order ------------------------------------------------------------------------------------------------- */

    sort() {
        this.shown = this.chats.filter((chat) => chat.archived === this.show_archived);
        this.shown.sort((a, b) => b.pinned - a.pinned || (b.bump || b.epoch) - (a.bump || a.epoch));
        this.grid.setAttribute("aria-rowcount", this.shown.length);
        this.grid.style.height = this.shown.length * CELL_PX + "px";
        this.draw();
    }

    update(summary) {
        const at = this.chats.findIndex((chat) => chat.jid === summary.jid);
        if (at < 0) return;
        if (chat_view && chat_view.chat.jid === summary.jid) summary.unread = 0;
        this.chats[at] = summary;
        this.sort();
    }

    /* Another chat comes up, as when somebody writes there; what was read of places is wrong now. */
    reorder() {
        const chat = this.shown[this.shown.length - 1 - Math.floor(chance() * (this.shown.length / 2))];
        chat.bump = Math.max(...this.chats.map((one) => one.bump || one.epoch)) + 1;
        this.sort();
    }

    at_rest() {
        return this.pane.scrollTop === this.seen_top;
    }

    /* --- rows ---------------------------------------------------------------------------------------------------- */

    cell() {
        const old = this.profile === "A";
        const box = h("div", { css: "cellbox", t: old ? null : "cell-frame-container" });
        const row = h("div", { role: old ? "listitem" : "row", css: "cell" }, box);
        row.box = box;
        /* The page opens a chat on a real press; a click that a script made up does nothing. */
        row.addEventListener("mousedown", (event) => {
            if (event.isTrusted && event.button === 0 && row.chat) open_chat(row.chat);
        });
        return row;
    }

    write(row, chat) {
        row.chat = chat;
        const old = this.profile === "A";
        const t = (name) => (old ? null : name);
        const gridcell = old ? null : "gridcell";
        const name = h("span", { dir: "auto", title: chat.title }, cut(chat.title, 22));
        const preview = h("span", { t: t("last-msg-status"), title: "\u202a" + chat.preview + "\u202c" }, cut(chat.preview, 30));
        set_testid(row.box, chat.own_notes ? "message-yourself-row" : "cell-frame-container");
        if (old) row.box.removeAttribute("data-testid");
        row.box.replaceChildren(
            h("div", { role: gridcell, "aria-colindex": "1", css: "avatar" }),
            h("div", { role: gridcell, "aria-colindex": "2", css: "grow" },
                h("div", { t: t("cell-frame-title") }, name), preview),
            h("div", { role: gridcell, "aria-colindex": "3" }, h("span", { css: "meta" }, day_text(chat.epoch)),
                chat.unread > 0 ? h("span", { t: t("icon-unread-count"), css: "badge", "aria-label": `${chat.unread} ${word("unread")}` }, String(chat.unread)) : null,
                chat.pinned ? h("span", { "data-icon": "pinned2" }) : null, chat.muted ? h("span", { "data-icon": "muted" }) : null));
    }

    draw() {
        if (this.results) return;
        while (this.pool.length < Math.min(POOL, this.shown.length)) {
            this.pool.push(this.cell());
            this.grid.append(this.pool[this.pool.length - 1]);
        }
        while (this.pool.length > this.shown.length) this.pool.pop().remove();
        const first = Math.max(0, Math.min(Math.floor(this.pane.scrollTop / CELL_PX) - 29, this.shown.length - this.pool.length));
        for (let i = first; i < first + this.pool.length; i++) {
            /* A node stays with its place in the window modulo its size: scrolled far, it is another chat. */
            const row = this.pool[i % this.pool.length];
            const chat = this.shown[i];
            const face = JSON.stringify([chat, i]);
            if (row.face === face) continue;
            row.face = face;
            row.style.transform = `translateY(${i * CELL_PX}px)`;
            row.setAttribute("aria-rowindex", i + 1);
            this.write(row, chat);
        }
    }

    /* --- search ---------------------------------------------------------------------------------------------------- */

    typed() {
        const text = this.search.value !== undefined ? this.search.value : this.search.textContent;
        journal("search", { text });
        const turn = (this.turn = (this.turn || 0) + 1);
        setTimeout(() => { if (turn === this.turn) this.find(text); }, text === "" ? 0 : delay_ms("search"));
    }

    find(text) {
        this.grid.replaceChildren();
        this.pool = [];
        this.results = null;
        if (strip(text) === "") {
            this.sort();
            return;
        }
        const found = this.chats.filter((chat) => strip(chat.title).includes(strip(text))).slice(0, FOUND_MAX);
        const rows = [];
        const heading = (name) => {
            if (this.profile === "C") rows.push(h("div", { role: "row", css: "note" }, h("span", {}, word(name))));
        };
        const hit = (chat) => {
            const row = this.cell();
            row.style.position = "static";
            this.write(row, chat);
            rows.push(row);
        };
        heading("head_chats");
        found.forEach(hit);
        heading("head_groups");
        if (config.search_hits > 0) {
            heading("head_messages");
            found.slice(0, config.search_hits).forEach(hit);
        }
        this.results = rows;
        this.grid.style.height = "";
        this.grid.append(...rows);
    }
}

async function open_chat(chat) {
    const was_unread = chat.unread;
    if (config.faults.reorder) chat_list.reorder();
    const got = await ask("POST", "/api/open", { jid: chat.jid });
    await sleep(delay_ms("open"));
    if (!chat_list) return;
    const view = new ChatView({ ...got.chat, was_unread }, got.members);
    const old = chat_view;
    chat_view = view;
    (old ? old.element : chat_list.intro).replaceWith(view.element);
    chat_list.update(got.chat);
    view.load(false);
}
