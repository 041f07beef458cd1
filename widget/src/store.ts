// localStorage behind two verbs. Where a browser refuses it (private windows, blocked storage) memory stands in.
import type { Entry } from "./outbox";
import { readSaved, type Saved } from "./saved";

export class Store {
  private readonly memory = new Map<string, string>();

  /** `scope` names site, thread and, in shared demo threads, the name: each has its own cursor and outbox. */
  constructor(private readonly scope: string) {}

  load(): Saved {
    return readSaved(this.read(this.key("s")));
  }

  save(saved: Saved): void {
    this.write(this.key("s"), JSON.stringify(saved));
  }

  /** Entries are kept one by one, so that two tabs never write over each other's. */
  entries(): Entry[] {
    const found: Entry[] = [];
    for (const key of this.keys()) {
      if (!key.startsWith(this.key("o"))) continue;
      try {
        const entry = JSON.parse(this.read(key) ?? "") as Entry;
        if (typeof entry.id === "string" && typeof entry.text === "string" && typeof entry.at === "number") found.push(entry);
      } catch {
        this.remove(key);
      }
    }
    return found;
  }

  keep(entry: Entry): void {
    this.write(this.key("o") + entry.id, JSON.stringify(entry));
  }

  unkeep(id: string): void {
    this.remove(this.key("o") + id);
  }

  /** Nothing of this scope is left. */
  clear(): void {
    for (const key of this.keys()) if (key.startsWith(this.key(""))) this.remove(key);
  }

  private key(kind: string): string {
    return `parley:${this.scope}:${kind}`;
  }

  private keys(): string[] {
    try {
      return [...Object.keys(localStorage), ...this.memory.keys()];
    } catch {
      return [...this.memory.keys()];
    }
  }

  private read(key: string): string | null {
    try {
      return this.memory.get(key) ?? localStorage.getItem(key);
    } catch {
      return this.memory.get(key) ?? null;
    }
  }

  private write(key: string, value: string): void {
    try {
      localStorage.setItem(key, value);
      this.memory.delete(key);
    } catch {
      this.memory.set(key, value);
    }
  }

  private remove(key: string): void {
    this.memory.delete(key);
    try {
      localStorage.removeItem(key);
    } catch {
      // Nothing was stored there then.
    }
  }
}
