/** Residues of powers: exponents taken apart, roots of integers brought to roots of primes, towers reduced modulo p − 1. */
import { type Budget, MAX_DEPTH, spend } from "../budget.ts";
import type { Rational } from "../exact.ts";
import type { Expr } from "../parse/tree.ts";
import { exactValue } from "./exact.ts";
import { type Context, factors, gcd, integerPower, mod, mul, named, powMod, type Residue, whole } from "./residue.ts";

/** `base ** exp`, with sums in the exponent taken apart so that `2^{x+1}` is `2 · 2^x`, and roots of integers brought to primes. */
export function raise(base: Expr, exp: Expr, c: Context, root = false): Residue | undefined {
  const k = exactValue(exp, c.budget, c.exact);
  if (k !== undefined && k.d === 1n) {
    const value = c.of(base, c);
    return value && integerPower(value, k.n, c);
  }
  const towering = k === undefined ? integerModulo(exp, c.prime.p - 1n, c) : undefined;
  if (towering !== undefined) {
    const value = c.of(base, c);
    return value && (value.n === 0n ? undefined : integerPower(value, towering, c));
  }
  if (k === undefined) return symbolicPower(base, exp, c);
  const exact = exactValue(base, c.budget, c.exact);
  if (exact !== undefined && exact.n > 0n) return rootOfRational(exact, k, c);
  c.certain = false;
  const inner = c.of(base, c);
  if (inner === undefined) return undefined;
  const atom = named(c, `${exact !== undefined && exact.n < 0n && root ? "real" : "pow"}:${whole(c, inner)}:1/${k.d}`);
  return integerPower(atom, k.n, c);
}

/** A root of a positive rational, as a product of roots of primes. */
function rootOfRational(base: Rational, k: Rational, c: Context): Residue | undefined {
  c.certain = false;
  return overPrimes(base, c, (prime, count) => {
    const over = count * k.n;
    const turns = ((over % k.d) + k.d) % k.d;
    const out = integerPower({ n: mod(prime, c.prime.p), d: 1n }, (over - turns) / k.d, c);
    const g = gcd(turns, k.d);
    const atom = turns === 0n ? { n: 1n, d: 1n } : integerPower(named(c, `root:${prime}:${k.d / g}`), turns / g, c);
    return out && atom && mul(c, out, atom);
  });
}

/** The product of `part` over the primes of a positive rational; of its denominator's the count is negative. */
function overPrimes(
  base: Rational,
  c: Context,
  part: (prime: bigint, count: bigint) => Residue | undefined,
): Residue | undefined {
  let total: Residue | undefined = { n: 1n, d: 1n };
  for (const [n, sign] of [
    [base.n, 1n],
    [base.d, -1n],
  ] as const) {
    if (n === 1n) continue;
    for (const [prime, count] of factors(n, c)) {
      const one = part(prime, sign * count);
      total = one && total && mul(c, total, one);
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
  const power = c.of(exp, c);
  if (power === undefined) return undefined;
  const key = whole(c, power);
  const exact = exactValue(base, c.budget, c.exact);
  if (exact !== undefined && exact.n > 0n) return exponential(exact, key, c);
  const inner = c.of(base, c);
  return inner && named(c, `pow:${whole(c, inner)}:${key}`);
}

function exponential(base: Rational, key: bigint, c: Context): Residue | undefined {
  return overPrimes(base, c, (prime, count) => integerPower(named(c, `pow:${prime}:${key}`), count, c));
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
