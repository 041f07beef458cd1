// What the person writes, from the first paint until the server has it. Effects go to `out`.
import type { ServerFrame } from "./frames";
import { type Entry, Outbox } from "./outbox";
import { ACK_MS } from "./policy";
import { PENDING, type Transcript } from "./transcript";
import type { Effect } from "./types";

export class Desk {
  private readonly _outbox: Outbox;
  private _isReady = false;

  constructor(private readonly _transcript: Transcript, saved: readonly Entry[], private readonly _uuid: () => string,
              private readonly _out: (...effects: Effect[]) => void) {
    this._outbox = new Outbox(saved);
    this.showAll();
  }

  get isWaiting(): boolean {
    return this._outbox.list().some((entry) => !entry.failed);
  }

  showAll(): void {
    for (const entry of this._outbox.list()) this._show(entry);
  }

  /** The server welcomed us: what waits goes out. */
  open(): void {
    this._isReady = true;
    this.showAll();
    this._flush();
  }

  /** The connection is gone: what was on its way waits again. */
  close(): void {
    this._isReady = false;
    this._outbox.release();
    this.showAll();
  }

  /** An ack is overdue, or the time the server asked for is over. */
  again(): void {
    this._outbox.release();
    this._flush();
  }

  /** Draws an entry of the outbox as it stands. */
  private _show(entry: Entry): void {
    const state = entry.failed ? "failed" : this._isReady ? "sending" : "waiting";
    this._transcript.put({
      key: entry.id, order: PENDING + entry.at, kind: "pending", id: "", role: "user",
      author: { id: "", name: null }, text: entry.text,
      at: new Date(entry.at).toISOString(), state, error: entry.failed?.message,
      attachments: entry.attachments,
    });
  }

  send(entry: Entry): void {
    if (this._outbox.get(entry.id)) return;
    this._outbox.add(entry);
    this._out({ do: "keep", entry });
    this._show(entry);
    this._out({ do: "view" });
    this._flush();
  }

  private _flush(): void {
    if (!this._isReady) return;
    const frame = this._outbox.next();
    if (!frame) return;
    this._out({ do: "frame", frame }, { do: "timer", name: "ack", ms: ACK_MS });
  }

  /** The server has it. Says whether it was still open here. */
  settle(id: string): boolean {
    if (!this._outbox.settle(id)) return false;
    this._out({ do: "unkeep", id }, { do: "cancel", name: "ack" }, { do: "view" });
    this._flush();
    return true;
  }

  /** Refused: for good, or until the time it says. Says whether it was one of ours. */
  nack(frame: Extract<ServerFrame, { type: "nack" }>): boolean {
    const mayRetry = typeof frame.retry_after === "number";
    const entry = this._outbox.refuse(frame.id, frame.code, frame.message ?? "", mayRetry);
    if (!entry) return false;
    if (mayRetry) {
      this._out({ do: "timer", name: "ack", ms: Math.max(0.1, frame.retry_after ?? 1) * 1000 });
      return true;
    }
    this._out({ do: "keep", entry });
    this._show(entry);
    this._out({ do: "view" });
    this._flush();
    return true;
  }

  /** Again, in its old place. An id the server holds for another text is of no use: that one gets a new id. */
  retry(id: string): void {
    const entry = this._outbox.get(id);
    if (!entry?.failed) return;
    const { failed, ...rest } = entry;
    this.discard(id);
    this.send(failed.code === "conflict" ? { ...rest, id: this._uuid() } : rest);
  }

  discard(id: string): void {
    this._outbox.settle(id);
    this._transcript.drop(id);
    this._out({ do: "unkeep", id }, { do: "view" });
  }
}
