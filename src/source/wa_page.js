"use strict";
/* What is done inside the page of WhatsApp Web: it looks, scrolls, and opens long texts. See docs/concepts/whatsapp-web.md.
 *
 * These functions are put in front of one line that calls one of them. Nothing is left in the page between two calls;
 * what is known of the chat comes as an argument. An element is never kept over a wait: the page may have made it anew. */

const LOOK_MS = 8, CLICKS_MAX = 400, LEAF_MAX = 40, STEPS_MAX = 60, CHAT_STEPS_MAX = 400, JUMPS_MAX = 6;
const now = () => performance.now();
const sleep = (ms) => new Promise((done) => setTimeout(done, ms));

/* When this call has to end, whatever it waits for. */
let stop_at = Infinity;

/* Waits for what `look` gives, by looking; null when it never comes. */
async function until(ms, look) {
    for (const end = Math.min(now() + ms, stop_at); ; await sleep(LOOK_MS)) {
        const found = look();
        if (found) return found;
        if (now() > end) return null;
    }
}

/* --- names of parts --------------------------------------------------------------------------------------------- */

/* The selectors of all generations, the newest first. What the browser does not take for one is passed over. */
class Parts {
    constructor(packs) {
        this.lists = {};
        this.joined = {};
        this.bad = [];
        const probe = document.createDocumentFragment();
        this.packs = packs;
        for (const { parts } of packs) {
            for (const [key, list] of Object.entries(parts)) {
                const mine = this.lists[key] = this.lists[key] || [];
                for (const css of list) {
                    if (mine.includes(css)) continue;
                    try {
                        if (!key.endsWith("_attribute")) probe.querySelector(css);
                        mine.push(css);
                    } catch {
                        this.bad.push(css);
                    }
                }
            }
        }
        for (const [key, list] of Object.entries(this.lists)) this.joined[key] = list.join(",");
    }

    /* The first that the first selector finds that finds any. */
    one(root, key) {
        const list = this.lists[key];
        if (!list || list.length === 0) return null;
        const any = root.querySelector(this.joined[key]);
        if (!any || list.length === 1) return any;
        for (const css of list) {
            const found = root.querySelector(css);
            if (found) return found;
        }
        return null;
    }

    /* The first generation that has the name by which this is found. */
    pack_of(root, key) {
        return Math.max(0, this.packs.findIndex(({ parts }) => (parts[key] || []).some((css) => !this.bad.includes(css) && root.querySelector(css))));
    }

    all(root, key) {
        return this.joined[key] ? [...root.querySelectorAll(this.joined[key])] : [];
    }

    /* Is there any of these? One question instead of many. */
    some(root, keys) {
        const name = keys.join(" ");
        if (this.joined[name] === undefined) this.joined[name] = keys.map((key) => this.joined[key]).filter((css) => css).join(",");
        return this.joined[name] !== "" && root.querySelector(this.joined[name]) !== null;
    }
}

/* Words of all languages of a key. */
function words_of(packs, key) {
    const found = new Set();
    for (const { parts } of packs) for (const list of Object.values(parts[key] || {})) list.forEach((word) => found.add(clean(word).toLowerCase()));
    return found;
}

/* --- text ------------------------------------------------------------------------------------------------------- */

/* As wa_rows_clean() does it: no marks of direction, every space a plain one, and one of them; a plain hyphen. */
const clean = (text) => text.replace(/[\u00ad\u061c\u200b\u200e\u200f\u202a-\u202e\u2060\u2066-\u2069\ufeff]/g, "")
    .replace(/[\u2010\u2011]/g, "-").replace(/[\t-\r \u0085\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]+/g, " ")
    .replace(/^ | $/g, "");

/* Everything that was written, also what is drawn as a picture. */
function chars(node, without) {
    if (node.nodeType === 3) return node.data;
    if (node.nodeType !== 1 || (without && without.includes(node))) return "";
    if (node.dataset && node.dataset.plainText !== undefined) return node.dataset.plainText;
    if (node.tagName === "IMG") return node.alt || "";
    if (node.tagName === "BR") return "\n";
    let text = "";
    for (const kid of node.childNodes) text += chars(kid, without);
    return text;
}

/* A number that stays the same as long as the text does; nobody can read the text in it. */
function digest(text) {
    let a = 0xdeadbeef, b = 0x41c6ce57;
    for (let i = 0; i < text.length; i++) {
        const c = text.charCodeAt(i);
        a = Math.imul(a ^ c, 2654435761);
        b = Math.imul(b ^ c, 1597334677);
    }
    a = Math.imul(a ^ (a >>> 16), 2246822507) ^ Math.imul(b ^ (b >>> 13), 3266489909);
    b = Math.imul(b ^ (b >>> 16), 2246822507) ^ Math.imul(a ^ (a >>> 13), 3266489909);
    return (b >>> 0).toString(16).padStart(8, "0") + (a >>> 0).toString(16).padStart(8, "0");
}

