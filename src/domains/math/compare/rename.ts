/** Letters that an answer is free to choose: arguments of a function it defines, integers it ranges over, constants of integration. */

import { substitute } from "../parse/substitute.ts";
import type { Answer, Expr } from "../parse/tree.ts";
import { children } from "./plusminus.ts";

/** `W(n) = …` and `W(x) = …` define one function: the value that the second gives, in the letters of the first. */
export function sameFunction(a: Answer, b: Answer, value: Answer): Answer | undefined {
  if (a.kind !== "scalar" || b.kind !== "scalar") return undefined;
  const [f, g] = [a.expr, b.expr];
  if (f.kind !== "app" || g.kind !== "app" || f.name !== g.name || f.args.length !== g.args.length) return undefined;
  const names: [string, string][] = [];
  for (const [k, from] of g.args.entries()) {
    const to = f.args[k]!;
    if (from.kind !== "sym" || to.kind !== "sym") return undefined;
    names.push([from.name, to.name]);
  }
  return renamed(value, names);
}

/** `answer` with all names replaced at once: `[from, to]`. */
function renamed(answer: Answer, names: readonly (readonly [string, string])[]): Answer {
  return mapScalars(answer, (expr) => {
    let out = expr;
    for (const [k, [from]] of names.entries()) out = substitute(out, from, { kind: "sym", name: `${k}:new` });
    for (const [k, [, to]] of names.entries()) out = substitute(out, `${k}:new`, { kind: "sym", name: to });
    return out;
  });
}

function mapScalars(answer: Answer, change: (expr: Expr) => Expr): Answer {
  const go = (a: Answer): Answer => mapScalars(a, change);
  switch (answer.kind) {
    case "scalar":
      return { ...answer, expr: change(answer.expr) };
    case "tuple":
    case "list":
    case "set":
      return { ...answer, items: answer.items.map(go) };
    case "relation":
      return { ...answer, sides: answer.sides.map(go) };
    case "interval":
      return { ...answer, low: change(answer.low), high: change(answer.high) };
    case "setop":
      return { ...answer, left: go(answer.left), right: go(answer.right) };
    default:
      return answer;
  }
}

/** `response` in the letters of `gold`, taken in the order in which they occur; undefined unless both have as many. */
export function inLettersOf(gold: Answer, response: Answer): Answer | undefined {
  const [to, from] = [lettersOf(gold), lettersOf(response)];
  if (to.length !== from.length || to.length === 0) return undefined;
  return renamed(
    response,
    from.map((name, k) => [name, to[k]!] as const),
  );
}

function lettersOf(answer: Answer): string[] {
  const found = new Set<string>();
  const visit = (e: Expr): void => {
    if (e.kind === "sym") found.add(e.name);
    for (const child of children(e)) visit(child);
  };
  mapScalars(answer, (expr) => {
    visit(expr);
    return expr;
  });
  return [...found];
}

/** A family without the statement of what its parameter ranges over, and the parameter's name. */
interface Family {
  answer: Answer;
  parameter: Parameter | undefined;
}

interface Parameter {
  name: string;
  /** The set that it ranges over: `Z`, or `arbitrary`. */
  range: string;
}

/** `k\pi, k \in \mathbb{Z}` is `k\pi` with the parameter k. */
function family(a: Answer): Family {
  if (a.kind !== "list") return { answer: a, parameter: undefined };
  const declared = a.items.flatMap((it) => parameterOf(it, a) ?? []);
  const items = a.items.filter((it) => parameterOf(it, a) === undefined);
  if (declared.length !== 1 || items.length === 0) return { answer: a, parameter: undefined };
  return { answer: items.length === 1 ? items[0]! : { ...a, items }, parameter: declared[0] };
}

/** The letter that `a`, one of the items of `all`, declares: an integer or arbitrary; or of any other kind of number, if another item has it. */
function parameterOf(a: Answer, all: Answer & { kind: "list" }): Parameter | undefined {
  if (a.kind !== "relation" || a.ops.length !== 1 || a.ops[0] !== "in") return undefined;
  const [side, set] = a.sides;
  if (side?.kind !== "scalar" || side.expr.kind !== "sym" || set?.kind !== "named") return undefined;
  const { name } = side.expr;
  const known = /^(?:Z|arbitrary)$/.test(set.name);
  return known || all.items.some((it) => it !== a && lettersOf(it).includes(name))
    ? { name, range: set.name }
    : undefined;
}

