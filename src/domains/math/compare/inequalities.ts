/** Solves an equation or inequality in one unknown for the set of reals that it allows: alone on a side, between bars, or linear. */
import { isInfinite } from "../parse/brackets.ts";
import { int } from "../parse/literals.ts";
import { substitute } from "../parse/substitute.ts";
import type { Answer, Expr, RelationOp } from "../parse/tree.ts";
import { realValue } from "./decimals.ts";
import { sameValue } from "./equality.ts";
import { expandPlusMinus } from "./plusminus.ts";
import type { Setting } from "./scalar.ts";
import type { Shape } from "./shape.ts";

/** The values that an unknown may take. */
export interface Solution {
  shape: Shape;
  variable: string;
}

/** The name of a lone unknown: `x`, `f(x)`, `a_n`. */
export function unknownName(e: Expr): string | undefined {
  if (e.kind === "sym") return e.name;
  return e.kind === "app" ? `${e.name}(${e.args.map((a) => unknownName(a) ?? "").join()})` : undefined;
}

const FLIPPED: Partial<Record<RelationOp, RelationOp>> = {
  "<": ">",
  ">": "<",
  "<=": ">=",
  ">=": "<=",
  "=": "=",
  "!=": "!=",
};

export function solve(left: Answer, right: Answer, op: RelationOp, s: Setting): Solution | undefined {
  if (left.kind !== "scalar" || right.kind !== "scalar" || FLIPPED[op] === undefined) return undefined;
  const [l, r] = [left.expr, right.expr];
  const name = unknownName(l);
  if (name !== undefined && constant(r)) return { variable: name, shape: ray(op, r) };
  const signs = name !== undefined && op === "!=" ? expandPlusMinus(r, s.budget) : undefined;
  if (signs !== undefined && signs.length > 1 && signs.every(constant))
    return {
      variable: name!,
      shape: { kind: "op", op: "minus", left: { kind: "all" }, right: { kind: "points", values: signs } },
    };
  const other = unknownName(r);
  if (other !== undefined && constant(l)) return { variable: other, shape: ray(FLIPPED[op]!, l) };
  if (l.kind === "call" && l.name === "abs" && constant(r)) return absolute(l.args[0]!, op, r, s);
  if (r.kind === "call" && r.name === "abs" && constant(l)) return absolute(r.args[0]!, FLIPPED[op]!, l, s);
  return linear(l, r, op, s);
}

function constant(e: Expr): boolean {
  return freeNames(e).size === 0;
}

/** The half-line where the unknown is `op bound`. */
function ray(op: RelationOp, bound: Expr): Shape {
  if (op === "=") return { kind: "points", values: [bound] };
  if (op === "!=")
    return { kind: "op", op: "minus", left: { kind: "all" }, right: { kind: "points", values: [bound] } };
  const open = op === "<" || op === ">";
  const end = isInfinite(bound) ? undefined : bound;
  return op === "<" || op === "<="
    ? { kind: "interval", low: undefined, high: end, lowOpen: true, highOpen: open || end === undefined }
    : { kind: "interval", low: end, high: undefined, lowOpen: open || end === undefined, highOpen: true };
}

/** `|x| < c`, `|2x - 3| \ge c`: two conditions on what stands between the bars. */
function absolute(inner: Expr, op: RelationOp, bound: Expr, s: Setting): Solution | undefined {
  const scalar = (expr: Expr): Answer => ({ kind: "scalar", expr, unit: undefined });
  const above = solve(scalar(inner), scalar(bound), op, s);
  const below = above && solve(scalar(inner), scalar({ kind: "neg", arg: bound }), FLIPPED[op]!, s);
  if (above === undefined || below === undefined) return undefined;
  const joined = op === "<" || op === "<=" || op === "!=" ? "intersection" : "union";
  return {
    variable: above.variable,
    shape: { kind: "op", op: joined, left: below.shape, right: above.shape },
  };
}

/** Names that occur in `e`, and a mark for anything that is no plain arithmetic. */
function freeNames(e: Expr, found = new Set<string>()): Set<string> {
  switch (e.kind) {
    case "sym":
      found.add(e.name);
      break;
    case "app":
    case "opaque":
    case "series":
    case "matrix":
    case "pm":
      found.add(`${e.kind}()`);
      break;
    case "add":
    case "mul":
    case "call":
    case "ratio":
      for (const x of e.args) freeNames(x, found);
      break;
    case "neg":
    case "percent":
    case "degree":
      freeNames(e.arg, found);
      break;
    case "div":
      freeNames(e.num, freeNames(e.den, found));
      break;
    case "pow":
      freeNames(e.base, freeNames(e.exp, found));
      break;
    case "root":
      freeNames(e.arg, found);
      break;
    default:
  }
  return found;
}

/** `2x + 1 > 5`: linear in its one unknown. */
function linear(l: Expr, r: Expr, op: RelationOp, s: Setting): Solution | undefined {
  const names = [...freeNames(l, freeNames(r))];
  if (names.length !== 1 || names[0]!.endsWith("()")) return undefined;
  const variable = names[0]!;
  const difference: Expr = { kind: "add", args: [l, { kind: "neg", arg: r }] };
  const at = (x: number): Expr => substitute(difference, variable, int(x));
  const slope: Expr = { kind: "add", args: [at(1), { kind: "neg", arg: at(0) }] };
  const [rise, again] = [realValue(slope, s.budget), realValue(at(0), s.budget)];
  if (rise === undefined || again === undefined || Math.abs(rise) < 1e-12) return undefined;
  const straight: Expr = { kind: "add", args: [at(7), { kind: "neg", arg: { kind: "mul", args: [int(7), slope] } }] };
  if (sameValue(straight, at(0), s.budget).same !== "equal") return undefined;
  const further: Expr = { kind: "add", args: [at(-3), { kind: "mul", args: [int(3), slope] }] };
  if (sameValue(further, at(0), s.budget).same !== "equal") return undefined;
  const root: Expr = { kind: "neg", arg: { kind: "div", num: at(0), den: slope } };
  return { variable, shape: ray(rise < 0 ? FLIPPED[op]! : op, root) };
}