/* Short texts at the ends of the tree below, without those of some elements. */
function leaves(root, without) {
    const found = [];
    const walk = (element) => {
        if (without.includes(element)) return;
        if (element.children.length === 0) {
            const text = clean(element.textContent);
            if (text.length > 0 && text.length <= LEAF_MAX) found.push(text);
        } else for (const kid of element.children) walk(kid);
    };
    walk(root);
    return found;
}

/* --- the page's clock ------------------------------------------------------------------------------------------- */

/* Locale, zone, today, and how many days ago a word is that stands for a day. */
function place(args) {
    const lang = document.documentElement.lang || navigator.language || "en";
    const own = Intl.DateTimeFormat().resolvedOptions().timeZone;
    const made = (name, then, otherwise) => { try { return then(name); } catch { return then(otherwise); } };
    const day = made(args.zone || own, (zone) => new Intl.DateTimeFormat("en-CA-u-ca-gregory-nu-latn", { timeZone: zone, year: "numeric", month: "2-digit", day: "2-digit" }), "UTC");
    const ago = new Map();
    const relative = made(lang, (l) => new Intl.RelativeTimeFormat(l, { numeric: "auto" }), "en");
    const weekday = made(lang, (l) => new Intl.DateTimeFormat(l, { weekday: "long", timeZone: args.zone || own }), "en");
    const put = (word, days) => { if (!ago.has(word)) ago.set(word, days); };
    put(clean(relative.format(0, "day")).toLowerCase(), 0);
    put(clean(relative.format(-1, "day")).toLowerCase(), 1);
    for (const word of words_of(args.words, "today")) put(word, 0);
    for (const word of words_of(args.words, "yesterday")) put(word, 1);
    for (let days = 1; days < 7; days++) put(clean(weekday.format(Date.now() - days * 864e5)).toLowerCase(), days);
    return { lang, zone: own, today: day.format(Date.now()), ago };
}

const told = (where) => ({ lang: where.lang, zone: where.zone, today: where.today });

/* --- chats ------------------------------------------------------------------------------------------------------ */

function list_frame(parts) {
    const pane = parts.one(document, "pane");
    return pane && { pane, grid: parts.one(pane, "grid") || pane };
}

/* Where the list ends, in its own pixels. */
const grid_end = ({ pane, grid }) => {
    if (grid === pane) return pane.scrollHeight;
    return grid.getBoundingClientRect().bottom - pane.getBoundingClientRect().top + pane.scrollTop;
};

const title_of = (parts, row) => {
    const found = parts.one(row, "title");
    return found ? clean(found.getAttribute("title") || chars(found)) : null;
};

/* Rows that are chats, from the top, with their places in the whole list. */
function chat_rows(parts, frame) {
    const origin = frame.pane.getBoundingClientRect().top - frame.pane.scrollTop;
    const rows = [];
    for (const element of parts.all(frame.grid, "row")) {
        const title = title_of(parts, element);
        if (title === null) continue;
        const box = element.getBoundingClientRect();
        rows.push({ element, title, y: Math.round(box.top - origin), end: Math.round(box.bottom - origin) });
    }
    return rows.sort((a, b) => a.y - b.y);
}

/* Of a search: the chats that have the title, which stand before what was found in messages. */
function found_rows(parts, frame, title) {
    const hits = [];
    for (const element of parts.all(frame.grid, "row")) {
        const name = title_of(parts, element);
        if (name === null && hits.length > 0) break;
        if (name === title) hits.push({ element, title });
    }
    return hits;
}

/* What is drawn without a hole from `y` on; where it ends. */
function drawn_to(rows, y) {
    for (const row of rows) if (row.y <= y + 2 && row.end > y) y = row.end;
    return y;
}

function chat_of(parts, row, where) {
    const title = parts.one(row.element, "title"), preview = parts.one(row.element, "preview"), unread = parts.one(row.element, "unread");
    const seen = preview ? (preview.getAttribute("title") || "") + "\n" + chars(preview) : "";
    const count = unread ? chars(unread) : "";
    const when = leaves(row.element, [title, preview, unread]).filter((text) => /\p{Nd}/u.test(text) || where.ago.has(text.toLowerCase()))[0] || "";
    return { t: row.title, p: digest(seen + "\n" + count), w: when, a: where.ago.get(when.toLowerCase()), u: count };
}

