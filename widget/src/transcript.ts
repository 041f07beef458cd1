// What the conversation looks like: durable events and deltas in, an ordered list of items out. No DOM, no socket.
import type { Action, Attachment, Delta, Message, Role, Run, RunState } from "./frames";

export interface Item {
  /** Stays the same from the first optimistic paint to the stored message. */
  key: string;
  /** Place in the log; above `PENDING` for what has none yet. */
  order: number;
  kind: "message" | "answer" | "pending";
  id: string;
  role: Role;
  author: { id: string; name: string | null };
  text: string;
  at: string;
  /** Of a pending message: waiting for a connection, on its way, or refused. Of an answer: how its run stands. */
  state: "waiting" | "sending" | "failed" | "sent" | RunState;
  runId?: string | null | undefined;
  label?: string | null | undefined;
  /** Why a message was refused, as the server put it. */
  error?: string | undefined;
  attachments?: Attachment[] | null | undefined;
  /** Buttons, for this person alone. One is gone once there is an item whose key is its value. */
  actions?: Action[] | undefined;
  feedback?: string | undefined;
}

const LIVE = Number.MAX_SAFE_INTEGER / 4;
export const PENDING = Number.MAX_SAFE_INTEGER / 2;
const OVER: ReadonlySet<string> = new Set(["done", "stopped", "failed"]);

export const isRunning = (item: Item): boolean => item.kind === "answer" && !OVER.has(item.state);

export class Transcript {
  private readonly _items = new Map<string, Item>();
  private readonly _keyOfMessage = new Map<string, string>();
  private readonly _confirmed = new Map<string, string>();
  private readonly _finished = new Set<string>();
  private _sorted: readonly Item[] | undefined;
  private _streams = 0;

  /** In order of the log; running answers after it, messages not yet stored last. The same array while nothing changed. */
  list(): readonly Item[] {
    this._sorted ??= [...this._items.values()].sort((a, b) => a.order - b.order);
    return this._sorted;
  }

  /** Stored messages as another tab of this browser showed them. */
  seed(items: readonly Item[]): void {
    for (const item of items) {
      if (item.kind !== "message") continue;
      this._keyOfMessage.set(item.id, item.key);
      this.put(item);
    }
  }

  clear(): void {
    this._items.clear();
    this._keyOfMessage.clear();
    this._finished.clear();
    this._sorted = undefined;
  }

  put(item: Item): void {
    this._items.set(item.key, item);
    this._sorted = undefined;
  }

  drop(key: string): void {
    if (this._items.delete(key)) this._sorted = undefined;
  }

  get(key: string): Item | undefined {
    return this._items.get(key);
  }

  /** A stored message. Says whether it was new here. A stream or an optimistic copy of it turns into it. */
  message(frame: Message): boolean {
    const known = this._keyOfMessage.has(frame.id);
    const streamKey = frame.run_id && frame.role === "assistant" ? `run:${frame.run_id}` : undefined;
    const stream = streamKey ? this._items.get(streamKey) : undefined;
    let key = this._keyOfMessage.get(frame.id) ?? this._confirmed.get(frame.id) ?? frame.client_id ?? `msg:${frame.id}`;
    if (!known && streamKey && (!stream || stream.kind === "answer")) key = streamKey;
    this._keyOfMessage.set(frame.id, key);
    const over = stream && OVER.has(stream.state) ? stream.state : "sent";
    this.put({
      key, order: frame.seq, kind: "message", id: frame.id, role: frame.role, author: frame.author, text: frame.text,
      at: frame.at, state: over, runId: frame.run_id, attachments: frame.attachments, actions: frame.actions, feedback: frame.feedback,
    });
    return !known;
  }

  /** The server stored the pending message `key` as `messageId`. The message itself may have come before. */
  confirm(key: string, messageId: string, seq: number): void {
    const item = this._items.get(key);
    if (item?.kind !== "pending") return;
    this._confirmed.set(messageId, key);
    if (this._keyOfMessage.has(messageId)) this.drop(key);
    else this.put({ ...item, state: "sent", order: seq });
  }

  /** How a run stands. One that ended without a message keeps the text it had, or goes if it had none. */
  run(frame: Run): void {
    const key = `run:${frame.run_id}`;
    const old = this._items.get(key);
    if (OVER.has(frame.state)) this._finished.add(frame.run_id);
    else this._finished.delete(frame.run_id);
    if (old?.kind === "message") {
      if (OVER.has(frame.state) && frame.state !== "done") this.put({ ...old, state: frame.state });
      return;
    }
    if (!old?.text && (frame.state === "done" || frame.state === "stopped")) return this.drop(key);
    const item = old ?? this._answer(frame.run_id);
    const order = OVER.has(frame.state) ? frame.seq : item.order;
    this.put({ ...item, order, state: frame.state, label: frame.label });
  }

  /** A piece of a streaming answer; offset 0 starts the text of that run again. Says whether anything changed. */
  delta({ r, o, x }: Delta): boolean {
    const old = this._items.get(`run:${r}`);
    if (old?.kind === "message" || this._finished.has(r)) return false;
    const item = old ?? this._answer(r);
    const text = mergeDelta(item.text, o, x);
    if (text === item.text && old) return false;
    this.put({ ...item, text: text ?? item.text, state: "streaming", label: null });
    return text !== undefined;
  }

  /** Answers still on their way, oldest first. */
  running(): readonly Item[] {
    return this.list().filter(isRunning);
  }

  private _answer(runId: string): Item {
    return {
      key: `run:${runId}`, order: LIVE + this._streams++, kind: "answer", id: "", role: "assistant",
      author: { id: "", name: null }, text: "", at: "", state: "queued", runId,
    };
  }
}

/** The text after a delta, or `undefined` when a piece before it is missing (the stored message will bring all of it). */
export function mergeDelta(text: string, offset: number, piece: string): string | undefined {
  if (offset === 0) return piece;
  if (offset > text.length) return undefined;
  if (text.startsWith(piece, offset)) return text;
  return text.slice(0, offset) + piece;
}
