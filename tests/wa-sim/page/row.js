"use strict";
/* One message as markup, in the way of its profile. `row_shell` is what stays in the list, `row_inside`
 * what comes and goes with it. */

const READ_MORE = 3072;  /* Code points that one click reveals. */
const MEDIA_KINDS = ["image", "image_caption", "album", "gif", "video", "sticker", "voice", "document"];
const BLANK = "data:image/gif;base64,R0lGODlhAQABAAAAACH5BAEKAAEALAAAAAABAAEAAAICTAEAOw==";
const EMOJI = /\p{RGI_Emoji}/v;
const PIECES = /(\p{RGI_Emoji}|https?:\/\/\S+|\n)/v;

function direction_of(text) {
    const strong = text.match(/[\p{L}]/u);
    return strong && /[\p{Script=Hebrew}\p{Script=Arabic}]/u.test(strong[0]) ? "rtl" : "ltr";
}

/* Who sent it, as the label of the row says it. */
const label_of = (m) => (m.from_me ? word("you") : m.author + (config.name_suffix && config.locale === "he" ? " (פרטי הפרופיל)" : "")) + ":";

function row_key(m, profile) {
    if (profile !== "A") return m.id;
    const participant = m.chat.endsWith("@g.us") ? "_" + (m.phone ? m.jid : m.lid) : "";
    return `${m.from_me}_${m.chat}_${m.id}${participant}`;
}

function row_shell(m) {
    const profile = profile_of(m.id);
    const shell = h("div", { tabindex: "-1", t: profile === "A" ? null : "conv-msg-" + m.id });
    shell.setAttribute(broken("row_id") ? "data-key" : "data-id", row_key(m, profile));
    const slot = h("div", {});
    shell.append(slot);
    return { element: h("div", { role: "row", css: "row" }, shell), slot };
}

/* --- text ------------------------------------------------------------------------------------------------- */

function text_nodes(text, m, profile) {
    const nodes = [];
    if (m.mention && text.startsWith(m.mention.text)) {
        nodes.push(h("span", {
            "data-plain-text": m.mention.text, "data-app-text-template": m.mention.lid, dir: "auto",
        }, m.mention.text));
        text = text.slice(m.mention.text.length);
    }
    for (const piece of text.split(PIECES)) {
        if (piece === "") continue;
        if (piece === "\n") nodes.push(profile === "C" ? "\n" : h("br"));
        else if (piece.startsWith("http")) nodes.push(h("a", { href: piece, rel: "noopener", on: { click: link_clicked } }, piece));
        else if (EMOJI.test(piece)) {
            nodes.push(h("img", { alt: piece, "data-plain-text": piece, src: BLANK, draggable: "false", css: "emoji" }));
        } else nodes.push(piece);
    }
    return nodes;
}

function link_clicked(event) {
    event.preventDefault();
    journal("link", { href: event.currentTarget.href });
}

/* The text's span; when it is long only its beginning, with a button that shows the next part. */
function text_block(m, profile, caption) {
    const points = Array.from(m.text);
    const bare = profile === "C" && hash(m.id + "bare") % 4 === 0;
    const span = h("span", { dir: direction_of(m.text), css: "words" });
    if (!broken("text")) {
        if (profile === "A") span.classList.add("selectable-text", "copyable-text");
        else if (!bare) span.classList.add("selectable-text");
    }
    if (profile === "B") set_testid(span, "selectable-text");
    if (profile === "C" && !bare) set_testid(span, "select-all selectable-text");
    const button = h("div", { role: "button", tabindex: "0", t: caption ? "caption-read-more-button" : null }, word("more"));
    if (!broken("text")) button.classList.add("read-more-button");
    const dots = h("span", { "aria-hidden": "true" }, "… ");
    let pages = 1;
    const show = () => {
        const limit = READ_MORE * pages;
        const whole = points.length - limit <= READ_MORE / 10;
        span.replaceChildren(...text_nodes(whole ? m.text : points.slice(0, limit).join(""), m, profile));
        if (whole) { dots.remove(); button.remove(); }
    };
    const block = h("div", {}, span, dots, button);
    button.addEventListener("click", () => { pages++; journal("read_more", { id: m.id }); chat_view.anchored(show); });
    show();
    return block;
}

/* --- media ------------------------------------------------------------------------------------------------------ */

/* Blobs are made when the row is and revoked when it goes. */
async function blob_url(m, tile, urls) {
    const answer = await fetch(`/media/${encodeURIComponent(m.chat)}/${m.id}/${tile}`);
    const url = URL.createObjectURL(await answer.blob());
    if (urls.dead) URL.revokeObjectURL(url);
    else urls.push(url);
    journal("media", { id: m.id, tile, auto: true });
    return url;
}

function picture(m, tile, urls, testid, css) {
    const image = h("img", { alt: "", css });
    blob_url(m, tile, urls).then((url) => (image.src = url)).catch(() => {});
    /* The thumbnail says JPEG and is a GIF: a label is no proof. */
    const thumb = `background-image:url("data:image/jpeg;base64,${BLANK.split(",")[1]}")`;
    return h("div", { t: testid, role: "button", css, style: thumb, on: { click: () => journal("played", { id: m.id, what: testid }) } }, image);
}

