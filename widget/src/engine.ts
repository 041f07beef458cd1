// Carries out what the state machine decides: sockets, timers, storage. One per browser: in the tab that leads.
import { openEvents } from "./events";
import { parseFrame } from "./frames";
import type { Timer } from "./link";
import { Machine } from "./machine";
import { pathFor } from "./policy";
import { claimsOf, EMPTY } from "./saved";
import { openSocket, type Transport } from "./socket";
import type { Store } from "./store";
import type { Item } from "./transcript";
import type { Effect, Identity, Input, Told, View } from "./types";
import { uuid } from "./uuid";

export interface EngineOptions {
  server: string;
  who: Identity;
  token?: string | undefined;
  onView: (view: View) => void;
  onTold: (told: Told) => void;
  /** The server no longer takes the page's token, or it will soon be too old. Gives a fresh one, or null. */
  onTokenNeeded: () => Promise<string | null>;
}

/** A token is renewed so long before it ends. */
const RENEW_MS = 60_000;
/** After so many tries in vain the page is told. A handshake refused for its origin looks no different from here. */
const TELL_AFTER = 4;

export class Engine {
  private readonly _machine: Machine;
  private _transport: Transport | undefined;
  private readonly _timers = new Map<string, ReturnType<typeof setTimeout>>();
  private _failures = 0;
  private _isChanged = false;

  constructor(private readonly _options: EngineOptions, private readonly _store: Store, seed: readonly Item[]) {
    const { who, token } = _options;
    const { sub } = claimsOf(token);
    let saved = _store.load();
    if (saved.sub && saved.sub !== sub) saved = EMPTY;
    if (sub && !saved.token) saved = { ...saved, sub };
    this._machine = new Machine(who, saved, _store.entries(sub), uuid, Math.random, token, seed);
    this._renewLater(token);
  }

  get view(): View {
    return this._machine.view;
  }

  step(input: Input): void {
    if (input.t === "token" && input.token) this._renewLater(input.token);
    for (const effect of this._machine.step(input)) this._carryOut(effect);
    if (this._isChanged) {
      this._isChanged = false;
      this._options.onView(this._machine.view);
    }
  }

  /** No socket and no timer is left. */
  shut(): void {
    this._transport?.close(1000);
    this._transport = undefined;
    for (const timer of this._timers.values()) clearTimeout(timer);
  }

  private _carryOut(effect: Effect): void {
    switch (effect.do) {
      case "connect": return this._connect();
      case "close": this._transport?.close(effect.code === 1000 ? 1000 : 4008); this._transport = undefined; return;
      case "frame": return this._transport?.send(JSON.stringify(effect.frame));
      case "timer": return this._setTimer(effect.name, effect.ms, () => this.step({ t: "timer", name: effect.name as Timer }));
      case "cancel": return clearTimeout(this._timers.get(effect.name));
      case "save": return this._store.save(effect.saved);
      case "keep": return this._store.keep(effect.entry);
      case "unkeep": return this._store.unkeep(effect.id);
      case "view": this._isChanged = true; return;
      case "tell": return this._tell(effect.told);
      case "ask-token": return this._askToken();
    }
  }

  private _tell(told: Told): void {
    if (told.name === "ready") this._failures = 0;
    this._options.onTold(told);
  }

  private _askToken(): void {
    void this._options.onTokenNeeded().then((token) => this.step({ t: "token", token }));
  }

  private _connect(): void {
    this._transport?.close(1000);
    if (this._failures === TELL_AFTER) this._options.onTold({ name: "error", data: { code: "unreachable", message: "" } });
    const open = pathFor(this._failures++) === "socket" ? openSocket : openEvents;
    this._transport = open(this._options.server, {
      open: () => this.step({ t: "open" }),
      text: (text) => {
        const frame = parseFrame(text);
        if (frame) this.step({ t: "frame", frame });
      },
      closed: (code, reason) => {
        this._transport = undefined;
        this.step({ t: "closed", code, reason });
      },
    });
  }

  private _setTimer(name: string, ms: number, then: () => void): void {
    clearTimeout(this._timers.get(name));
    this._timers.set(name, setTimeout(then, ms));
  }

  private _renewLater(token: string | undefined): void {
    const { exp } = claimsOf(token);
    if (!exp) return;
    this._setTimer("renew", Math.max(5000, exp * 1000 - Date.now() - RENEW_MS), () => this._askToken());
  }
}
