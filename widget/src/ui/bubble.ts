// One item of the conversation as an element that follows the item's changes.
import type { Words } from "../lang/keys";
import { Markdown } from "../md/render";
import { isRunning, type Item } from "../transcript";
import { h, say, set } from "./dom";

export interface BubbleContext {
  words: Words;
  locale: string;
  isMine: (item: Item) => boolean;
  /** More than one person writes here: every message names its author. */
  isShared: boolean;
  assistantName: string;
  onRetry: (id: string) => void;
  onRemove: (id: string) => void;
}

export class Bubble {
  readonly root: HTMLElement;
  private readonly name = h("div", { class: "name", part: "name" });
  private readonly body = h("div", { class: "body", part: "message", dir: "auto" });
  private readonly foot = h("div", { class: "foot" });
  private markdown: Markdown | undefined;
  private item: Item | undefined;
  private stamp = "";

  constructor(private readonly context: BubbleContext) {
    this.root = h("div", { class: "msg" }, this.name, this.body, this.foot);
  }

  update(item: Item, isLast: boolean): void {
    const stamp = `${isLast}${this.context.isShared}${this.context.assistantName}${this.context.isMine(item)}`;
    if (item === this.item && stamp === this.stamp) return;
    const textChanged = item.text !== this.item?.text || item.kind !== this.item.kind;
    this.item = item;
    this.stamp = stamp;
    const isMine = this.context.isMine(item);
    set(this.root, "data-from", isMine ? "me" : item.role);
    set(this.root, "data-state", item.state);
    set(this.root, "data-id", item.id || null);
    set(this.body, "part", isMine ? "message mine" : `message ${item.role}`);
    this.drawName(item, isMine);
    if (textChanged) this.drawText(item);
    this.drawFoot(item, isMine, isLast);
  }

  private drawName(item: Item, isMine: boolean): void {
    const { words, isShared, assistantName } = this.context;
    const fallback = isMine ? words.you : item.role === "assistant" ? assistantName : "";
    say(this.name, isMine ? words.you : (item.role === "assistant" ? assistantName : item.author.name) || fallback);
    this.name.className = isShared || (item.role === "human" && !isMine) ? "name" : "name sr";
  }

  private drawText(item: Item): void {
    if (item.role === "user" || item.role === "system") return say(this.body, item.text);
    this.markdown ??= new Markdown(this.body, this.context.words);
    if (item.text) this.markdown.update(item.text);
    else if (!this.body.firstChild) this.body.append(h("span", { class: "dots", "aria-hidden": "true" }, h("i"), h("i"), h("i")));
    if (item.text) this.body.querySelector(":scope > .dots")?.remove();
  }

  private drawFoot(item: Item, isMine: boolean, isLast: boolean): void {
    const { words } = this.context;
    const parts: (Node | string)[] = [];
    if (isMine && item.state === "failed") {
      parts.push(item.error ? `${words.failed}: ${item.error}` : words.failed,
        h("button", { type: "button", click: () => this.context.onRetry(item.key) }, words.retry),
        h("button", { type: "button", click: () => this.context.onRemove(item.key) }, words.remove));
    } else if (isMine && item.state === "waiting") parts.push(words.waiting);
    else if (isMine && item.state === "sending") parts.push(words.sending);
    else if (isMine && isLast) parts.push(words.sent);
    else if (item.state === "stopped") parts.push(words.stopped);
    else if (item.state === "failed") parts.push(words.broken);
    else if (isRunning(item) && (item.label || !item.text)) parts.push(item.label ?? words.thinking);
    this.foot.replaceChildren(...parts);
    const at = item.at ? new Date(item.at) : undefined;
    if (at && !Number.isNaN(at.valueOf())) set(this.root, "title", at.toLocaleString(this.context.locale));
  }
}
