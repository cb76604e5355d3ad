/** Whether two equations or inequalities are the same up to a factor: `l − r` against `l′ − r′`. */
import type { Budget } from "../budget.ts";
import { bigArithmetic } from "../evaluate/bigcomplex.ts";
import { toDouble } from "../evaluate/bigfloat.ts";
import { exactValue } from "../evaluate/exact.ts";
import { evaluate } from "../evaluate/numeric.ts";
import { POINTS, point, symbolsOf } from "../evaluate/points.ts";
import { substitute, withParts } from "../parse/substitute.ts";
import type { Expr } from "../parse/tree.ts";
import { type Same, sameValue } from "./equality.ts";

/** The factor's sign if `b = factor · a` for a constant factor, with how sure that is. */
export interface Proportion {
  same: Same;
  /** +1 or −1 where `same` is equal. */
  sign: number;
}

/** Compares `a·b(p)` with `b·a(p)` at a fixed point `p`: equal exactly if `b` is a constant multiple of `a`. Without unknowns nothing varies, and nothing is. */
export function proportional(l: Expr, r: Expr, budget: Budget): Proportion {
  const [a, b] = [withUnknowns(l, budget), withUnknowns(r, budget)];
  const symbols = symbolsOf(a, b);
  if (symbols.free.size === 0) return { same: sameValue(a, b, budget).same, sign: 1 };
  const ar = bigArithmetic(budget);
  const names = [...symbols.free];
  for (let k = 0; k < POINTS; k++) {
    const at = point(k + 3, symbols.whole, "e");
    const [x, y] = [evaluate(a, ar, at, budget), evaluate(b, ar, at, budget)];
    if (x === undefined || y === undefined || ar.isZero(x) || ar.isZero(y) || !ar.isReal(x) || !ar.isReal(y)) continue;
    const fixed = (e: Expr): Expr =>
      names.reduce(
        (inner, name) => substitute(inner, name, { kind: "num", value: at.valueOf(name), places: -1, digits: 0 }),
        e,
      );
    const left: Expr = { kind: "mul", args: [a, fixed(b)] };
    const right: Expr = { kind: "mul", args: [b, fixed(a)] };
    const sign = Math.sign(toDouble(x.re)) * Math.sign(toDouble(y.re));
    return { same: sameValue(left, right, budget).same, sign };
  }
  return { same: "unknown", sign: 1 };
}

/** With a symbol for each value of an undefined function, `f(2)` or `a_1`: it is an unknown like `x`. */
function withUnknowns(e: Expr, budget: Budget): Expr {
  if (e.kind !== "app") return withParts(e, (part) => withUnknowns(part, budget));
  const args = e.args.map((arg) => exactValue(arg, budget));
  if (args.includes(undefined)) return e;
  return { kind: "sym", name: `${e.name}(${args.map((x) => `${x!.n}/${x!.d}`).join()})` };
}
