// What every part of the state machine works with: what is shown, what is kept, and the effects of the step under way.
import type { ClientFrame } from "./frames";
import type { LinkEffect } from "./link";
import type { Saved } from "./saved";
import type { Effect, View } from "./types";

export type Shown = Omit<View, "items" | "phase">;

/** For so long what just happened is shown. */
const LINE_MS = 6000;

export abstract class Core {
  protected _out: Effect[] = [];
  protected _shown: Shown = {
    notice: null, me: null, formerly: [], config: {}, hasOlder: false, session_id: "", past: 0, mode: "agent", line: null,
    sessions: null, memories: null,
  };
  private _ping = 0;

  constructor(protected _saved: Saved) {}

  /** Whether the gateway knows this browser by a token of its own, as somebody the site has not named. */
  protected get _isVisitor(): boolean {
    return this._saved.token !== undefined && this._saved.sub === undefined;
  }

  protected _wire(effects: LinkEffect[]): void {
    for (const effect of effects) {
      if (effect.do === "ping") this._frameOut({ type: "ping", n: ++this._ping });
      else this._out.push(effect);
    }
  }

  protected _frameOut(frame: ClientFrame): void {
    this._out.push({ do: "frame", frame });
  }

  protected _change(part: Partial<Shown>): void {
    Object.assign(this._shown, part);
    this._out.push({ do: "view" });
  }

  protected _save(part: Partial<Saved>): void {
    this._saved = { ...this._saved, ...part };
    this._out.push({ do: "save", saved: this._saved });
  }

  protected _say(kind: NonNullable<View["line"]>["kind"], text: string): void {
    this._out.push({ do: "timer", name: "line", ms: LINE_MS });
    this._change({ line: { kind, text } });
  }

  protected _tellError(code: string, message: string): void {
    this._out.push({ do: "tell", told: { name: "error", data: { code, message } } });
  }
}