/* The search box is empty, as it should be; else the list shows something else. */
async function search_empty(args) {
    const parts = new Parts(args.search), box = parts.one(document, "box");
    if (!box || (box.value !== undefined ? box.value : box.textContent) === "") return;
    if (box.value !== undefined) {
        Object.getOwnPropertyDescriptor(HTMLInputElement.prototype, "value").set.call(box, "");
    } else box.textContent = "";
    box.dispatchEvent(new InputEvent("input", { bubbles: true, inputType: "deleteContentBackward" }));
    await sleep(60);
}

/* From the top down, as far as is asked for. A list that moves meanwhile is read once more. */
async function list_scan(args, parts, where) {
    for (let turn = 0; turn < 3; turn++) {
        const known = new Map(), chats = [];
        let edge = null, moved = false, whole = false;
        for (let step = 0; step < CHAT_STEPS_MAX && !moved && !whole && now() < stop_at; step++) {
            let frame = list_frame(parts);
            if (!frame) return { broken: "pane" };
            const wanted = edge === null ? 0 : Math.max(0, edge - 80);
            if (Math.abs(frame.pane.scrollTop - wanted) > 1) frame.pane.scrollTop = wanted;
            const rows = await until(args.step_ms, () => {
                frame = list_frame(parts);
                if (!frame) return null;
                const found = chat_rows(parts, frame), pane = frame.pane;
                if (found.length === 0) return null;
                const from = edge === null ? found[0].y : edge, end = drawn_to(found, from);
                return end >= Math.min(pane.scrollTop + pane.clientHeight, grid_end(frame)) - 2 || end > edge ? found : null;
            });
            if (!rows) {
                const any = frame ? parts.all(frame.grid, "row").length : 0;
                if (chats.length === 0) return { chats, rows: any, broken: any > 0 ? "titles" : null, whole: any === 0, declared: declared(frame) };
                moved = true;
                break;
            }
            const start = edge === null ? rows[0].y : edge;
            const end = drawn_to(rows, start);
            for (const row of rows) {
                const before = known.get(row.y);
                if (before !== undefined && before !== row.title) moved = true;
                if (row.y + 2 < start || row.end > end + 2 || before !== undefined) continue;
                known.set(row.y, row.title);
                chats.push(chat_of(parts, row, where));
            }
            edge = end;
            whole = edge >= grid_end(frame) - 4;
            if (args.want > 0 && chats.length >= args.want) break;
        }
        const frame = list_frame(parts);
        if (frame && frame.pane.scrollTop > 0) frame.pane.scrollTop = 0;
        if (!moved) return { chats, whole, declared: declared(frame) };
    }
    return { moved: true, chats: [] };
}

const declared = (frame) => Math.max(0, Number((frame && frame.grid.getAttribute("aria-rowcount")) || 0) || 0);

async function list(args) {
    const parts = new Parts(args.list), where = place(args);
    await search_empty(args);
    return { ...await list_scan(args, parts, where), ...told(where), bad: parts.bad };
}

function header(args) {
    const parts = new Parts(args.header), frame = parts.one(document, "frame");
    if (!frame) return null;
    const title = parts.one(frame, "title");
    if (!title) return null;
    const name = clean(title.getAttribute("title") || chars(title));
    if (name.startsWith("wds-ic-")) return null;
    const others = [...frame.querySelectorAll("[title]")].filter((e) => e !== title && !title.contains(e) && !e.contains(title));
    const people = others.map((e) => e.getAttribute("title")).find((text) => text.includes(", ")) || "";
    return { title: name, people: people.split(", ").map(clean).filter((one) => one !== "") };
}

/* The row with this title into view; `scan` reads the whole list before. */
async function bring(args) {
    const parts = new Parts(args.list), where = place(args);
    const head = header(args), answer = { before: head ? head.title : null, people: head ? head.people : [], ...told(where), bad: parts.bad };
    if (!args.results) await search_empty(args);
    if (args.scan) Object.assign(answer, await list_scan({ ...args, want: 0 }, parts, where));
    if (answer.broken || answer.moved) return answer;
    if (answer.before === args.title && !args.results) return { ...answer, here: 1 };
    let frame = list_frame(parts);
    if (!frame) return { ...answer, broken: "pane" };
    const count = () => {
        frame = list_frame(parts);
        if (!frame) return [];
        return args.results ? found_rows(parts, frame, args.title) : chat_rows(parts, frame).filter((row) => row.title === args.title);
    };
    let hits = args.results ? await until(args.wait_ms, () => { const found = count(); return found.length > 0 && found; }) || [] : count();
    for (let step = 0; step < CHAT_STEPS_MAX && hits.length === 0 && frame && !args.results && now() < stop_at; step++) {
        const pane = frame.pane, end = drawn_to(chat_rows(parts, frame), pane.scrollTop + 1);
        if (step === 0) pane.scrollTop = 0;
        else if (pane.scrollTop + pane.clientHeight >= pane.scrollHeight - 2) break;
        else pane.scrollTop = Math.max(pane.scrollTop + pane.clientHeight / 2, end - 80);
        await until(args.step_ms, () => {
            const f = list_frame(parts);
            return f && drawn_to(chat_rows(parts, f), pane.scrollTop + 1) >= Math.min(pane.scrollTop + pane.clientHeight, grid_end(f)) - 2;
        });
        hits = count();
    }
    if (hits.length === 1) {
        hits[0].element.scrollIntoView({ block: "nearest" });
        await sleep(2 * LOOK_MS);
        hits = count();
    }
    return { ...answer, here: hits.length };
}

