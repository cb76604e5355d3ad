/** Residues of function values: logarithms brought to those of primes, binomials as polynomials, any other as a symbol named by its arguments. */
import { spend } from "../budget.ts";
import { int } from "../parse/literals.ts";
import type { Expr } from "../parse/tree.ts";
import { exactValue } from "./exact.ts";
import {
  add,
  type Context,
  divide,
  factors,
  mod,
  mul,
  named,
  ofRational,
  type Residue,
  restore,
  whole,
} from "./residue.ts";
import { integerModulo, raise } from "./residue-powers.ts";

/** A function value as a symbol: the same for the same arguments. `free`: nothing is known of the function, so it is as good as a variable. */
export function opaque(c: Context, name: string, args: readonly Expr[], free: boolean): Residue | undefined {
  let key = name;
  for (const arg of args) {
    const value = c.of(arg, c);
    if (value === undefined) return undefined;
    key += `|${whole(c, value)}`;
  }
  if (!free) c.certain = false;
  return named(c, key);
}

export function call(e: Expr & { kind: "call" }, c: Context): Residue | undefined {
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
  const top = c.of(n, c);
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
    const value = arg.kind === "const" && arg.name === "infinity" ? named(c, "infinity") : c.of(arg, c);
    if (value === undefined) return undefined;
    key += `|${whole(c, value)}`;
  }
  restore(c.env, variable, outer);
  return named(c, key);
}
