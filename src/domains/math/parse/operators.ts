/** Reads what takes arguments of its own: named functions, sums, integrals, limits, matrices. */
import { spend } from "../budget.ts";
import {
  argument,
  factor,
  one,
  parseExpression,
  signed,
  signOf,
  skipSpaces,
  startsFactor,
  term,
} from "./expression.ts";
import { braces, callArguments } from "./groups.ts";
import { int } from "./literals.ts";
import { after, closing, isOp, isOpen, NotUnderstood, peek, type Reader, take } from "./reader.ts";
import { substitute } from "./substitute.ts";
import type { Expr, FunctionName } from "./tree.ts";

/** The bounds after `\sum`, `\int`, `\log`: token ranges of the subscript and the superscript. */
function limits(r: Reader): { low?: [number, number]; high?: [number, number] } {
  const found: { low?: [number, number]; high?: [number, number] } = {};
  while (isOp(peek(r), "_") || isOp(peek(r), "^")) {
    const which = take(r).s === "_" ? "low" : "high";
    if (isOpen(peek(r), "{")) {
      const close = closing(r.tokens, r.i, r.end);
      if (close < 0) throw new NotUnderstood("open bounds");
      found[which] = [r.i + 1, close];
      spend(r.budget, close - r.i);
      r.i = close + 1;
    } else {
      const from = r.i;
      if (isOp(peek(r), "-")) take(r);
      take(r);
      found[which] = [from, r.i];
    }
  }
  return found;
}

export function series(r: Reader, op: "sum" | "product"): Expr {
  const { low, high } = limits(r);
  if (low === undefined) throw new NotUnderstood("a series without bounds");
  const [index, equals] = [r.tokens[low[0]], r.tokens[low[0] + 1]];
  const body = term(r);
  if (high === undefined || index?.k !== "letter" || !isOp(equals, "=")) {
    const parts = r.tokens.slice(low[0], low[1]).map((t) => t.s);
    return { kind: "opaque", name: `${op} ${parts.join(" ")}`, bound: undefined, args: [body] };
  }
  const from = parseExpression(r.tokens, low[0] + 2, low[1], r.budget, r.depth + 1);
  const to = parseExpression(r.tokens, high[0], high[1], r.budget, r.depth + 1);
  const named =
    index.s === "i" || index.s === "e" ? substitute(body, `const:${index.s}`, { kind: "sym", name: index.s }) : body;
  return { kind: "series", op, index: index.s, from, to, body: named };
}

export function integral(r: Reader): Expr {
  const { low, high } = limits(r);
  const from = r.i;
  let depth = 0;
  for (let i = from; i + 1 < r.end; i++) {
    const token = r.tokens[i]!;
    if (token.k === "open") depth++;
    else if (token.k === "close") depth--;
    const variable = token.k === "word" && token.s.length === 2 && token.s[0] === "d" ? token.s[1]! : undefined;
    const spelt =
      token.k === "letter" && token.s === "d" && r.tokens[i + 1]?.k === "letter" ? r.tokens[i + 1]!.s : undefined;
    if (depth === 0 && (variable ?? spelt) !== undefined)
      return integrand(r, from, i, (variable ?? spelt)!, spelt === undefined ? 1 : 2, low, high);
  }
  const last = r.tokens[r.end - 1];
  if (last?.k === "word" && last.s.length === 2 && last.s[0] === "d")
    return integrand(r, from, r.end - 1, last.s[1]!, 1, low, high);
  throw new NotUnderstood("an integral without its variable");
}

function integrand(
  r: Reader,
  from: number,
  at: number,
  variable: string,
  width: number,
  low?: [number, number],
  high?: [number, number],
): Expr {
  const body = at === from ? int(1) : parseExpression(r.tokens, from, at, r.budget, r.depth + 1);
  r.i = at + width;
  const bounds = [low, high].flatMap((range) =>
    range === undefined ? [] : [parseExpression(r.tokens, range[0], range[1], r.budget, r.depth + 1)],
  );
  return {
    kind: "opaque",
    name: bounds.length === 2 ? "definite" : "integral",
    bound: variable,
    args: [body, ...bounds],
  };
}

export function limit(r: Reader): Expr {
  const { low } = limits(r);
  const index = low === undefined ? undefined : r.tokens[low[0]];
  const body = term(r);
  if (low === undefined || index?.k !== "letter" || !isOp(r.tokens[low[0] + 1], "→"))
    throw new NotUnderstood("a limit");
  const to = parseExpression(r.tokens, low[0] + 2, low[1], r.budget, r.depth + 1);
  return { kind: "opaque", name: "limit", bound: index.s, args: [body, to] };
}

const TRIGONOMETRIC = new Set("sin cos tan cot sec csc sinh cosh tanh coth sech csch".split(" "));

/** The base in `log2(x)` and `log10(x)`, as programs write it. */
function gluedBase(r: Reader): Expr | undefined {
  const [digits, open] = [peek(r), after(r, 1)];
  if (digits?.k !== "num" || digits.sp || !isOpen(open, "(") || open!.sp || !/^(?:2|10)$/.test(digits.s))
    return undefined;
  return int(Number(take(r).s));
}

