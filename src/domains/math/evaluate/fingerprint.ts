/**
 * The value of an expression modulo two primes, with fixed pseudo-random residues for symbols (Schwartz–Zippel). Equal fingerprints mean
 * equal expressions, but for a chance of about 2⁻¹²⁰ per pair; different ones mean different expressions where `certain` holds.
 *
 * Irrational parts (π, roots, sines, …) are symbols of their own, named by the fingerprints of their arguments: `√2·√3` and `√6` are brought
 * to the same primes, but identities between functions are `numeric.ts`'s. The primes are 4q + 1 with q prime: no small powers repeat, and −1 has a root.
 */
import { type Budget, MAX_DEPTH, spend } from "../budget.ts";
import type { Rational } from "../exact.ts";
import { int } from "../parse/literals.ts";
import type { Expr } from "../parse/tree.ts";
import { exactValue } from "./exact.ts";
import {
  add,
  type Context,
  divide,
  factors,
  gcd,
  integerPower,
  mod,
  mul,
  named,
  ofRational,
  PRIMES,
  powMod,
  type Residue,
  whole,
} from "./residue.ts";
import { restore, series } from "./series.ts";

export interface Fingerprint {
  values: [Residue, Residue];
  /** Whether a different fingerprint proves a different expression. */
  certain: boolean;
}

/** The fingerprint of `e`, or undefined where it has no value: a division by zero, infinity, a `±` that was not expanded. */
export function fingerprint(e: Expr, budget: Budget, bareLog: "e" | "10" = "e"): Fingerprint | undefined {
  let certain = true;
  const values: Residue[] = [];
  for (const prime of PRIMES) {
    const c: Context = { prime, budget, certain: true, env: new Map(), exact: new Map(), bareLog, depth: 0 };
    const value = residue(e, c);
    if (value === undefined) return undefined;
    certain &&= c.certain;
    values.push(value);
  }
  return { values: [values[0]!, values[1]!], certain };
}

export function sameFingerprint(a: Fingerprint, b: Fingerprint): boolean {
  return PRIMES.every(({ p }, k) => (a.values[k]!.n * b.values[k]!.d - b.values[k]!.n * a.values[k]!.d) % p === 0n);
}

/** Whether the expression is zero modulo both primes. */
export function isZeroFingerprint(a: Fingerprint): boolean {
  return a.values.every((v) => v.n === 0n);
}

/** A function value as a symbol: the same for the same arguments. `free`: nothing is known of the function, so it is as good as a variable. */
export function opaque(c: Context, name: string, args: readonly Expr[], free: boolean): Residue | undefined {
  let key = name;
  for (const arg of args) {
    const value = residue(arg, c);
    if (value === undefined) return undefined;
    key += `|${whole(c, value)}`;
  }
  if (!free) c.certain = false;
  return named(c, key);
}

export function residue(e: Expr, c: Context): Residue | undefined {
  spend(c.budget, 2);
  if (c.depth > 3 * MAX_DEPTH) return undefined;
  c.depth++;
  const value = residueOf(e, c);
  c.depth--;
  return value;
}

