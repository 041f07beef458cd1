// The sentences of the widget. A language is one string: the sentences in this order, a bar between them, `{}` where a
// name or a number goes. (An enum that the build replaces by its numbers, so that the names cost nothing.)
export const enum W {
  open, close, title, you, write, send, stop, sending, waiting, failed, retry, remove, older, thinking,
  typing, stopped, offline, copy, newest, newChat, past, memories, erase, good, bad, joined, left, person,
  human, reload, denied, gone, elsewhere, attach,
}

export const SENTENCES = 34;

/** The sentence in the reader's language, its gap filled. */
export type Words = (key: W, value?: string | number) => string;
