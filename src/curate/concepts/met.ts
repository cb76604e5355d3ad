/**
 * For each concept those that it met most, with a bound on its pair score with everybody else: a popular concept has met most of the
 * others, nearly all of them seldom, and a draw need not look at those.
 */
import type { SparseMatrix } from "./space.ts";

export interface MetLists {
  /** [concept + 1] where each list starts. */
  offsets: Uint32Array;
  /** [entry] who was met, the most often met first. */
  columns: Uint32Array;
  /** [entry] pair score above the bound; not negative. */
  excess: Float64Array;
  /** [concept] no pair score outside of the list is larger; not negative, since who never met scores 0. */
  bounds: Float64Array;
}

/** Entries a list: longer lists cost each draw, shorter ones refuse more proposals (measured: docs/design/curate.md). */
const LENGTH = 128;

/** Scores that are summed and not averaged have no scale: only whole lists bound them usefully. */
export function metLists(
  { offsets, columns, values }: SparseMatrix,
  combine: "sum" | "mean",
  length = combine === "sum" ? Number.POSITIVE_INFINITY : LENGTH,
): MetLists {
  const size = offsets.length - 1;
  const bounds = new Float64Array(size);
  const starts = new Uint32Array(size + 1);
  const kept = new Uint32Array(columns.length);
  let count = 0;
  for (let i = 0; i < size; i++) {
    const from = offsets[i] as number;
    const order = Uint32Array.from({ length: (offsets[i + 1] as number) - from }, (_, e) => from + e);
    order.sort((a, b) => (values[b] as number) - (values[a] as number) || a - b);
    const next = order[length];
    const bound = Math.max(0, next === undefined ? 0 : (values[next] as number));
    bounds[i] = bound;
    for (const entry of order) {
      if ((values[entry] as number) <= bound) break;
      kept[count++] = entry;
    }
    starts[i + 1] = count;
  }
  const entries = kept.subarray(0, count);
  const excess = new Float64Array(count);
  for (let i = 0; i < size; i++) {
    for (let e = starts[i] as number; e < (starts[i + 1] as number); e++)
      excess[e] = (values[entries[e] as number] as number) - (bounds[i] as number);
  }
  return { offsets: starts, columns: entries.map((entry) => columns[entry] as number), excess, bounds };
}
