// A machine under test with a server's frames by hand, and what it sent and kept.
import type { ClientFrame, Message, ServerFrame, Welcome } from "../src/frames";
import { Machine } from "../src/machine";
import type { Entry } from "../src/outbox";
import { EMPTY, type Saved } from "../src/saved";
import type { Effect, Input } from "../src/types";

export const welcome = (more: Partial<Welcome> = {}): Welcome => ({
  type: "welcome", session_id: "s1", token: "visitor", epoch: "e1", head: 0, cursor: 0, resumed: false,
  user: { id: "me", name: "Ann", verified: false }, config: {}, hb_s: 25, server_time: "2026-11-20T10:00:00Z", mode: "agent", ...more,
});

export const message = (seq: number, text: string, more: Partial<Message> = {}): Message => ({
  type: "message", seq, id: `m${seq}`, role: "assistant", author: { id: "agent", name: "Parley" }, text,
  at: "2026-11-20T10:00:00Z", ...more,
});

export const entry = (id: string, at: number): Entry => ({ id, text: `text of ${id}`, at });

/** A machine with the browser round it: kept effects, the storage, the socket's side. */
export class Bench {
  readonly machine: Machine;
  effects: Effect[] = [];
  saved: Saved;
  readonly kept = new Map<string, Entry>();
  private ids = 0;

  constructor(saved: Saved = EMPTY, entries: readonly Entry[] = [], more: { token?: string; thread?: string } = {}) {
    this.saved = saved;
    for (const one of entries) this.kept.set(one.id, one);
    const who = { site: "demo", ...(more.thread ? { thread: more.thread } : {}) };
    this.machine = new Machine(who, saved, entries, () => `id${++this.ids}`, () => 0.5, more.token);
  }

  /** Takes inputs in turn. Gives the frames they sent. */
  take(...inputs: Input[]): ClientFrame[] {
    const effects = inputs.flatMap((input) => this.machine.step(input));
    this.effects.push(...effects);
    for (const effect of effects) {
      if (effect.do === "save") this.saved = effect.saved;
      if (effect.do === "keep") this.kept.set(effect.entry.id, effect.entry);
      if (effect.do === "unkeep") this.kept.delete(effect.id);
    }
    return effects.flatMap((effect) => (effect.do === "frame" && effect.frame.type !== "ping" ? [JSON.parse(JSON.stringify(effect.frame)) as ClientFrame] : []));
  }

  hear(...frames: ServerFrame[]): ClientFrame[] {
    return this.take(...frames.map((frame): Input => ({ t: "frame", frame })));
  }

  /** Connects, and is welcomed. Gives what was sent after `hello`. */
  connect(more: Partial<Welcome> = {}): ClientFrame[] {
    this.take({ t: "start" }, { t: "open" });
    return this.hear(welcome(more));
  }

  timer(name: string): number | undefined {
    const last = this.effects.findLast((effect) => (effect.do === "timer" || effect.do === "cancel") && effect.name === name);
    return last?.do === "timer" ? last.ms : undefined;
  }

  texts(): string[] {
    return this.machine.view.items.map((item) => item.text);
  }

  states(): string[] {
    return this.machine.view.items.map((item) => item.state);
  }
}