/** Letters that an answer may use for a parameter without saying so. */
const PARAMETERS: ReadonlySet<string> = new Set("c C k K m n a b t".split(" "));

/**
 * Both answers without the statements about their parameter, in one letter; undefined if neither has one. Where one side leaves its own
 * undeclared, it is the letter that only that side has.
 */
export function sameParameter(gold: Answer, response: Answer): [Answer, Answer] | undefined {
  const [g, r] = [family(gold), family(response)];
  if (g.parameter === undefined && r.parameter === undefined) return undefined;
  if (g.parameter !== undefined && r.parameter !== undefined && !sameRange(g.parameter.range, r.parameter.range))
    return undefined;
  const from = r.parameter?.name ?? ownLetter(r.answer, g.answer);
  const to = g.parameter?.name ?? ownLetter(g.answer, r.answer);
  return from === undefined || to === undefined || from === to
    ? [g.answer, r.answer]
    : [g.answer, renamed(r.answer, [[from, to]])];
}

/** An arbitrary constant may be said to be real or complex. */
function sameRange(a: string, b: string): boolean {
  const arbitrary = (range: string): boolean => /^(?:R|C|arbitrary)$/.test(range);
  return a === b || (arbitrary(a) && arbitrary(b) && (a === "arbitrary" || b === "arbitrary"));
}

/** The one letter for a parameter that `a` has and `other` has not. */
function ownLetter(a: Answer, other: Answer): string | undefined {
  const known = lettersOf(other);
  const own = lettersOf(a).filter((name) => !known.includes(name));
  return own.length === 1 && PARAMETERS.has(own[0]!) ? own[0] : undefined;
}

/** The constants of a general solution under another side's names: `Ae^x + Be^{-x}` for `C_1e^x + C_2e^{-x}`, in every order. */
export function* otherConstants(gold: Expr, response: Expr): Generator<Expr> {
  const [g, r] = [symbolsOf(gold), symbolsOf(response)];
  const [to, from] = [g.filter((name) => !r.includes(name)), r.filter((name) => !g.includes(name))];
  const numbered = (names: string[]): boolean => names.every((name) => /^[CcKk]_\d$/.test(name));
  if (to.length < 2 || to.length > 3 || to.length !== from.length || !(numbered(to) || numbered(from))) return;
  if (![...to, ...from].every((name) => /^[A-DKa-dk](?:_\d)?$/.test(name))) return;
  for (const order of permutations(to)) {
    let out = response;
    for (const [k, name] of from.entries()) out = substitute(out, name, { kind: "sym", name: `${k}:new` });
    for (const [k, name] of order.entries()) out = substitute(out, `${k}:new`, { kind: "sym", name });
    yield out;
  }
}

function permutations(names: readonly string[]): string[][] {
  if (names.length < 2) return [[...names]];
  return names.flatMap((first, k) => permutations(names.filter((_, i) => i !== k)).map((rest) => [first, ...rest]));
}

function symbolsOf(e: Expr): string[] {
  return lettersOf({ kind: "scalar", expr: e, unit: undefined });
}

/** Letters that stand for a constant of integration. */
const ARBITRARY: ReadonlySet<string> = new Set(["C", "c", "K", "k", "C_1", "c_1"]);

/** `response` with its added constant in the letter of gold's: `x^2 + c` for `x^2 + C`. Undefined if they have none, or the same. */
export function sameConstant(gold: Expr, response: Expr): Expr | undefined {
  const [g, r] = [added(gold), added(response)];
  if (g === undefined || r === undefined || g === r) return undefined;
  const unused =
    JSON.stringify(substitute(response, g, { kind: "sym", name: "" }), plain) === JSON.stringify(response, plain);
  return unused ? substitute(response, r, { kind: "sym", name: g }) : undefined;
}

function plain(_: string, value: unknown): unknown {
  return typeof value === "bigint" ? String(value) : value;
}

function added(e: Expr): string | undefined {
  if (e.kind !== "add") return undefined;
  const found = e.args.filter((a): a is Expr & { kind: "sym" } => a.kind === "sym" && ARBITRARY.has(a.name));
  return found.length === 1 ? found[0]!.name : undefined;
}
