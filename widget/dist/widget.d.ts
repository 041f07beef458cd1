/** The JS API of the chat widget: `window.Parley`, and the same methods on every `<parley-chat>` element. */

export type ParleyStatus = "idle" | "connecting" | "ready" | "waiting" | "stopped";

export interface ParleyMessage {
  /** Place in the conversation, from 1 without gaps among all its events. */
  seq: number;
  id: string;
  role: "user" | "assistant" | "human" | "system";
  author: { id: string; name: string | null };
  text: string;
  /** ISO 8601, UTC. */
  at: string;
}

export interface ParleyEvents {
  /** The conversation is there. */
  ready: { session_id: string; user_id: string };
  open: undefined;
  close: undefined;
  /** A message was stored, one's own among them. Each is told once, in order. */
  message: ParleyMessage;
  status: ParleyStatus;
  error: { code: string; message: string };
  /** The server no longer takes the token: return a fresh one (or a promise of one), or call `identify`. */
  token: undefined;
}

export interface ParleyApi {
  open(): void;
  close(): void;
  toggle(): void;
  /** Sends a message as the person. Gives its id. Throws a RangeError if it is empty or longer than 4,000 characters. */
  send(text: string): string;
  /** The site's signed token: the visitor becomes that user. Called again it renews the token. */
  identify(token: string): void;
  /** Forgets on this browser who the visitor was (call it when they sign out). */
  reset(): void;
  /** Listens. Gives a function that stops listening. */
  on<K extends keyof ParleyEvents>(
    event: K,
    listener: (data: ParleyEvents[K]) => K extends "token" ? string | Promise<string> | void : void,
  ): () => void;
}

export interface ParleyChatElement extends HTMLElement, ParleyApi {}

declare global {
  interface Window {
    /** There once the script has run: the document then gets the event `parley:ready`. */
    Parley?: ParleyApi;
  }
  interface HTMLElementTagNameMap {
    "parley-chat": ParleyChatElement;
  }
}
