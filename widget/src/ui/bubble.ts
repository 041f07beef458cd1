// One item of the conversation as an element that follows the item's changes.
import { W, type Words } from "../lang/keys";
import { safeUrl } from "../md/links";
import { Markdown } from "../md/render";
import { isRunning, type Item } from "../transcript";
import { type Child, h, icon, say, set } from "./dom";

/** What all bubbles of a panel share. The panel keeps it up to date. */
export interface Setting {
  words: Words;
  locale: string;
  /** The gateway's address: links to files are relative to it. */
  server: string;
  isMine: (item: Item) => boolean;
  /** More than one person writes here: every message names its author. */
  isShared: boolean;
  assistant: string;
  hasFeedback: boolean;
  /** What this person thought of an answer, by its id. */
  votes: Map<string, string>;
  onRetry: (key: string) => void;
  onRemove: (key: string) => void;
  /** Whether a button has done what it is for. */
  isDone: (value: string) => boolean;
  onAct: (name: string, value: string) => void;
  onVote: (id: string, value: "up" | "down") => void;
}

const GOOD = "M7 11l4-7c1.7 0 2.5 1 2.5 2.5V10h5l-1.5 9H7zM7 11H4v8h3";
const BAD = "M17 13l-4 7c-1.7 0-2.5-1-2.5-2.5V14h-5L7 5h10zM17 13h3V5h-3";

export class Bubble {
  readonly root: HTMLElement;
  private readonly _name = h("div", { part: "name" });
  private readonly _body = h("div", { class: "body", dir: "auto" });
  private readonly _foot = h("div", { class: "foot" });
  private _markdown: Markdown | undefined;
  private _item: Item | undefined;
  private _stamp = "";

  constructor(private readonly _setting: Setting) {
    this.root = h("div", { class: "msg" }, this._name, this._body, this._foot);
  }

  update(item: Item, isLast: boolean): void {
    const { isShared, assistant, hasFeedback, votes } = this._setting;
    const isMine = this._setting.isMine(item);
    const actions = item.actions?.filter(({ value }) => !this._setting.isDone(value)) ?? [];
    const stamp = [isLast, isShared, isMine, assistant, hasFeedback, votes.get(item.id) ?? item.feedback, actions.length].join();
    if (item === this._item && stamp === this._stamp) return;
    const isNewText = item.text !== this._item?.text || item.kind !== this._item.kind;
    this._item = item;
    this._stamp = stamp;
    set(this.root, "data-from", isMine ? "me" : item.role);
    set(this.root, "data-state", item.state);
    set(this.root, "title", item.at && new Date(item.at).toLocaleString(this._setting.locale));
    set(this._body, "part", `message ${isMine ? "mine" : item.role}`);
    say(this._name, isMine ? this._setting.words(W.you) : item.author.name || (item.role === "assistant" ? assistant : ""));
    this._name.className = isShared ? "name" : "sr";
    if (isNewText) this._drawText(item);
    this._foot.replaceChildren(...(actions[0] ? actions.map(({ name, value, label }) => h("button", { click: () => this._setting.onAct(name, value) }, label)) : this._drawFoot(item, isMine, isLast)).filter((part): part is Node | string => Boolean(part)));
  }

  private _drawText(item: Item): void {
    if (item.role === "user" || item.role === "system") say(this._body, item.text);
    else if (item.text) {
      if (!this._markdown) this._body.replaceChildren();
      (this._markdown ??= new Markdown(this._body, this._setting.words)).update(item.text);
    } else {
      this._markdown = undefined;
      this._body.replaceChildren(h("span", { class: "dots" }, h("i"), h("i"), h("i")));
    }
    for (const { name = "", url } of item.attachments ?? []) {
      const safe = url && safeUrl(new URL(url, this._setting.server).href);
      this._body.append(h("div", { class: "file" }, safe ? h("a", { href: safe.href, target: "_blank", rel: "noreferrer" }, name) : name));
    }
  }

  private _drawFoot(item: Item, isMine: boolean, isLast: boolean): Child[] {
    const { words, onRetry, onRemove } = this._setting;
    if (!isMine) {
      if (item.state === "stopped" || item.state === "failed") return [words(W.stopped)];
      if (isRunning(item)) return [item.label || (item.text ? "" : words(W.thinking))];
      return item.role === "assistant" && item.id && this._setting.hasFeedback ? [this._vote(item, "up"), this._vote(item, "down")] : [];
    }
    const button = (key: W, then: (key: string) => void): Child => h("button", { click: () => then(item.key) }, words(key));
    if (item.state === "failed") {
      return [[words(W.failed), item.error].filter(Boolean).join(": "), button(W.retry, onRetry), button(W.remove, onRemove)];
    }
    if (item.state === "waiting") return [words(W.waiting)];
    if (item.state === "sending") return [words(W.sending)];
    return [isLast && "✓"];
  }

  private _vote({ id, feedback }: Item, value: "up" | "down"): Child {
    const { words, votes, onVote } = this._setting;
    return h("button", {
      class: "vote", "aria-label": words(value === "up" ? W.good : W.bad), "aria-pressed": String((votes.get(id) ?? feedback) === value),
      click: () => onVote(id, value),
    }, icon(value === "up" ? GOOD : BAD));
  }
}
