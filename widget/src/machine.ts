// The whole client as a state machine: inputs in, effects out. It knows no DOM, socket, clock or storage.
import { Core } from "./core";
import { Desk } from "./desk";
import type { Message, ServerFrame, Welcome } from "./frames";
import { Link, type Timer } from "./link";
import type { Entry } from "./outbox";
import { buildHello, planWelcome } from "./resume";
import { claimsOf, EMPTY, type Saved } from "./saved";
import { type Item, Transcript } from "./transcript";
import type { Effect, Identity, Input, View } from "./types";

const PAGE = 50;

export class Machine extends Core {
  private readonly _link: Link;
  private readonly _desk: Desk;
  private readonly _transcript = new Transcript();
  private _pageToken: string | undefined;
  private _identifying = "";
  private _started = false;
  private _anySeq = false;
  private _gapSeen = false;
  private _wasReset = false;
  private _head = 0;
  /** The history asked for and not yet answered: before which seq. */
  private _wanted = 0;

  /** `token` is the site's, from the page; a visitor's own is in `saved`. `seed`: what another tab showed before this one led. */
  constructor(private readonly _who: Identity, saved: Saved, entries: readonly Entry[], private readonly _uuid: () => string,
              random: () => number, token?: string, seed: readonly Item[] = []) {
    super(saved);
    this._link = new Link(random);
    this._desk = new Desk(this._transcript, entries, _uuid, (...effects) => this._out.push(...effects));
    this._transcript.seed(seed);
    this._pageToken = token;
  }

  get view(): View {
    return { ...this._shown, items: this._transcript.list(), phase: this._link.phase };
  }

  /** One step. The effects are to be carried out in their order. */
  step(input: Input): Effect[] {
    this._out = [];
    const phase = this._link.phase;
    this._take(input);
    if (phase !== this._link.phase) {
      this._out.push({ do: "tell", told: { name: "status", data: this._link.phase } }, { do: "view" });
    }
    return this._out;
  }

  private _take(input: Input): void {
    switch (input.t) {
      case "start": return this._wire(this._link.start(input.fresh));
      case "open": return this._hello();
      case "frame": return this._frame(input.frame);
      case "closed": return this._closed(input.code, input.reason);
      case "timer": return this._timer(input.name);
      case "wake": return this._wire(this._link.wake());
      case "send": this._desk.send(input.entry); return this._wire(this._link.start());
      case "retry": return this._desk.retry(input.id);
      case "discard": return this._desk.discard(input.id);
      case "stop": return this._stopRuns();
      case "older": return this._older();
      case "session": return this._changeSession(input.session_id);
      case "token": return this._token(input.token);
      case "ask": if (this._started) this._frameOut(input.frame); return;
    }
  }

  // --- the connection

  private _hello(): void {
    this._wire(this._link.opened());
    this._frameOut(buildHello(this._who, this._saved, this._isVisitor ? this._saved.token : this._pageToken));
  }

  private _closed(code: number, reason: string | undefined): void {
    this._pause();
    this._wire(this._link.closed(code));
    if (this._link.phase === "stopped") this._halt(String(code), reason);
    this._change({ line: null });
  }

  /** The first reason given is the one that is shown: the close that follows an error says less. */
  private _halt(code: string, detail = ""): void {
    if (!this._shown.notice) this._change({ notice: { code, detail } });
    this._tellError(code, detail);
  }

  private _timer(name: Timer): void {
    if (name === "connect") this._wire(this._link.start());
    else if (name === "line") this._change({ line: null });
    else if (name === "ack") this._desk.again();
    else this._giveUp();
  }

  private _pause(): void {
    this._started = false;
    this._identifying = "";
    this._desk.close();
  }

  /** This connection is dead or out of step: another one. */
  private _giveUp(): void {
    this._pause();
    this._wire(this._link.silent());
  }

  // --- what the server says

  private _frame(frame: ServerFrame): void {
    if (frame.type === "welcome") return this._welcome(frame);
    if (frame.type === "bye") return this._link.bye(frame.reconnect_after_ms || 0);
    if (frame.type === "error") return this._error(frame);
    if (frame.type === "reset") return this._reset();
    if (!this._started) return;
    this._wire(this._link.heard());
    switch (frame.type) {
      case "ack": return this._ack(frame);
      case "nack": return this._nack(frame);
      case "d": if (this._transcript.delta(frame)) this._out.push({ do: "view" }); return;
      case "message": case "run": case "handoff": case "later": return this._durable(frame);
      case "history": return this._history(frame.messages, frame.has_more);
      case "sessions": return this._change({ sessions: frame.sessions });
      case "memories": return this._change({ memories: frame.memories });
      case "presence": return this._presence(frame);
      case "forgotten": return this._startAs(EMPTY);
      case "identified": return this._identified(frame.user_id);
    }
  }

  private _ack(frame: Extract<ServerFrame, { type: "ack" }>): void {
    this._transcript.confirm(frame.id, frame.message_id, frame.seq);
    if (this._desk.settle(frame.id)) this._link.served();
  }

  private _nack(frame: Extract<ServerFrame, { type: "nack" }>): void {
    if (this._desk.nack(frame)) return;
    if (frame.id !== this._identifying) return this._error({ ...frame, type: "error", fatal: false });
    this._tellError(frame.code, frame.message);
    this._startAs({ ...EMPTY, sub: claimsOf(this._pageToken).sub ?? "" });
  }

