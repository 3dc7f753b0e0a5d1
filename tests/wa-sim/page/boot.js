"use strict";
/* From a blank page to the list of chats: splash, pairing, code, loading, ready; dialogs; what can go wrong. */

let ready = false, code_turn = 0;

/* --- what the browser keeps ------------------------------------------------------------------------------------ */

function idb(name, stores) {
    return new Promise((done, fail) => {
        const asked = indexedDB.open(name, 1);
        asked.onupgradeneeded = () => stores.forEach((store) => asked.result.createObjectStore(store, { keyPath: "id" }));
        asked.onsuccess = () => done(asked.result);
        asked.onerror = () => fail(asked.error);
    });
}

async function idb_do(name, stores, store, mode, act) {
    const db = await idb(name, stores);
    try {
        const change = db.transaction(store, mode);
        const asked = act(change.objectStore(store));
        await new Promise((done, fail) => {
            change.oncomplete = done;
            change.onerror = () => fail(change.error);
        });
        return asked && asked.result;
    } finally {
        db.close();
    }
}

const user_store = (mode, act) => idb_do("wawc", ["user"], "user", mode, act);

async function device_write(device) {
    await user_store("readwrite", (s) => s.put({ id: "device", device }));
    localStorage.setItem("last-wid", '"972500000001:7@c.us"');  /* invented */
    localStorage.setItem("WASimToken", device.id);
}

async function device_read() {
    const kept = await user_store("readonly", (s) => s.get("device"));
    const local = localStorage.getItem("last-wid") !== null && localStorage.getItem("WASimToken") !== null;
    if (kept && local) return { stored: "full", device: kept.device };
    return { stored: kept ? "broken" : local ? "half" : "none", device: null };
}

async function storage_wipe() {
    await user_store("readwrite", (s) => s.clear());
    localStorage.clear();
}

/* The optional database that tells ids, times and directions, and no texts. */
const MODEL = ["message", "chat", "contact", "group-metadata"];

async function model_put(store, records) {
    if (!config.model_storage) return;
    await idb_do("model-storage", MODEL, store, "readwrite", (s) => { records.forEach((r) => s.put(r)); });
}

function model_messages(rows) {
    return model_put("message", rows.map((m) => ({
        id: row_key(m, "A"), t: m.epoch, from: m.from_me ? "me" : m.chat, author: m.jid, fromMe: m.from_me, type: m.kind,
    })));
}

async function model_chats(chats) {
    await model_put("chat", chats.map((c) => ({ id: c.jid, t: c.epoch, name: c.title, unreadCount: c.unread })));
    await model_put("group-metadata", chats.filter((c) => c.group).map((c) => ({ id: c.jid, subject: c.title })));
    await model_put("contact", chats.filter((c) => !c.group).map((c) => ({ id: c.jid, name: c.title })));
}

/* --- screens ------------------------------------------------------------------------------------------------------ */

function screen_set(...kids) {
    ready = false;
    chat_list = chat_view = null;
    code_turn++;
    app().replaceChildren(h("div", { css: "screen" }, h("div", {}, ...kids)));
}

/* The bar stands where it stands in the page: #app > div > div > div:nth-child(2) > progress. */
async function progress_screen(text, ms) {
    const bar = h("progress", { max: "100", value: "0" });
    ready = false;
    chat_list = chat_view = null;
    code_turn++;
    app().replaceChildren(h("div", { css: "screen" }, h("div", {}, h("div", {}, text), h("div", {}, bar))));
    const steps = 10;
    for (let i = 1; i <= steps; i++) {
        await sleep(ms / steps);
        bar.value = (i * 100) / steps;
    }
}

function code_draw(canvas, ref) {
    const side = 33, dot = 8, pen = canvas.getContext("2d");
    pen.fillStyle = "#fff";
    pen.fillRect(0, 0, side * dot, side * dot);
    pen.fillStyle = "#000";
    for (let i = 0; i < side * side; i++) {
        if (hash(ref + i) & 64) pen.fillRect((i % side) * dot, Math.floor(i / side) * dot, dot, dot);
    }
}

async function pairing() {
    const old = frame_profile() === "A";
    screen_set(h("div", { t: old ? null : "link-device-qrcode-alt-linking-hint", class: old ? "landing-wrapper" : null }, "…"));
    const turn = code_turn;
    await sleep(delay_ms("code"));
    for (let shown = 0; turn === code_turn && shown <= config.code_refreshes; shown++) {
        const { ref } = await ask("POST", "/api/code", {});
        if (turn !== code_turn) return;
        const canvas = h("canvas", { width: "264", height: "264", role: "img", "aria-label": old ? "Scan me!" : word("scan") });
        code_draw(canvas, ref);
        const box = h("div", { "data-ref": broken("shell") ? null : ref, t: old ? "qrcode" : "link-device-qr-code", css: "code", class: old ? "landing-wrapper" : null }, canvas);
        app().replaceChildren(h("div", { css: "screen" }, box));
        await sleep(config.delays.code_life);
    }
    if (turn !== code_turn) return;
    const box = app().querySelector("canvas").parentNode;
    box.append(h("button", { css: "over", on: { click: () => { journal("code_renewed", {}); pairing(); } } }, word("reload")));
}

