// What the person writes, from the first paint until the server has it. Effects go to `out`.
import type { ServerFrame } from "./frames";
import { type Entry, Outbox } from "./outbox";
import { ACK_MS } from "./policy";
import { PENDING, type Transcript } from "./transcript";
import type { Effect } from "./types";

export class Desk {
  private readonly outbox: Outbox;
  private isReady = false;

  constructor(private readonly transcript: Transcript, saved: readonly Entry[], private readonly uuid: () => string,
              private readonly out: (...effects: Effect[]) => void) {
    this.outbox = new Outbox(saved);
    this.showAll();
  }

  get isWaiting(): boolean {
    return this.outbox.list().some((entry) => !entry.failed);
  }

  showAll(): void {
    for (const entry of this.outbox.list()) this.show(entry);
  }

  /** The server welcomed us: what waits goes out. */
  open(): void {
    this.isReady = true;
    this.showAll();
    this.flush();
  }

  /** The connection is gone: what was on its way waits again. */
  close(): void {
    this.isReady = false;
    this.outbox.release();
    this.showAll();
  }

  /** An ack is overdue, or the time the server asked for is over. */
  again(): void {
    this.outbox.release();
    this.flush();
  }

  /** Draws an entry of the outbox as it stands. */
  private show(entry: Entry): void {
    const state = entry.failed ? "failed" : this.isReady ? "sending" : "waiting";
    this.transcript.put({
      key: entry.id, order: PENDING + entry.at, kind: "pending", id: "", role: "user",
      author: { id: "", name: null }, text: entry.text,
      at: new Date(entry.at).toISOString(), state, ...(entry.failed ? { error: entry.failed.message } : {}),
    });
  }

  send(entry: Entry): void {
    if (this.outbox.get(entry.id)) return;
    this.outbox.add(entry);
    this.out({ do: "keep", entry });
    this.show(entry);
    this.out({ do: "view" });
    this.flush();
  }

  private flush(): void {
    if (!this.isReady) return;
    const frame = this.outbox.next();
    if (!frame) return;
    this.out({ do: "frame", frame }, { do: "timer", name: "ack", ms: ACK_MS });
  }

  /** The server has it. Says whether it was still open here. */
  settle(id: string): boolean {
    if (!this.outbox.settle(id)) return false;
    this.out({ do: "unkeep", id }, { do: "cancel", name: "ack" }, { do: "view" });
    this.flush();
    return true;
  }

  /** Refused: for good, or until the time it says. Says whether it was one of ours. */
  nack(frame: Extract<ServerFrame, { type: "nack" }>): boolean {
    const mayRetry = typeof frame.retry_after === "number";
    const entry = this.outbox.refuse(frame.id, frame.code, frame.message ?? "", mayRetry);
    if (!entry) return false;
    if (mayRetry) {
      this.out({ do: "timer", name: "ack", ms: Math.max(0.1, frame.retry_after ?? 1) * 1000 });
      return true;
    }
    this.out({ do: "keep", entry });
    this.show(entry);
    this.out({ do: "view" });
    this.flush();
    return true;
  }

  /** Again, in its old place. An id the server holds for another text is of no use: that one gets a new id. */
  retry(id: string): void {
    const entry = this.outbox.get(id);
    if (!entry?.failed) return;
    const { failed, ...rest } = entry;
    this.discard(id);
    this.send(failed.code === "conflict" ? { ...rest, id: this.uuid() } : rest);
  }

  discard(id: string): void {
    this.outbox.settle(id);
    this.transcript.drop(id);
    this.out({ do: "unkeep", id }, { do: "view" });
  }
}
