// Messages written and not yet stored by the server. One is on its way at a time, so their order holds through any cut.
import type { Attachment, Send } from "./frames";

export interface Entry {
  /** A uuid, the idempotency key: the same id with the same text is one message however often it is sent. */
  id: string;
  text: string;
  /** Milliseconds, of the writing: the order among entries. */
  at: number;
  attachments?: Attachment[] | undefined;
  /** `sub` of the site's token under which it was written; nothing for a visitor. */
  who?: string | undefined;
  /** Refused for good; waits for the person to retry or delete it. */
  failed?: { code: string; message: string };
}

export class Outbox {
  private readonly _entries = new Map<string, Entry>();
  private _inFlight: string | undefined;
  private _held = false;

  constructor(saved: readonly Entry[] = []) {
    for (const entry of saved) this.add(entry);
  }

  list(): readonly Entry[] {
    return [...this._entries.values()].sort((a, b) => a.at - b.at);
  }

  get(id: string): Entry | undefined {
    return this._entries.get(id);
  }

  /** Adds it, or puts it in the place of the entry of the same id. */
  add(entry: Entry): void {
    this._entries.set(entry.id, entry);
  }

  /** The frame to send now, if one may be: nothing else is on its way and the server has not asked to wait. */
  next(): Send | undefined {
    if (this._inFlight !== undefined || this._held) return undefined;
    const entry = this.list().find((one) => !one.failed);
    if (!entry) return undefined;
    this._inFlight = entry.id;
    const { id, text, attachments } = entry;
    return { type: "send", id, text, attachments: attachments?.map((one) => ({ id: one.id as string })) };
  }

  /** The server has it, by its ack or by the message itself. Says whether it was still here. */
  settle(id: string): boolean {
    if (this._inFlight === id) this._inFlight = undefined;
    return this._entries.delete(id);
  }

  /** The server refused it: for good, or until `release`. */
  refuse(id: string, code: string, message: string, mayRetry: boolean): Entry | undefined {
    if (this._inFlight === id) this._inFlight = undefined;
    const entry = this._entries.get(id);
    if (!entry) return undefined;
    this._held = mayRetry;
    if (mayRetry) return entry;
    const failed = { ...entry, failed: { code, message } };
    this._entries.set(id, failed);
    return failed;
  }

  /** The connection is gone, or an ack is overdue: what was on its way is to be sent again. */
  release(): void {
    this._inFlight = undefined;
    this._held = false;
  }
}
