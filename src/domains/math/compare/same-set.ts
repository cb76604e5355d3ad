/**
 * When two sets of reals are the same. Each set says which of the end points of both, and which of the gaps between them, it holds; two sets
 * are equal if they hold the same ones.
 */
import { spend } from "../budget.ts";
import type { Expr } from "../parse/tree.ts";
import { realValue } from "./decimals.ts";
import { type Same, sameValue } from "./equality.ts";
import { compareScalars, type Setting } from "./scalar.ts";
import type { RealSet, Shape } from "./shape.ts";

/** The most end points that are put in order. */
const MAX_ENDS = 60;

/** An end point with its place on the line; ends of the two sets that count as the same share an index. */
interface Ends {
  index: Map<Expr, number>;
  count: number;
}

/** Whether two sets hold the same reals. Ends that are no real numbers can only be compared one by one, interval against interval. */
export function sameRealSet(gold: RealSet, response: RealSet, s: Setting): Same {
  if (gold.variable !== undefined && response.variable !== undefined && gold.variable !== response.variable)
    return "different";
  const ends = order(collect(gold.shape), collect(response.shape), s);
  if (ends === undefined) return endByEnd(gold.shape, response.shape, s);
  const [a, b] = [membership(gold.shape, ends, s), membership(response.shape, ends, s)];
  return a.every((held, k) => held === b[k]) ? "equal" : "different";
}

function collect(shape: Shape, found: Expr[] = []): Expr[] {
  switch (shape.kind) {
    case "interval":
      if (shape.low !== undefined) found.push(shape.low);
      if (shape.high !== undefined) found.push(shape.high);
      break;
    case "points":
      found.push(...shape.values);
      break;
    case "op":
      collect(shape.left, found);
      collect(shape.right, found);
      break;
    case "conditions":
      for (const part of shape.parts) collect(part, found);
      break;
    case "all":
  }
  return found;
}

function order(gold: Expr[], response: Expr[], s: Setting): Ends | undefined {
  const all = [...gold.map((e) => ({ e, gold: true })), ...response.map((e) => ({ e, gold: false }))];
  if (all.length > MAX_ENDS) return undefined;
  const placed: { e: Expr; gold: boolean; at: number }[] = [];
  for (const end of all) {
    const at = realValue(end.e, s.budget);
    if (at === undefined) return undefined;
    placed.push({ ...end, at });
  }
  placed.sort((x, y) => x.at - y.at);
  const index = new Map<Expr, number>();
  let count = -1;
  let last: (typeof placed)[number] | undefined;
  for (const end of placed) {
    if (last === undefined || !meet(last, end, s)) count++;
    index.set(end.e, count);
    last = end;
  }
  return { index, count: count + 1 };
}

function meet(a: { e: Expr; gold: boolean }, b: { e: Expr; gold: boolean }, s: Setting): boolean {
  if (a.gold === b.gold) return sameValue(a.e, b.e, s.budget).same === "equal";
  const [g, r] = a.gold ? [a.e, b.e] : [b.e, a.e];
  return compareScalars(g, r, s).same === "equal";
}

/** For each gap and end in order (gap 0, end 0, gap 1, …), whether the set holds it. */
function membership(shape: Shape, ends: Ends, s: Setting): boolean[] {
  const size = 2 * ends.count + 1;
  spend(s.budget, size);
  switch (shape.kind) {
    case "all":
      return new Array<boolean>(size).fill(true);
    case "interval": {
      const low = shape.low === undefined ? -1 : 2 * ends.index.get(shape.low)! + 1;
      const high = shape.high === undefined ? size : 2 * ends.index.get(shape.high)! + 1;
      return Array.from(
        { length: size },
        (_, k) =>
          (k > low && k < high) ||
          (k === low && !shape.lowOpen && low <= high && (low < high || !shape.highOpen)) ||
          (k === high && !shape.highOpen && low < high),
      );
    }
    case "points": {
      const held = new Set(shape.values.map((v) => 2 * ends.index.get(v)! + 1));
      return Array.from({ length: size }, (_, k) => held.has(k));
    }
    case "op": {
      const [a, b] = [membership(shape.left, ends, s), membership(shape.right, ends, s)];
      return a.map((x, k) =>
        shape.op === "union" ? x || b[k]! : shape.op === "intersection" ? x && b[k]! : x && !b[k]!,
      );
    }
    case "conditions": {
      const parts = shape.parts.map((p) => membership(p, ends, s));
      const all = parts[0]!.map((_, k) => parts.every((p) => p[k]!));
      return all.some((x) => x) ? all : all.map((_, k) => parts.some((p) => p[k]!));
    }
  }
}

function endByEnd(a: Shape, b: Shape, s: Setting): Same {
  if (a.kind === "op" && b.kind === "op" && a.op === b.op) {
    const left = endByEnd(a.left, b.left, s);
    const right = left === "equal" ? endByEnd(a.right, b.right, s) : left;
    return right === "equal" ? right : "unknown";
  }
  if (a.kind === "points" && b.kind === "points") {
    return a.values.length === b.values.length &&
      a.values.every((v, k) => compareScalars(v, b.values[k]!, s).same === "equal")
      ? "equal"
      : "unknown";
  }
  if (a.kind !== "interval" || b.kind !== "interval") return "unknown";
  if (a.lowOpen !== b.lowOpen || a.highOpen !== b.highOpen) return "different";
  const low = end(a.low, b.low, s);
  const high = low === "different" ? low : end(a.high, b.high, s);
  return low === "equal" ? high : high === "different" ? high : low;
}

function end(a: Expr | undefined, b: Expr | undefined, s: Setting): Same {
  if (a === undefined || b === undefined) return a === b ? "equal" : "different";
  return compareScalars(a, b, s).same;
}
