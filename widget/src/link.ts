// The life of the connection: when to connect, when it counts as dead, what a close means. No socket, no clock.
import { backoff, PROBE_MS, silenceMs, verdictOf, WELCOME_MS } from "./policy";

export type Phase = "idle" | "connecting" | "ready" | "waiting" | "stopped";
export type Timer = "connect" | "silence" | "ack" | "line";
export type LinkEffect =
  | { do: "connect" }
  | { do: "close"; code: number }
  | { do: "timer"; name: Timer; ms: number }
  | { do: "cancel"; name: Timer }
  | { do: "ping" }
  | { do: "ask-token" };

/** No connection, nothing to wait for on it. */
const OFF: LinkEffect[] = [{ do: "cancel", name: "silence" }, { do: "cancel", name: "ack" }];
/** Closes by which the browser says a path it opened itself is of no use any more. */
const DEAD = 4008;

export class Link {
  phase: Phase = "idle";
  private _attempt = 0;
  private _strikes = 0;
  private _askedForToken = false;
  private _notBefore_ms = 0;
  private _heartbeat_s = 25;

  constructor(private readonly _random: () => number) {}

  /** Connect unless it already does. After a stop only `fresh` does: the person or the page asked for it. */
  start(fresh = false): LinkEffect[] {
    if (this.phase === "stopped" && !fresh) return [];
    if (this.phase === "connecting" || this.phase === "ready") return [];
    if (fresh) this._attempt = this._strikes = 0;
    return this._connect();
  }

  /** The socket is open and `hello` is on its way: `welcome` must come in time. */
  opened(): LinkEffect[] {
    return [{ do: "timer", name: "silence", ms: WELCOME_MS }];
  }

  /** The ping makes the server speak once more: a server that only ever welcomes and dies does not reset the back-off. */
  welcomed(heartbeat_s: number): LinkEffect[] {
    this.phase = "ready";
    this._askedForToken = false;
    this._heartbeat_s = heartbeat_s;
    return [this._silenceTimer(), { do: "ping" }];
  }

  /** Any frame after `welcome`: the path lives. */
  heard(): LinkEffect[] {
    if (this.phase !== "ready") return [];
    this._attempt = 0;
    return [this._silenceTimer()];
  }

  private _silenceTimer(): LinkEffect {
    return { do: "timer", name: "silence", ms: silenceMs(this._heartbeat_s) };
  }

  /** The server took work from us: what it held against this client is forgotten. */
  served(): void {
    this._strikes = 0;
  }

  /** The network is back, or the page is looked at again. A waiting link tries at once, a ready one is asked to answer. */
  wake(): LinkEffect[] {
    if (this.phase === "waiting") return this._strikes || this._askedForToken ? [] : this._connect();
    const probe: LinkEffect = { do: "timer", name: "silence", ms: PROBE_MS };
    if (this.phase === "connecting") return [probe];
    return this.phase === "ready" ? [{ do: "ping" }, probe] : [];
  }

  /** Nothing came for too long. The browser may take minutes to close such a socket; it is given up here. */
  silent(): LinkEffect[] {
    return [{ do: "close", code: DEAD }, ...this.closed(1006)];
  }

  /** The server will restart: not sooner than it says. */
  bye(reconnectAfter_ms: number): void {
    this._notBefore_ms = Math.min(Math.max(0, reconnectAfter_ms), 60_000);
  }

  closed(code: number): LinkEffect[] {
    if (this.phase === "stopped" || this.phase === "idle") return [];
    const verdict = verdictOf(code);
    if (verdict === "token" && !this._askedForToken) {
      this._askedForToken = true;
      this.phase = "waiting";
      return [...OFF, { do: "cancel", name: "connect" }, { do: "ask-token" }];
    }
    if (verdict === "stop" || verdict === "token") return this.stop();
    if (verdict === "slow") this._strikes += 1;
    this.phase = "waiting";
    const ms = this._notBefore_ms + backoff(this._attempt + this._strikes, this._random);
    this._attempt += 1;
    this._notBefore_ms = 0;
    return [...OFF, { do: "timer", name: "connect", ms }];
  }

  /** No further try until `start(true)`. */
  stop(): LinkEffect[] {
    this.phase = "stopped";
    return [...OFF, { do: "cancel", name: "connect" }];
  }

  private _connect(): LinkEffect[] {
    this.phase = "connecting";
    return [{ do: "cancel", name: "connect" }, { do: "timer", name: "silence", ms: WELCOME_MS }, { do: "connect" }];
  }
}
