// What to say first, and where to go on from what the server answers.
import type { Hello, Welcome } from "./frames";
import type { Saved } from "./saved";
import type { Identity } from "./types";

/** `hello` for where this browser stood. A thread is asked for by its name, another conversation by its id. */
export function buildHello({ thread, ...who }: Identity, saved: Saved, token: string | undefined): Hello {
  const { session_id, epoch, cursor } = saved;
  const isById = session_id === "new" || !thread;
  return {
    type: "hello", v: 1, ...who, cursor, token, epoch,
    session_id: isById ? session_id : undefined,
    thread: isById ? undefined : thread,
  };
}

/** `isOther`: what was shown belongs to another log. `cursor`: what is at or below it comes by `history`, the rest follows. */
export function planWelcome(saved: Saved, frame: Welcome, wasReset: boolean): { isOther: boolean; cursor: number } {
  const { session_id, epoch, cursor } = saved;
  const isFirst = session_id === undefined || session_id === "new";
  const isKnown = session_id === frame.session_id && (epoch === undefined || epoch === frame.epoch);
  if (wasReset || (!isKnown && !isFirst)) return { isOther: true, cursor: frame.head };
  return { isOther: false, cursor: isFirst || !frame.resumed ? Math.max(cursor, frame.cursor) : cursor };
}