function residueOf(e: Expr, c: Context): Residue | undefined {
  switch (e.kind) {
    case "num":
      return ofRational(c, e.value);
    case "long":
      return longResidue(e.text, c);
    case "const":
      return e.name === "infinity" ? undefined : e.name === "i" ? { n: c.prime.i, d: 1n } : named(c, `const:${e.name}`);
    case "sym":
      return c.env.get(e.name) ?? named(c, `sym:${e.name}`);
    case "neg": {
      const a = residue(e.arg, c);
      return a && { n: mod(-a.n, c.prime.p), d: a.d };
    }
    case "add":
    case "mul": {
      let total: Residue = { n: e.kind === "add" ? 0n : 1n, d: 1n };
      for (const arg of e.args) {
        const value = residue(arg, c);
        if (value === undefined) return undefined;
        total = e.kind === "add" ? add(c, total, value) : mul(c, total, value);
      }
      return total;
    }
    case "div": {
      const a = residue(e.num, c);
      const b = a && residue(e.den, c);
      return a && b && divide(c, a, b);
    }
    case "pow":
      return raise(e.base, e.exp, c);
    case "root": {
      const index = exactValue(e.index, c.budget, c.exact);
      if (index === undefined || index.d !== 1n || index.n === 0n) return opaque(c, "root", [e.arg, e.index], false);
      return raise(
        e.arg,
        {
          kind: "num",
          value: { n: index.n < 0n ? -1n : 1n, d: index.n < 0n ? -index.n : index.n },
          places: -1,
          digits: 0,
        },
        c,
        true,
      );
    }
    case "percent": {
      const a = residue(e.arg, c);
      return a && mul(c, a, { n: 1n, d: 100n });
    }
    case "degree": {
      const a = residue(e.arg, c);
      return a && mul(c, mul(c, a, named(c, "const:pi")), { n: 1n, d: 180n });
    }
    case "based":
      return residue(e.value, c);
    case "ratio":
      return e.args.length === 2
        ? residue({ kind: "div", num: e.args[0]!, den: e.args[1]! }, c)
        : opaque(c, "ratio", e.args, true);
    case "app":
      return opaque(c, `app:${e.name}`, e.args, true);
    case "call":
      return call(e, c);
    case "series":
      return series(e, c);
    case "opaque":
      return bound(e.name, e.bound, e.args, c);
    case "matrix":
    case "pm":
      return undefined;
  }
}

/** Digits of a long literal that are read at a time. */
const CHUNK = 300;

function longResidue(text: string, c: Context): Residue {
  const negative = text.startsWith("-");
  let value = 0n;
  for (let i = negative ? 1 : 0; i < text.length; i += CHUNK) {
    const chunk = text.slice(i, i + CHUNK);
    value = (value * powMod(10n, BigInt(chunk.length), c.prime.p) + BigInt(chunk)) % c.prime.p;
    spend(c.budget, 20);
  }
  return { n: negative ? mod(-value, c.prime.p) : value, d: 1n };
}

/** `base ** exp`, with sums in the exponent taken apart so that `2^{x+1}` is `2 · 2^x`, and roots of integers brought to primes. */
function raise(base: Expr, exp: Expr, c: Context, root = false): Residue | undefined {
  const k = exactValue(exp, c.budget, c.exact);
  if (k !== undefined && k.d === 1n) {
    const value = residue(base, c);
    return value && integerPower(value, k.n, c);
  }
  const towering = k === undefined ? integerModulo(exp, c.prime.p - 1n, c) : undefined;
  if (towering !== undefined) {
    const value = residue(base, c);
    return value && (value.n === 0n ? undefined : integerPower(value, towering, c));
  }
  if (k === undefined) return symbolicPower(base, exp, c);
  const exact = exactValue(base, c.budget, c.exact);
  if (exact !== undefined && exact.n > 0n) return rootOfRational(exact, k, c);
  c.certain = false;
  const inner = residue(base, c);
  if (inner === undefined) return undefined;
  const atom = named(c, `${exact !== undefined && exact.n < 0n && root ? "real" : "pow"}:${whole(c, inner)}:1/${k.d}`);
  return integerPower(atom, k.n, c);
}

/** A root of a positive rational, as a product of roots of primes. */
function rootOfRational(base: Rational, k: Rational, c: Context): Residue | undefined {
  c.certain = false;
  let total: Residue | undefined = { n: 1n, d: 1n };
  for (const [n, sign] of [
    [base.n, 1n],
    [base.d, -1n],
  ] as const) {
    if (n === 1n) continue;
    for (const [prime, count] of factors(n, c)) {
      const over = sign * count * k.n;
      const turns = ((over % k.d) + k.d) % k.d;
      const out: Residue | undefined = integerPower({ n: mod(prime, c.prime.p), d: 1n }, (over - turns) / k.d, c);
      const g = gcd(turns, k.d);
      const atom = turns === 0n ? { n: 1n, d: 1n } : integerPower(named(c, `root:${prime}:${k.d / g}`), turns / g, c);
      total = out && atom && total && mul(c, total, mul(c, out, atom));
    }
  }
  return total;
}

