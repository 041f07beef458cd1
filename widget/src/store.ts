// localStorage behind a few verbs. Where a browser refuses it (blocked, full) the page's own memory stands in.
import type { Entry } from "./outbox";
import { readSaved, type Saved } from "./saved";

export class Store {
  private readonly _memory: Record<string, string> = {};

  /** `scope` names gateway, site and thread (in a named thread the person too): each has its own cursor and outbox. */
  constructor(private readonly _scope: string) {}

  load(): Saved {
    return readSaved(this._all()[this._key("s")]);
  }

  save(saved: Saved): void {
    this._write(this._key("s"), JSON.stringify(saved));
  }

  /**
   * What `who` wrote, and what a visitor did: who signs in takes it over, and nobody sends what another person wrote.
   * Entries are kept one by one, so that two tabs never write over each other's.
   */
  entries(who: string | undefined): Entry[] {
    return Object.entries(this._all()).flatMap(([key, text]) => {
      try {
        const entry = key.startsWith(this._key("o")) && (JSON.parse(text) as Entry);
        return entry && (!entry.who || entry.who === who) ? [entry] : [];
      } catch {
        return [];
      }
    });
  }

  keep(entry: Entry): void {
    this._write(this._key("o") + entry.id, JSON.stringify(entry));
  }

  unkeep(id: string): void {
    this._remove(this._key("o") + id);
  }

  /** Nothing of this scope is left. */
  clear(): void {
    for (const key of Object.keys(this._all())) if (key.startsWith(this._key(""))) this._remove(key);
  }

  private _key(kind: string): string {
    return `parley:${this._scope}:${kind}`;
  }

  private _all(): Record<string, string> {
    try {
      return { ...localStorage, ...this._memory };
    } catch {
      return this._memory;
    }
  }

  private _write(key: string, value: string): void {
    try {
      localStorage.setItem(key, value);
    } catch {
      this._memory[key] = value;
    }
  }

  private _remove(key: string): void {
    delete this._memory[key];
    try {
      localStorage.removeItem(key);
    } catch {
      // Nothing was stored there then.
    }
  }
}
