// The words of the widget, by name. A language is one string: the sentences in this order, a bar between them.
// `{}` is where a name or a number goes.
export const KEYS = [
  "open", "close", "title", "you", "assistant", "write", "send", "stop", "log", "sending", "waiting", "sent", "failed",
  "retry", "remove", "older", "thinking", "typing", "stopped", "broken", "offline", "connecting", "lost", "tooLong",
  "left", "copy", "copied", "table", "code", "newTab", "newest", "menu", "newChat", "e4400", "e4401", "e4403", "e4404",
  "e4409", "e4410", "e4426", "useHere", "unread",
] as const;

export type Key = (typeof KEYS)[number];
export type Words = Record<Key, string>;
