// Where the person writes. Enter sends, Shift+Enter breaks the line; a text too long is counted and not sent.
import type { Attachment, SiteConfig } from "../frames";
import { W, type Words } from "../lang/keys";
import { h, icon, say, set } from "./dom";

const COUNT_FROM = 0.85;
const SEND = "M4 12l16-8-6 16-3-7z";
const CLIP = "M20 11l-8.5 8.5a5 5 0 01-7-7L13 4a3.4 3.4 0 015 5l-8.5 8.5a1.7 1.7 0 01-2.5-2.5L15 7";
const STOP = "M7 7h10v10H7z";

/** How many characters the server will count: code points, not UTF-16 units. */
export const lengthOf = (text: string): number => [...text].length;

export interface ComposerActions {
  send(text: string, files: Attachment[]): void;
  upload(file: File): Promise<Attachment>;
  stop(): void;
  typing(on: boolean): void;
}

export class Composer {
  readonly root: HTMLFormElement;
  readonly input: HTMLTextAreaElement;
  private _max = 4000;
  private _files: Attachment[] = [];
  private readonly _chips = h("div", { class: "files" });
  private readonly _picker: HTMLInputElement;
  private readonly _clip: HTMLElement;
  private _uploading = 0;
  private _room = 0;
  private readonly _count = h("div", { class: "count", role: "status", id: "count" });
  private readonly _send: HTMLButtonElement;
  private readonly _stop: HTMLButtonElement;
  private _note = "";

  constructor(private readonly _words: Words, private readonly _actions: ComposerActions) {
    this.input = h("textarea", {
      part: "input", rows: "1", "aria-label": _words(W.write), placeholder: _words(W.write), "aria-describedby": "count",
      enterkeyhint: "send", autocomplete: "off", input: () => this._changed(), keydown: (event) => this._key(event as KeyboardEvent),
      paste: (event) => this.take(event, (event as ClipboardEvent).clipboardData),
    });
    this._picker = h("input", {
      type: "file", multiple: true, hidden: true, change: () => {
        this._upload(this._picker.files);
        this._picker.value = "";
      },
    });
    this._clip = h("button", {
      class: "icon", part: "attach", "aria-label": _words(W.attach), click: () => this._picker.click(),
    }, icon(CLIP));
    this._send = h("button", { type: "submit", class: "send", part: "send", "aria-label": _words(W.send) }, icon(SEND));
    this._stop = h("button", {
      class: "stop", part: "stop", "aria-label": _words(W.stop), hidden: true, click: () => _actions.stop(),
    }, icon(STOP));
    this.root = h("form", { class: "composer", part: "composer", submit: (event) => this._submit(event) },
      this._count, this._chips, h("div", { class: "row" }, this._clip, this._picker, this.input, this._stop, this._send));
    this._changed();
  }

  update({ max_chars, upload }: SiteConfig, isRunning: boolean, isOff: boolean): void {
    this._max = max_chars ?? this._max;
    this._clip.hidden = !upload;
    this._room = upload?.max_files ?? 0;
    set(this._picker, "accept", String(upload?.accept));
    this._stop.hidden = !isRunning;
    this.input.disabled = isOff;
    this._measure();
  }

  private _submit(event: Event): void {
    event.preventDefault();
    if (this._send.disabled) return;
    const text = this.input.value.trim();
    const files = this._files;
    this.input.value = "";
    this._files = [];
    this._changed();
    this._actions.send(text, files);
  }

  /** Files that were pasted or dropped. Anything else is left to the browser. */
  take(event: Event, data: DataTransfer | null): void {
    if (!data?.files.length || !this._room) return;
    event.preventDefault();
    this._upload(data.files);
  }

  /** The files go at once; those that were taken wait here as chips, in the order of their choice, until the message is sent. */
  private _upload(files: FileList | null): void {
    const surplus = [...(files ?? [])];
    const chosen = surplus.splice(0, this._room - this._files.length - this._uploading);
    const refuse = (file: File, why = ""): void => {
      this._note = `${this._words(W.failed)}: ${file.name} ${why}`;
    };
    this._note = "";
    if (surplus[0]) refuse(surplus[0]);
    this._uploading += chosen.length;
    void Promise.all(chosen.map((file) => this._actions.upload(file).catch((error: Error) => void refuse(file, error.message)))).then((taken) => {
      this._files.push(...taken.filter((one) => one !== undefined));
      this._uploading -= chosen.length;
      this._changed();
    });
    this._changed();
  }

  private _key(event: KeyboardEvent): void {
    if (event.key === "Enter" && !event.shiftKey && !event.isComposing) this._submit(event);
  }

  private _changed(): void {
    const { input } = this;
    input.style.height = "";
    if (input.value && input.scrollHeight) input.style.height = `${input.scrollHeight}px`;
    this._actions.typing(input.value !== "");
    this._chips.replaceChildren(...this._files.map((one, index) => h("button", {
      "aria-label": `${this._words(W.remove)}: ${one.name}`, click: () => {
        this._files.splice(index, 1);
        this._changed();
      },
    }, `${one.name} ✕`)), this._uploading ? "…" : "");
    this._measure();
  }

  private _measure(): void {
    const length = lengthOf(this.input.value.trim());
    const over = length - this._max;
    say(this._count, length > this._max * COUNT_FROM ? `${length} / ${this._max}` : this._note);
    this._count.classList.toggle("over", over > 0 || this._note !== "");
    this.input.ariaInvalid = String(over > 0);
    this._send.disabled = this.input.disabled || this._uploading > 0 || over > 0 || !(length || this._files.length);
  }
}
