// The whole client as a state machine: inputs in, effects out. It knows no DOM, socket, clock or storage.
import { Desk } from "./desk";
import type { ClientFrame, Hello, Message, ServerFrame, Welcome } from "./frames";
import { Link, type LinkEffect, type Timer } from "./link";
import type { Entry } from "./outbox";
import { type Saved, subOf } from "./saved";
import { Transcript } from "./transcript";
import type { Effect, Identity, Input, View } from "./types";

const PAGE = 50;
const TYPING_MS = 6000;

export class Machine {
  private readonly link: Link;
  private readonly desk: Desk;
  private readonly transcript = new Transcript();
  private saved: Saved;
  private pageToken: string | undefined;
  private identifying = false;
  private started = false;
  private anySeq = false;
  private gapSeen = false;
  private wasReset = false;
  private head = 0;
  private ping = 0;
  private shown: Omit<View, "items" | "phase"> = {
    notice: null, me: null, formerly: [], config: {}, hasOlder: false, session_id: "", past: 0, mode: "agent", typing: null,
    sessions: null, memories: null,
  };
  private out: Effect[] = [];

  /** `token` is the site's, from the page; a visitor's own is in `saved`. `random` gives [0, 1), `uuid` a fresh id. */
  constructor(private readonly who: Identity, saved: Saved, entries: readonly Entry[], private readonly uuid: () => string,
              random: () => number, token?: string) {
    this.saved = saved;
    this.link = new Link(random);
    this.desk = new Desk(this.transcript, entries, uuid, (...effects) => this.out.push(...effects));
    this.pageToken = token;
  }

  get view(): View {
    return { ...this.shown, items: this.transcript.list(), phase: this.link.phase };
  }

  /** One step. The effects are to be carried out in their order. */
  step(input: Input): Effect[] {
    this.out = [];
    const phase = this.link.phase;
    this.take(input);
    if (phase !== this.link.phase) {
      this.out.push({ do: "tell", told: { name: "status", data: this.link.phase } }, { do: "view" });
    }
    return this.out;
  }

  private take(input: Input): void {
    switch (input.t) {
      case "start": return this.wire(this.link.start(input.fresh));
      case "open": return this.hello();
      case "frame": return this.frame(input.frame);
      case "closed": return this.closed(input.code);
      case "timer": return this.timer(input.name);
      case "wake": return this.wire(this.link.wake());
      case "send": this.desk.send(input.entry); return this.wire(this.link.start());
      case "retry": return this.desk.retry(input.id);
      case "discard": return this.desk.discard(input.id);
      case "stop": return this.stopRuns();
      case "older": return this.older();
      case "session": return this.changeSession(input.session_id);
      case "token": return this.token(input.token);
      case "ask": return this.ask(input.frame);
    }
  }

  private wire(effects: LinkEffect[]): void {
    for (const effect of effects) {
      if (effect.do === "ping") this.frameOut({ type: "ping", n: ++this.ping });
      else this.out.push(effect);
    }
  }

  private frameOut(frame: ClientFrame): void {
    this.out.push({ do: "frame", frame });
  }

  private change(part: Partial<Omit<View, "items" | "phase">>): void {
    Object.assign(this.shown, part);
    this.out.push({ do: "view" });
  }

  private save(part: Partial<Saved>): void {
    this.saved = { ...this.saved, ...part };
    this.out.push({ do: "save", saved: this.saved });
  }

  // --- the connection

  private hello(): void {
    const { token, session_id, epoch, cursor } = this.saved;
    const { thread, ...who } = this.who;
    const use = token && !this.saved.sub ? token : this.pageToken;
    const hello: Hello = { type: "hello", v: 1, ...who, cursor };
    if (use) hello.token = use;
    if (session_id === "new" || (session_id && !thread)) hello.session_id = session_id;
    else if (thread) hello.thread = thread;
    if (epoch !== undefined) hello.epoch = epoch;
    this.wire(this.link.opened());
    this.frameOut(hello);
  }

  private closed(code: number): void {
    this.pause();
    this.wire(this.link.closed(code));
    if (this.link.phase === "stopped") this.halt(String(code));
    this.change({ typing: null });
  }

