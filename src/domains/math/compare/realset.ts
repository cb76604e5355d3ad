/** Sets of real numbers that answers describe: intervals, points, inequalities, set operations, words. When two are the same is `same-set.ts`'s. */
import { spend } from "../budget.ts";
import { plainText } from "../latex/words.ts";
import { isInfinite } from "../parse/brackets.ts";
import { int } from "../parse/literals.ts";
import type { Answer, Expr } from "../parse/tree.ts";
import { solve, unknownName } from "./inequalities.ts";
import type { Setting } from "./scalar.ts";
import type { RealSet, Shape } from "./shape.ts";

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
