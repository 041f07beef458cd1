// The whole of what is seen: launcher, panel, and how a view of the conversation is drawn into them.
import type { Attachment, ClientFrame } from "../frames";
import type { Language } from "../lang";
import { W } from "../lang/keys";
import { isRunning, type Item } from "../transcript";
import type { View } from "../types";
import { uuid } from "../uuid";
import type { Setting } from "./bubble";
import { Composer } from "./composer";
import { h, icon, say, set } from "./dom";
import { CROSS, Drawer } from "./drawer";
import { Log } from "./log";

const CHAT = "M4 5h16v11H9l-5 4z";
const PLUS = "M12 5v14M5 12h14";
const LIST = "M5 7h14M5 12h14M5 17h9";

export interface PanelActions {
  send(text: string, files?: Attachment[]): void;
  upload(file: File): Promise<Attachment>;
  /** The gateway's address. */
  server: string;
  stop(): void;
  retry(id: string): void;
  remove(id: string): void;
  older(): void;
  ask(frame: ClientFrame): void;
  session(session_id: string): void;
  toggled(open: boolean): void;
  /** Try here again, after a stop. */
  restart(): void;
}

const CODES: Record<string, W> = {
  4400: W.reload, 4401: W.reload, 4403: W.denied, 4404: W.gone, 4409: W.elsewhere, 4410: W.gone, 4426: W.reload,
};

export class Panel {
  readonly root: HTMLElement;
  isOpen = false;
  private readonly _composer: Composer;
  private readonly _launcher: HTMLElement;
  private readonly _badge = h("span", { class: "badge", "aria-hidden": "true" });
  private readonly _panel: HTMLElement;
  private readonly _title = h("h2", { part: "title" });
  private readonly _subtitle = h("p", { part: "subtitle" });
  private readonly _banner = h("div", { class: "banner", part: "banner", role: "status", hidden: true });
  private readonly _line = h("div", { class: "line", part: "line" });
  private readonly _greeting = h("div", { class: "greeting", part: "greeting" });
  private readonly _starters = h("div", { class: "starters", part: "starters" });
  private readonly _past: HTMLElement;
  private readonly _new: HTMLElement;
  private readonly _drawer: Drawer;
  private readonly _log: Log;
  private readonly _setting: Setting;
  private _view: View | undefined;
  private _seen = 0;
  private _seenSaid = 0;
  private _session = "";
  private _typingSaid = false;

  constructor(private readonly _language: Language, private readonly _actions: PanelActions,
              private readonly _heading: string | undefined, private readonly _isThread: boolean) {
    const { words, tag, dir } = _language;
    this._setting = {
      words, locale: tag, server: _actions.server, isShared: false, assistant: "", hasFeedback: false, votes: new Map(), isMine: (item) => this._isMine(item),
      onRetry: (id) => _actions.retry(id), onRemove: (id) => _actions.remove(id), onVote: (id, value) => this._vote(id, value),
      isDone: (value) => this._view!.items.some(({ key }) => key === value),
      onAct: (name, value) => _actions.ask({ type: "action", id: uuid(), name, value }),
    };
    this._log = new Log(this._setting, () => _actions.older());
    this._drawer = new Drawer(words, tag, { ask: (frame) => _actions.ask(frame), session: (id) => this._leaveFor(id) });
    this._composer = new Composer(words, {
      send: (text, files) => this._send(text, files), stop: () => _actions.stop(), typing: (on) => this._typing(on),
      upload: (file) => _actions.upload(file),
    });
    const button = (label: W, path: string, click: () => void): HTMLElement =>
      h("button", { class: "icon", part: "button", "aria-label": words(label), click }, icon(path));
    this._past = button(W.past, LIST, () => this._toggleDrawer(this._log.root.hidden === false));
    this._new = button(W.newChat, PLUS, () => this._leaveFor("new"));
    const close = button(W.close, CROSS, () => this.toggle(false));
    const header = h("header", { part: "header" }, h("div", {}, this._title, this._subtitle), this._past, this._new, close);
    const stage = h("div", { class: "stage" }, this._log.root, this._log.toEnd, this._drawer.root);
    this._panel = h("section", {
      class: "panel", part: "panel", id: "panel", role: "dialog", hidden: true, keydown: (event) => this._key(event as KeyboardEvent),
      dragover: (event) => event.preventDefault(), drop: (event) => this._composer.take(event, (event as DragEvent).dataTransfer),
    }, header, this._banner, stage, this._line, this._starters, this._composer.root, this._log.live);
    this._launcher = h("button", {
      class: "launcher", part: "launcher", "aria-controls": "panel", click: () => this.toggle(!this.isOpen),
    }, icon(CHAT), this._badge);
    this.root = h("div", { class: "root", dir, lang: tag }, this._panel, this._launcher);
  }

  toggle(open: boolean, mayFocus = true): void {
    if (open === this.isOpen) return;
    this.isOpen = open;
    this._panel.hidden = !open;
    set(this.root, "data-open", open);
    this._actions.toggled(open);
    if (this._view) this.draw(this._view);
    this._log.scrollToEnd();
    if (mayFocus) (open ? this._composer.input : this._launcher).focus();
  }