function takeover_dialog() {
    chat_list = chat_view = null;
    ready = false;
    const use = () => start_ready(true);
    app().replaceChildren(h("div", { css: "screen" }, dialog_box(word("other_window"), [
        ["popup-controls-cancel", word("cancel"), () => journal("dialog_closed", { kind: "takeover" })],
        ["popup-controls-ok", word("use_here"), use],
    ])));
}

function dialog_box(text, buttons) {
    return h("div", { role: "dialog", "aria-modal": "true", css: "dialog", place: "dialog" }, h("div", { dir: "auto" }, text),
        buttons.map(([t, label, then]) => h("button", { t, on: { click: then } }, label)));
}

function dialog_over(kind, text) {
    const close = () => { veil.remove(); journal("dialog_closed", { kind }); };
    let box;
    if (kind === "promo") {
        box = h("div", { role: "dialog", css: "dialog", place: "dialog" }, h("span", { "data-icon": "x", role: "button", on: { click: close } }, "✕"),
            h("div", {}, text || word("promo")));
    } else {
        const harm = () => { veil.remove(); journal("destructive", { kind, text: text || word("destructive") }); };
        box = dialog_box(text || word("destructive"), [
            ["popup-controls-cancel", word("cancel"), close], ["popup-controls-ok", word("destructive_ok"), harm],
        ]);
    }
    const veil = h("div", { css: "veil" }, box);
    app().append(veil);
}

/* --- the way to ready ------------------------------------------------------------------------------------------- */

let device = null;

async function start_ready(takeover) {
    await ask("POST", "/api/claim", { device: device.id, takeover });
    await progress_screen(word("loading"), delay_ms("chats"));
    while (config.faults.never_ready) await sleep(100);
    const chats = await ask("GET", "/api/chats");
    await model_chats(chats);
    chat_list = new ChatList(chats);
    chat_list.intro = h("div", { css: "screen" }, word("intro"));
    show_ready();
    chat_list.draw();
    if (config.faults.promo) dialog_over("promo");
    if (config.faults.alert) alert(config.faults.alert);
}

function show_ready() {
    ready = true;
    app().replaceChildren(h("div", { css: "two" }, chat_list.element, chat_view ? chat_view.element : chat_list.intro));
}

async function boot() {
    document.title = "wa-sim";
    await listen();
    const kept = await device_read();
    const told = await ask("POST", "/api/boot", { ...kept, agent: navigator.userAgent });
    take_config(told.config);
    await sleep(delay_ms("blank"));
    if (config.faults.unsupported || (config.faults.block_headless && navigator.userAgent.includes("HeadlessChrome"))) {
        return screen_set(word("unsupported"));
    }
    await progress_screen("", delay_ms("splash"));
    if (config.faults.storage_full) return screen_set(word("full"));
    if (kept.stored === "broken") return screen_set(word("database"));
    if (told.known || told.adopt) {
        device = told.adopt || kept.device;
        if (told.adopt) await device_write(device);
        return start_ready(false);
    }
    if (kept.stored !== "none") await storage_wipe();
    return pairing();
}

function take_config(given) {
    config = given;
    chance_state = (config.seed * 7919 + config.boot) | 0;
    document.documentElement.lang = config.locale;
    document.documentElement.dir = is_rtl() ? "rtl" : "ltr";
    if (broken("shell")) app().id = "n" + hash("app").toString(36);
}

on_event("changed", (given) => {
    config = given;
    document.documentElement.lang = config.locale;
    document.documentElement.dir = is_rtl() ? "rtl" : "ltr";
    if (!ready) return;
    const top = chat_list.pane.scrollTop;
    chat_list.build();
    const finish = chat_view ? chat_view.restyle() : () => {};
    show_ready();
    chat_list.sort();
    chat_list.pane.scrollTop = top;
    finish();
    if (config.faults.promo) dialog_over("promo");
});

on_event("paired", async (given) => {
    device = given;
    screen_set("");
    await device_write(given);
    await start_ready(false);
});

on_event("logged_out", async () => {
    device = null;
    await storage_wipe();
    await pairing();
});

on_event("conflict", takeover_dialog);

on_event("dialog", ({ kind, text }) => {
    if (kind === "alert") setTimeout(() => alert(text || "!"), 0);
    else if (kind === "takeover") takeover_dialog();
    else dialog_over(kind, text);
});

/* How long the page stood still because it was told to; the self-test asks. */
let hung_ms = 0;
on_event("hang", ({ seconds }) => {
    const begin = performance.now();
    while (performance.now() < begin + seconds * 1000);
    hung_ms += performance.now() - begin;
});

on_event("crash", () => {
    const held = [];
    for (;;) held.push(new Array(100000).fill().map(Math.random));
});

style_apply();
journal_watch();
boot();