function media_block(m, urls) {
    const played = () => journal("played", { id: m.id, what: m.kind });
    switch (m.kind) {
    case "album": return h("div", { t: "media-album" }, m.media.map((_, i) => picture(m, i, urls, "image-thumb", "tile")));
    case "image": case "image_caption": return h("div", { t: "image-content" }, picture(m, 0, urls, "image-thumb", "picture"));
    case "video": return h("div", { t: "video-content", role: "button", css: "picture", on: { click: played } }, "0:07");
    case "gif": return h("div", { t: "video-content", css: "picture" }, "GIF");
    case "sticker": return h("div", { t: "sticker" }, picture(m, 0, urls, "sticker-image", "tile"));
    case "voice": return h("div", { t: "ptt" }, h("button", { "data-icon": "audio-play", on: { click: played } }, "▶"), h("span", {}, "0:12"));
    default: return h("div", { t: "document", role: "button", on: { click: () => journal("download", { id: m.id }) } },
        h("span", { title: m.filename, dir: "auto" }, m.filename), h("span", { css: "meta" }, "PDF"));
    }
}

function other_block(m) {
    switch (m.kind) {
    case "poll": return h("div", { t: "poll", "aria-label": word("poll") }, h("span", { dir: "auto" }, m.text),
        m.options.map((o) => h("div", { role: "checkbox", "aria-checked": "false", on: { click: () => journal("vote", { id: m.id, option: o }) } }, o)));
    case "vcard": return h("div", { t: "vcard-msg" }, h("span", { dir: "auto" }, "דנה לדוגמה"));
    case "location": return h("div", { t: "location", role: "img" }, "32.08, 34.78");
    case "deleted": return h("div", {}, h("span", { "data-icon": "recalled" }), h("span", { dir: "auto" }, m.from_me ? word("deleted_me") : word("deleted")));
    case "waiting": return h("div", {}, h("span", { dir: "auto" }, word("waiting")));
    default: return null;
    }
}

/* --- the row ------------------------------------------------------------------------------------------------------- */

function ticks(m, profile) {
    if (!m.from_me || ["deleted", "waiting"].includes(m.kind)) return null;
    const icon = ["msg-check", "msg-dblcheck", "msg-dblcheck"][m.ticks - 1];
    const label = [word("sent"), word("delivered"), word("read")][m.ticks - 1];
    return h("span", { "aria-label": label, "data-icon": profile === "C" || broken("direction") ? null : icon });
}

function meta(m, profile) {
    return h("div", { t: "msg-meta", css: "meta" }, m.edited ? h("span", {}, word("edited") + " ") : null,
        h("span", { dir: "auto" }, time_text(m.epoch)), ticks(m, profile));
}

function quote_block(m) {
    if (!m.quoted) return null;
    return h("div", { t: "quoted-message", "aria-label": word("quoted"), role: "button", css: "quote" },
        h("span", { dir: "auto" }, m.quoted.author), h("br"),
        m.quoted.media ? h("div", { t: "image-thumb", css: "tile" }) : null,
        h("span", { dir: "auto", class: "quoted-mention" }, text_nodes(m.quoted.text, {}, "C")));
}

/* The author as a reader sees it: only above the first of a run, in a group. */
function author_line(m, first) {
    if (m.from_me || !first || !m.chat.endsWith("@g.us")) return null;
    return h("div", { role: "button" }, h("span", { t: "author", dir: "auto" }, m.author),
        m.push && m.phone ? h("span", { dir: "auto", css: "meta" }, " ~" + m.push) : null);
}

function stamped(m, profile, inside) {
    const block = h("div", { class: broken("text") ? null : "copyable-text" }, inside);
    const author = m.from_me ? (profile === "A" ? "me" : null) : m.author;
    block.setAttribute(broken("stamp") ? "data-note" : "data-pre-plain-text", stamp_text(m.epoch, author));
    return block;
}

function message_inside(m, first, urls) {
    const profile = profile_of(m.id);
    const texted = m.text !== "" && !["poll", "waiting", "deleted"].includes(m.kind);
    const media = MEDIA_KINDS.includes(m.kind);
    const bubble = h("div", { t: "msg-container", css: "bubble" },
        author_line(m, first),
        m.kind === "forwarded" || m.forwarded ? h("div", { css: "meta" }, h("span", { "data-icon": "forwarded" }), word("forwarded")) : null,
        m.kind === "link" ? h("div", { css: "quote" }, h("span", { dir: "auto", title: "example.org" }, "example.org")) : null,
        media ? media_block(m, urls) : other_block(m),
        texted ? stamped(m, profile, [quote_block(m), text_block(m, profile, media)]) : null,
        meta(m, profile));
    const labelled = profile !== "C" || first;
    const line = h("div", { class: "focusable-list-item", css: m.from_me ? "out" : null },
        labelled && !broken("direction") ? h("span", { "aria-label": label_of(m) }) : null,
        first && !broken("direction") ? h("span", { "data-icon": m.from_me ? "tail-out" : "tail-in" }) : null,
        bubble,
        h("button", { "aria-label": "react", on: { click: () => journal("react", { id: m.id }) } }, "☺"),
        (m.reactions || []).length > 0 ? h("button", { "aria-label": `reactions ${m.reactions.join(" ")}` }, m.reactions.join("")) : null);
    if (profile !== "C" && !broken("direction")) line.classList.add(m.from_me ? "message-out" : "message-in");
    return line;
}

function row_inside(m, first, urls) {
    if (m.kind === "system") return h("div", { t: "msg-notification-container", css: "note" }, h("span", { dir: "auto" }, m.text));
    if (m.kind === "call") return h("div", { t: "msg-notification-container", css: "note" }, h("span", { "data-icon": "miss" }), h("span", { dir: "auto" }, `${word("call")} ${time_text(m.epoch)}`));
    return message_inside(m, first, urls);
}