/* What is to be clicked, when exactly one row has the title. */
function locate(args) {
    const parts = new Parts(args.list), frame = list_frame(parts);
    const hits = !frame ? [] : args.results ? found_rows(parts, frame, args.title) : chat_rows(parts, frame).filter((row) => row.title === args.title);
    return hits.length === 1 ? parts.one(hits[0].element, "cell") || hits[0].element : null;
}

function search_box(args) {
    return new Parts(args.search).one(document, "box");
}

/* After a click: the header says which chat it is. */
async function opened(args) {
    let strange = 0;
    const head = await until(args.wait_ms, () => {
        const found = header(args);
        if (!found || found.title === args.before) return null;
        if (found.title === args.title) return found;
        strange = strange || now();
        return now() - strange > 700 ? found : null;
    });
    if (args.results) await search_empty(args);
    const at_end = head || header(args);
    return { title: at_end ? at_end.title : null, people: at_end ? at_end.people : [] };
}

/* --- messages --------------------------------------------------------------------------------------------------- */

const KINDS = ["album", "image", "video", "audio", "document", "sticker", "contact", "location", "poll"];

/* An id without the chat, the direction and the participant that older pages put around it. */
const bare = (key) => key.replace(/^(true|false)_[^_]+_/, "").replace(/_[^_@]+@[^_]*$/, "");

class Chat {
    constructor(args) {
        this.args = args;
        this.parts = new Parts(args.messages);
        const names = (key) => (this.parts.lists[key] || []).filter((name) => /^[\w-]+$/.test(name));
        this.id_names = names("id_attribute");
        this.mark_names = names("mark_attribute");
        this.id_css = this.id_names.map((name) => `[${name}]`).join(",") || "#-";
        this.mark_css = this.mark_names.map((name) => `[${name}]`).join(",") || "#-";
        this.day_css = this.parts.joined.day || "#-";
        this.where = place(args);
        this.edited = words_of(args.words, "edited");
        this.ticks = words_of(args.words, "ticks");
        this.you = words_of(args.words, "you");
        this.waiting = [...words_of(args.words, "waiting")];
        this.older = [...words_of(args.words, "older")];
        this.cut = 0;
        this.scrolls = 0;
        this.last_scroll = now() - (args.since_ms || 0);
    }

    /* Elements of now; null while there are none. */
    frame() {
        const main = this.parts.one(document, "main");
        const scroller = main && this.parts.one(main, "scroller");
        return scroller ? { main, scroller } : null;
    }

    key(element) {
        for (const name of this.id_names) if (element.hasAttribute(name)) return element.getAttribute(name);
        return "";
    }

    /* Messages, and the words between them that may be a day, as they follow each other. */
    items(scroller) {
        const found = [];
        let row = null;
        for (const element of scroller.querySelectorAll(this.id_css + "," + this.day_css)) {
            if (row && row.contains(element)) continue;
            if (element.matches(this.id_css)) {
                row = element;
                found.push({ row, id: bare(this.key(row)) });
            } else {
                const text = clean(element.textContent);
                if (text.length > 0 && text.length <= LEAF_MAX) found.push({ s: text, a: this.where.ago.get(text.toLowerCase()) });
            }
        }
        return found;
    }

    shell(row) {
        if (this.parts.one(row, "shell")) return true;
        return !this.parts.some(row, ["container", "system"]) && row.textContent.trim() === "" && !row.querySelector("img");
    }

    /* A jump, not before the pace allows it; where to is said then, by null that there is no need any more. */
    async scroll(scroller, where) {
        const pace = this.args.pace;
        if (pace && pace.length > 0) {
            const wait = this.last_scroll + pace[this.scrolls % pace.length] - now();
            if (wait > 0) await sleep(wait);
        }
        const top = where();
        if (top === null || !scroller.isConnected) return;
        this.scrolls++;
        this.last_scroll = now();
        scroller.scrollTop = top;
    }

