/**
 * The value of an expression modulo two primes, with fixed pseudo-random residues for symbols (Schwartz–Zippel). Equal fingerprints mean
 * equal expressions, but for a chance of about 2⁻¹²⁰ per pair; different ones mean different expressions where `certain` holds.
 *
 * Irrational parts (π, roots, sines, …) are symbols of their own, named by the fingerprints of their arguments: `√2·√3` and `√6` are brought
 * to the same primes, but identities between functions are `numeric.ts`'s. The primes are 4q + 1 with q prime: no small powers repeat, and −1 has a root.
 */
import { type Budget, MAX_DEPTH, spend } from "../budget.ts";
import type { Expr } from "../parse/tree.ts";
import { exactValue } from "./exact.ts";
import { add, type Context, divide, mod, mul, named, ofRational, PRIMES, powMod, type Residue } from "./residue.ts";
import { bound, call, opaque } from "./residue-functions.ts";
import { raise } from "./residue-powers.ts";
import { series } from "./series.ts";

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
    const c: Context = {
      prime,
      budget,
      certain: true,
      env: new Map(),
      exact: new Map(),
      bareLog,
      depth: 0,
      of: residue,
    };
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

function residue(e: Expr, c: Context): Residue | undefined {
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
