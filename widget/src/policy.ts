// When to try again, and what a close code means. Numbers in, decisions out.

/** The first try after a cut: well inside 120 ms, spread so that a restart is not met by everybody at once. */
const FIRST_TRY_MS = 100;
const BASE_MS = 500;
const CAP_MS = 30_000;

/** Milliseconds to wait before try number `attempt` (0 is the first after a cut). `random` gives [0, 1). */
export function backoff(attempt: number, random: () => number): number {
  if (attempt <= 0) return random() * FIRST_TRY_MS;
  return random() * Math.min(CAP_MS, BASE_MS * 2 ** (attempt - 1));
}

/** `resume`: connect again; `slow`: too, but not at once; `token`: ask the page for a token; `stop`: say why and rest. */
export type Verdict = "resume" | "slow" | "token" | "stop";

const STOPS = new Set([4400, 4403, 4404, 4409, 4410, 4426, 1002, 1003, 1008]);

export function verdictOf(code: number): Verdict {
  if (code === 4401) return "token";
  if (STOPS.has(code)) return "stop";
  return code === 4029 || code === 4013 ? "slow" : "resume";
}

/** Silence for longer than this is a dead path: two heartbeats, and a little for the wire. */
export function silenceMs(heartbeat_s: number): number {
  return (heartbeat_s > 0 ? heartbeat_s : 25) * 2000 - 2000;
}

/** After focus or `online` the path must answer within this time. */
export const PROBE_MS = 4000;
/** The socket must open and bring `welcome` within this time. */
export const WELCOME_MS = 10_000;
/** A message not acknowledged within this time on a living socket is sent again: the id makes that harmless. */
export const ACK_MS = 15_000;

/** After so many tries without a welcome the websocket may be blocked: every second try goes by server-sent events. */
const BLOCKED_AFTER = 3;

export function pathFor(failures: number): "socket" | "events" {
  return failures >= BLOCKED_AFTER && failures % 2 === 1 ? "events" : "socket";
}