    y_of(scroller, element) {
        return element.getBoundingClientRect().top - scroller.getBoundingClientRect().top + scroller.scrollTop;
    }

    /* Long texts show their beginning and a button; true when all of it is there. */
    async whole(find) {
        for (let clicks = 0; clicks < CLICKS_MAX; clicks++) {
            const row = find();
            const button = row && this.more(row);
            if (!button) return row !== null;
            const before = row.textContent.length;
            button.click();
            const grown = () => { const r = find(); return r && (!this.more(r) || r.textContent.length !== before); };
            if (!grown() && !await until(300, grown)) return false;
        }
        return false;
    }

    more(row) {
        return this.parts.some(row, ["more"]) ? this.outside(row, "more") : null;
    }

    /* The first that is not in the message that is answered. */
    outside(row, key) {
        for (const css of this.parts.lists[key] || []) {
            for (const found of row.querySelectorAll(css)) {
                if (!this.parts.joined.quoted || !found.parentElement.closest(this.parts.joined.quoted)) return found;
            }
        }
        return null;
    }

    read(row) {
        const parts = this.parts, one = { i: this.key(row) };
        const system = parts.one(row, "system");
        if (system) return { ...one, c: 1, k: "system", t: clean(chars(system)) };
        const box = parts.one(row, "container");
        if (box) one.c = 1;
        if (parts.some(row, ["class_out"])) one.d = "out";
        else if (parts.some(row, ["class_in"])) one.d = "in";
        if (parts.some(row, ["tail_out"])) one.l = "out";
        else if (parts.some(row, ["tail_in"])) one.l = "in";
        const label = parts.one(row, "label");
        if (label) {
            one.n = label.getAttribute("aria-label");
            if (this.you.has(clean(one.n).replace(/:$/, "").toLowerCase())) one.y = 1;
        }
        const author = parts.one(row, "author");
        if (author) one.w = chars(author);
        this.read_meta(row, one);
        this.read_text(row, one);
        this.read_kind(row, one);
        return one;
    }

    read_meta(row, one) {
        const meta = this.parts.one(row, "meta");
        if (meta) {
            for (const leaf of leaves(meta, [])) {
                if (this.edited.has(leaf.toLowerCase())) one.e = 1;
                else if (one.m === undefined && /\p{Nd}/u.test(leaf)) one.m = leaf;
            }
        }
        for (const tick of this.parts.all(row, "ticks")) {
            const label = clean(tick.getAttribute("aria-label") || "").toLowerCase();
            if (/^msg-(check|dblcheck|time)/.test(tick.getAttribute("data-icon") || "") || this.ticks.has(label)) one.x = 1;
        }
    }

    read_text(row, one) {
        const parts = this.parts, marked = row.querySelector(this.mark_css), block = parts.one(row, "block");
        if (marked) {
            for (const name of this.mark_names) if (marked.hasAttribute(name)) one.p = marked.getAttribute(name);
        }
        const quoted = parts.one(row, "quoted");
        if (quoted) {
            const words = parts.one(quoted, "quoted_text");
            one.q = words ? chars(words) : "";
        }
        let text = this.outside(block || row, "text");
        if (text) one.b = 1;
        else if (block) text = this.outside(block, "text_bare");
        if (text) {
            one.t = chars(text, quoted ? [quoted] : null);
            if (one.t.length > 500 && [...text.parentElement.children].some((e) => e !== text && !e.contains(text) && (e.tagName === "BUTTON" || e.getAttribute("role") === "button") && e !== quoted)) one.z = 1;
        }
        if (block) one.o = 1;
    }

    read_kind(row, one) {
        const parts = this.parts;
        if (parts.some(row, ["deleted"]) && this.outside(row, "deleted")) {
            delete one.t;
            one.r = 1;
            return;
        }
        if (parts.some(row, ["forwarded"])) one.f = 1;
        if (parts.some(row, KINDS)) {
            for (const kind of KINDS) {
                const found = this.outside(row, kind);
                if (!found) continue;
                one.k = kind;
                if (["album", "image", "sticker"].includes(kind)) one.g = Math.max(1, this.pictures(row).length);
                if (kind === "document") {
                    const name = this.outside(row, "file_name");
                    if (name) one.a = name.getAttribute("title") || chars(name);
                }
                if (kind === "poll") {
                    const text = this.outside(row, "poll_text");
                    if (text) one.t = chars(text);
                }
                return;
            }
        }
        if (one.o || one.b) return;
        const words = [...row.querySelectorAll("span")].map((e) => clean(e.textContent).toLowerCase());
        if (words.some((text) => this.waiting.some((word) => text.startsWith(word)))) one.k = "waiting";
        else {
            one.k = "other";
            if (words.some((text) => text.length > 12)) one.v = 1;
        }
    }

