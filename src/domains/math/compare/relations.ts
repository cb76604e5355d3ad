/** Compares equations, inequalities and congruences with each other, and takes values out of them. */
import type { Answer, Expr, RelationOp } from "../parse/tree.ts";
import { type Decision, DIFFERENT, sameValue } from "./equality.ts";
import { proportional } from "./proportional.ts";
import { sameFunction } from "./rename.ts";
import { compareScalars, type Setting } from "./scalar.ts";

type Relation = Answer & { kind: "relation" };
/** Compares sides that are no scalars. */
export type Compare = (gold: Answer, response: Answer, s: Setting) => Decision;

/** Whether a side is a name for something: `x`, `f(x)`, `|AB|`, `A:B`, `\text{Area}`, `(x, y)`. */
export function isName(side: Answer): boolean {
  switch (side.kind) {
    case "text":
      return true;
    case "tuple":
    case "list":
      return side.items.every(isName);
    case "scalar":
      return isNameExpr(side.expr);
    default:
      return false;
  }
}

function isNameExpr(e: Expr): boolean {
  switch (e.kind) {
    case "sym":
    case "app":
      return true;
    case "const":
      return e.name === "e" || e.name === "i";
    case "call":
      return e.name === "abs" && isNameExpr(e.args[0]!);
    case "mul":
      return (
        e.args.length <= 4 &&
        e.args.every((a) => (a.kind === "sym" || a.kind === "const") && /^[A-Z]|:|^[ei]$/.test(a.name))
      );
    case "ratio":
      return e.args.every(isNameExpr);
    case "degree":
      return isNameExpr(e.arg);
    case "div":
      return (isDifferential(e.num) && isDifferential(e.den)) || (isNameExpr(e.num) && isNameExpr(e.den));
    default:
      return false;
  }
}

/** `y'` and `\frac{dy}{dx}` name one derivative; so do `f'(x)` and `\frac{df}{dx}`. */
function sameDerivative(a: Answer, b: Answer): boolean {
  if (a.kind !== "scalar" || b.kind !== "scalar") return false;
  const [p, q] = [derived(a.expr), derived(b.expr)];
  return p !== undefined && p === q;
}

