/** Evaluates an expression as a complex number at a point. Which point, and what follows from the value, is `compare/scalar.ts`'s. */
import { type Budget, MAX_DEPTH, spend } from "../budget.ts";
import { integer, type Rational } from "../exact.ts";
import type { Expr } from "../parse/tree.ts";
import type { Arithmetic } from "./arithmetic.ts";
import { arcsin, arcsinOf, arctan, areaSine, complement, extreme, lnOf, logarithm } from "./elementary.ts";
import { exactValue, MAX_TERMS } from "./exact.ts";
import { hash32 } from "./hash.ts";

/** Notes whether a real argument of a root or a logarithm led off the real line. */
export interface Trace {
  strayed: boolean;
}

export interface Point {
  /** The value of the symbol at this point. */
  valueOf(name: string): Rational;
  bareLog: "e" | "10";
}

interface Context<T> {
  ar: Arithmetic<T>;
  point: Point;
  budget: Budget;
  exact: Map<string, Rational>;
  depth: number;
  trace: Trace | undefined;
}

/** The value of `e` at `point`, or undefined where it has none that can be told. */
export function evaluate<T>(e: Expr, ar: Arithmetic<T>, point: Point, budget: Budget, trace?: Trace): T | undefined {
  return value(e, { ar, point, budget, exact: new Map(), depth: 0, trace });
}

function value<T>(e: Expr, c: Context<T>): T | undefined {
  spend(c.budget, 2);
  if (c.depth > 3 * MAX_DEPTH) return undefined;
  c.depth++;
  const result = valueAt(e, c);
  c.depth--;
  if (c.trace !== undefined && result !== undefined && !c.ar.isReal(result)) c.trace.strayed = true;
  return result;
}

function valueAt<T>(e: Expr, c: Context<T>): T | undefined {
  const { ar } = c;
  switch (e.kind) {
    case "num":
      return ar.fromRational(e.value);
    case "const":
      if (e.name === "pi") return ar.pi();
      if (e.name === "i") return ar.unit();
      return e.name === "e" ? ar.exp(ar.fromRational(integer(1))) : undefined;
    case "sym":
      return ar.fromRational(c.exact.get(e.name) ?? c.point.valueOf(e.name));
    case "neg": {
      const a = value(e.arg, c);
      return a === undefined ? undefined : ar.neg(a);
    }
    case "add":
    case "mul": {
      let total: T | undefined;
      for (const arg of e.args) {
        const next = value(arg, c);
        if (next === undefined) return undefined;
        total = total === undefined ? next : e.kind === "add" ? ar.add(total, next) : ar.mul(total, next);
      }
      return total;
    }
    case "div": {
      const a = value(e.num, c);
      const b = a === undefined ? undefined : value(e.den, c);
      return a === undefined || b === undefined ? undefined : ar.div(a, b);
    }
    case "pow":
      return power(e.base, e.exp, c);
    case "root":
      return root(e.arg, e.index, c);
    case "percent": {
      const a = value(e.arg, c);
      return a === undefined ? undefined : ar.mul(a, ar.fromRational({ n: 1n, d: 100n }));
    }
    case "degree": {
      const a = value(e.arg, c);
      return a === undefined ? undefined : ar.mul(ar.mul(a, ar.pi()), ar.fromRational({ n: 1n, d: 180n }));
    }
    case "based":
      return value(e.value, c);
    case "ratio":
      return e.args.length === 2 ? value({ kind: "div", num: e.args[0]!, den: e.args[1]! }, c) : undefined;
    case "call":
      return call(e, c);
    case "app":
      return generic(e.name, e.args, c);
    case "series":
      return series(e, c);
    default:
      return undefined;
  }
}

function rationalOf<T>(e: Expr, c: Context<T>): Rational | undefined {
  return exactValue(e, c.budget, c.exact);
}

function integerPower<T>(base: T, n: bigint, c: Context<T>): T | undefined {
  const { ar } = c;
  let left = n < 0n ? -n : n;
  let result: T | undefined;
  let square = base;
  while (left > 0n) {
    if (left & 1n) result = result === undefined ? square : ar.mul(result, square);
    left >>= 1n;
    if (left > 0n) square = ar.mul(square, square);
  }
  result ??= ar.fromRational(integer(1));
  return n < 0n ? ar.div(ar.fromRational(integer(1)), result) : result;
}

