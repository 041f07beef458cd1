// The same frames where websockets are blocked: server-sent events down, one POST per frame up.
//
//   GET  /widget/events?hello={hello as JSON, without the token}   Authorization: Bearer {token}, Last-Event-ID: {cursor}
//        text/event-stream, each event one frame as `data`; `event: close` ends it with `{"code", "reason"}`
//   POST /widget/frames?session_id={…}&name={…}                     Authorization: Bearer {token}
//        one frame; answers with a JSON list of the frames that answer it
import { type Hello, parseFrame } from "./frames";
import type { Transport, TransportEvents } from "./socket";

/** Reads `text/event-stream` whose events have one line of data. Give it what arrives; it gives what is whole. */
export class EventReader {
  private _rest = "";

  push(chunk: string): { isClose: boolean; data: string }[] {
    const parts = (this._rest + chunk).replaceAll("\r", "").split("\n\n");
    this._rest = parts.pop() ?? "";
    return parts.flatMap((part) => {
      const data = /^data:(.*)/m.exec(part)?.[1];
      return data ? [{ isClose: /^event: ?close$/m.test(part), data }] : [];
    });
  }
}

interface Refusal { code?: number; reason?: string }

export function openEvents(server: string, on: TransportEvents): Transport {
  const stop = new AbortController();
  let token = "";
  let session_id = "";
  let name = "";
  const at = (path: string, query: Record<string, string>): URL => new URL(`/widget/${path}?${new URLSearchParams(query)}`, server);
  const auth = (): HeadersInit => (token ? { Authorization: `Bearer ${token}` } : {});
  const end = (code: number, reason = ""): void => {
    if (stop.signal.aborted) return;
    stop.abort();
    on.closed(code, reason);
  };
  const take = (text: string): void => {
    const frame = parseFrame(text);
    if (frame?.type === "welcome") {
      token = frame.token ?? token;
      session_id = frame.session_id;
    }
    if (!stop.signal.aborted) on.text(text);
  };
  const refuse = ({ code = 1006, reason = "" }: Refusal): void => end(code, reason);
  const check = async (response: Response): Promise<boolean> => {
    if (!response.ok) refuse((await response.json()) as Refusal);
    return response.ok;
  };

  const listen = async (hello: Hello): Promise<void> => {
    const { token: mine = "", ...rest } = hello;
    token = mine;
    name = rest.name ?? "";
    const response = await fetch(at("events", { hello: JSON.stringify(rest) }), { headers: { ...auth(), "Last-Event-ID": String(hello.cursor) }, signal: stop.signal });
    if (!(await check(response)) || !response.body) return;
    const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
    const events = new EventReader();
    for (let part = await reader.read(); !part.done; part = await reader.read()) {
      for (const { isClose, data } of events.push(part.value)) {
        if (isClose) return refuse(JSON.parse(data) as Refusal);
        take(data);
      }
    }
    end(1006);
  };
  const post = async (body: string): Promise<void> => {
    const response = await fetch(at("frames", { session_id, name }), { method: "POST", body, headers: { ...auth(), "Content-Type": "application/json" }, signal: stop.signal });
    if (!(await check(response))) return;
    for (const frame of (await response.json()) as unknown[]) take(JSON.stringify(frame));
  };

  let queue = Promise.resolve();
  queueMicrotask(() => stop.signal.aborted || on.open());
  return {
    send: (text) => {
      const frame = JSON.parse(text) as Hello;
      if (frame.type === "hello") listen(frame).catch(() => end(1006));
      else queue = queue.then(() => post(text)).catch(() => end(1006));
    },
    close: () => stop.abort(),
  };
}