  private _welcome(frame: Welcome): void {
    this._started = true;
    this._head = frame.head;
    const { isOther, cursor } = planWelcome(this._saved, frame, this._wasReset);
    if (isOther) this._forgetItems();
    this._anySeq = isOther;
    this._save({ session_id: frame.session_id, epoch: frame.epoch, cursor, ...(frame.token ? { token: frame.token } : {}) });
    if (this._shown.session_id !== frame.session_id) this._change({ past: frame.head });
    this._change({ me: frame.user, config: frame.config ?? {}, session_id: frame.session_id, notice: null, mode: frame.mode });
    this._wire(this._link.welcomed(frame.hb_s));
    this._out.push({ do: "tell", told: { name: "ready", data: { session_id: frame.session_id, user_id: frame.user.id } } });
    const isEmpty = this._transcript.list().every((item) => item.kind === "pending");
    if (isEmpty || isOther) this._wanted = cursor + 1;
    if (this._wanted > 1) this._loadHistory(this._wanted);
    this._wasReset = false;
    if (this._pageToken && this._isVisitor) this._identify(this._pageToken);
    this._desk.open();
  }

  /** Asked again by the next connection if this one does not answer. */
  private _loadHistory(before: number): void {
    this._wanted = before;
    this._frameOut({ type: "history", before, limit: PAGE });
  }

  /** The log is not the one we knew, or no longer reaches back to us: load its end afresh, take the next event as it comes. */
  private _reset(): void {
    this._wasReset = !this._started;
    if (!this._started) return;
    this._forgetItems();
    this._anySeq = true;
    this._save({ cursor: this._head });
    this._loadHistory(this._head + 1);
  }

  private _durable(frame: Extract<ServerFrame, { seq: number; type: "message" | "run" | "handoff" | "later" }>): void {
    if (frame.seq <= this._saved.cursor && !this._anySeq) return;
    if (frame.seq !== this._saved.cursor + 1 && !this._anySeq && !this._gapSeen) {
      this._gapSeen = true;
      return this._giveUp();
    }
    this._anySeq = this._gapSeen = false;
    this._head = Math.max(this._head, frame.seq);
    if (frame.type === "message") this._message(frame, true);
    else if (frame.type === "run") this._transcript.run(frame);
    else if (frame.type === "handoff") this._change({ mode: frame.mode });
    this._save({ cursor: frame.seq });
    this._out.push({ do: "view" });
  }

  private _message(frame: Message, isNews: boolean): void {
    if (frame.client_id && this._desk.settle(frame.client_id)) this._link.served();
    const isNew = this._transcript.message(frame);
    if (isNew && isNews) this._out.push({ do: "tell", told: { name: "message", data: frame } });
    if (this._shown.line) this._change({ line: null });
  }

  private _history(messages: readonly Message[], more: boolean | undefined): void {
    this._wanted = 0;
    for (const message of messages) this._message(message, false);
    this._change({ hasOlder: more ?? messages.length >= PAGE });
  }

  private _presence(frame: Extract<ServerFrame, { type: "presence" }>): void {
    const { who } = frame;
    this._say(frame.state, typeof who === "string" ? who : ((who as { name?: string } | null)?.name ?? ""));
  }

  private _error(frame: Extract<ServerFrame, { type: "error" }>): void {
    if (frame.fatal) return this._halt(frame.code, frame.message);
    this._say("error", frame.message);
    this._tellError(frame.code, frame.message);
  }

  private _forgetItems(): void {
    this._transcript.clear();
    this._desk.showAll();
    this._change({ hasOlder: false, sessions: null, memories: null });
  }

  // --- what the person does

  private _stopRuns(): void {
    if (!this._started) return;
    for (const item of this._transcript.running()) {
      if (item.runId) this._frameOut({ type: "stop", run_id: item.runId });
    }
  }

  private _older(): void {
    const first = this._transcript.list().find((item) => item.kind === "message");
    if (this._started && first && !this._wanted) this._loadHistory(first.order);
  }

  /** Another conversation, or `new`. What waits in the outbox was meant for this one, so only an empty outbox may leave. */
  private _changeSession(session_id: string): void {
    if (this._desk.isWaiting) return;
    this._transcript.clear();
    const { epoch: _, ...rest } = this._saved;
    this._saved = { ...rest, session_id, cursor: 0 };
    this._save({});
    this._change({ hasOlder: false, notice: null });
    this._reconnect();
  }

  private _reconnect(): void {
    this._pause();
    this._out.push({ do: "close", code: 1000 });
    this._wire(this._link.stop());
    this._wire(this._link.start(true));
  }

  // --- who the person is

  /** The site's token: the first, a fresh one for the same person, or the one asked for after 4401. `null`: there is none. */
  private _token(token: string | null): void {
    const { phase } = this._link;
    if (token === null) {
      if (phase !== "waiting") return;
      if (this._isVisitor) return this._startAs(EMPTY);
      this._wire(this._link.stop());
      return this._halt("4401");
    }
    this._pageToken = token;
    if (!this._isVisitor && !this._saved.sub) this._save({ sub: claimsOf(token).sub ?? "" });
    if (phase === "waiting" || phase === "stopped") this._wire(this._link.start(true));
    else if (this._started && this._saved.sub !== undefined) this._frameOut({ type: "refresh", token });
    else if (this._started) this._identify(token);
  }

  /** As somebody else, or as somebody new, from the beginning. */
  private _startAs(saved: Saved): void {
    this._saved = saved;
    this._save({});
    this._forgetItems();
    this._reconnect();
  }

  private _identify(token: string): void {
    if (this._identifying) return;
    this._identifying = this._uuid();
    this._frameOut({ type: "identify", id: this._identifying, token });
  }

  private _identified(user_id: string): void {
    this._identifying = "";
    const me = this._shown.me;
    if (me) this._change({ me: { ...me, id: user_id, verified: true }, formerly: [...this._shown.formerly, me.id] });
    const { token: _, ...rest } = this._saved;
    this._saved = rest;
    this._save({ sub: claimsOf(this._pageToken).sub ?? user_id });
  }
}
