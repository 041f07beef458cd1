// What outlives the page: who the visitor is, where in which log they stand. Outbox entries are kept one by one beside it.
import type { Epoch } from "./frames";

export interface Saved {
  /** The gateway's own token of an anonymous visitor. A site's token is never stored: the page brings it. */
  token?: string;
  /** `sub` of the site's token, or nothing for a visitor: another person on the same browser starts afresh. */
  sub?: string;
  session_id?: string;
  epoch?: Epoch;
  cursor: number;
}

export const EMPTY: Saved = { cursor: 0 };

/** What storage gave, if it has the form of `Saved`; a fresh start otherwise. */
export function readSaved(text: string | undefined): Saved {
  try {
    const value = JSON.parse(text ?? "") as Partial<Saved> | null;
    return Number.isInteger(value?.cursor) ? (value as Saved) : EMPTY;
  } catch {
    return EMPTY;
  }
}

/** What a site's token claims. Not verified: only to tell one person on this browser from the next, and to renew in time. */
export function claimsOf(token: string | undefined): { sub?: string; exp?: number } {
  try {
    const body = atob((token ?? "").split(".")[1]?.replaceAll("-", "+").replaceAll("_", "/") ?? "");
    return JSON.parse(body) as { sub?: string; exp?: number };
  } catch {
    return {};
  }
}