  draw(view: View): void {
    this._view = view;
    const { config, items, phase } = view;
    const { words } = this._language;
    const title = this._heading ?? config.title ?? words(W.title);
    say(this._title, title);
    say(this._subtitle, config.subtitle ?? "");
    set(this._panel, "aria-label", title);
    this._setting.assistant = title;
    this._setting.isShared = items.some((item) => item.role === "human" || (item.role === "user" && !this._isMine(item)));
    this._setting.hasFeedback = this._has("feedback");
    this._past.hidden = !(this._has("sessions") && !this._isThread) && !this._has("memories") && !this._has("forget");
    this._new.hidden = !this._has("sessions") || this._isThread;
    say(this._greeting, config.greeting ?? "");
    this._log.draw(view, config.greeting ? this._greeting : null);
    this._drawer.draw(view);
    this._drawBanner(view);
    this._drawLine(view);
    this._drawStarters(view);
    this._composer.update(config, items.some(isRunning), phase === "stopped");
    this._drawBadge(view);
  }

  private _has(feature: string): boolean {
    return Boolean(this._view?.config.features?.includes(feature));
  }

  private _isMine(item: Item): boolean {
    const { me, formerly = [] } = this._view ?? {};
    return item.role === "user" && (item.kind === "pending" || item.author.id === me?.id || formerly.includes(item.author.id));
  }

  private _send(text: string, files?: Attachment[]): void {
    this._actions.send(text, files);
    this._log.scrollToEnd();
  }

  private _typing(on: boolean): void {
    if (on === this._typingSaid || !this._has("typing")) return;
    this._typingSaid = on;
    this._actions.ask({ type: "typing", on });
  }

  private _vote(message_id: string, value: "up" | "down"): void {
    this._setting.votes.set(message_id, value);
    this._actions.ask({ type: "feedback", id: uuid(), message_id, value });
    if (this._view) this.draw(this._view);
  }

  private _leaveFor(session_id: string): void {
    this._toggleDrawer(false);
    this._actions.session(session_id);
    this._composer.input.focus();
  }

  private _toggleDrawer(isOpen: boolean): void {
    this._drawer.toggle(isOpen, this._view?.config.features ?? []);
    for (const part of [this._log.root, this._log.toEnd, this._composer.root, this._starters]) part.hidden = isOpen;
    set(this._past, "aria-pressed", String(isOpen));
    if (this._view) this.draw(this._view);
  }

  private _key(event: KeyboardEvent): void {
    if (event.key !== "Escape" || event.isComposing) return;
    event.stopPropagation();
    this.toggle(false);
  }

  private _drawBanner({ phase, notice }: View): void {
    const { words } = this._language;
    const code = notice?.code ?? "";
    const isStopped = phase === "stopped";
    const known = CODES[code];
    const isWaiting = phase === "waiting" || (phase === "connecting" && this._banner.textContent !== "");
    const text = notice ? (known === undefined ? notice.detail || words(W.denied) : words(known)) : isWaiting ? words(W.offline) : "";
    this._banner.hidden = !text;
    if (this._banner.firstChild?.textContent === text) return;
    set(this._banner, "role", isStopped ? "alert" : "status");
    const isGone = known === W.gone;
    const again = isStopped && (isGone || known === W.elsewhere)
      ? h("button", { click: () => (isGone ? this._leaveFor("new") : this._actions.restart()) }, words(isGone ? W.newChat : W.retry))
      : "";
    this._banner.replaceChildren(...(text ? [h("span", {}, text), again] : []));
  }

  private _drawLine({ line, mode }: View): void {
    const { words } = this._language;
    const texts = { typing: W.typing, joined: W.joined, left: W.left };
    const name = line?.text || this._setting.assistant;
    const standing = mode === "agent" ? "" : words(mode === "human" ? W.human : W.person);
    const text = !line ? standing : line.kind === "error" ? line.text : words(texts[line.kind], name);
    if (this._line.textContent === text) return;
    say(this._line, text);
    if (text && line?.kind !== "typing") this._log.announce(text);
  }

  private _drawStarters({ items, config, phase }: View): void {
    const starters = items.length || phase !== "ready" ? [] : (config.starters ?? []);
    if (this._starters.childElementCount === starters.length) return;
    this._starters.replaceChildren(...starters.map(({ label, value = label }) => h("button", { click: () => this._send(value) }, label)));
  }

  private _drawBadge({ items, past, session_id }: View): void {
    const { words } = this._language;
    if (session_id !== this._session) this._seen = this._seenSaid = 0;
    this._session = session_id;
    const stored = items.filter((item) => item.kind === "message");
    const last = stored.at(-1)?.order ?? 0;
    const isRead = this.isOpen && document.visibilityState === "visible";
    if (isRead || !this._seen) this._seen = Math.max(this._seen, isRead ? last : past);
    if (isRead && last > this._seenSaid) {
      this._seenSaid = last;
      this._actions.ask({ type: "seen", cursor: last });
    }
    const unread = stored.filter((item) => item.order > this._seen && !this._isMine(item)).length;
    this._badge.hidden = this.isOpen || unread === 0;
    say(this._badge, String(unread || ""));
    set(this._launcher, "aria-label", words(this.isOpen ? W.close : W.open) + (this._badge.hidden ? "" : ` ${unread}`));
    set(this._launcher, "aria-expanded", String(this.isOpen));
  }
}