/** A power with a symbolic exponent. */
function symbolicPower(base: Expr, exp: Expr, c: Context): Residue | undefined {
  spend(c.budget, 4);
  if (exp.kind === "add") {
    let total: Residue | undefined = { n: 1n, d: 1n };
    for (const arg of exp.args) {
      const part = raise(base, arg, c);
      total = part && total && mul(c, total, part);
    }
    return total;
  }
  if (exp.kind === "neg") {
    const value = raise(base, exp.arg, c);
    return value && (value.n === 0n ? undefined : { n: value.d, d: value.n });
  }
  if (exp.kind === "mul") {
    const numbers = exp.args.filter((a) => a.kind === "num");
    const others = exp.args.filter((a) => a.kind !== "num");
    const k = numbers.length === 0 ? undefined : exactValue({ kind: "mul", args: numbers }, c.budget);
    if (k !== undefined && k.d === 1n && others.length > 0) {
      const value = raise(base, others.length === 1 ? others[0]! : { kind: "mul", args: others }, c);
      return value && integerPower(value, k.n, c);
    }
  }
  c.certain = false;
  const power = residue(exp, c);
  if (power === undefined) return undefined;
  const key = whole(c, power);
  const exact = exactValue(base, c.budget, c.exact);
  if (exact !== undefined && exact.n > 0n) return exponential(exact, key, c);
  const inner = residue(base, c);
  return inner && named(c, `pow:${whole(c, inner)}:${key}`);
}

function exponential(base: Rational, key: bigint, c: Context): Residue | undefined {
  let total: Residue | undefined = { n: 1n, d: 1n };
  for (const [n, sign] of [
    [base.n, 1n],
    [base.d, -1n],
  ] as const) {
    if (n === 1n) continue;
    for (const [prime, count] of factors(n, c)) {
      const part = integerPower(named(c, `pow:${prime}:${key}`), sign * count, c);
      total = part && total && mul(c, total, part);
    }
  }
  return total;
}

/** The value of an integer expression modulo any `m`, for exponents too large to write out. */
export function integerModulo(
  e: Expr,
  m: bigint,
  c: { budget: Budget; exact: Map<string, Rational> },
  depth = 0,
): bigint | undefined {
  spend(c.budget, 2);
  if (depth > MAX_DEPTH) return undefined;
  const small = exactValue(e, c.budget, c.exact);
  if (small !== undefined) return small.d === 1n && small.n >= 0n ? small.n % m : undefined;
  switch (e.kind) {
    case "add":
    case "mul": {
      let total = e.kind === "add" ? 0n : 1n;
      for (const arg of e.args) {
        const value = integerModulo(arg, m, c, depth + 1);
        if (value === undefined) return undefined;
        total = e.kind === "add" ? (total + value) % m : (total * value) % m;
      }
      return total;
    }
    case "pow": {
      const base = integerModulo(e.base, m, c, depth + 1);
      const k = base === undefined ? undefined : exactValue(e.exp, c.budget, c.exact);
      if (base === undefined || k === undefined || k.d !== 1n || k.n < 0n) return undefined;
      spend(c.budget, 40 + Number(k.n.toString(16).length));
      return powMod(base, k.n, m);
    }
    default:
      return undefined;
  }
}