/** A named function: `\sin^2 x`, `\log_2 8`, `\gcd(4,6)`, `exp(16)`. */
export function fn(r: Reader, name: string): Expr {
  let base: Expr | undefined;
  let power: Expr | undefined;
  while (isOp(peek(r), "_") || isOp(peek(r), "^")) {
    if (take(r).s === "_") base = argument(r, false);
    else power = argument(r, false);
  }
  if (name === "log" && base === undefined) base = gluedBase(r);
  const args = functionArguments(r);
  if (args.length === 0) throw new NotUnderstood("a function without its argument");
  const value = apply(name, args, base);
  if (power === undefined) return value;
  const inverse =
    power.kind === "neg" && power.arg.kind === "num" && power.arg.value.n === 1n && power.arg.value.d === 1n;
  if (inverse && TRIGONOMETRIC.has(name)) return { kind: "call", name: `arc${name}` as FunctionName, args };
  return { kind: "pow", base: value, exp: power };
}

function functionArguments(r: Reader): Expr[] {
  skipSpaces(r);
  const token = peek(r);
  if (token?.k === "open" && ["(", "{", "[", "\\{"].includes(token.s)) {
    if (token.s !== "{") return callArguments(r);
    const inner = after(r, 1);
    return isOpen(inner, "(") && closing(r.tokens, r.i + 1, r.end) === closing(r.tokens, r.i, r.end) - 1
      ? bracedCall(r)
      : [braces(r)];
  }
  const sign = signOf(r);
  const parts: Expr[] = [];
  while (true) {
    const next = peek(r);
    if (
      next === undefined ||
      !startsFactor(r, next) ||
      (parts.length > 0 &&
        (next.k === "fn" || next.k === "begin" || (next.k === "cmd" && next.s !== "frac" && next.s !== "sqrt")))
    )
      break;
    if (parts.length > 0 && next.k === "open" && next.s !== "{") break;
    parts.push(factor(r, parts.length === 0));
  }
  if (parts.length === 0) throw new NotUnderstood("a function without its argument");
  return [signed(sign ?? "+", one(parts))];
}

/** `\sin{(x)}`. */
function bracedCall(r: Reader): Expr[] {
  take(r);
  const args = callArguments(r);
  take(r);
  return args;
}

const PLAIN_FUNCTIONS = new Set(
  (
    "sin cos tan cot sec csc arcsin arccos arctan arccot arcsec arccsc sinh cosh tanh coth sech csch arcsinh arccosh arctanh exp ln abs floor ceil " +
    "factorial binomial gcd lcm min max re im arg conjugate sign"
  ).split(" "),
);

function apply(name: string, args: Expr[], base: Expr | undefined): Expr {
  if (name === "log") {
    if (base !== undefined) return { kind: "call", name: "log", args: [args[0]!, base] };
    return { kind: "call", name: "log", args };
  }
  if (name === "cis") {
    const part = (of: "cos" | "sin"): Expr => ({ kind: "call", name: of, args });
    return { kind: "add", args: [part("cos"), { kind: "mul", args: [{ kind: "const", name: "i" }, part("sin")] }] };
  }
  if (name === "lg") return { kind: "call", name: "log", args: [args[0]!, int(10)] };
  if (PLAIN_FUNCTIONS.has(name) && base === undefined) return { kind: "call", name: name as FunctionName, args };
  return { kind: "app", name, args: base === undefined ? args : [...args, base] };
}

/** The rows of an environment, from after its `\begin` to after its `\end`. */
export function matrix(r: Reader, name: string): Expr {
  const rows: Expr[][] = [[]];
  let from = r.i;
  let depth = 0;
  for (let i = r.i; i < r.end; i++) {
    const token = r.tokens[i]!;
    const end = depth === 0 && token.k === "end";
    if (end || (depth === 0 && (token.k === "amp" || token.k === "nl"))) {
      if (i > from) rows.at(-1)!.push(parseExpression(r.tokens, from, i, r.budget, r.depth + 1));
      else if (token.k === "amp") throw new NotUnderstood("an empty cell");
      if (token.k === "nl") rows.push([]);
      from = i + 1;
      if (end) {
        r.i = i + 1;
        return shaped(rows, name);
      }
    } else if (token.k === "begin" || token.k === "open") depth++;
    else if (token.k === "end" || token.k === "close") depth--;
  }
  throw new NotUnderstood("an environment that is not closed");
}

function shaped(rows: Expr[][], name: string): Expr {
  if (rows.at(-1)!.length === 0) rows.pop();
  const width = rows[0]?.length ?? 0;
  if (width === 0 || rows.some((row) => row.length !== width)) throw new NotUnderstood("rows of unequal length");
  return { kind: "matrix", rows, style: name === "vmatrix" ? "determinant" : "matrix" };
}