  private halt(code: string, detail?: string): void {
    const said = this.shown.notice;
    if (said && detail === undefined) return;
    this.change({ notice: detail === undefined ? { code } : { code, detail } });
    this.out.push({ do: "tell", told: { name: "error", data: { code, message: detail ?? "" } } });
  }

  private timer(name: Timer): void {
    if (name === "connect") this.wire(this.link.start());
    else if (name === "typing") this.change({ typing: null });
    else if (name === "ack") this.desk.again();
    else this.giveUp();
  }

  private pause(): void {
    this.started = this.identifying = false;
    this.desk.close();
  }

  /** This connection is dead or out of step: another one. */
  private giveUp(): void {
    this.pause();
    this.wire(this.link.silent());
  }

  // --- what the server says

  private frame(frame: ServerFrame): void {
    if (frame.type === "welcome") return this.welcome(frame);
    if (frame.type === "bye") return this.link.bye(frame.reconnect_after_ms || 0);
    if (frame.type === "error") return this.error(frame);
    if (frame.type === "reset") return this.reset();
    if (!this.started) return;
    this.wire(this.link.heard());
    switch (frame.type) {
      case "ack": return this.ack(frame);
      case "nack": return this.nack(frame);
      case "d": if (this.transcript.delta(frame)) this.out.push({ do: "view" }); return;
      case "message": case "run": case "handoff": case "later": return this.durable(frame);
      case "history": return this.history(frame.messages, frame.more);
      case "sessions": return this.change({ sessions: frame.sessions });
      case "memories": return this.change({ memories: frame.memories });
      case "presence": return this.presence(frame);
      case "identified": return this.identified(frame.user_id);
    }
  }

  private ack(frame: Extract<ServerFrame, { type: "ack" }>): void {
    this.transcript.confirm(frame.id, frame.message_id, frame.seq);
    if (this.desk.settle(frame.id)) this.link.served();
  }

  private nack(frame: Extract<ServerFrame, { type: "nack" }>): void {
    if (!this.desk.nack(frame)) this.error({ type: "error", code: frame.code, message: frame.message, fatal: false });
  }

  private welcome(frame: Welcome): void {
    this.started = true;
    this.head = frame.head;
    const { session_id, epoch } = this.saved;
    const isKnown = session_id === frame.session_id && (epoch === undefined || epoch === frame.epoch);
    const isFirst = session_id === undefined || session_id === "new";
    let cursor = this.saved.cursor;
    if (this.wasReset || (!isKnown && !isFirst)) {
      this.forgetItems();
      this.anySeq = true;
      cursor = frame.head;
    } else if (isFirst || !frame.resumed) cursor = Math.max(cursor, frame.cursor);
    this.save({ session_id: frame.session_id, epoch: frame.epoch, cursor, ...(frame.token ? { token: frame.token } : {}) });
    if (this.shown.session_id !== frame.session_id) this.change({ past: frame.head });
    this.change({ me: frame.user, config: frame.config ?? {}, session_id: frame.session_id, notice: null });
    this.wire(this.link.welcomed(frame.hb_s));
    this.out.push({ do: "tell", told: { name: "ready", data: { session_id: frame.session_id, user_id: frame.user.id } } });
    const isEmpty = this.transcript.list().every((item) => item.kind === "pending");
    if (cursor > 0 && (isEmpty || this.wasReset)) this.loadHistory(cursor + 1);
    this.wasReset = false;
    if (this.pageToken && this.saved.token && !this.saved.sub) this.identify(this.pageToken);
    this.desk.open();
  }

  private loadHistory(before: number): void {
    this.frameOut({ type: "history", before, limit: PAGE });
  }

  /** The log is not the one we knew, or no longer reaches back to us: load its end afresh, take the next event as it comes. */
  private reset(): void {
    this.wasReset = !this.started;
    if (!this.started) return;
    this.forgetItems();
    this.anySeq = true;
    this.save({ cursor: this.head });
    this.loadHistory(this.head + 1);
  }

