// What goes into the state machine and what comes out of it.
import type { ClientFrame, MemoryRow, Message, ServerFrame, SessionRow, SiteConfig } from "./frames";
import type { LinkEffect, Phase, Timer } from "./link";
import type { Entry } from "./outbox";
import type { Saved } from "./saved";
import type { Item } from "./transcript";

/** What the page says of itself; part of every `hello`. */
export interface Identity {
  site: string; thread?: string | undefined; name?: string | undefined; locale?: string; tz?: string; page_url?: string;
}

export type Input =
  | { t: "start"; fresh?: boolean }
  | { t: "open" }
  | { t: "frame"; frame: ServerFrame }
  | { t: "closed"; code: number; reason?: string }
  | { t: "timer"; name: Timer }
  | { t: "wake" }
  | { t: "send"; entry: Entry }
  | { t: "retry"; id: string }
  | { t: "discard"; id: string }
  | { t: "stop" }
  | { t: "older" }
  | { t: "session"; session_id: string }
  | { t: "token"; token: string | null }
  | { t: "ask"; frame: ClientFrame };

/** Why the chat stands still, for the person. `code` picks the sentence. */
export interface Notice { code: string; detail?: string }

/** What the page is told of, by the names of the JS API's events. */
export type Told =
  | { name: "message"; data: Message }
  | { name: "status"; data: Phase }
  | { name: "error"; data: { code: string; message: string } }
  | { name: "ready"; data: { session_id: string; user_id: string } };

export type Effect =
  | Exclude<LinkEffect, { do: "ping" }>
  | { do: "frame"; frame: ClientFrame }
  | { do: "save"; saved: Saved }
  | { do: "keep"; entry: Entry }
  | { do: "unkeep"; id: string }
  | { do: "view" }
  | { do: "tell"; told: Told };

/** All that a window draws. */
export interface View {
  items: readonly Item[];
  phase: Phase;
  notice: Notice | null;
  me: { id: string; name: string | null; verified: boolean } | null;
  /** Ids under which this person wrote before. */
  formerly: readonly string[];
  config: SiteConfig;
  hasOlder: boolean;
  session_id: string;
  /** Up to here in the log it is the past: shown, not read out, not counted as unread. */
  past: number;
  mode: "agent" | "waiting" | "human";
  /** What just happened, for a few seconds: somebody types, came or went, or something could not be done. */
  line: { kind: "typing" | "joined" | "left" | "error"; text: string } | null;
  sessions: readonly SessionRow[] | null;
  memories: readonly MemoryRow[] | null;
}
