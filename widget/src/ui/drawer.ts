// Past conversations, and what is remembered about the person.
import type { ClientFrame, MemoryRow, SessionRow } from "../frames";
import { W, type Words } from "../lang/keys";
import type { View } from "../types";
import { uuid } from "../uuid";
import { h, icon } from "./dom";

export interface DrawerActions {
  ask(frame: ClientFrame): void;
  session(session_id: string): void;
}

export const CROSS = "M6 6l12 12M18 6L6 18";

export class Drawer {
  readonly root = h("div", { class: "drawer", part: "drawer", hidden: true });
  private _shown: unknown[] = [];

  constructor(private readonly _words: Words, private readonly _locale: string, private readonly _actions: DrawerActions) {}

  /** Shows or hides it; asks the server for what it shows. */
  toggle(isOpen: boolean, features: readonly string[]): void {
    this.root.hidden = !isOpen;
    if (!isOpen) return;
    if (features.includes("sessions")) this._actions.ask({ type: "sessions", limit: 20 });
    if (features.includes("memories")) this._memories("list");
  }

  draw({ sessions, memories, session_id, config }: View): void {
    const canForget = config.features?.includes("forget");
    const shown = [sessions, memories, session_id, canForget];
    if (this.root.hidden || shown.every((part, i) => part === this._shown[i])) return;
    this._shown = shown;
    const words = this._words;
    this.root.replaceChildren(
      h("h3", {}, words(W.past)),
      h("ul", {}, ...(sessions ?? []).map((row) => this._session(row, session_id))),
      ...(memories?.length ? [h("h3", {}, words(W.memories)), h("ul", {}, ...memories.map((row) => this._memory(row)))] : []),
      ...(canForget ? [h("button", { class: "danger", click: () => this._forget() }, words(W.erase))] : []),
    );
  }

  private _session(row: SessionRow, current: string): Node {
    const at = row.updated_at ? new Date(row.updated_at).toLocaleString(this._locale, { dateStyle: "medium", timeStyle: "short" }) : "";
    return h("li", {}, h("button", {
      "aria-current": row.session_id === current ? "true" : null, click: () => this._actions.session(row.session_id),
    }, h("span", {}, row.title || at), row.title ? h("small", {}, at) : null));
  }

  private _memory({ memory_id, memory }: MemoryRow): Node {
    const input = h("input", {
      value: memory, "aria-label": this._words(W.memories), change: () => this._memories("update", { memory_id, memory: input.value }),
    });
    return h("li", {}, input, h("button", {
      class: "icon", "aria-label": `${this._words(W.remove)}: ${memory}`, click: () => this._memories("delete", { memory_id }),
    }, icon(CROSS)));
  }

  private _memories(op: "list" | "update" | "delete", more: { memory_id?: string; memory?: string } = {}): void {
    this._actions.ask({ type: "memories", id: uuid(), op, ...more });
  }

  /** Asked once more before it is done: it cannot be undone. */
  private _forget(): void {
    if (confirm(`${this._words(W.erase)}?`)) this._actions.ask({ type: "forget", id: uuid() });
  }
}
