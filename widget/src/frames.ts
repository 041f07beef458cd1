// The frames of protocol `gw.v1`, as docs/widget.md lists them. No field here has another name on the wire.

export type RunState = "queued" | "thinking" | "tool" | "streaming" | "stopped" | "failed" | "done";
export type Role = "user" | "assistant" | "human" | "system";
/** Which log a cursor belongs to. Opaque: only ever compared. */
export type Epoch = string | number;

export interface Attachment { id?: string; name?: string; type?: string; size?: number; url?: string }

export interface Hello {
  type: "hello"; v: 1; site: string; token?: string; session_id?: string; thread?: string; epoch?: Epoch;
  cursor: number; name?: string; locale?: string; tz?: string; page_url?: string;
}
export interface Send { type: "send"; id: string; text: string; attachments?: Attachment[]; reply_to?: string }
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

export interface Starter { name?: string; label: string; value?: string }
/** What a site may say about its chat. Every key is optional. */
export interface SiteConfig {
  title?: string; subtitle?: string; greeting?: string; color?: string; locale?: string; starters?: Starter[];
  feedback?: boolean; memories?: boolean; attachments?: boolean | { types?: string[]; max_bytes?: number };
  max_chars?: number;
}

export interface Welcome {
  type: "welcome"; session_id: string; token?: string; epoch: Epoch; head: number; cursor: number; resumed: boolean;
  user: { id: string; name: string | null; verified: boolean }; config: SiteConfig; hb_s: number; server_time: string;
}
export interface Message {
  type: "message"; seq: number; id: string; client_id?: string | null; role: Role; author: { id: string; name: string | null };
  text: string; attachments?: Attachment[] | null; run_id?: string | null; at: string;
}
export interface Run { type: "run"; seq: number; run_id: string; state: RunState; label?: string | null }
export interface Delta { type: "d"; r: string; o: number; x: string }
export interface SessionRow { session_id: string; title?: string | null; at?: string | null; updated_at?: string | null; last?: string | null }
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
  | { type: "sessions"; sessions: SessionRow[] }
  | { type: "history"; messages: Message[]; more?: boolean }
  | { type: "error"; code: string; message: string; fatal: boolean }
  | { type: "pong"; n: number }
  | { type: "hb"; n: number }
  | { type: "bye"; reason: string; reconnect_after_ms: number }
  /** A durable event of a later protocol: nothing to show, but the cursor passes it. */
  | { type: "later"; seq: number };

/** What a frame must carry before it is believed: s string, n number, o object, a array. The rest is optional. */
const SHAPES: Record<string, string> = {
  welcome: "session_id:s head:n cursor:n user:o",
  reset: "",
  ack: "id:s seq:n",
  nack: "id:s code:s",
  message: "seq:n id:s role:s text:s author:o",
  run: "seq:n run_id:s state:s",
  d: "r:s o:n x:s",
  presence: "state:s",
  handoff: "seq:n mode:s",
  identified: "user_id:s",
  memories: "memories:a",
  sessions: "sessions:a",
  history: "messages:a",
  error: "code:s",
  pong: "",
  hb: "",
  bye: "",
};
const LETTER: Record<string, (value: unknown) => boolean> = {
  s: (value) => typeof value === "string",
  n: (value) => typeof value === "number",
  o: (value) => typeof value === "object" && value !== null,
  a: Array.isArray,
};

/** One text frame, checked. A type of a later protocol, or a frame that lacks what it needs, gives `undefined`. */
export function parseFrame(text: string): ServerFrame | undefined {
  let frame: Record<string, unknown> | null;
  try {
    frame = JSON.parse(text) as Record<string, unknown> | null;
  } catch {
    return undefined;
  }
  if (!frame || typeof frame !== "object" || typeof frame.type !== "string") return undefined;
  const shape = Object.hasOwn(SHAPES, frame.type) ? SHAPES[frame.type] : undefined;
  if (shape === undefined) return typeof frame.seq === "number" ? { type: "later", seq: frame.seq } : undefined;
  for (const pair of shape.split(" ")) {
    const [field = "", letter = ""] = pair.split(":");
    if (field && !LETTER[letter]?.(frame[field])) return undefined;
  }
  return frame as unknown as ServerFrame;
}
