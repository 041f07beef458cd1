// Where the person writes. Enter sends, Shift+Enter breaks the line; a text too long is counted and not sent.
import { W, type Words } from "../lang/keys";
import { h, icon, say } from "./dom";

const COUNT_FROM = 0.85;
const SEND = "M4 12l16-8-6 16-3-7z";
const STOP = "M7 7h10v10H7z";

/** How many characters the server will count: code points, not UTF-16 units. */
export const lengthOf = (text: string): number => [...text].length;

export interface ComposerActions {
  send(text: string): void;
  stop(): void;
  typing(on: boolean): void;
}

export class Composer {
  readonly root: HTMLFormElement;
  readonly input: HTMLTextAreaElement;
  /** Of a message, in characters. */
  max = 4000;
  private readonly _count = h("div", { class: "count", role: "status", id: "count" });
  private readonly _send: HTMLButtonElement;
  private readonly _stop: HTMLButtonElement;

  constructor(words: Words, private readonly _actions: ComposerActions) {
    this.input = h("textarea", {
      part: "input", rows: "1", "aria-label": words(W.write), placeholder: words(W.write), "aria-describedby": "count",
      enterkeyhint: "send", autocomplete: "off", input: () => this._changed(), keydown: (event) => this._key(event as KeyboardEvent),
    });
    this._send = h("button", { class: "send", part: "send", "aria-label": words(W.send) }, icon(SEND));
    this._stop = h("button", {
      type: "button", class: "stop", part: "stop", "aria-label": words(W.stop), hidden: true, click: () => _actions.stop(),
    }, icon(STOP));
    this.root = h("form", { class: "composer", part: "composer", submit: (event) => this._submit(event) },
      this._count, h("div", { class: "row" }, this.input, this._stop, this._send));
    this._changed();
  }

  update(isRunning: boolean, isOff: boolean): void {
    this._stop.hidden = !isRunning;
    this.input.disabled = isOff;
    this._measure();
  }

  private _submit(event: Event): void {
    event.preventDefault();
    if (this._send.disabled) return;
    const text = this.input.value.trim();
    this.input.value = "";
    this._changed();
    this._actions.send(text);
  }

  private _key(event: KeyboardEvent): void {
    if (event.key === "Enter" && !event.shiftKey && !event.isComposing) this._submit(event);
  }

  private _changed(): void {
    const { input } = this;
    input.style.height = "";
    if (input.value && input.scrollHeight) input.style.height = `${input.scrollHeight}px`;
    this._actions.typing(input.value !== "");
    this._measure();
  }

  private _measure(): void {
    const length = lengthOf(this.input.value.trim());
    const over = length - this.max;
    say(this._count, length > this.max * COUNT_FROM ? `${length} / ${this.max}` : "");
    this._count.classList.toggle("over", over > 0);
    this.input.ariaInvalid = String(over > 0);
    this._send.disabled = this.input.disabled || length === 0 || over > 0;
  }
}
