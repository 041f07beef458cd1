// Blocks into DOM nodes. What is unchanged from the last time keeps its nodes, so a growing answer costs little.
import { W, type Words } from "../lang/keys";
import { h } from "../ui/dom";
import type { Block } from "./blocks";
import { GrowingLexer } from "./grow";
import { type Inline, lexInline } from "./inline";
import { hostBeside } from "./links";

/** A text that may grow. `update` with any text gives the DOM of that text, whatever came before. */
export class Markdown {
  private readonly _lexer = new GrowingLexer();
  private _shown: readonly Block[] = [];

  constructor(private readonly _root: HTMLElement, private readonly _words: Words) {}

  update(text: string): void {
    const blocks = this._lexer.update(text);
    patch(this._root, this._shown, blocks, this._words);
    this._shown = blocks;
  }
}

function patch(parent: Element, old: readonly Block[], blocks: readonly Block[], words: Words): void {
  blocks.forEach((block, index) => {
    const before = old[index];
    if (before === block) return;
    const node = parent.children[index];
    if (before && node && before.t === block.t && (before.raw === block.raw || regrow(node, before, block, words))) return;
    const made = render(block, words);
    if (node) node.replaceWith(made);
    else parent.append(made);
  });
  while (parent.children.length > blocks.length) parent.lastElementChild?.remove();
}

/** Changes the node of `before` into that of `block` if that is cheap. Says whether it did. */
function regrow(node: Element, before: Block, block: Block, words: Words): boolean {
  if (before.t === "code" && block.t === "code" && before.lang === block.lang) {
    const text = node.querySelector("code")?.firstChild as Text | null;
    if (!text) return false;
    if (block.text.startsWith(before.text)) text.appendData(block.text.slice(before.text.length));
    else text.data = block.text;
    return true;
  }
  if (before.t === "list" && block.t === "list" && before.start === block.start) {
    block.items.forEach((item, index) => {
      const was = before.items[index];
      const li = node.children[index];
      if (!was || !li) node.append(renderItem(item, words));
      else if (was.raw !== item.raw) {
        if (was.checked === item.checked && item.checked === null) patch(li, was.blocks, item.blocks, words);
        else li.replaceWith(renderItem(item, words));
      }
    });
    while (node.children.length > block.items.length) node.lastElementChild?.remove();
    return true;
  }
  if (before.t === "quote" && block.t === "quote") {
    patch(node, before.blocks, block.blocks, words);
    return true;
  }
  return false;
}

function render(block: Block, words: Words): HTMLElement {
  switch (block.t) {
    case "p": return h("p", {}, ...inline(block.text));
    case "h": return h(`h${Math.min(6, block.n + 2)}` as "h3", {}, ...inline(block.text));
    case "hr": return h("hr");
    case "code": return renderCode(block.lang, block.text, words);
    case "quote": return h("blockquote", {}, ...block.blocks.map((inner) => render(inner, words)));
    case "list": {
      const items = block.items.map((item) => renderItem(item, words));
      if (block.start === null) return h("ul", {}, ...items);
      return h("ol", { start: block.start === 1 ? null : String(block.start) }, ...items);
    }
    case "table": return renderTable(block);
  }
}

function renderItem(item: Extract<Block, { t: "list" }>["items"][number], words: Words): HTMLElement {
  const li = h("li", {}, ...item.blocks.map((block) => render(block, words)));
  if (item.checked === null) return li;
  li.className = "task";
  li.prepend(h("span", { class: "box" }, item.checked ? "☑" : "☐"));
  return li;
}

function renderTable(block: Extract<Block, { t: "table" }>): HTMLElement {
  const row = (cells: string[], tag: "th" | "td"): HTMLElement =>
    h("tr", {}, ...cells.map((cell, column) => h(tag, { class: block.align[column] || null, scope: tag === "th" ? "col" : null }, ...inline(cell))));
  const body = block.rows.length ? h("tbody", {}, ...block.rows.map((cells) => row(cells, "td"))) : null;
  return h("div", { class: "scroll", tabindex: "0" }, h("table", {}, h("thead", {}, row(block.head, "th")), body));
}

function renderCode(lang: string, text: string, words: Words): HTMLElement {
  const code = h("code");
  code.append(document.createTextNode(text));
  const button = h("button", { click: () => void copy(code, button) }, words(W.copy));
  return h("div", { class: "code", part: "code" }, h("div", { class: "bar" }, h("span", {}, lang), button),
    h("pre", { tabindex: "0", dir: "ltr" }, code));
}

/** To the clipboard; where the page may not write there, selected for the person to copy. */
async function copy(code: HTMLElement, button: HTMLElement): Promise<void> {
  try {
    await navigator.clipboard.writeText(code.textContent ?? "");
    button.classList.add("done");
    setTimeout(() => button.classList.remove("done"), 2000);
  } catch {
    getSelection()?.selectAllChildren(code);
  }
}

function inline(text: string): Node[] {
  return lexInline(text).map(renderInline);
}

function renderInline(node: Inline): Node {
  switch (node.t) {
    case "text": return document.createTextNode(node.v);
    case "code": return h("code", {}, node.v);
    case "br": return h("br");
    case "a": return renderLink(node.url, node.c);
    default: return h(node.t, {}, ...node.c.map(renderInline));
  }
}

function renderLink(url: URL, label: Inline[]): Node {
  const link = h("a", { href: url.href, target: "_blank", rel: "noreferrer" },
    ...label.map(renderInline));
  const host = hostBeside(url, link.textContent ?? "");
  if (host) link.append(h("span", { class: "host", dir: "ltr" }, ` (${host})`));
  return link;
}
