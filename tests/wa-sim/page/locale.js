"use strict";
/* Stamps as the page writes them in each locale, by formatters of its own, and the few words it says. */

const RTL = ["he", "ar", "ar-EG", "fa"];
const WORDS = {
    en: {
        you: "You", quoted: "Quoted message", today: "Today", yesterday: "Yesterday", unread: "unread messages",
        older: "Click here to get older messages from your phone.", more: "Read more", edited: "Edited", forwarded: "Forwarded",
        deleted: "A message was deleted here", deleted_me: "You deleted a message here", waiting: "Waiting for this message. Look at your phone.",
        chats: "Chat list", other_window: "WhatsApp is open in another window.", use_here: "Use Here", cancel: "Not now",
        unsupported: "Your browser is not supported. Please update Chrome.", database: "A database error occurred",
        full: "Your browser storage is full", scan: "Scan this QR code to link a device!", reload: "Show a new code",
        restricted: "Your account on linked devices is restricted", offline_phone: "No way to reach the phone",
        offline_computer: "This computer is offline", read: " Read ", delivered: " Delivered ", sent: " Sent ", search: "Search",
        destructive: "Leave this community and delete it?", destructive_ok: "Leave and delete", promo: "Something new is here",
        head_chats: "Chats", head_groups: "Groups in common", head_messages: "Messages", archived: "Archived", intro: "Nothing is open",
        call: "Missed call", loading: "Loading your chats", group_members: "members", type: "Type a message", poll: "Poll",
    },
    he: {
        you: "את/ה", quoted: "הודעה מצוטטת", today: "היום", yesterday: "אתמול", unread: "הודעות שלא נקראו",
        older: "יש ללחוץ כאן כדי לקבל הודעות ישנות יותר מהטלפון.", more: "להמשך קריאה", edited: "נערכה", forwarded: "הועברה",
        deleted: "כאן נמחקה הודעה", deleted_me: "מחקת כאן הודעה", waiting: "ההודעה עוד לא הגיעה. כדאי להסתכל בטלפון.",
        chats: "רשימת צ׳אטים", other_window: "WhatsApp פתוח בחלון אחר", use_here: "השתמש כאן", cancel: "לא עכשיו",
        unsupported: "הדפדפן שלך אינו נתמך", scan: "סריקת הקוד לקישור מכשיר", reload: "קוד חדש", restricted: "החשבון שלך מוגבל במכשירים מקושרים",
        read: " נקרא ", delivered: " נמסר ", sent: " נשלח ", search: "חיפוש", destructive: "לצאת מהקהילה ולמחוק אותה?",
        destructive_ok: "יציאה ומחיקה", promo: "יש כאן משהו חדש", head_chats: "צ׳אטים", head_groups: "קבוצות משותפות", head_messages: "הודעות",
        archived: "בארכיון", intro: "שום דבר לא פתוח", call: "שיחה שלא נענתה", loading: "הצ׳אטים נטענים", group_members: "חברים", type: "הקלדת הודעה",
    },
    ar: { you: "أنت", chats: "قائمة المحادثات", today: "اليوم", yesterday: "أمس", older: "اضغط هنا لجلب الرسائل الأقدم من هاتفك", read: " تمت القراءة " },
    it: { you: "Tu", chats: "Lista delle chat" },
    pt: { you: "Você" },
};

/* Words of the locale, in English where it has none. */
const word = (name) => (WORDS[config.locale.split("-")[0]] || {})[name] || WORDS.en[name];
const is_rtl = () => RTL.includes(config.locale);

const two = (n) => String(n).padStart(2, "0");
const digits = (text, zero) => text.replace(/[0-9]/g, (d) => String.fromCodePoint(zero + Number(d)));
const clock24 = (p) => `${two(p.hour)}:${two(p.minute)}`;

function clock12(p, am, pm, space) {
    return `${p.hour % 12 || 12}:${two(p.minute)}${space}${p.hour < 12 ? am : pm}`;
}

const slashes = (p) => `${two(p.day)}/${two(p.month)}/${p.year}`;
const dots = (p) => `${two(p.day)}.${two(p.month)}.${p.year}`;
const arabic_date = (p) => `${p.day}\u200f/${p.month}\u200f/${p.year}`;
const arabic_time = (p) => clock12(p, "ص", "م", " ");

const FORMATS = {
    he: { time: clock24, date: (p) => `${p.day}.${p.month}.${p.year}` },
    de: { time: clock24, date: (p) => `${p.day}.${p.month}.${p.year}` },
    "en-US": { time: (p) => clock12(p, "AM", "PM", config.narrow ? "\u202f" : " "), date: (p) => `${p.month}/${p.day}/${p.year}` },
    "en-GB": { time: clock24, date: slashes },
    fr: { time: clock24, date: slashes },
    it: { time: clock24, date: slashes },
    "pt-BR": { time: clock24, date: slashes },
    es: { time: clock24, date: (p) => `${p.day}/${p.month}/${p.year}` },
    hi: { time: (p) => clock12(p, "am", "pm", " "), date: (p) => `${p.day}/${p.month}/${p.year}` },
    ru: { time: clock24, date: dots },
    tr: { time: clock24, date: dots },
    "zh-CN": {
        time: (p) => `${p.hour < 12 ? "上午" : "下午"}${p.hour % 12 || 12}:${two(p.minute)}`,
        date: (p) => `${p.year}年${p.month}月${p.day}日`,
    },
    ar: { time: arabic_time, date: arabic_date },
    "ar-EG": { time: (p) => digits(arabic_time(p), 0x660), date: (p) => digits(arabic_date(p), 0x660) },
    fa: { calendar: "persian", time: (p) => digits(clock24(p), 0x6f0), date: (p) => digits(`${p.year}/${p.month}/${p.day}`, 0x6f0) },
};

const calendars = new Map();

function parts_of(epoch, calendar) {
    const key = config.zone + calendar;
    if (!calendars.has(key)) {
        calendars.set(key, new Intl.DateTimeFormat(`en-u-ca-${calendar}-nu-latn`, {
            timeZone: config.zone === "browser" ? undefined : config.zone, hourCycle: "h23",
            year: "numeric", month: "numeric", day: "numeric", hour: "numeric", minute: "numeric",
        }));
    }
    const parts = {};
    for (const { type, value } of calendars.get(key).formatToParts(epoch * 1000)) parts[type] = parseInt(value, 10);
    return parts;
}

const format = () => FORMATS[config.locale] || FORMATS["en-GB"];
const parts = (epoch) => parts_of(epoch, format().calendar || "gregory");
const time_text = (epoch) => format().time(parts(epoch));
const date_text = (epoch) => format().date(parts(epoch));
const stamp_text = (epoch, author) => `[${time_text(epoch)}, ${date_text(epoch)}] ${author === null ? "" : author + ": "}`;

function day_key(epoch) {
    const p = parts_of(epoch, "gregory");
    return p.year * 10000 + p.month * 100 + p.day;
}

function day_text(epoch) {
    const day = day_key(epoch);
    if (day === day_key(config.now)) return word("today");
    if (day === day_key(config.now - 86400)) return word("yesterday");
    return date_text(epoch);
}
