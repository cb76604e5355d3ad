/** Expands `±` into the values it stands for. */
import { type Budget, spend } from "../budget.ts";
import type { Expr } from "../parse/tree.ts";

/** The most `±` signs that vary on their own. */
const MAX_SIGNS = 4;

/** The values of `e`: itself if it has no `±`. With `∓` all signs go together; without, each varies on its own. Undefined past 16 values. */
export function expandPlusMinus(e: Expr, budget: Budget): Expr[] | undefined {
  const signs = { count: 0, flips: false };
  count(e, signs);
  if (signs.count === 0) return [e];
  const free = signs.flips ? 1 : signs.count;
  if (free > MAX_SIGNS) return undefined;
  const values: Expr[] = [];
  for (let mask = 0; mask < 2 ** free; mask++) {
    spend(budget, 10);
    const seen = { next: 0 };
    values.push(resolve(e, (flip) => (((signs.flips ? mask : mask >> seen.next++) & 1) === 1) !== flip));
  }
  return values;
}

/** The parts of an expression that are expressions. */
export function children(e: Expr): Expr[] {
  switch (e.kind) {
    case "add":
    case "mul":
    case "call":
    case "app":
    case "ratio":
      return e.args;
    case "neg":
    case "percent":
    case "degree":
    case "pm":
      return [e.arg];
    case "div":
      return [e.num, e.den];
    case "pow":
      return [e.base, e.exp];
    case "root":
      return [e.arg, e.index];
    default:
      return [];
  }
}

function count(e: Expr, signs: { count: number; flips: boolean }): void {
  if (e.kind === "pm") {
    signs.count++;
    signs.flips ||= e.flip;
  }
  for (const child of children(e)) count(child, signs);
}

/** `e` with each `±` made a sign: `negative(flip)` tells which. */
function resolve(e: Expr, negative: (flip: boolean) => boolean): Expr {
  const go = (x: Expr): Expr => resolve(x, negative);
  switch (e.kind) {
    case "pm": {
      const minus = negative(e.flip);
      const arg = go(e.arg);
      return minus ? { kind: "neg", arg } : arg;
    }
    case "add":
    case "mul":
      return { kind: e.kind, args: e.args.map(go) };
    case "call":
      return { ...e, args: e.args.map(go) };
    case "app":
      return { ...e, args: e.args.map(go) };
    case "ratio":
      return { ...e, args: e.args.map(go) };
    case "neg":
    case "percent":
    case "degree":
      return { kind: e.kind, arg: go(e.arg) };
    case "div":
      return { kind: "div", num: go(e.num), den: go(e.den) };
    case "pow":
      return { kind: "pow", base: go(e.base), exp: go(e.exp) };
    case "root":
      return { kind: "root", arg: go(e.arg), index: go(e.index) };
    default:
      return e;
  }
}