function power<T>(baseExpr: Expr, expExpr: Expr, c: Context<T>): T | undefined {
  const { ar } = c;
  if (baseExpr.kind === "const" && baseExpr.name === "e") {
    const x = value(expExpr, c);
    return x === undefined ? undefined : ar.exp(x);
  }
  const base = value(baseExpr, c);
  if (base === undefined) return undefined;
  const k = rationalOf(expExpr, c) ?? pointValue(expExpr, c);
  if (k !== undefined && k.d === 1n && k.n < 5000n && k.n > -5000n) return integerPower(base, k.n, c);
  if (k !== undefined && k.d === 2n && k.n < 5000n && k.n > -5000n) {
    const half = ar.sqrt(base);
    return half === undefined ? undefined : integerPower(half, k.n, c);
  }
  const x = value(expExpr, c);
  if (x === undefined) return undefined;
  if (ar.isZero(base)) return ar.sign(x) > 0 ? ar.fromRational(integer(0)) : undefined;
  const log = ar.ln(base);
  return log === undefined ? undefined : ar.exp(ar.mul(x, log));
}

/** The exact value of an exponent that is a bare symbol, so that `(-1)^n` stays real at whole points. */
function pointValue<T>(e: Expr, c: Context<T>): Rational | undefined {
  const names = new Map(c.exact);
  let simple = true;
  const collect = (x: Expr): void => {
    if (x.kind === "sym") {
      if (!names.has(x.name)) names.set(x.name, c.point.valueOf(x.name));
    } else if (x.kind === "add" || x.kind === "mul") x.args.forEach(collect);
    else if (x.kind === "neg") collect(x.arg);
    else if (x.kind !== "num") simple = false;
  };
  collect(e);
  return simple ? exactValue(e, c.budget, names) : undefined;
}

/** A root sign: real for real arguments wherever it can be. */
function root<T>(arg: Expr, index: Expr, c: Context<T>): T | undefined {
  const { ar } = c;
  const a = value(arg, c);
  const k = rationalOf(index, c);
  if (a === undefined) return undefined;
  if (k?.d === 1n && k.n === 2n) return ar.sqrt(a);
  if (ar.isZero(a)) return ar.fromRational(integer(0));
  const inverse = value({ kind: "div", num: { kind: "num", value: integer(1), places: -1, digits: 0 }, den: index }, c);
  if (inverse === undefined) return undefined;
  const odd = k?.d === 1n && k.n % 2n !== 0n && ar.isReal(a) && ar.sign(a) < 0;
  const log = ar.ln(odd ? ar.neg(a) : a);
  const result = log === undefined ? undefined : ar.exp(ar.mul(inverse, log));
  return result !== undefined && odd ? ar.neg(result) : result;
}

function call<T>(e: Expr & { kind: "call" }, c: Context<T>): T | undefined {
  const { ar } = c;
  const exact = rationalOf(e, c);
  if (exact !== undefined) return ar.fromRational(exact);
  const args: T[] = [];
  for (const arg of e.args) {
    const next = value(arg, c);
    if (next === undefined) return undefined;
    args.push(next);
  }
  const [a, b] = args;
  if (a === undefined) return undefined;
  const one = (): T => ar.fromRational(integer(1));
  const quotient = (x: T | undefined, y: T | undefined): T | undefined =>
    x === undefined || y === undefined ? undefined : ar.div(x, y);
  const hyper = (sign: 1 | -1): T | undefined => {
    const up = ar.exp(a);
    const down = ar.exp(ar.neg(a));
    return up === undefined || down === undefined
      ? undefined
      : ar.mul(ar.add(up, sign > 0 ? down : ar.neg(down)), ar.fromRational({ n: 1n, d: 2n }));
  };
  switch (e.name) {
    case "sin":
      return ar.sin(a);
    case "cos":
      return ar.cos(a);
    case "tan":
      return quotient(ar.sin(a), ar.cos(a));
    case "cot":
      return quotient(ar.cos(a), ar.sin(a));
    case "sec":
      return quotient(one(), ar.cos(a));
    case "csc":
      return quotient(one(), ar.sin(a));
    case "sinh":
      return hyper(-1);
    case "cosh":
      return hyper(1);
    case "tanh":
      return quotient(hyper(-1), hyper(1));
    case "coth":
      return quotient(hyper(1), hyper(-1));
    case "sech":
      return quotient(one(), hyper(1));
    case "csch":
      return quotient(one(), hyper(-1));
    case "arcsin":
      return edge(e.args[0]!, c) ?? arcsin(ar, a);
    case "arccos":
      return complement(ar, edge(e.args[0]!, c) ?? arcsin(ar, a));
    case "arctan":
      return arctan(ar, a);
    case "arccot":
      return complement(ar, arctan(ar, a));
    case "arcsec":
      return complement(ar, edge(e.args[0]!, c) ?? arcsinOf(ar, quotient(one(), a)));
    case "arccsc":
      return edge(e.args[0]!, c) ?? arcsinOf(ar, quotient(one(), a));
    case "arcsinh":
      return areaSine(ar, a, 1);
    case "arccosh":
      return areaSine(ar, a, -1);
    case "arctanh": {
      const log = lnOf(ar, quotient(ar.add(one(), a), ar.add(one(), ar.neg(a))));
      return log === undefined ? undefined : ar.mul(log, ar.fromRational({ n: 1n, d: 2n }));
    }
    case "exp":
      return ar.exp(a);
    case "ln":
      return ar.ln(a);
    case "log":
      return logarithm(ar, a, b, c.point.bareLog);
    case "abs":
      return ar.abs(a);
    case "re":
      return ar.re(a);
    case "im":
      return ar.im(a);
    case "conjugate":
      return ar.add(ar.re(a), ar.neg(ar.mul(ar.unit(), ar.im(a))));
    case "arg": {
      const log = ar.ln(a);
      return log === undefined ? undefined : ar.im(log);
    }
    case "sign":
      return ar.isReal(a) && ar.sign(a) !== 0 ? ar.fromRational(integer(ar.sign(a))) : undefined;
    case "floor":
    case "ceil": {
      const low = ar.isReal(a) ? ar.floor(e.name === "floor" ? a : ar.neg(a)) : undefined;
      return low === undefined ? undefined : ar.fromRational(integer(e.name === "floor" ? low : -low));
    }
    case "min":
    case "max":
      return extreme(ar, args, e.name);
    default:
      return discrete(e, c);
  }
}

