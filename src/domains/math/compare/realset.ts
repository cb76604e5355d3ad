/**
 * Sets of real numbers built from intervals, points, inequalities and set operations, and when two are the same. Each set says which of the
 * end points of both, and which of the gaps between them, it holds; two sets are equal if they hold the same ones.
 */
import { spend } from "../budget.ts";
import { plainText } from "../latex/words.ts";
import { isInfinite } from "../parse/brackets.ts";
import { int } from "../parse/literals.ts";
import { substitute } from "../parse/substitute.ts";
import type { Answer, Expr, RelationOp } from "../parse/tree.ts";
import { realValue } from "./decimals.ts";
import { type Same, sameValue } from "./equality.ts";
import { expandPlusMinus } from "./plusminus.ts";
import { compareScalars, type Setting } from "./scalar.ts";

/** Undefined ends are infinite. */
type Shape =
  | { kind: "all" }
  | { kind: "interval"; low: Expr | undefined; high: Expr | undefined; lowOpen: boolean; highOpen: boolean }
  | { kind: "points"; values: Expr[] }
  | { kind: "op"; op: "union" | "intersection" | "minus"; left: Shape; right: Shape }
  /** Inequalities side by side: all of them, or any of them if all together hold nowhere. */
  | { kind: "conditions"; parts: Shape[] };

export interface RealSet {
  shape: Shape;
  /** The unknown whose values these are, if the set came from relations. */
  variable: string | undefined;
  /** Some part is an inequality. */
  inequality: boolean;
}

/** "all real numbers", "the set of all reals", "every real x". */
const EVERYTHING =
  /^(?:the )?(?:set of )?(?:(?:all |any |every )?(?:the )?(?:reals?|real (?:numbers?|values?))|(?:all|any|every) real(?: values?(?: of)?)? [a-z])$/;

/** "all positive real numbers", "nonnegative reals". */
const HALF =
  /^(?:the )?(?:set of )?(?:all |any |every )?(positive|negative|non-?negative|non-?positive) real(?: number)?s?$/;

function halfLine(sign: string): Shape {
  const open = !sign.startsWith("non");
  const right = sign.endsWith("positive") === open;
  const zero = int(0);
  return right
    ? { kind: "interval", low: zero, high: undefined, lowOpen: open, highOpen: true }
    : { kind: "interval", low: undefined, high: zero, lowOpen: true, highOpen: open };
}

/** "none", "no real solutions", "no such integers exist"; articles and "is" are gone already. */
const NOTHING =
  /^(?:there )?(?:none|empty set|no (?:[a-z]+ ){0,2}(?:solutions?|roots?|values?|answers?|such(?: [a-z]+){0,2})(?: exists?)?)$/;

/** Whether a text says that there is nothing. */
export function saysNothing(text: string): boolean {
  return NOTHING.test(text);
}

/** The set of reals that `answer` describes, or undefined. Finite sets and lists of numbers are sets too, if `finite`. */
export function realSet(answer: Answer, s: Setting, finite: boolean): RealSet | undefined {
  spend(s.budget, 2);
  const plain = (shape: Shape): RealSet => ({ shape, variable: undefined, inequality: false });
  switch (answer.kind) {
    case "named":
      return answer.name === "R" ? plain({ kind: "all" }) : undefined;
    case "text": {
      const text = plainText(answer.text);
      const half = HALF.exec(text);
      if (half !== null) return plain(halfLine(half[1]!));
      return EVERYTHING.test(text)
        ? plain({ kind: "all" })
        : saysNothing(text)
          ? plain({ kind: "points", values: [] })
          : undefined;
    }
    case "interval":
      return plain({
        kind: "interval",
        low: isInfinite(answer.low) ? undefined : answer.low,
        high: isInfinite(answer.high) ? undefined : answer.high,
        lowOpen: answer.lowOpen || isInfinite(answer.low),
        highOpen: answer.highOpen || isInfinite(answer.high),
      });
    case "tuple": {
      const [low, high] = answer.items;
      if (answer.bracket !== "(" || answer.items.length !== 2 || low?.kind !== "scalar" || high?.kind !== "scalar")
        return undefined;
      return plain({ kind: "interval", low: low.expr, high: high.expr, lowOpen: true, highOpen: true });
    }
    case "set":
      return points(answer.items, finite || answer.items.length === 0);
    case "scalar":
      return points([answer], finite);
    case "setop": {
      const left = realSet(answer.left, s, true);
      const right = left && realSet(answer.right, s, true);
      return left && right && plain({ kind: "op", op: answer.op, left: left.shape, right: right.shape });
    }
    case "relation":
      return ofRelation(answer, s);
    case "list":
      return ofList(answer, s, finite);
    default:
      return undefined;
  }
}

