// The conversation: bubbles in order, kept in place while they change, the view held at the end while the reader is there.
import type { Words } from "../lang/keys";
import { isRunning, type Item } from "../transcript";
import type { View } from "../types";
import { nextSentences, plain } from "./announce";
import { Bubble, type BubbleContext } from "./bubble";
import { arrange, h } from "./dom";

const NEAR_END_PX = 64;

export class Log {
  readonly root: HTMLElement;
  /** Heard, not seen. */
  readonly live = h("div", { class: "sr", role: "status", "aria-live": "polite" });
  readonly toEnd: HTMLElement;
  private readonly older: HTMLElement;
  private readonly bubbles = new Map<string, Bubble>();
  private readonly spoken = new Map<string, number>();

  constructor(words: Words, private readonly context: BubbleContext, onOlder: () => void) {
    this.older = h("button", { type: "button", class: "older", click: onOlder }, words.older);
    this.root = h("div", { class: "log", part: "log", role: "log", "aria-live": "off", "aria-label": words.log, tabindex: "0" });
    this.toEnd = h("button", { type: "button", class: "to-end", hidden: true, click: () => this.scrollToEnd() }, words.newest);
    this.root.addEventListener("scroll", () => (this.toEnd.hidden = this.isAtEnd), { passive: true });
  }

  get isAtEnd(): boolean {
    return this.root.scrollHeight - this.root.scrollTop - this.root.clientHeight < NEAR_END_PX;
  }

  draw(view: View, before: readonly Node[]): void {
    const wasAtEnd = this.isAtEnd;
    const heightBefore = this.root.scrollHeight;
    const firstBefore = this.root.querySelector(".msg");
    const items = view.items;
    const lastMine = items.findLast((item) => this.context.isMine(item));
    const isLastMineOpen = items.at(-1) === lastMine || items.slice(items.indexOf(lastMine as Item) + 1).every((item) => item.role !== "assistant" || isRunning(item));
    const nodes = items.map((item) => this.bubble(item, item === lastMine && isLastMineOpen));
    arrange(this.root, [...(view.hasOlder ? [this.older] : []), ...before, ...nodes]);
    this.prune(items);
    this.speak(items, view.past);
    if (wasAtEnd) this.scrollToEnd();
    else if (firstBefore && this.root.querySelector(".msg") !== firstBefore) this.root.scrollTop += this.root.scrollHeight - heightBefore;
    this.toEnd.hidden = this.isAtEnd;
  }

  scrollToEnd(): void {
    this.root.scrollTop = this.root.scrollHeight;
  }

  private bubble(item: Item, isLast: boolean): Node {
    let bubble = this.bubbles.get(item.key);
    if (!bubble) this.bubbles.set(item.key, (bubble = new Bubble(this.context)));
    bubble.update(item, isLast);
    return bubble.root;
  }

  private prune(items: readonly Item[]): void {
    if (this.bubbles.size === items.length) return;
    const keys = new Set(items.map((item) => item.key));
    for (const key of this.bubbles.keys()) if (!keys.has(key)) this.bubbles.delete(key);
  }

  /** The past is not read out; of what comes now each whole sentence of others is, once. */
  private speak(items: readonly Item[], past: number): void {
    for (const item of items) {
      const from = this.spoken.get(item.key) ?? 0;
      if (item.text.length < from) this.spoken.set(item.key, 0);
      if (item.text.length <= from) continue;
      const { said, to } = isRunning(item) ? nextSentences(item.text, from) : { said: plain(item.text.slice(from)), to: item.text.length };
      this.spoken.set(item.key, to);
      if (said && item.order > past && !this.context.isMine(item)) this.announce(said);
    }
  }

  announce(text: string): void {
    this.live.append(h("p", {}, text));
    while (this.live.children.length > 6) this.live.firstElementChild?.remove();
  }
}