/** Functions of whole numbers, at points where their arguments are whole. */
function discrete<T>(e: Expr & { kind: "call" }, c: Context<T>): T | undefined {
  const args: Expr[] = [];
  for (const arg of e.args) {
    const k = rationalOf(arg, c) ?? pointValue(arg, c);
    if (k === undefined) return undefined;
    args.push({ kind: "num", value: k, places: -1, digits: 0 });
  }
  const exact = exactValue({ ...e, args }, c.budget);
  return exact && c.ar.fromRational(exact);
}

/** The arcsine of exactly 1 or −1, where the root in the general formula would lose half of the bits. */
function edge<T>(e: Expr, c: Context<T>): T | undefined {
  const x = rationalOf(e, c);
  return x?.d === 1n && (x.n === 1n || x.n === -1n)
    ? c.ar.mul(c.ar.pi(), c.ar.fromRational({ n: x.n, d: 2n }))
    : undefined;
}

/** An unknown function is some smooth function with no special property: a sine of a combination of its arguments, fixed by its name. */
function generic<T>(name: string, args: readonly Expr[], c: Context<T>): T | undefined {
  const { ar } = c;
  let phase: T = ar.fromRational({ n: BigInt(hash32(name, 1) % 4096), d: 1024n });
  let linear: T = ar.fromRational({ n: BigInt(hash32(name, 2) % 4096), d: 4096n });
  for (const [k, arg] of args.entries()) {
    const next = value(arg, c);
    if (next === undefined) return undefined;
    phase = ar.add(phase, ar.mul(next, ar.fromRational({ n: BigInt((hash32(name, 11 + k) % 2048) + 512), d: 1024n })));
    linear = ar.add(linear, ar.mul(next, ar.fromRational({ n: BigInt((hash32(name, 71 + k) % 2048) + 64), d: 2048n })));
  }
  const wave = ar.sin(phase);
  return wave === undefined ? undefined : ar.add(wave, linear);
}

function series<T>(e: Expr & { kind: "series" }, c: Context<T>): T | undefined {
  const from = rationalOf(e.from, c) ?? pointValue(e.from, c);
  const to = rationalOf(e.to, c) ?? pointValue(e.to, c);
  if (from?.d !== 1n || to?.d !== 1n || to.n - from.n >= MAX_TERMS) return undefined;
  let total: T = c.ar.fromRational(integer(e.op === "sum" ? 0 : 1));
  const outer = c.exact.get(e.index);
  for (let k = from.n; k <= to.n; k++) {
    c.exact.set(e.index, integer(k));
    const next = value(e.body, c);
    if (next === undefined) return undefined;
    total = e.op === "sum" ? c.ar.add(total, next) : c.ar.mul(total, next);
  }
  if (outer === undefined) c.exact.delete(e.index);
  else c.exact.set(e.index, outer);
  return total;
}
