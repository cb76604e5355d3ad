/** Residues of sums and products over a range: term by term, or, for a polynomial, by Lagrange's formula in the upper bound. */
import { spend } from "../budget.ts";
import { integer } from "../exact.ts";
import type { Expr } from "../parse/tree.ts";
import { exactValue, MAX_TERMS } from "./exact.ts";
import { add, type Context, mod, mul, type Residue, restore, whole } from "./residue.ts";
import { bound } from "./residue-functions.ts";

export function series(e: Expr & { kind: "series" }, c: Context): Residue | undefined {
  const from = exactValue(e.from, c.budget, c.exact);
  const to = from && exactValue(e.to, c.budget, c.exact);
  if (from?.d === 1n && to?.d === 1n && to.n - from.n < MAX_TERMS) return terms(e, from.n, to.n, c);
  const degree = e.op === "sum" ? degreeIn(e.body, e.index, c) : undefined;
  if (degree !== undefined && degree <= 12 && from?.d === 1n) return interpolated(e, from.n, degree, c);
  return bound(`${e.op}`, e.index, [e.body, e.from, e.to], c);
}

/** The sum or product of the terms, one by one. */
function terms(e: Expr & { kind: "series" }, from: bigint, to: bigint, c: Context): Residue | undefined {
  let total: Residue | undefined = { n: e.op === "sum" ? 0n : 1n, d: 1n };
  const [outer, outerExact] = [c.env.get(e.index), c.exact.get(e.index)];
  for (let k = from; k <= to && total !== undefined; k++) {
    c.env.set(e.index, { n: mod(k, c.prime.p), d: 1n });
    c.exact.set(e.index, integer(k));
    const value = c.of(e.body, c);
    total = value && (e.op === "sum" ? add(c, total, value) : mul(c, total, value));
  }
  restore(c.env, e.index, outer);
  restore(c.exact, e.index, outerExact);
  return total;
}

/** The degree of `e` as a polynomial in `name`, or undefined if it is none. */
function degreeIn(e: Expr, name: string, c: Context): number | undefined {
  spend(c.budget, 1);
  switch (e.kind) {
    case "num":
    case "const":
      return 0;
    case "sym":
      return e.name === name ? 1 : 0;
    case "neg":
      return degreeIn(e.arg, name, c);
    case "add":
    case "mul": {
      const degrees = e.args.map((a) => degreeIn(a, name, c));
      if (degrees.some((d) => d === undefined)) return undefined;
      return e.kind === "add" ? Math.max(...(degrees as number[])) : (degrees as number[]).reduce((a, b) => a + b, 0);
    }
    case "div":
      return degreeIn(e.den, name, c) === 0 ? degreeIn(e.num, name, c) : undefined;
    case "pow": {
      const k = exactValue(e.exp, c.budget);
      const d = degreeIn(e.base, name, c);
      if (d === 0 && degreeIn(e.exp, name, c) === 0) return 0;
      return k?.d === 1n && k.n >= 0n && k.n < 13n && d !== undefined ? d * Number(k.n) : undefined;
    }
    default:
      return undefined;
  }
}

/** A sum of a polynomial is a polynomial in its upper bound: Lagrange's formula through its first values. */
function interpolated(e: Expr & { kind: "series" }, from: bigint, degree: number, c: Context): Residue | undefined {
  const to = c.of(e.to, c);
  if (to === undefined) return undefined;
  const x = whole(c, add(c, to, { n: mod(1n - from, c.prime.p), d: 1n }));
  const { p } = c.prime;
  const sums: Residue[] = [{ n: 0n, d: 1n }];
  const outer = c.env.get(e.index);
  for (let j = 0; j <= degree + 1; j++) {
    c.env.set(e.index, { n: mod(from + BigInt(j), p), d: 1n });
    const value = c.of(e.body, c);
    if (value === undefined) return undefined;
    sums.push(add(c, sums.at(-1)!, value));
  }
  restore(c.env, e.index, outer);
  let total: Residue = { n: 0n, d: 1n };
  for (let j = 0; j < sums.length; j++) {
    let weight: Residue = { n: 1n, d: 1n };
    for (let m = 0; m < sums.length; m++) {
      if (m === j) continue;
      spend(c.budget, 2);
      weight = mul(c, weight, { n: mod(x - BigInt(m), p), d: mod(BigInt(j - m), p) });
    }
    total = add(c, total, mul(c, weight, sums[j]!));
  }
  return total;
}
