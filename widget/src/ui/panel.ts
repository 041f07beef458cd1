// The whole of what is seen: launcher, panel, and how a view of the conversation is drawn into them.
import { fill, type Language } from "../lang";
import type { Key } from "../lang/keys";
import { isRunning, type Item } from "../transcript";
import type { View } from "../types";
import { Composer } from "./composer";
import { h, icon, say, set } from "./dom";
import { Log } from "./log";

const CHAT = "M4 5h16v11H9l-5 4z";
const CLOSE = "M6 6l12 12M18 6L6 18";

export interface PanelActions {
  send(text: string): void;
  stop(): void;
  retry(id: string): void;
  remove(id: string): void;
  older(): void;
  typing(on: boolean): void;
  toggle(open: boolean): void;
  /** Continue here, or begin anew, after a stop. */
  resume(code: string): void;
}

export class Panel {
  readonly root: HTMLElement;
  readonly composer: Composer;
  isOpen = false;
  private readonly launcher: HTMLButtonElement;
  private readonly badge = h("span", { class: "badge", hidden: true });
  private readonly panel: HTMLElement;
  private readonly title = h("h2", { class: "title", part: "title" });
  private readonly banner = h("div", { class: "banner", part: "banner", hidden: true });
  private readonly typing = h("div", { class: "typing", "aria-hidden": "true" });
  private readonly greeting = h("div", { class: "greeting" });
  private readonly log: Log;
  private readonly context;
  private view: View | undefined;
  private seen = 0;

  constructor(private readonly language: Language, private readonly actions: PanelActions, private readonly fixedTitle: string | null) {
    const { words } = language;
    this.context = {
      words, locale: language.tag, isShared: false, assistantName: words.assistant, isMine: (item: Item) => this.isMine(item),
      onRetry: (id: string) => actions.retry(id), onRemove: (id: string) => actions.remove(id),
    };
    this.log = new Log(words, this.context, () => actions.older());
    this.composer = new Composer(words, (text) => this.send(text), () => actions.stop(), (on) => actions.typing(on));
    const close = h("button", { type: "button", class: "icon", part: "close", "aria-label": words.close, click: () => this.toggle(false) }, icon(CLOSE));
    const header = h("header", { part: "header" }, this.title, close);
    this.panel = h("section", { class: "panel", part: "panel", id: "panel", role: "dialog", "aria-label": words.title, hidden: true, keydown: (event) => this.key(event as KeyboardEvent) },
      header, this.banner, h("div", { class: "stage" }, this.log.root, this.log.toEnd), this.typing, this.composer.root, this.log.live);
    this.launcher = h("button", { type: "button", class: "launcher", part: "launcher", "aria-label": words.open, "aria-expanded": "false", "aria-controls": "panel", click: () => this.toggle(!this.isOpen) }, icon(CHAT), this.badge);
    this.root = h("div", { class: "root", dir: language.dir, lang: language.tag }, this.panel, this.launcher);
  }

  toggle(open: boolean, mayFocus = true): void {
    if (open === this.isOpen) return;
    this.isOpen = open;
    this.panel.hidden = !open;
    set(this.root, "data-open", open);
    set(this.launcher, "aria-expanded", String(open));
    set(this.launcher, "aria-label", open ? this.language.words.close : this.language.words.open);
    this.actions.toggle(open);
    if (this.view) this.draw(this.view);
    if (open) this.log.scrollToEnd();
    if (mayFocus) (open ? this.composer.input : this.launcher).focus();
  }

  draw(view: View): void {
    this.view = view;
    const { words } = this.language;
    const title = this.fixedTitle ?? view.config.title ?? words.title;
    say(this.title, title);
    set(this.panel, "aria-label", title);
    this.context.isShared = view.items.some((item) => (item.role === "user" && !this.isMine(item)) || item.role === "human");
    this.context.assistantName = view.items.find((item) => item.role === "assistant" && item.author.name)?.author.name ?? words.assistant;
    say(this.greeting, view.config.greeting ?? "");
    this.log.draw(view, view.config.greeting && !view.hasOlder ? [this.greeting] : []);
    this.drawBanner(view);
    say(this.typing, view.typing === null ? "" : fill(words.typing, view.typing || words.assistant));
    this.composer.update(view.items.some(isRunning), view.phase === "stopped");
    this.drawBadge(view);
  }

  private isMine(item: Item): boolean {
    const me = this.view?.me;
    return item.role === "user" && (item.kind === "pending" || item.author.id === me?.id || Boolean(this.view?.formerly.includes(item.author.id)));
  }

  private send(text: string): void {
    this.actions.send(text);
    this.log.scrollToEnd();
  }

  private key(event: KeyboardEvent): void {
    if (event.key !== "Escape" || event.defaultPrevented) return;
    event.preventDefault();
    this.toggle(false);
  }

  private drawBanner(view: View): void {
    const { words } = this.language;
    const isStopped = view.phase === "stopped";
    const text = isStopped || view.notice ? this.noticeOf(view) : this.waitingText(view);
    this.banner.hidden = !text;
    if (this.banner.firstChild?.textContent === text) return;
    set(this.banner, "role", isStopped ? "alert" : "status");
    set(this.banner, "data-kind", isStopped ? "stop" : "wait");
    const code = view.notice?.code ?? "";
    const action = isStopped && { 4409: words.useHere, 4404: words.newChat, 4410: words.newChat }[Number(code)];
    const button = action ? h("button", { type: "button", click: () => this.actions.resume(code) }, action) : null;
    this.banner.replaceChildren(h("span", {}, text), ...(button ? [button] : []));
  }

  private waitingText(view: View): string {
    const { words } = this.language;
    if (view.phase === "ready" || view.phase === "idle") return "";
    if (!navigator.onLine) return words.offline;
    return view.me ? words.lost : words.connecting;
  }

  private noticeOf(view: View): string {
    const { code = "", detail = "" } = view.notice ?? {};
    const known = this.language.words[`e${code}` as Key];
    return known ?? (detail || this.language.words.e4400);
  }

  private drawBadge(view: View): void {
    const last = view.items.findLast((item) => item.kind === "message")?.order ?? 0;
    if (this.isOpen || !this.seen) this.seen = Math.max(last, view.past, this.seen);
    const unread = view.items.filter((item) => item.kind === "message" && item.order > this.seen && !this.isMine(item)).length;
    this.badge.hidden = unread === 0;
    say(this.badge, String(unread || ""));
    if (!this.isOpen) set(this.launcher, "aria-label", this.language.words.open + (unread ? `, ${fill(this.language.words.unread, unread)}` : ""));
  }
}
