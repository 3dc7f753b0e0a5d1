"use strict";
/* What every part needs: the server, chance, the journal, elements with the names of the profile. */

const PAGE = Math.random().toString(36).slice(2);
let config = { profile: "C", locale: "en-US", zone: "browser", break: [], delays: {}, faults: {}, seed: 1, boot: 0 };

/* --- chance, from the seed and the number of the boot ------------------------------------------ */

let chance_state = 1;

function chance() {
    chance_state = (chance_state + 0x6d2b79f5) | 0;
    let t = Math.imul(chance_state ^ (chance_state >>> 15), 1 | chance_state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
}

function hash(text) {
    let h = 2166136261;
    for (const c of text) h = Math.imul(h ^ c.codePointAt(0), 16777619);
    return h >>> 0;
}

function delay_ms(name) {
    const value = config.delays[name];
    return Array.isArray(value) ? value[0] + chance() * (value[1] - value[0]) : value;
}

const sleep = (ms) => new Promise((done) => setTimeout(done, ms));

/* --- the server --------------------------------------------------------------------------------- */

async function ask(method, path, body) {
    const sep = path.includes("?") ? "&" : "?";
    const answer = await fetch(path + sep + "page=" + PAGE, {
        method, body: body === undefined ? undefined : JSON.stringify(body), keepalive: method === "POST",
    });
    const value = await answer.json();
    if (!answer.ok) throw new Error(value.error);
    return value;
}

const listeners = {};
const on_event = (kind, then) => (listeners[kind] = then);

function listen() {
    return new Promise((ready) => {
        const source = new EventSource("/api/events?page=" + PAGE);
        source.onmessage = (event) => {
            const [kind, data] = JSON.parse(event.data);
            if (kind === "hello") ready();
            else if (listeners[kind]) listeners[kind](data);
        };
    });
}

/* --- the journal of side effects ------------------------------------------------------------------ */

let journal_queue = [], journal_flight = Promise.resolve();

function journal(type, more) {
    journal_queue.push({ type, at: Math.round(performance.now()), ...more });
    if (journal_queue.length === 1) queueMicrotask(journal_flush);
}

function journal_flush() {
    const entries = journal_queue;
    journal_queue = [];
    if (entries.length > 0) {
        journal_flight = journal_flight.then(() => ask("POST", "/api/journal", { entries })).catch(() => {});
    }
    return journal_flight;
}

on_event("settle", async () => {
    await journal_flush();
    await ask("POST", "/api/settled", {});
});

/* Where a thing is that was clicked or typed into. The parts are known by a mark that is no attribute. */
function place_of(target) {
    for (let e = target; e && e !== document; e = e.parentNode) if (e.wa_place) return e.wa_place;
    return "page";
}

function name_of(target) {
    for (let e = target; e && e.getAttribute; e = e.parentNode) if (e.wa_name) return e.wa_name;
    return null;
}

function journal_watch() {
    const watch = (kind, then) => window.addEventListener(kind, then, { capture: true, passive: true });
    watch("click", (e) => journal("click", {
        where: place_of(e.target), testid: name_of(e.target), text: (e.target.innerText || "").slice(0, 40),
        trusted: e.isTrusted, x: e.clientX, y: e.clientY,
    }));
    watch("keydown", (e) => journal("key", { where: place_of(e.target), key: e.key, trusted: e.isTrusted }));
    watch("paste", (e) => journal("paste", { where: place_of(e.target) }));
    watch("drop", (e) => journal("paste", { where: place_of(e.target) }));
    watch("focusin", (e) => {
        if (place_of(e.target) === "composer") journal("composer", { what: "focus" });
    });
    watch("beforeinput", (e) => {
        if (place_of(e.target) === "composer") journal("composer", { what: "typed", text: e.data });
    });
}

/* --- elements ----------------------------------------------------------------------------------------- */

const broken = (what) => config.break.includes(what) || (config.profile === "X" && what !== "shell");

/* The profile of one row: with "rolling" half of them are of another. */
function profile_of(key) {
    if (config.profile !== "rolling") return config.profile === "X" ? "C" : config.profile;
    return ["A", "B", "C"][hash(key + ":" + config.seed) % 3];
}

/* The profile of the frame around the rows: with "rolling" another at each boot. */
const frame_profile = () => profile_of("frame" + config.boot);

/* Class names say nothing and are others at every boot. */
const classes = new Map();

function hashed(name) {
    if (!classes.has(name)) classes.set(name, "x" + Math.random().toString(36).slice(2, 9));
    return classes.get(name);
}

function set_testid(element, name) {
    element.wa_name = name;
    if (broken("testids")) element.setAttribute("data-qa", name.split(" ").map((n) => "q" + hash(n).toString(36)).join(" "));
    else element.setAttribute("data-testid", name);
}

/* h("div", {t: test id, css: names of own classes, class: real classes, on: {click}, place, attribute: value}, ...) */
function h(tag, attributes, ...kids) {
    const element = document.createElement(tag);
    const known = [];
    for (const [name, value] of Object.entries(attributes || {})) {
        if (value === undefined || value === null || value === false) continue;
        if (name === "t") set_testid(element, value);
        else if (name === "css") known.push(...value.split(" ").map(hashed));
        else if (name === "class") known.push(value);
        else if (name === "place") element.wa_place = value;
        else if (name === "on") for (const [kind, then] of Object.entries(value)) element.addEventListener(kind, then);
        else if (name === "id" && broken("shell")) element.setAttribute("id", "n" + hash(value).toString(36));
        else element.setAttribute(name, value === true ? "" : value);
    }
    if (known.length > 0) element.className = known.join(" ");
    element.append(...kids.flat().filter((kid) => kid !== null && kid !== undefined && kid !== false));
    return element;
}

const app = () => document.body.querySelector("div");

function style_apply() {
    const rules = {
        screen: "height:100%;display:flex;flex-direction:column;align-items:center;justify-content:center;gap:16px",
        two: "display:flex;height:100%", side: "width:340px;min-height:0;display:flex;flex-direction:column;border-inline-end:1px solid #ddd",
        pane: "flex:1;overflow-y:auto;position:relative;min-height:0", main: "flex:1;display:flex;flex-direction:column;min-width:0;min-height:0",
        cell: "position:absolute;left:0;right:0;height:72px", cellbox: "display:flex;height:72px;cursor:pointer;overflow:hidden",
        flow: "position:static", grow: "flex:1;padding:8px;overflow:hidden;white-space:nowrap",
        avatar: "width:48px;margin:12px;border-radius:24px;background:#cdd", badge: "background:#2a6;color:#fff;border-radius:9px;padding:0 6px",
        scroller: "flex:1;position:relative;overflow-y:auto;overflow-anchor:none;min-height:0;background:#f4f1ea", row: "padding:2px 40px;contain:content",
        out: "margin-inline-start:30%", bubble: "background:#fff;border-radius:8px;padding:6px 9px;max-width:520px;display:inline-block",
        words: "white-space:pre-wrap;overflow-wrap:anywhere", meta: "font-size:11px;color:#666", note: "text-align:center;color:#555;padding:6px",
        quote: "border-inline-start:4px solid #6a8;padding:4px;background:#eef", emoji: "width:18px;height:18px;background:#fc6",
        picture: "width:160px;height:120px;background-size:cover", tile: "width:70px;height:70px;display:inline-block;background-size:cover",
        bar: "display:flex;gap:12px;padding:8px;border-bottom:1px solid #ddd;min-height:40px", composer: "flex:1;min-height:24px;border:1px solid #ccc",
        veil: "position:fixed;inset:0;background:#0006;display:flex;align-items:center;justify-content:center",
        dialog: "background:#fff;padding:24px;max-width:420px", warn: "background:#fe9;padding:8px", code: "width:264px;height:264px;position:relative",
        over: "position:absolute;inset:80px 40px", popup: "position:absolute;background:#fff;border:1px solid #999",
    };
    const sheet = document.createElement("style");
    sheet.textContent = "html,body{height:100%;margin:0;font:14px sans-serif}body>div{height:100%}" +
        Object.entries(rules).map(([name, rule]) => `.${hashed(name)}{${rule}}`).join("");
    document.head.append(sheet);
}