function call(e: Expr & { kind: "call" }, c: Context): Residue | undefined {
  const exact = exactValue(e, c.budget, c.exact);
  if (exact !== undefined) return ofRational(c, exact);
  const [a, b] = e.args;
  if (a === undefined) return undefined;
  switch (e.name) {
    case "exp":
      return raise({ kind: "const", name: "e" }, a, c);
    case "ln":
    case "log":
      return logarithm(a, e.name === "ln" || (b === undefined && c.bareLog === "e") ? undefined : (b ?? int(10)), c);
    case "binomial":
      return b === undefined ? undefined : binomial(a, b, c);
    case "mod": {
      const m = b && exactValue(b, c.budget, c.exact);
      const value = m && m.d === 1n && m.n > 0n ? integerModulo(a, m.n, c) : undefined;
      return value === undefined ? opaque(c, "mod", e.args, false) : { n: mod(value, c.prime.p), d: 1n };
    }
    case "conjugate":
    case "re":
      return opaque(c, e.name, e.args, false);
    default:
      return opaque(c, e.name, e.args, false);
  }
}

/** Logarithms of rationals, as sums of logarithms of primes; other bases as quotients. */
function logarithm(arg: Expr, base: Expr | undefined, c: Context): Residue | undefined {
  const top = naturalLog(arg, c);
  if (base === undefined) return top;
  const bottom = naturalLog(base, c);
  return top && bottom && divide(c, top, bottom);
}

function naturalLog(arg: Expr, c: Context): Residue | undefined {
  c.certain = false;
  if (arg.kind === "const" && arg.name === "e") return { n: 1n, d: 1n };
  const exact = exactValue(arg, c.budget, c.exact);
  if (exact === undefined || exact.n <= 0n) return opaque(c, "ln", [arg], false);
  let total: Residue = { n: 0n, d: 1n };
  for (const [n, sign] of [
    [exact.n, 1n],
    [exact.d, -1n],
  ] as const) {
    if (n === 1n) continue;
    for (const [prime, count] of factors(n, c)) {
      const part = mul(c, named(c, `ln:${prime}`), { n: mod(sign * count, c.prime.p), d: 1n });
      total = add(c, total, part);
    }
  }
  return total;
}

/** `n` over a small whole `k` is a polynomial in `n`. */
function binomial(n: Expr, k: Expr, c: Context): Residue | undefined {
  const count = exactValue(k, c.budget, c.exact);
  if (count === undefined || count.d !== 1n || count.n < 0n || count.n > 200n) return largeBinomial(n, k, c);
  const top = residue(n, c);
  if (top === undefined) return undefined;
  let total: Residue | undefined = { n: 1n, d: 1n };
  for (let j = 0n; j < count.n; j++) {
    spend(c.budget, 2);
    const factor: Residue = add(c, top, { n: mod(-j, c.prime.p), d: 1n });
    total = total && divide(c, mul(c, total, factor), { n: j + 1n, d: 1n });
  }
  return total;
}

function largeBinomial(n: Expr, k: Expr, c: Context): Residue | undefined {
  const [a, b] = [exactValue(n, c.budget, c.exact), exactValue(k, c.budget, c.exact)];
  if (a?.d === 1n && b?.d === 1n && b.n * 2n > a.n) return opaque(c, "binomial", [n, int(a.n - b.n)], false);
  return opaque(c, "binomial", [n, k], false);
}

/** Something with a bound variable: known by its parts, whatever the variable is called. */
export function bound(
  name: string,
  variable: string | undefined,
  args: readonly Expr[],
  c: Context,
): Residue | undefined {
  c.certain = false;
  if (variable === undefined) return opaque(c, name, args, false);
  const outer = c.env.get(variable);
  c.env.set(variable, named(c, `bound:${c.env.size}`));
  let key = name;
  for (const arg of args) {
    const value = arg.kind === "const" && arg.name === "infinity" ? named(c, "infinity") : residue(arg, c);
    if (value === undefined) return undefined;
    key += `|${whole(c, value)}`;
  }
  restore(c.env, variable, outer);
  return named(c, key);
}