    /* The pictures of a row that can be fetched, in their order. */
    pictures(row) {
        const found = [];
        for (const key of ["album", "image", "sticker"]) {
            for (const box of this.parts.all(row, key)) {
                if (this.parts.joined.quoted && box.closest(this.parts.joined.quoted)) continue;
                for (const image of box.querySelectorAll("img:not([data-plain-text])")) if (!found.includes(image)) found.push(image);
            }
        }
        return found;
    }

    /* Upwards from the item at `at`: what was read, and whether it ended at a shell. */
    async climb(scroller, items, at, out) {
        for (; at >= 0; at--) {
            const item = items[at];
            if (item.s !== undefined) {
                out.push({ s: item.s, a: item.a });
                continue;
            }
            const find = () => (item.row.isConnected ? item.row : (item.row = this.find(item.id)));
            if (!find() || this.shell(item.row)) return false;
            if (this.more(item.row) && !await this.whole(find)) {
                this.cut++;
                return false;
            }
            if (!find() || this.shell(item.row)) return false;
            out.push(this.read(item.row));
        }
        return true;
    }

    find(id) {
        const frame = this.frame();
        if (!frame) return null;
        for (const row of frame.scroller.querySelectorAll(this.id_css)) if (bare(this.key(row)) === id) return row;
        return null;
    }

    /* A shell that can be seen, or room where rows are to come. */
    pending(scroller, items) {
        const view = scroller.getBoundingClientRect();
        for (const item of items) {
            if (!item.row) continue;
            const box = item.row.getBoundingClientRect();
            if (box.bottom > view.top && box.top < view.bottom && this.shell(item.row)) return true;
        }
        return false;
    }

    /* Something at the top that asks for a click to get what only the telephone has. */
    boundary(scroller, items) {
        const first = items.find((item) => item.row);
        for (const button of this.parts.all(scroller, "older")) {
            if (button.closest(this.id_css)) continue;
            if (first && !(button.compareDocumentPosition(first.row) & Node.DOCUMENT_POSITION_FOLLOWING)) continue;
            const text = clean(button.textContent).toLowerCase();
            if (text.length > 8) return { known: this.older.some((word) => text.startsWith(word)) };
        }
        return null;
    }

    answer(out, more) {
        const frame = this.frame(), items = frame ? this.items(frame.scroller) : [];
        const rows = items.filter((item) => item.row);
        const bones = frame ? this.parts.all(frame.main, "row").length : 0;
        return {
            rows: out.reverse(), seen: rows.length, shells: rows.filter((item) => this.shell(item.row)).length,
            pack: frame ? this.parts.pack_of(frame.main, "scroller") : 0, noid: rows.length === 0 ? bones : 0, cut: this.cut, scrolls: this.scrolls, since: Math.round(now() - this.last_scroll),
            ...told(this.where), bad: this.parts.bad, ...more,
        };
    }

    right() {
        const head = header(this.args);
        return head !== null && head.title === this.args.title;
    }
}

/* The rows at the end of the chat. */
async function newest(args) {
    const chat = new Chat(args), out = [];
    if (!chat.right()) return { wrong: 1 };
    const there = await until(args.wait_ms, () => chat.frame());
    if (!there) return { broken: "scroller", bones: document.querySelectorAll("#main *").length, ...told(chat.where) };
    await until(args.wait_ms, () => { const f = chat.frame(); return f && (f.scroller.querySelector(chat.id_css) || chat.parts.all(f.main, "row").length > 2); });
    let frame = chat.frame(), count = -1, calm = now();
    const settled = await until(args.wait_ms, () => {
        frame = chat.frame();
        if (!frame) return false;
        const s = frame.scroller, gap = s.scrollHeight - s.scrollTop - s.clientHeight;
        if (gap > 2) {
            s.scrollTop = s.scrollHeight;
            chat.last_scroll = calm = now();
            return false;
        }
        const items = chat.items(s), last = items.findLast((item) => item.row);
        if (items.length !== count || (last && chat.shell(last.row)) || chat.pending(s, items)) {
            count = items.length;
            calm = now();
            return false;
        }
        return now() - calm >= args.calm_ms;
    });
    if (!chat.right()) return { wrong: 1 };
    frame = chat.frame();
    if (!frame) return { broken: "scroller", ...told(chat.where) };
    const items = chat.items(frame.scroller);
    await chat.climb(frame.scroller, items, items.length - 1, out);
    if (!chat.right()) return { wrong: 1 };
    const rows = out.filter((row) => row.i !== undefined).length;
    return chat.answer(out, { stuck: rows === 0, settled: !!settled });
}