function derived(e: Expr): string | undefined {
  if ((e.kind === "sym" || e.kind === "app") && /^[a-zA-Z]'$/.test(e.name)) return e.name[0];
  if (e.kind !== "div" || !isDifferential(e.num) || !isDifferential(e.den) || e.num.kind !== "mul") return undefined;
  const [d, of] = e.num.args;
  return e.num.args.length === 2 && d?.kind === "sym" && of?.kind === "sym" ? of.name : undefined;
}

/** `dy`, `\partial f`, `d`: half of a derivative's name. */
function isDifferential(e: Expr): boolean {
  const first = e.kind === "mul" ? e.args[0]! : e;
  const head = first.kind === "pow" ? first.base : first;
  return head.kind === "sym" && (head.name === "d" || head.name === "partial");
}

/** The value that an equation, a chain of them, or a membership gives its left side; undefined for inequalities. */
export function valueGiven(r: Relation): Answer | undefined {
  if (r.ops[0] === "==mod") return r.sides[1];
  if (r.ops.length === 1 && r.ops[0] === "in") return r.sides[1];
  if (!r.ops.every((op) => op === "=" || op === "~")) return undefined;
  if (r.ops.length === 1 && r.ops[0] === "=" && isName(r.sides[1]!) && !isName(r.sides[0]!)) return r.sides[0];
  const about = r.ops.indexOf("~");
  if (about > 0) return r.sides[about];
  return r.ops[0] === "~" && !isName(r.sides[0]!) ? r.sides[0] : r.sides[r.ops.lastIndexOf("=") + 1 || 1];
}

/** Whether `r` assigns: a side is a name, or it is a computation that ends in a number. */
export function assigns(r: Relation): boolean {
  if (valueGiven(r) === undefined) return false;
  if (r.ops[0] === "==mod" || r.ops[0] === "~" || isName(r.sides[0]!) || (r.sides.length === 2 && isName(r.sides[1]!)))
    return true;
  const isNumber = (side: Answer): boolean => side.kind === "scalar" && !hasNames(side.expr);
  return r.sides.length > 2 ? isNumber(r.sides.at(-1)!) : r.sides.every(isNumber);
}

/** An equation whose last side is a number other than zero: it may state what was asked for, as `x + y = 12` does. */
export function endsInNumber(r: Relation): boolean {
  const last = r.sides.at(-1)!;
  if (!r.ops.every((op) => op === "=") || last.kind !== "scalar" || hasNames(last.expr)) return false;
  return !(last.expr.kind === "num" && last.expr.value.n === 0n);
}

/** Whether anything in it stands for an unknown. Bound variables do not. */
function hasNames(e: Expr, bound: readonly string[] = []): boolean {
  const inside = (x: Expr): boolean => hasNames(x, bound);
  switch (e.kind) {
    case "sym":
      return !bound.includes(e.name);
    case "app":
      return true;
    case "opaque":
      return e.args.some((x) => hasNames(x, e.bound === undefined ? bound : [...bound, e.bound]));
    case "series":
      return inside(e.from) || inside(e.to) || hasNames(e.body, [...bound, e.index]);
    case "add":
    case "mul":
    case "call":
    case "ratio":
      return e.args.some(inside);
    case "neg":
    case "percent":
    case "degree":
    case "pm":
      return inside(e.arg);
    case "div":
      return inside(e.num) || inside(e.den);
    case "pow":
      return inside(e.base) || inside(e.exp);
    case "root":
      return inside(e.arg);
    default:
      return false;
  }
}

const FLIP: Record<RelationOp, RelationOp> = {
  "=": "=",
  "!=": "!=",
  "<": ">",
  "<=": ">=",
  ">": "<",
  ">=": "<=",
  in: "in",
  notin: "notin",
  "~": "~",
  "==mod": "==mod",
};

/** Compares two relations that are no sets of reals. `compare` is for sides that are no scalars. */
export function compareRelations(gold: Relation, response: Relation, s: Setting, compare: Compare): Decision {
  if (gold.ops[0] === "==mod" && response.ops[0] === "==mod") return compareCongruences(gold, response, s, compare);
  if (gold.ops[0] === "==mod" || response.ops[0] === "==mod") return DIFFERENT;
  const [g, r] = [valueGiven(gold), valueGiven(response)];
  if (g !== undefined && r !== undefined) return compareEquations(gold, response, g, r, s, compare);
  if (g !== undefined || r !== undefined) return DIFFERENT;
  const forward = sideBySide(gold.sides, gold.ops, response.sides, response.ops, s, compare);
  if (forward.same === "equal") return forward;
  const backward = sideBySide(
    gold.sides,
    gold.ops,
    [...response.sides].reverse(),
    [...response.ops].reverse().map((op) => FLIP[op]),
    s,
    compare,
  );
  if (backward.same === "equal") return backward;
  if (gold.ops.length === 1 && response.ops.length === 1) return compareInequalities(gold, response, s);
  return forward.same === "unknown" ? forward : backward;
}

function sideBySide(
  a: readonly Answer[],
  aOps: readonly RelationOp[],
  b: readonly Answer[],
  bOps: readonly RelationOp[],
  s: Setting,
  compare: Compare,
): Decision {
  if (a.length !== b.length || aOps.some((op, k) => op !== bOps[k])) return DIFFERENT;
  let result: Decision = { same: "equal", stage: "exact" };
  for (const [k, side] of a.entries()) {
    const decision = compare(side, b[k]!, s);
    if (decision.same === "different") return decision;
    if (decision.same === "unknown" || decision.stage !== "exact") result = decision;
  }
  return result;
}

function compareEquations(
  gold: Relation,
  response: Relation,
  g: Answer,
  r: Answer,
  s: Setting,
  compare: Compare,
): Decision {
  const [left, other] = [gold.sides[0]!, response.sides[0]!];
  const sameLetters = sameFunction(left, other, r);
  if (sameLetters !== undefined) return compare(g, sameLetters, s);
  if (isName(left) && isName(other)) {
    const names = compare(left, other, s);
    if (
      names.same === "equal" ||
      sameDerivative(left, other) ||
      bothFunctions(left, other) ||
      other.kind === "text" ||
      left.kind === "text"
    )
      return compare(g, r, s);
    if (left.kind !== "scalar" || other.kind !== "scalar")
      return g.kind === r.kind && left.kind === other.kind ? compare(g, r, s) : DIFFERENT;
  }
  const chained = gold.sides.length > 2 && gold.sides.length === response.sides.length && !isName(left);
  const pairs = chained ? gold.sides.slice(1).map((_, k) => k) : [0];
  let result: Decision = { same: "equal", stage: "exact" };
  for (const k of pairs) {
    const ends = chained
      ? [gold.sides[k]!, gold.sides[k + 1]!, response.sides[k]!, response.sides[k + 1]!]
      : [left, g, other, r];
    const decision = equation(ends, s, compare);
    if (decision.same !== "equal") return decision;
    result = decision;
  }
  return result;
}

/** `y = …` and `f(x) = …` name the same thing. */
function bothFunctions(a: Answer, b: Answer): boolean {
  if (a.kind !== "scalar" || b.kind !== "scalar") return false;
  const [called, plain] = a.expr.kind === "app" ? [a.expr, b.expr] : [b.expr, a.expr];
  return called.kind === "app" && called.name.length <= 2 && plain.kind === "sym" && plain.name === "y";
}

function equation([a, b, c, d]: Answer[], s: Setting, compare: Compare): Decision {
  if (a?.kind !== "scalar" || b?.kind !== "scalar" || c?.kind !== "scalar" || d?.kind !== "scalar") {
    const left = compare(a!, c!, s);
    return left.same === "equal" ? compare(b!, d!, s) : left;
  }
  const minus = (x: Expr, y: Expr): Expr => ({ kind: "add", args: [x, { kind: "neg", arg: y }] });
  const direct = [compareScalars(a.expr, c.expr, s), compareScalars(b.expr, d.expr, s)];
  if (direct.every((x) => x.same === "equal")) return direct[1]!;
  const { same } = proportional(minus(a.expr, b.expr), minus(c.expr, d.expr), s.budget);
  return { same, stage: same === "unknown" ? "undecided" : "numeric" };
}

function compareInequalities(gold: Relation, response: Relation, s: Setting): Decision {
  const [a, b] = gold.sides;
  const [c, d] = response.sides;
  if (a?.kind !== "scalar" || b?.kind !== "scalar" || c?.kind !== "scalar" || d?.kind !== "scalar") return DIFFERENT;
  const minus = (x: Expr, y: Expr): Expr => ({ kind: "add", args: [x, { kind: "neg", arg: y }] });
  const { same, sign } = proportional(minus(a.expr, b.expr), minus(c.expr, d.expr), s.budget);
  if (same !== "equal") return { same, stage: same === "unknown" ? "undecided" : "numeric" };
  const wanted = sign > 0 ? gold.ops[0]! : FLIP[gold.ops[0]!];
  return { same: wanted === response.ops[0] ? "equal" : "different", stage: "numeric" };
}

/** The same modulus, and residues that differ by a multiple of it; of one unknown where both name theirs. */
function compareCongruences(gold: Relation, response: Relation, s: Setting, compare: Compare): Decision {
  const named = (a: Answer): boolean => a.kind !== "text";
  const [left, other] = [gold.sides[0]!, response.sides[0]!];
  if (named(left) && named(other) && compare(left, other, s).same === "different") return DIFFERENT;
  const [g, m] = [gold.sides[1]!, gold.sides[2]!];
  const [r, n] = [response.sides[1]!, response.sides[2]!];
  if (g.kind !== "scalar" || m.kind !== "scalar" || r.kind !== "scalar" || n.kind !== "scalar") return DIFFERENT;
  const moduli = sameValue(m.expr, n.expr, s.budget);
  if (moduli.same !== "equal") return moduli;
  const reduced = (e: Expr): Expr => ({ kind: "call", name: "mod", args: [e, m.expr] });
  return sameValue(reduced(g.expr), reduced(r.expr), s.budget);
}
