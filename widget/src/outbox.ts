// Messages written and not yet stored by the server. One is on its way at a time, so their order holds through any cut.
import type { Send } from "./frames";

export interface Entry {
  /** A uuid, the idempotency key: the same id with the same text is one message however often it is sent. */
  id: string;
  text: string;
  /** Milliseconds, of the writing: the order among entries. */
  at: number;
  reply_to?: string;
  /** Refused for good; waits for the person to retry or delete it. */
  failed?: { code: string; message: string };
}

export class Outbox {
  private readonly entries = new Map<string, Entry>();
  private inFlight: string | undefined;
  private held = false;

  constructor(saved: readonly Entry[] = []) {
    for (const entry of saved) this.add(entry);
  }

  list(): readonly Entry[] {
    return [...this.entries.values()].sort((a, b) => a.at - b.at);
  }

  get(id: string): Entry | undefined {
    return this.entries.get(id);
  }

  /** Adds it, or puts it in the place of the entry of the same id. */
  add(entry: Entry): void {
    this.entries.set(entry.id, entry);
  }

  isSending(id: string): boolean {
    return this.inFlight === id;
  }

  /** The frame to send now, if one may be: nothing else is on its way and the server has not asked to wait. */
  next(): Send | undefined {
    if (this.inFlight !== undefined || this.held) return undefined;
    const entry = this.list().find((one) => !one.failed);
    if (!entry) return undefined;
    this.inFlight = entry.id;
    return { type: "send", id: entry.id, text: entry.text, ...(entry.reply_to ? { reply_to: entry.reply_to } : {}) };
  }

  /** The server has it, by its ack or by the message itself. Says whether it was still here. */
  settle(id: string): boolean {
    if (this.inFlight === id) this.inFlight = undefined;
    return this.entries.delete(id);
  }

  /** The server refused it: for good, or until `release`. */
  refuse(id: string, code: string, message: string, mayRetry: boolean): Entry | undefined {
    if (this.inFlight === id) this.inFlight = undefined;
    const entry = this.entries.get(id);
    if (!entry) return undefined;
    this.held = mayRetry;
    if (mayRetry) return entry;
    const failed = { ...entry, failed: { code, message } };
    this.entries.set(id, failed);
    return failed;
  }

  /** The connection is gone, or an ack is overdue: what was on its way is to be sent again. */
  release(): void {
    this.inFlight = undefined;
    this.held = false;
  }
}