/* Where one of the rows that are known stands, the oldest of them first; scrolled to when it is out of the document. */
async function seek(chat, ids, down_first) {
    const look = () => {
        const frame = chat.frame(), items = frame ? chat.items(frame.scroller) : [];
        const at = items.findIndex((item) => item.row && ids.includes(item.id));
        return at < 0 ? null : { frame, items, at };
    };
    let found = look();
    for (const way of down_first ? [1, -1] : [-1, 1]) {
        for (let step = 0; step < STEPS_MAX && !found && now() < stop_at; step++) {
            const frame = chat.frame();
            if (!frame) return null;
            const s = frame.scroller, top = () => Math.max(0, Math.min(s.scrollTop + way * (s.clientHeight - 60), s.scrollHeight - s.clientHeight));
            if (Math.abs(top() - s.scrollTop) < 2) break;
            await chat.scroll(s, top);
            found = await until(60, look);
        }
    }
    return found;
}

/* One step up: what stands above the oldest row that is known, until all that the page has loaded is read and the next
 * rows are on their way. */
async function older(args) {
    const chat = new Chat(args), out = [], end = stop_at;
    let ids = args.edge, fresh = 0, waited = now(), at_top = false, banner = null, nudged = false, jumps = 0;
    if (!chat.right()) return { wrong: 1 };
    if (!await seek(chat, ids, false)) return chat.answer([], { lost: 1 });
    for (; ; await sleep(LOOK_MS)) {
        const frame = chat.frame();
        if (!frame) return { broken: "scroller", ...told(chat.where) };
        const s = frame.scroller, items = chat.items(s), at = items.findIndex((item) => item.row && ids.includes(item.id));
        if (at < 0) {
            if (!await seek(chat, ids, false)) return chat.answer([], { lost: 1 });
            continue;
        }
        const part = [], done = await chat.climb(s, items, at - 1, part);
        const rows = part.filter((row) => row.i !== undefined);
        if (rows.length > 0) {
            out.push(...part);
            fresh += rows.length;
            ids = rows.slice(-8).map((row) => bare(row.i)).reverse();
            waited = now();
            jumps = 0;
            if (!chat.right()) return { wrong: 1 };
            if (now() > end || fresh >= args.most) break;
            continue;
        }
        const above = items.slice(0, at).some((item) => item.row), id = items[at].id;
        const aim = () => {
            const edge = chat.find(id);
            return edge && Math.max(0, Math.round(chat.y_of(s, edge) - s.clientHeight + Math.min(edge.offsetHeight, s.clientHeight / 2)));
        };
        const target = aim();
        if (target === null) continue;
        at_top = !above && target === 0 && done;
        /* Rows above may have become lower since, so it may have to be a little down again. */
        if (Math.abs(s.scrollTop - target) > 2 && jumps < JUMPS_MAX) {
            jumps++;
            await chat.scroll(s, aim);
            waited = now();
            continue;
        }
        if (at_top) {
            banner = chat.boundary(s, items);
            if (fresh > 0 || (banner && banner.known)) break;
            if (!nudged && chat.scrolls === 0 && s.scrollHeight > s.clientHeight) {
                /* A page that looks only when something moves. */
                await chat.scroll(s, () => (s.scrollTop === 0 ? 40 : null));
                if (s.scrollTop === 40) s.scrollTop = 0;
                waited = now();
            }
            nudged = true;
        }
        if (now() - waited > args.step_ms || now() > end) break;
    }
    return chat.answer(out, { stuck: fresh === 0, at_top, banner: banner ? (banner.known ? 2 : 1) : 0 });
}

/* --- pictures --------------------------------------------------------------------------------------------------- */

async function media(args) {
    const chat = new Chat(args);
    if (!chat.right()) return { wrong: 1 };
    const found = await seek(chat, [args.id], true);
    if (!found) return { gone: 1 };
    let image = null;
    const ready = () => {
        const row = chat.find(args.id);
        const pictures = row ? chat.pictures(row) : [];
        image = pictures[args.nth] || null;
        return image && /^(blob|data):/.test(image.currentSrc || image.src) ? image : null;
    };
    if (!await until(120, ready)) {
        const row = chat.find(args.id), frame = chat.frame();
        if (row && frame) await chat.scroll(frame.scroller, () => Math.max(0, chat.y_of(frame.scroller, row) - frame.scroller.clientHeight / 3));
        await until(args.wait_ms, ready);
    }
    for (let turn = 0; turn < 3; turn++) {
        if (!ready() && !await until(500, ready)) return { gone: 1 };
        try {
            const blob = await (await fetch(image.currentSrc || image.src)).blob();
            if (blob.size > args.most) return { large: blob.size };
            const text = await new Promise((done, fail) => {
                const reader = new FileReader();
                reader.onload = () => done(reader.result);
                reader.onerror = () => fail(reader.error);
                reader.readAsDataURL(blob);
            });
            return { size: blob.size, data: text.slice(text.indexOf(",") + 1) };
        } catch {
            await sleep(50); /* It was taken back as the row was made anew. */
        }
    }
    return { gone: 1 };
}

