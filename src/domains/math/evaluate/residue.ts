/** Residues modulo a prime, as fractions, and the state of a walk that computes them. What an expression's residue is, is `fingerprint.ts`'s. */
import { type Budget, spend } from "../budget.ts";
import { bitsOf, type Rational } from "../exact.ts";
import type { Expr } from "../parse/tree.ts";
import { hash64 } from "./hash.ts";

export interface Prime {
  p: bigint;
  /** A square root of −1. */
  i: bigint;
  seed: number;
}

export const PRIMES: readonly [Prime, Prime] = [
  { p: 2305843009213691357n, i: 1018197504712963086n, seed: 17 },
  { p: 2305843009209685637n, i: 1827243706478475668n, seed: 4711 },
];

/** A residue as a fraction: inverses are put off until two values are compared. */
export interface Residue {
  n: bigint;
  d: bigint;
}

export interface Context {
  prime: Prime;
  budget: Budget;
  certain: boolean;
  env: Map<string, Residue>;
  exact: Map<string, Rational>;
  /** The base of a logarithm written without one. */
  bareLog: "e" | "10";
  depth: number;
  /** The residue of a part of the expression: the walk goes on through it. */
  of: (part: Expr, c: Context) => Residue | undefined;
}

export function mod(n: bigint, p: bigint): bigint {
  const r = n % p;
  return r < 0n ? r + p : r;
}

export function powMod(base: bigint, exp: bigint, p: bigint): bigint {
  let result = 1n;
  base = mod(base, p);
  while (exp > 0n) {
    if (exp & 1n) result = (result * base) % p;
    base = (base * base) % p;
    exp >>= 1n;
  }
  return result;
}

export function whole(c: Context, { n, d }: Residue): bigint {
  if (d === 1n) return n;
  spend(c.budget, 60);
  return (n * powMod(d, c.prime.p - 2n, c.prime.p)) % c.prime.p;
}

export function ofRational(c: Context, r: Rational): Residue | undefined {
  const d = mod(r.d, c.prime.p);
  return d === 0n ? undefined : { n: mod(r.n, c.prime.p), d };
}

/** A residue of its own for whatever `key` names. */
export function named(c: Context, key: string): Residue {
  return { n: mod(hash64(key, c.prime.seed), c.prime.p), d: 1n };
}

export function add(c: Context, a: Residue, b: Residue): Residue {
  const { p } = c.prime;
  if (a.d === 1n && b.d === 1n) return { n: (a.n + b.n) % p, d: 1n };
  return { n: (a.n * b.d + b.n * a.d) % p, d: (a.d * b.d) % p };
}

export function mul(c: Context, a: Residue, b: Residue): Residue {
  const { p } = c.prime;
  return { n: (a.n * b.n) % p, d: a.d === 1n && b.d === 1n ? 1n : (a.d * b.d) % p };
}

export function divide(c: Context, a: Residue, b: Residue): Residue | undefined {
  return b.n === 0n ? undefined : mul(c, a, { n: b.d, d: b.n });
}

export function integerPower(base: Residue, exp: bigint, c: Context): Residue | undefined {
  const { p } = c.prime;
  if (base.n === 0n) return exp > 0n ? base : exp === 0n ? { n: 1n, d: 1n } : undefined;
  const size = (exp < 0n ? -exp : exp) % (p - 1n);
  spend(c.budget, size < 16n ? 4 : 40);
  const raised = { n: powMod(base.n, size, p), d: base.d === 1n ? 1n : powMod(base.d, size, p) };
  return exp < 0n ? { n: raised.d, d: raised.n } : raised;
}

const SMALL_PRIMES = [
  2n,
  3n,
  5n,
  7n,
  11n,
  13n,
  17n,
  19n,
  23n,
  29n,
  31n,
  37n,
  41n,
  43n,
  47n,
  53n,
  59n,
  61n,
  67n,
  71n,
  73n,
  79n,
  83n,
  89n,
  97n,
];

/** The small prime factors of `n` with their powers, and what is left. */
export function factors(n: bigint, c: Context): [bigint, bigint][] {
  const found: [bigint, bigint][] = [];
  if (bitsOf(n) > 512) return [[n, 1n]];
  for (const p of SMALL_PRIMES) {
    let count = 0n;
    while (n % p === 0n) {
      n /= p;
      count++;
    }
    if (count > 0n) found.push([p, count]);
    if (n === 1n) break;
  }
  spend(c.budget, 8);
  if (n > 1n) found.push([n, 1n]);
  return found;
}

export function gcd(a: bigint, b: bigint): bigint {
  while (b !== 0n) [a, b] = [b, a % b];
  return a;
}

/** Puts back what a name meant outside. */
export function restore<V>(map: Map<string, V>, key: string, value: V | undefined): void {
  if (value === undefined) map.delete(key);
  else map.set(key, value);
}