function points(items: readonly Answer[], allowed: boolean): RealSet | undefined {
  if (!allowed) return undefined;
  const values: Expr[] = [];
  for (const it of items) {
    if (it.kind !== "scalar" || isInfinite(it.expr)) return undefined;
    values.push(it.expr);
  }
  return { shape: { kind: "points", values }, variable: undefined, inequality: false };
}

function ofList(answer: Answer & { kind: "list" }, s: Setting, finite: boolean): RealSet | undefined {
  const parts: RealSet[] = [];
  for (const it of answer.items) {
    const part = realSet(it, s, finite || it.kind !== "scalar");
    if (part === undefined) return undefined;
    parts.push(part);
  }
  const names = new Set(parts.map((p) => p.variable).filter((v) => v !== undefined));
  const inequality = parts.some((p) => p.inequality);
  if (names.size > 1 || (!inequality && !finite && !answer.items.some((it) => it.kind === "interval")))
    return undefined;
  const variable = [...names][0];
  if (answer.joiner === "or" || !inequality) {
    const shape = parts.map((p) => p.shape).reduce((left, right): Shape => ({ kind: "op", op: "union", left, right }));
    return { shape, variable, inequality };
  }
  return { shape: { kind: "conditions", parts: parts.map((p) => p.shape) }, variable, inequality };
}

/** `x ∈ S`, `x = 3`, `a < x ≤ b`, `x ≠ 2`, `2x + 1 > 5`, `|x| < 3`. */
function ofRelation(answer: Answer & { kind: "relation" }, s: Setting): RealSet | undefined {
  const { sides, ops } = answer;
  if (ops.length === 1 && ops[0] === "in") {
    const inner = realSet(sides[1]!, s, true);
    return inner && { ...inner, variable: nameOf(sides[0]!) };
  }
  if (ops.length === 1 && ops[0] === "notin") {
    const inner = realSet(sides[1]!, s, true);
    return (
      inner && {
        shape: { kind: "op", op: "minus", left: { kind: "all" }, right: inner.shape },
        variable: nameOf(sides[0]!),
        inequality: false,
      }
    );
  }
  let shape: Shape | undefined;
  let variable: string | undefined;
  let inequality = false;
  for (const [k, op] of ops.entries()) {
    const [left, right] = [sides[k]!, sides[k + 1]!];
    const solved = solve(left, right, op, s);
    if (solved === undefined || (variable !== undefined && solved.variable !== variable)) return undefined;
    variable = solved.variable;
    inequality ||= op !== "=";
    shape = shape === undefined ? solved.shape : { kind: "op", op: "intersection", left: shape, right: solved.shape };
  }
  return shape && { shape, variable, inequality };
}

function nameOf(side: Answer): string | undefined {
  return side.kind === "scalar" ? unknownName(side.expr) : side.kind === "text" ? side.text : undefined;
}

/** The name of a lone unknown: `x`, `f(x)`, `a_n`. */
function unknownName(e: Expr): string | undefined {
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

function solve(
  left: Answer,
  right: Answer,
  op: RelationOp,
  s: Setting,
): { shape: Shape; variable: string } | undefined {
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
function absolute(
  inner: Expr,
  op: RelationOp,
  bound: Expr,
  s: Setting,
): { shape: Shape; variable: string } | undefined {
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
function linear(l: Expr, r: Expr, op: RelationOp, s: Setting): { shape: Shape; variable: string } | undefined {
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