  private durable(frame: Extract<ServerFrame, { seq: number; type: "message" | "run" | "handoff" | "later" }>): void {
    if (frame.seq <= this.saved.cursor && !this.anySeq) return;
    if (frame.seq !== this.saved.cursor + 1 && !this.anySeq && !this.gapSeen) {
      this.gapSeen = true;
      return this.giveUp();
    }
    this.anySeq = this.gapSeen = false;
    this.head = Math.max(this.head, frame.seq);
    if (frame.type === "message") this.message(frame, true);
    else if (frame.type === "run") this.transcript.run(frame);
    else if (frame.type === "handoff") this.change({ mode: frame.mode });
    this.save({ cursor: frame.seq });
    this.out.push({ do: "view" });
  }

  private message(frame: Message, isNews: boolean): void {
    if (frame.client_id && this.desk.settle(frame.client_id)) this.link.served();
    const isNew = this.transcript.message(frame);
    if (isNew && isNews) this.out.push({ do: "tell", told: { name: "message", data: frame } });
    if (this.shown.typing) this.change({ typing: null });
  }

  private history(messages: readonly Message[], more: boolean | undefined): void {
    for (const message of messages) this.message(message, false);
    this.change({ hasOlder: more ?? messages.length >= PAGE });
  }

  private presence(frame: Extract<ServerFrame, { type: "presence" }>): void {
    if (frame.state !== "typing") return;
    const who = frame.who as { name?: string; id?: string } | string | null;
    const name = typeof who === "string" ? who : (who?.name ?? "");
    this.out.push({ do: "timer", name: "typing", ms: TYPING_MS });
    this.change({ typing: name });
  }

  private error(frame: Extract<ServerFrame, { type: "error" }>): void {
    if (frame.fatal) return this.halt(frame.code, frame.message);
    this.change({ notice: { code: frame.code, detail: frame.message } });
    this.out.push({ do: "tell", told: { name: "error", data: { code: frame.code, message: frame.message } } });
  }

  private forgetItems(): void {
    this.transcript.clear();
    this.desk.showAll();
    this.change({ hasOlder: false, mode: "agent" });
  }

  // --- what the person does

  private stopRuns(): void {
    if (!this.started) return;
    for (const item of this.transcript.running()) {
      if (item.runId) this.frameOut({ type: "stop", run_id: item.runId });
    }
  }

  private older(): void {
    const first = this.transcript.list().find((item) => item.kind === "message");
    if (this.started && first) this.loadHistory(first.order);
  }

  /** Another conversation, or `new`. What waits in the outbox was meant for this one, so only an empty outbox may leave. */
  private changeSession(session_id: string): void {
    if (this.desk.isWaiting) return;
    this.transcript.clear();
    const { epoch: _, ...rest } = this.saved;
    this.saved = { ...rest, session_id, cursor: 0 };
    this.save({});
    this.change({ hasOlder: false, mode: "agent", notice: null });
    this.reconnect();
  }

  private reconnect(): void {
    this.pause();
    this.out.push({ do: "close", code: 1000 });
    this.wire(this.link.stop(undefined));
    this.wire(this.link.start(true));
  }

  // --- who the person is

  /** The site's token: the first, a fresh one for the same person, or the one asked for after 4401. `null`: there is none. */
  private token(token: string | null): void {
    this.pageToken = token ?? undefined;
    if (token === null) {
      if (this.link.phase === "waiting") this.halt("4401");
      this.wire(this.link.stop(4401));
      return;
    }
    if (this.link.phase === "waiting" || this.link.phase === "stopped") return this.wire(this.link.start(true));
    if (!this.started) return;
    if (this.saved.sub) this.frameOut({ type: "refresh", token });
    else this.identify(token);
  }

  private identify(token: string): void {
    if (this.identifying) return;
    this.identifying = true;
    this.frameOut({ type: "identify", id: this.uuid(), token });
  }

  private identified(user_id: string): void {
    this.identifying = false;
    const me = this.shown.me;
    if (!me) return;
    this.change({ me: { ...me, id: user_id, verified: true }, formerly: [...this.shown.formerly, me.id] });
    const { token: _, ...rest } = this.saved;
    this.saved = rest;
    this.save({ sub: subOf(this.pageToken ?? "") ?? user_id });
  }

  private ask(frame: ClientFrame): void {
    if (this.started) this.frameOut(frame);
  }
}
