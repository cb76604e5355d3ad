/** The order in which requests are taken up: those with one prompt by one lane, one after the other. Runs nothing. */
import { keyOf } from "./lanes.ts";

/** A request whose prompt is in ids. */
export interface Prepared<Request> {
  request: Request;
  /** What is read ahead: requests that share it share the work. */
  prefix: readonly number[];
}

/** Chooses anew each time that it is asked: `idleKeys` tells what free lanes have read. */
export function* inTurns<Item extends Prepared<unknown>>(
  items: readonly Item[],
  idleKeys: () => readonly string[],
): Generator<Item & { key: string }> {
  const groups = new Map<string, Item[]>();
  for (const item of items) {
    const key = keyOf(item.prefix);
    const group = groups.get(key) ?? [];
    groups.set(key, group);
    group.push(item);
  }
  const fresh = groups.keys();
  for (;;) {
    let key = idleKeys().find((read) => groups.has(read));
    for (let next = fresh.next(); key === undefined && !next.done; next = fresh.next()) {
      if (groups.has(next.value)) key = next.value;
    }
    key ??= groups.keys().next().value;
    if (key === undefined) return;
    const group = groups.get(key)!;
    const item = group.shift()!;
    if (group.length === 0) groups.delete(key);
    yield { ...item, key };
  }
}
