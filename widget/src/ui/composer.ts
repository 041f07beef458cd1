// Where the person writes. Enter sends, Shift+Enter breaks the line; a text too long is counted and not sent.
import { fill } from "../lang";
import type { Words } from "../lang/keys";
import { h, icon, say } from "./dom";

export const MAX_CHARS = 4000;
const COUNT_FROM = 3500;
const SEND = "M4 12l16-8-6 16-3-7z";
const STOP = "M7 7h10v10H7z";

/** How many characters the server will count: code points, not UTF-16 units. */
export const lengthOf = (text: string): number => [...text].length;

export class Composer {
  readonly root: HTMLFormElement;
  readonly input: HTMLTextAreaElement;
  private readonly count = h("div", { class: "count", role: "status", id: "count" });
  private readonly sendButton: HTMLButtonElement;
  private readonly stopButton: HTMLButtonElement;

  constructor(private readonly words: Words, private readonly onSend: (text: string) => void, onStop: () => void,
              private readonly onTyping: (on: boolean) => void) {
    this.input = h("textarea", {
      part: "input", rows: "1", "aria-label": words.write, placeholder: words.write, "aria-describedby": "count", dir: "auto",
      enterkeyhint: "send", autocomplete: "off", input: () => this.changed(), keydown: (event) => this.key(event as KeyboardEvent),
    });
    this.sendButton = h("button", { type: "submit", class: "send", part: "send", "aria-label": words.send }, icon(SEND));
    this.stopButton = h("button", { type: "button", class: "stop", part: "stop", "aria-label": words.stop, hidden: true, click: onStop }, icon(STOP));
    const row = h("div", { class: "row" }, this.input, this.stopButton, this.sendButton);
    this.root = h("form", { class: "composer", part: "composer", submit: (event) => this.submit(event) }, this.count, row);
    this.changed();
  }

  update(isRunning: boolean, isStopped: boolean): void {
    this.stopButton.hidden = !isRunning;
    this.input.disabled = isStopped;
    this.enable();
  }

  /** What is written and not sent; survives a reload with the page's help. */
  get draft(): string {
    return this.input.value;
  }

  private submit(event: Event): void {
    event.preventDefault();
    const text = this.input.value.trim();
    if (!text || lengthOf(text) > MAX_CHARS) return;
    this.input.value = "";
    this.changed();
    this.onSend(text);
  }

  private key(event: KeyboardEvent): void {
    if (event.key === "Enter" && !event.shiftKey && !event.isComposing) this.submit(event);
  }

  private changed(): void {
    const length = lengthOf(this.input.value.trim());
    const over = length - MAX_CHARS;
    this.count.classList.toggle("over", over > 0);
    say(this.count, over > 0 ? fill(this.words.tooLong, over) : length >= COUNT_FROM ? fill(this.words.left, -over) : "");
    this.input.setAttribute("aria-invalid", String(over > 0));
    this.grow();
    this.onTyping(length > 0);
    this.enable();
  }

  /** As high as its text, once it can be measured. */
  grow(): void {
    this.input.style.height = "";
    if (this.input.scrollHeight && this.input.value) this.input.style.height = `${this.input.scrollHeight}px`;
  }

  private enable(): void {
    const length = lengthOf(this.input.value.trim());
    this.sendButton.disabled = this.input.disabled || length === 0 || length > MAX_CHARS;
  }
}
