// The conversation: bubbles in order, kept in place while they change, the view held at the end while the reader is there.
import { W } from "../lang/keys";
import { isRunning, type Item } from "../transcript";
import type { View } from "../types";
import { nextSentences, plain } from "./announce";
import { Bubble, type Setting } from "./bubble";
import { arrange, h, icon } from "./dom";

const NEAR_END_PX = 64;
const DOWN = "M12 5v14M6 13l6 6 6-6";

export class Log {
  readonly root: HTMLElement;
  /** Heard, not seen. */
  readonly live = h("div", { class: "sr", role: "status", "aria-live": "polite" });
  readonly toEnd: HTMLElement;
  private readonly _older: HTMLElement;
  private readonly _bubbles = new Map<string, Bubble>();
  private readonly _spoken = new Map<string, number>();

  constructor(private readonly _setting: Setting, onOlder: () => void) {
    const { words } = _setting;
    this._older = h("button", { class: "older", click: onOlder }, words(W.older));
    this.root = h("div", {
      class: "log", part: "log", role: "log", "aria-live": "off", "aria-label": words(W.title), tabindex: "0", scroll: () => this._note(),
    });
    this.toEnd = h("button", {
      class: "to-end", "aria-label": words(W.newest), hidden: true, click: () => this.scrollToEnd(),
    }, icon(DOWN));
  }

  /** `first` stands above the conversation. */
  draw({ items, hasOlder, past }: View, first: Node | null): void {
    const { root, _setting } = this;
    const wasAtEnd = this._isAtEnd;
    const height = root.scrollHeight;
    const top = root.querySelector(".msg");
    const lastMine = items.findLastIndex((item) => _setting.isMine(item));
    const isAnswered = items.slice(lastMine + 1).some((item) => item.kind === "message");
    const nodes = items.map((item, index) => this._bubble(item, index === lastMine && !isAnswered));
    arrange(root, [...(hasOlder ? [this._older] : first ? [first] : []), ...nodes]);
    if (this._bubbles.size > items.length) {
      for (const key of this._bubbles.keys()) if (!items.some((item) => item.key === key)) this._bubbles.delete(key);
    }
    for (const item of items) this._speak(item, past);
    if (wasAtEnd) this.scrollToEnd();
    else if (top && root.querySelector(".msg") !== top) root.scrollTop += root.scrollHeight - height;
    this._note();
  }

  scrollToEnd(): void {
    this.root.scrollTop = this.root.scrollHeight;
  }

  announce(text: string): void {
    this.live.append(h("p", {}, text));
    if (this.live.children.length > 6) this.live.firstElementChild?.remove();
  }

  private get _isAtEnd(): boolean {
    return this.root.scrollHeight - this.root.scrollTop - this.root.clientHeight < NEAR_END_PX;
  }

  private _note(): void {
    this.toEnd.hidden = this._isAtEnd;
  }

  private _bubble(item: Item, isLast: boolean): Node {
    let bubble = this._bubbles.get(item.key);
    if (!bubble) this._bubbles.set(item.key, (bubble = new Bubble(this._setting)));
    bubble.update(item, isLast);
    return bubble.root;
  }

  /** The past is not read out; of what comes now each whole sentence of others is, once. */
  private _speak(item: Item, past: number): void {
    let from = this._spoken.get(item.key) ?? 0;
    if (item.text.length < from) from = 0;
    if (item.text.length === from) return;
    const { said, to } = isRunning(item) ? nextSentences(item.text, from) : { said: plain(item.text.slice(from)), to: item.text.length };
    this._spoken.set(item.key, to);
    if (said && item.order > past && !this._setting.isMine(item)) this.announce(said);
  }
}
