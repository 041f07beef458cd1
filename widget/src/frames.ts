// The frames of protocol `gw.v1`, as docs/widget.md lists them. No field here has another name on the wire; one that is
// undefined is not sent.

export type RunState = "queued" | "thinking" | "tool" | "streaming" | "stopped" | "failed" | "done";
export type Role = "user" | "assistant" | "human" | "system";
/** Which log a cursor belongs to. Opaque: only ever compared. */
export type Epoch = string | number;

export interface Attachment { id?: string; name?: string; type?: string; size?: number; url?: string }

export interface Hello {
  type: "hello"; v: 1; site: string; token?: string | undefined; session_id?: string | undefined;
  thread?: string | undefined; epoch?: Epoch | undefined; cursor: number; name?: string | undefined; locale?: string;
  tz?: string; page_url?: string;
}
export interface Send { type: "send"; id: string; text: string; attachments?: Attachment[] | undefined; reply_to?: string | undefined }
export type MemoryOp = "list" | "update" | "delete" | "clear";

export type ClientFrame =
  | Hello
  | Send
  | { type: "stop"; run_id: string }
  | { type: "feedback"; id: string; message_id: string; value: "up" | "down"; comment?: string }
  | { type: "action"; id: string; name: string; value: string }
  | { type: "typing"; on: boolean }
  | { type: "seen"; cursor: number }
  | { type: "history"; before: number; limit: number }
  | { type: "sessions"; limit: number }
  | { type: "identify"; id: string; token: string }
  | { type: "refresh"; token: string }
  | { type: "memories"; id: string; op: MemoryOp; memory_id?: string; memory?: string }
  | { type: "forget"; id: string }
  | { type: "ping"; n: number };

/** Where files go (a signed link on the gateway), and what is taken. */
export interface Upload { url: string; max_bytes: number; max_files: number; accept: string[] }
export interface Starter { label: string; value?: string; name?: string }
/** What a site may say about its chat. Every key is optional. */
export interface SiteConfig {
  title?: string; subtitle?: string; greeting?: string; color?: string; locale?: string; starters?: Starter[];
  max_chars?: number; upload?: Upload;
  /** What this gateway offers beyond talking: `sessions`, `feedback`, `memories`, `forget`, `typing`, `action`, `identify`. */
  features?: string[];
}

export interface Welcome {
  type: "welcome"; session_id: string; token?: string; epoch: Epoch; head: number; cursor: number; resumed: boolean;
  user: { id: string; name: string | null; verified: boolean }; config: SiteConfig; hb_s: number; server_time: string;
  /** Who answers here just now. */
  mode: "agent" | "waiting" | "human";
}
/** A button under a message. What it does is told by an `action` frame with its `name` and `value`. */
export interface Action { name: string; value: string; label: string }
export interface Message {
  type: "message"; seq: number; id: string; client_id?: string | null; role: Role; author: { id: string; name: string | null };
  text: string; attachments?: Attachment[] | null; actions?: Action[]; run_id?: string | null; at: string;
  /** What this reader thinks of it; in `history` only. */
  feedback?: string;
}
export interface Run { type: "run"; seq: number; run_id: string; state: RunState; label?: string | null }
export interface Delta { type: "d"; r: string; o: number; x: string }
export interface SessionRow { session_id: string; title?: string | null; updated_at?: string | null; is_shared?: boolean }
export interface MemoryRow { memory_id: string; memory: string; topics?: string[]; updated_at?: string }

export type ServerFrame =
  | Welcome
  | { type: "reset"; reason: string }
  | { type: "ack"; id: string; seq: number; message_id: string }
  | { type: "nack"; id: string; code: string; message: string; retry_after?: number | null }
  | Message
  | Run
  | Delta
  | { type: "presence"; who: unknown; state: "joined" | "left" | "typing"; role: Role }
  | { type: "handoff"; seq: number; mode: "agent" | "waiting" | "human" }
  | { type: "identified"; user_id: string; merged_from?: string | null }
  | { type: "memories"; id?: string; memories: MemoryRow[] }
  | { type: "forgotten" }
  | { type: "sessions"; sessions: SessionRow[] }
  | { type: "history"; messages: Message[]; has_more?: boolean }
  | { type: "error"; code: string; message: string; fatal: boolean }
  | { type: "pong"; n: number }
  | { type: "hb"; n: number }
  | { type: "bye"; reason: string; reconnect_after_ms: number }
  /** A durable event of a later protocol: nothing to show, but the cursor passes it. */
  | { type: "later"; seq: number };

/** What a frame must carry before it is believed, by a value of the same type. The rest is optional. */
const NEEDS: Record<string, Record<string, unknown>> = {
  welcome: { session_id: "", head: 0, cursor: 0, user: {} },
  reset: {},
  ack: { id: "", seq: 0 },
  nack: { id: "", code: "" },
  message: { seq: 0, id: "", role: "", text: "", author: {} },
  run: { seq: 0, run_id: "", state: "" },
  d: { r: "", o: 0, x: "" },
  presence: { state: "" },
  handoff: { seq: 0, mode: "" },
  identified: { user_id: "" },
  memories: { memories: [] },
  forgotten: {},
  sessions: { sessions: [] },
  history: { messages: [] },
  error: { code: "" },
  pong: {},
  hb: {},
  bye: {},
};

/** One text frame, checked. A type of a later protocol, or a frame that lacks what it needs, gives `undefined`. */
export function parseFrame(text: string): ServerFrame | undefined {
  let frame: ({ type: string } & Record<string, unknown>) | null;
  try {
    frame = JSON.parse(text) as typeof frame;
  } catch {
    return undefined;
  }
  if (typeof frame?.type !== "string") return undefined;
  const { type, seq } = frame;
  if (!Object.hasOwn(NEEDS, type)) return typeof seq === "number" ? { type: "later", seq } : undefined;
  for (const [field, like] of Object.entries(NEEDS[type] ?? {})) {
    if (typeof frame[field] !== typeof like || frame[field] === null) return undefined;
  }
  return frame as unknown as ServerFrame;
}
