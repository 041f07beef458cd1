// Carries out what the state machine decides: sockets, timers, storage, the page's events.
import { parseFrame } from "./frames";
import type { Timer } from "./link";
import { Machine } from "./machine";
import { subOf } from "./saved";
import { openSocket, type Transport } from "./socket";
import { Store } from "./store";
import type { Effect, Identity, Input, Told, View } from "./types";

export interface ClientOptions {
  server: string;
  who: Identity;
  token?: string;
  onView: (view: View) => void;
  onTold: (told: Told) => void;
  /** The server no longer takes the page's token. Gives a fresh one, or null. */
  onTokenNeeded: () => Promise<string | null>;
}

const uuid = (): string => crypto.randomUUID?.() ?? uuidOf(crypto.getRandomValues(new Uint8Array(16)));

/** For pages that are not a secure context, where `randomUUID` is missing. */
function uuidOf(bytes: Uint8Array): string {
  bytes[6] = ((bytes[6] ?? 0) & 15) | 64;
  bytes[8] = ((bytes[8] ?? 0) & 63) | 128;
  const hex = [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
}

export class Client {
  readonly store: Store;
  private machine: Machine;
  private transport: Transport | undefined;
  private readonly timers = new Map<Timer, ReturnType<typeof setTimeout>>();
  private frameRequest = 0;
  private lastAt = 0;
  private readonly wake = (): void => {
    if (document.visibilityState === "visible") this.step({ t: "wake" });
  };

  constructor(private readonly options: ClientOptions) {
    const { site, thread, name } = options.who;
    this.store = new Store([site, thread ?? "", thread && name ? name : ""].map(encodeURIComponent).join("|"));
    this.machine = this.build(options.token);
    for (const event of ["online", "pageshow", "focus"]) addEventListener(event, this.wake);
    document.addEventListener("visibilitychange", this.wake);
  }

  get view(): View {
    return this.machine.view;
  }

  /** There is a conversation to go back to, or something still to be sent. */
  get hasPast(): boolean {
    return this.store.load().session_id !== undefined || this.store.entries().length > 0;
  }

  start(fresh = false): void {
    this.step({ t: "start", fresh });
  }

  /** Writes it down before anything else, then sends it. Gives its id. */
  send(text: string): string {
    this.lastAt = Math.max(Date.now(), this.lastAt + 1);
    const entry = { id: uuid(), text, at: this.lastAt };
    this.step({ t: "send", entry });
    return entry.id;
  }

  step(input: Input): void {
    for (const effect of this.machine.step(input)) this.carryOut(effect);
  }

  /** Forgets who this was, on this browser only, and starts again as somebody new. */
  reset(): void {
    this.shut();
    this.store.clear();
    this.machine = this.build(undefined);
    this.draw();
  }

  end(): void {
    this.shut();
    for (const event of ["online", "pageshow", "focus"]) removeEventListener(event, this.wake);
    document.removeEventListener("visibilitychange", this.wake);
  }

  private build(token: string | undefined): Machine {
    let saved = this.store.load();
    const sub = token ? subOf(token) : undefined;
    if (saved.sub && saved.sub !== sub) {
      this.store.clear();
      saved = this.store.load();
    }
    if (sub && !saved.token) saved = { ...saved, sub };
    return new Machine(this.options.who, saved, this.store.entries(), uuid, Math.random, token);
  }

  private shut(): void {
    this.transport?.close(1000);
    this.transport = undefined;
    for (const timer of this.timers.values()) clearTimeout(timer);
    this.timers.clear();
  }

  private carryOut(effect: Effect): void {
    switch (effect.do) {
      case "connect": return this.connect();
      case "close": this.transport?.close(effect.code); this.transport = undefined; return;
      case "frame": return this.transport?.send(JSON.stringify(effect.frame));
      case "timer": return this.setTimer(effect.name, effect.ms);
      case "cancel": return this.clearTimer(effect.name);
      case "save": return this.store.save(effect.saved);
      case "keep": return this.store.keep(effect.entry);
      case "unkeep": return this.store.unkeep(effect.id);
      case "view": return this.draw();
      case "tell": return this.options.onTold(effect.told);
      case "ask-token": void this.options.onTokenNeeded().then((token) => this.step({ t: "token", token })); return;
    }
  }

  private connect(): void {
    this.transport?.close(1000);
    this.transport = openSocket(this.options.server, {
      open: () => this.step({ t: "open" }),
      text: (text) => {
        const frame = parseFrame(text);
        if (frame) this.step({ t: "frame", frame });
      },
      closed: (code) => {
        this.transport = undefined;
        this.step({ t: "closed", code });
      },
    });
  }

  private setTimer(name: Timer, ms: number): void {
    this.clearTimer(name);
    this.timers.set(name, setTimeout(() => {
      this.timers.delete(name);
      this.step({ t: "timer", name });
    }, ms));
  }

  private clearTimer(name: Timer): void {
    clearTimeout(this.timers.get(name));
    this.timers.delete(name);
  }

  /** Many changes, one picture: at most once per frame. A hidden tab draws when it is seen again. */
  private draw(): void {
    this.frameRequest ||= requestAnimationFrame(() => {
      this.frameRequest = 0;
      this.options.onView(this.machine.view);
    });
  }
}
