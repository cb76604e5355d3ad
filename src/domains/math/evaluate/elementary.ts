/** Elementary functions on top of any arithmetic that has a logarithm: inverse functions, logarithms to a base, least and greatest. */
import { integer } from "../exact.ts";
import type { Arithmetic } from "./arithmetic.ts";

export function lnOf<T>(ar: Arithmetic<T>, a: T | undefined): T | undefined {
  return a === undefined ? undefined : ar.ln(a);
}

export function logarithm<T>(ar: Arithmetic<T>, a: T, base: T | undefined, bare: "e" | "10"): T | undefined {
  const top = ar.ln(a);
  const under = base ?? (bare === "10" ? ar.fromRational(integer(10)) : undefined);
  if (under === undefined || top === undefined) return top;
  const bottom = ar.ln(under);
  return bottom === undefined ? undefined : ar.div(top, bottom);
}

/** −i ln(ix + √(1 − x²)). */
export function arcsin<T>(ar: Arithmetic<T>, x: T): T | undefined {
  const inner = ar.sqrt(ar.add(ar.fromRational(integer(1)), ar.neg(ar.mul(x, x))));
  const log = inner === undefined ? undefined : ar.ln(ar.add(ar.mul(ar.unit(), x), inner));
  const result = log === undefined ? undefined : ar.neg(ar.mul(ar.unit(), log));
  return result !== undefined && ar.isReal(result) ? ar.re(result) : result;
}

export function arcsinOf<T>(ar: Arithmetic<T>, x: T | undefined): T | undefined {
  return x === undefined ? undefined : arcsin(ar, x);
}

export function complement<T>(ar: Arithmetic<T>, x: T | undefined): T | undefined {
  return x === undefined ? undefined : ar.add(ar.mul(ar.pi(), ar.fromRational({ n: 1n, d: 2n })), ar.neg(x));
}

/** The argument of 1 + ix, for real x; in general through logarithms. */
export function arctan<T>(ar: Arithmetic<T>, x: T): T | undefined {
  const one = ar.fromRational(integer(1));
  if (ar.isReal(x)) {
    const log = ar.ln(ar.add(one, ar.mul(ar.unit(), ar.re(x))));
    return log === undefined ? undefined : ar.im(log);
  }
  const ix = ar.mul(ar.unit(), x);
  const quotient = ar.div(ar.add(one, ix), ar.add(one, ar.neg(ix)));
  const log = lnOf(ar, quotient);
  return log === undefined ? undefined : ar.mul(ar.neg(ar.unit()), ar.mul(log, ar.fromRational({ n: 1n, d: 2n })));
}

export function areaSine<T>(ar: Arithmetic<T>, x: T, sign: 1 | -1): T | undefined {
  const inner = ar.sqrt(ar.add(ar.mul(x, x), ar.fromRational(integer(sign))));
  return inner === undefined ? undefined : ar.ln(ar.add(x, inner));
}

export function extreme<T>(ar: Arithmetic<T>, args: readonly T[], which: "min" | "max"): T | undefined {
  let best: T | undefined;
  for (const next of args) {
    if (!ar.isReal(next)) return undefined;
    best ??= next;
    const sign = ar.sign(ar.add(next, ar.neg(best)));
    if (which === "min" ? sign < 0 : sign > 0) best = next;
  }
  return best;
}
