// The view of the leading tab, sent to the others as what changed, and put together again there.
import type { Item } from "./transcript";
import type { View } from "./types";

export interface Patch { rest: Omit<View, "items">; order: readonly string[]; items: readonly Item[] }

/** In the leading tab. */
export class Sender {
  private _sent = new Map<string, Item>();

  /** What the others lack; everything after `forget`. */
  patch({ items, ...rest }: View): Patch {
    const changed = items.filter((item) => this._sent.get(item.key) !== item);
    this._sent = new Map(items.map((item) => [item.key, item]));
    return { rest, order: items.map((item) => item.key), items: changed };
  }

  /** Somebody new listens. */
  forget(): void {
    this._sent.clear();
  }
}

/** In the others. */
export class Receiver {
  private _items = new Map<string, Item>();

  /** The view after this patch, or nothing if an earlier one was missed. */
  view({ rest, order, items }: Patch): View | undefined {
    for (const item of items) this._items.set(item.key, item);
    const all = order.map((key) => this._items.get(key));
    if (!all.every((item) => item !== undefined)) return undefined;
    this._items = new Map(all.map((item) => [item.key, item]));
    return { ...rest, items: all };
  }
}
