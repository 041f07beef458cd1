// Slack's signs and Markdown, the part of both that messages use, as elements.

import { el } from "./dom.js";

const INLINE = new RegExp(
  [
    "`([^`\\n]+)`",
    "<@([UW][A-Z0-9]+)(?:\\|[^>]*)?>",
    "<(https?:[^|>\\s]+)(?:\\|([^>]*))?>",
    "\\[([^\\]\\n]+)\\]\\((https?:[^)\\s]+)\\)",
    "\\*\\*([^\\n]+?)\\*\\*",
    "(?<![\\w*])\\*([^*\\n]+)\\*(?![\\w*])",
    "(?<![\\w_])_([^_\\n]+)_(?![\\w_])",
    "~~?([^~\\n]+)~~?",
    "(https?:\\/\\/[^\\s<>)]+)",
  ].join("|"),
  "g",
);

function link(address, label) {
  return el("a", { href: address, rel: "noopener noreferrer", target: "_blank" }, label || address);
}

export function inline(text, users) {
  const found = [];
  let from = 0;
  for (const match of text.matchAll(INLINE)) {
    found.push(plain(text.slice(from, match.index)));
    from = match.index + match[0].length;
    const [, code, user, address, label, title, target, strong, bold, italic, struck, bare] = match;
    if (code) found.push(el("code", {}, code));
    else if (user) found.push(el("span", { class: "mention" }, `@${users[user]?.name ?? user}`));
    else if (address) found.push(link(address, label));
    else if (target) found.push(link(target, title));
    else if (strong ?? bold) found.push(el("strong", {}, inline(strong ?? bold, users)));
    else if (italic) found.push(el("em", {}, inline(italic, users)));
    else if (struck) found.push(el("s", {}, struck));
    else if (bare) found.push(link(bare));
  }
  found.push(plain(text.slice(from)));
  return found;
}

function plain(text) {
  return text.replace(/&lt;/g, "<").replace(/&gt;/g, ">").replace(/&amp;/g, "&");
}

export function render(text, users) {
  const out = [];
  let list = null;
  let lines = [];
  const flush = () => {
    if (lines.length) out.push(el("p", {}, lines.flatMap((line, i) => [i ? el("br") : "", ...inline(line, users)])));
    lines = [];
  };
  for (const piece of text.split(/(```[^\n]*\n?[\s\S]*?(?:```|$))/)) {
    if (piece.startsWith("```")) {
      flush();
      out.push(el("pre", {}, el("code", {}, piece.replace(/^```[^\n`]*\n?/, "").replace(/\n?```$/, ""))));
      list = null;
      continue;
    }
    for (const line of piece.split("\n")) {
      const heading = line.match(/^#{1,6} +(.*)$/);
      const item = line.match(/^\s*(?:[-*•]|\d+[.)]) +(.*)$/);
      const quote = line.match(/^(?:>|&gt;) ?(.*)$/);
      if (!item) list = null;
      if (heading || item || quote || !line.trim()) flush();
      if (heading) out.push(el("p", { class: "heading" }, inline(heading[1], users)));
      else if (quote) out.push(el("blockquote", {}, inline(quote[1], users)));
      else if (item) {
        if (!list) out.push((list = el(/^\s*\d/.test(line) ? "ol" : "ul")));
        list.append(el("li", {}, inline(item[1], users)));
      } else if (line.trim()) lines.push(line);
    }
  }
  flush();
  return out;
}
