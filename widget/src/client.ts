// One conversation for all tabs of a browser: one tab leads and holds the socket, the others show what it shows.
import type { Attachment, Upload } from "./frames";
import { Engine, type EngineOptions } from "./engine";
import { Machine } from "./machine";
import { type Patch, Receiver, Sender } from "./mirror";
import { claimsOf, EMPTY } from "./saved";
import { Store } from "./store";
import type { Input, Told, View } from "./types";
import { uuid } from "./uuid";

/** Between tabs: to the leader an input, a token, a greeting, a reset; from it that it leads, a patch, what the page is told. */
type Note = { input: Input } | { token: string } | { hi: true } | { reset: true } | { lead: true } | { patch: Patch } | { told: Told };

export class Client {
  private readonly _store: Store;
  private readonly _name: string;
  private _engine: Engine | undefined;
  private _channel: BroadcastChannel | undefined;
  private _sender = new Sender();
  private _receiver = new Receiver();
  private _view: View;
  private _isWanted = false;
  private _isHeard = false;
  private _lastAt = 0;
  private _leave = new AbortController();
  private readonly _wake = (): void => {
    if (document.visibilityState === "visible") this.step({ t: "wake" });
  };
  private readonly _life = new AbortController();

  constructor(private readonly _options: EngineOptions) {
    const { site, thread = "", name = "" } = _options.who;
    const scope = [_options.server, site, thread, thread && name].map(encodeURIComponent).join("|");
    this._store = new Store(scope);
    this._name = `parley:${scope}`;
    this._view = new Machine(_options.who, EMPTY, this._store.entries(this._sub), uuid, Math.random).view;
    const { signal } = this._life;
    for (const event of ["online", "offline", "focus", "visibilitychange"]) addEventListener(event, this._wake, { signal });
    addEventListener("pagehide", () => this._part(), { signal });
    addEventListener("pageshow", (event) => (event.persisted ? this._join() : this._wake()), { signal });
    this._join();
  }

  get view(): View {
    return this._view;
  }

  /** This person has a conversation to go back to, or something still to be sent. */
  private get _hasPast(): boolean {
    const { session_id, sub = this._sub } = this._store.load();
    return (session_id !== undefined && sub === this._sub) || this._store.entries(this._sub).length > 0;
  }

  private get _sub(): string | undefined {
    return claimsOf(this._options.token).sub;
  }

  start(fresh = false): void {
    this._isWanted = true;
    this.step({ t: "start", fresh });
  }

  /** Writes it down before anything else: whichever tab leads then sends it. Gives its id. */
  send(text: string, attachments?: Attachment[]): string {
    this._lastAt = Math.max(Date.now(), this._lastAt + 1);
    const entry = { id: uuid(), text, at: this._lastAt, who: this._sub, attachments };
    this._store.keep(entry);
    this._isWanted = true;
    this.step({ t: "send", entry });
    return entry.id;
  }

  get server(): string {
    return this._options.server;
  }

  /** Puts a file where the next message can take it. Rejects with an error whose text is short and in no language. */
  async upload(file: File): Promise<Attachment> {
    const { url, max_bytes } = this._view.config.upload as Upload;
    if (file.size > max_bytes) throw new Error(`> ${max_bytes / 2 ** 20} MB`);
    const answer = await fetch(new URL(`${url}&name=${encodeURIComponent(file.name)}`, this.server), { method: "POST", body: file });
    if (!answer.ok) throw new Error("");
    return answer.json() as Promise<Attachment>;
  }

  step(input: Input): void {
    if (this._engine) this._engine.step(input);
    else this._post({ input });
  }

  /** A fresh token of the same person, or of whom a visitor turns out to be; another person begins where they stood. */
  identify(token: string): void {
    const isSame = claimsOf(token).sub === this._sub;
    this._options.token = token;
    if (!this._engine) this._post({ token });
    else if (isSame || this._store.load().token) this._engine.step({ t: "token", token });
    else this._restart();
  }

  private _restart(): void {
    this._engine?.shut();
    this._lead([]);
  }

  /** Forgets who this was, on this browser, and starts again as somebody new. */
  reset(): void {
    if (!this._engine) return this._post({ reset: true });
    this._store.clear();
    this._options.token = undefined;
    this._isWanted = false;
    this._restart();
  }

  end(): void {
    this._life.abort();
    this._part();
  }

  /** Wait for the lead. A page without locks (not a secure context) leads for itself. */
  private _join(): void {
    this._leave = new AbortController();
    const { signal } = this._leave;
    if (!navigator.locks) return this._lead([]);
    this._channel = new BroadcastChannel(this._name);
    this._channel.onmessage = (event) => this._hear(event.data as Note);
    this._post({ hi: true });
    void navigator.locks.request(this._name, { signal }, () => new Promise<void>((done) => {
      signal.addEventListener("abort", () => done());
      this._lead(this._view.items);
    })).catch(() => undefined);
  }

  private _part(): void {
    this._leave.abort();
    this._engine?.shut();
    this._engine = undefined;
    this._channel?.close();
    this._channel = undefined;
  }

  private _lead(seed: View["items"]): void {
    this._engine = new Engine({
      ...this._options,
      onView: (view) => {
        this._draw(view);
        if (this._isHeard) this._post({ patch: this._sender.patch(view) });
      },
      onTold: (told) => {
        this._options.onTold(told);
        this._post({ told });
      },
    }, this._store, seed);
    this._draw(this._engine.view);
    this._post({ lead: true });
    if (this._isWanted || this._hasPast) this._engine.step({ t: "start" });
  }

  private _hear(note: Note): void {
    if (this._engine) {
      if ("hi" in note) this._greet(this._engine.view);
      if ("input" in note) this._engine.step(note.input);
      if ("token" in note) this.identify(note.token);
      if ("reset" in note) this.reset();
      return;
    }
    if ("told" in note) this._options.onTold(note.told);
    if ("lead" in note) this._post({ hi: true });
    if (!("patch" in note)) return;
    const view = this._receiver.view(note.patch);
    if (view) this._draw(view);
    else this._post({ hi: true });
  }

  /** Another tab looks on, from now on: it gets everything. */
  private _greet(view: View): void {
    this._isHeard = true;
    this._sender.forget();
    this._post({ patch: this._sender.patch(view) });
  }

  private _post(note: Note): void {
    this._channel?.postMessage(note);
  }

  private _draw(view: View): void {
    this._view = view;
    this._options.onView(view);
  }
}