/* --- the page's own database ------------------------------------------------------------------------------------ */

/* Times, directions and addresses of messages as the page keeps them; their texts are not in there. Only read, and only
 * when it is there already. */
async function enrich(args) {
    const answer = (asked) => new Promise((done, fail) => {
        asked.onsuccess = () => done(asked.result);
        asked.onerror = () => fail(asked.error);
    });
    const known = await indexedDB.databases();
    if (!known.some((one) => one.name === "model-storage")) return { none: 1 };
    const opening = indexedDB.open("model-storage");
    opening.onupgradeneeded = () => opening.transaction.abort();
    const db = await answer(opening);
    try {
        if (!db.objectStoreNames.contains("message")) return { none: 1 };
        const store = db.transaction("message", "readonly").objectStore("message");
        const ranges = args.chat ? ["false_", "true_"].map((side) => IDBKeyRange.bound(side + args.chat + "_", side + args.chat + "_\uffff")) : [null];
        const wanted = new Set(args.ids), rows = [];
        let chat = args.chat || "";
        for (const range of ranges) {
            for (const key of await answer(store.getAllKeys(range, args.most))) {
                if (typeof key !== "string" || !wanted.has(bare(key))) continue;
                const one = await answer(store.get(key)), who = one.author || one.participant || "";
                chat = (key.match(/^(?:true|false)_([^_]+)_/) || [])[1] || chat;
                rows.push({
                    i: bare(key), t: Number(one.t) || 0, o: one.fromMe !== undefined ? (one.fromMe ? 1 : 0) : key.startsWith("true_") ? 1 : 0,
                    w: typeof who === "string" ? who : who._serialized || "",
                });
            }
        }
        return { found: rows, chat };
    } finally {
        db.close();
    }
}

/* --- the page's bones ------------------------------------------------------------------------------------------- */

/* Tags, names of attributes, test ids and the like; no text, no titles, no ids of messages. */
function bones(args) {
    const shown = ["data-testid", "role", "data-icon"], lines = [];
    let left = args.most;
    const safe = (text) => text.slice(0, 80).replace(/[^\w ~:-]/g, "?").replace(/\S*(\d{3}|[0-9A-F]{8})\S*/g, "*");
    const face = (e) => {
        const names = [...e.attributes].map((a) => (shown.includes(a.name) ? `${a.name}=${safe(a.value)}` : safe(a.name))).sort();
        const classes = [...e.classList].filter((c) => /^[a-z]{2,12}(-[a-z]{2,12})+$/.test(c));
        return e.tagName.toLowerCase() + classes.map((c) => "." + c).join("") + (names.length > 0 ? " " + names.join(" ") : "");
    };
    const put = (depth, text, count) => {
        const line = " ".repeat(Math.min(depth, 40)) + text + (count > 1 ? " x" + count : "");
        left -= line.length + 1;
        if (left > 0) lines.push(line);
    };
    const shape = (e, depth) => (depth > 6 ? "" : face(e) + "(" + [...e.children].map((kid) => shape(kid, depth + 1)).join(",") + ")");
    const walk = (e, depth) => {
        if (left <= 0 || depth > 60) return;
        const kids = [...e.children].filter((kid) => !["SCRIPT", "STYLE"].includes(kid.tagName));
        for (let i = 0; i < kids.length && left > 0;) {
            let n = 1;
            const mine = shape(kids[i], 0);
            while (i + n < kids.length && shape(kids[i + n], 0) === mine) n++;
            put(depth, face(kids[i]), n);
            walk(kids[i], depth + 1);
            i += n;
        }
    };
    walk(document.body, 0);
    return lines.join("\n");
}

/* Calls that wait end here, well before the browser would end them. */
function run(call, args, done) {
    stop_at = now() + args.budget_ms;
    Promise.resolve(args).then(call).then(done, (why) => done({ failed: String(why && why.name || "error"), line: String(why && why.stack || "").split("\n").slice(1, 3).map((l) => l.replace(/.*:(\d+:\d+).*/, "$1")).join(" ") }));
}

/* What gives an element gives it at once. */
function pick(call, args) {
    return call(args);
}
