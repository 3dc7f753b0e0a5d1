/* Which screen is this? arguments[0]: what is asked for ("look", or the button that is to be
   clicked); [1]: the sections `boot` of all packs, as wa_packs_section_all() writes them; [2]: whether
   somebody is there to see a code. Nothing that stands on the page is returned but that code. */
const [asked, sections, withCode] = arguments;
const packs = sections.map((one) => [one.pack, one.parts]);

const inside = (root, selectors) => {
    for (const css of selectors || []) {
        try {
            const found = root.querySelector(css);
            if (found) return found;
        } catch (e) { /* A selector that this browser does not know matches nothing. */ }
    }
    return null;
};

/* The first pack that finds it: [its name, the element]. */
const find = (key, root = document) => {
    for (const [name, boot] of packs) {
        const found = inside(root, boot[key]);
        if (found) return [name, found];
    }
    return null;
};

/* As people read it: without marks of direction, in small letters, one space between words. */
const plain = (text) => text.normalize("NFKC").replace(/[\u200b-\u200f\u202a-\u202e\u2066-\u2069]/g, "").toLowerCase().replace(/\s+/g, " ");

const has = (text, key) => {
    for (const [name, boot] of packs) {
        for (const words of Object.values(boot[key] || {})) {
            if (words.some((word) => text.includes(plain(word)))) return name;
        }
    }
    return null;
};

const shown = (element) => element.getClientRects().length > 0;

/* Dialogs, the one on top first. */
const dialogs = () => {
    const all = [];
    for (const [, boot] of packs) {
        for (const css of boot.dialog || []) {
            try {
                for (const one of document.querySelectorAll(css)) if (shown(one) && !all.includes(one)) all.push(one);
            } catch (e) { /* As above. */ }
        }
    }
    return all.reverse();
};

const takenOver = (dialog) => has(plain(dialog.innerText), "takeover_words");

/* A button of a dialog that says what it must. */
const useHere = (dialog) => {
    for (const [, boot] of packs) {
        for (const css of boot.takeover_ok || []) {
            for (const button of dialog.querySelectorAll(css)) {
                if (shown(button) && has(plain(button.innerText), "use_here_words")) return button;
            }
        }
    }
    return null;
};

const theX = (dialog) => {
    if (takenOver(dialog)) return null;
    const found = find("dialog_close", dialog);
    return found && shown(found[1]) ? found[1] : null;
};

const theCode = () => {
    const found = find("code");
    if (!found) return null;
    const box = found[1].closest("[data-ref]") || found[1].querySelector("[data-ref]") || found[1].parentElement || found[1];
    const renew = find("renew", box);
    return { pack: found[0], box, renew: renew && renew[1] };
};

if (asked === "renew") {
    const code = theCode();
    return code && code.renew;
}
if (asked === "promo") {
    for (const dialog of dialogs()) {
        const x = theX(dialog);
        if (x) return x;
    }
    return null;
}
if (asked === "takeover") {
    for (const dialog of dialogs()) {
        if (takenOver(dialog)) return useHere(dialog);
    }
    return null;
}

const told = {
    state: "unknown", pack: null, promo: false, dialog: false, takeover: false, telephone: false,
    chats: false, code: null,
    locale: document.documentElement.lang || navigator.language || "",
    zone: Intl.DateTimeFormat().resolvedOptions().timeZone || "",
};
const say = (state, pack) => {
    told.state = state;
    told.pack = pack;
    return told;
};

/* A page that cannot be reached may have come as a success. */
if (!/^https?:$/.test(location.protocol)) return say("no-page", null);

for (const dialog of dialogs()) {
    const pack = takenOver(dialog);
    if (pack) {
        told.takeover = useHere(dialog) !== null;
        return say("taken-over", pack);
    }
    if (theX(dialog)) told.promo = true;
    else told.dialog = true;
}

const code = theCode();
if (code) {
    if (code.renew) return say("code-expired", code.pack);
    if (withCode) told.code = code.box.getAttribute("data-ref");
    return say("code", code.pack);
}

const ready = find("ready");
if (ready) {
    told.chats = true;
    const computer = find("computer_offline"), telephone = find("phone_offline"), restricted = find("restricted");
    if (computer) return say("offline", ready[0]);
    if (restricted) return say("restricted", ready[0]);
    told.telephone = telephone !== null;
    return say("ready", ready[0]);
}

for (const [state, key] of [["pairing", "pairing"], ["booting", "progress"]]) {
    const found = find(key);
    if (found) return say(state, found[0]);
}

const text = document.body ? plain(document.body.innerText) : "";
for (const [state, key] of [
    ["unsupported", "unsupported_words"], ["storage-broken", "storage_words"], ["taken-over", "takeover_words"],
    ["restricted", "restricted_words"], ["offline", "offline_words"],
]) {
    const pack = has(text, key);
    if (pack) return say(state, pack);
}
return told;
