/** When a written decimal stands for a value it is not equal to: the rounding rules of the profiles. */
import type { Budget } from "../budget.ts";
import { DOUBLE } from "../evaluate/double.ts";
import { exactValue } from "../evaluate/exact.ts";
import { evaluate } from "../evaluate/numeric.ts";
import { point } from "../evaluate/points.ts";
import { absR, compareR, decimalsOf, mulR, type Rational, rational, subR, toNumber } from "../exact.ts";
import type { Expr } from "../parse/tree.ts";
import type { Policy } from "../profiles.ts";

/** A decimal literal, with a sign at most. */
interface Decimal {
  value: Rational;
  places: number;
  digits: number;
}

function decimalOf(e: Expr): Decimal | undefined {
  if (e.kind === "neg") {
    const inner = decimalOf(e.arg);
    return inner && { ...inner, value: { n: -inner.value.n, d: inner.value.d } };
  }
  return e.kind === "num" && e.places >= 0 ? { value: e.value, places: e.places, digits: e.digits } : undefined;
}

/** Whether the response may stand for the gold value although they differ. Call it only for values that were told apart. */
export function roundsTo(gold: Expr, response: Expr, policy: Policy, budget: Budget): boolean {
  if (gold.kind === "percent" && response.kind === "percent") return roundsTo(gold.arg, response.arg, policy, budget);
  const [g, r] = [decimalOf(gold), decimalOf(response)];
  if (
    policy.relative > 0 &&
    (hasDecimal(gold) || hasDecimal(response)) &&
    closeRelative(gold, response, policy.relative, budget)
  )
    return true;
  if (g === undefined && r === undefined) return false;
  if (policy.rounding >= 0 && within(gold, response, policy.rounding, 1, 2, budget)) return true;
  if (r !== undefined && g === undefined && responseRounds(gold, r, response, policy, budget)) return true;
  return g !== undefined && policy.goldRounds && goldAccepts(gold, g, response, r, budget);
}

/** An exact gold value without a short decimal of its own, written out by the response to enough places. */
function responseRounds(gold: Expr, r: Decimal, response: Expr, policy: Policy, budget: Budget): boolean {
  if (r.places < policy.responsePlaces || r.digits < policy.responseDigits) return false;
  const exact = exactValue(gold, budget);
  if (exact !== undefined && decimalsOf(exact) >= 0 && decimalsOf(exact) <= 10) return false;
  return within(gold, response, r.places, 1, r.digits >= 6 ? 1 : 2, budget);
}

/** A gold decimal that is a rounding: of an exact value, or of a decimal with clearly more places. `54000.0` is no rounding. */
function goldAccepts(gold: Expr, g: Decimal, response: Expr, r: Decimal | undefined, budget: Budget): boolean {
  if ((g.places < 2 && g.digits < 3) || (g.places > 0 && g.value.d === 1n)) return false;
  if (r !== undefined) {
    if (r.places < g.places + (g.digits >= 5 ? 1 : 2)) return false;
  } else {
    const exact = exactValue(response, budget);
    if (exact !== undefined && decimalsOf(exact) >= 0 && decimalsOf(exact) <= g.places + 3) return false;
  }
  return within(gold, response, g.places, 1, g.digits >= 6 ? 1 : 2, budget);
}

/** |a − b| ≤ (num/den) · 10^−places, a little generous at the edge. */
function within(a: Expr, b: Expr, places: number, num: number, den: number, budget: Budget): boolean {
  const [x, y] = [exactValue(a, budget), exactValue(b, budget)];
  if (x !== undefined && y !== undefined) {
    const unit =
      places >= 0
        ? rational(1n, 10n ** BigInt(Math.min(places, 400)))
        : rational(10n ** BigInt(Math.min(-places, 400)));
    return compareR(mulR(absR(subR(x, y)), { n: BigInt(den), d: 1n }), mulR(unit!, { n: BigInt(num), d: 1n })) <= 0;
  }
  const [p, q] = [realValue(a, budget), realValue(b, budget)];
  if (p === undefined || q === undefined) return false;
  const tolerance = Math.max((num / den) * 10 ** -places, 4e-14 * Math.abs(p));
  return Math.abs(p - q) <= tolerance * (1 + 1e-9);
}

/** A whole gold value is met to the absolute size of the tolerance, so that 50000 is not 50000.01; not where the response rounds to tens or more. */
function closeRelative(a: Expr, b: Expr, relative: number, budget: Budget): boolean {
  const [x, y] = [exactValue(a, budget), exactValue(b, budget)];
  if (x?.d === 1n && y?.d === 1n) return false;
  if (x?.d === 1n && (decimalOf(b)?.places ?? 1) > 0) return within(a, b, 0, Math.round(relative * 1e6), 1e6, budget);
  const [p, q] = [
    x === undefined ? realValue(a, budget) : toNumber(x),
    y === undefined ? realValue(b, budget) : toNumber(y),
  ];
  return p !== undefined && q !== undefined && p !== 0 && Math.abs(p - q) <= relative * Math.abs(p);
}

/** Whether a decimal is written anywhere in it. Two closed forms are compared exactly under every profile. */
function hasDecimal(e: Expr): boolean {
  switch (e.kind) {
    case "num":
      return e.places >= 0;
    case "add":
    case "mul":
    case "call":
    case "ratio":
      return e.args.some(hasDecimal);
    case "neg":
    case "percent":
    case "degree":
      return hasDecimal(e.arg);
    case "div":
      return hasDecimal(e.num) || hasDecimal(e.den);
    case "pow":
      return hasDecimal(e.base) || hasDecimal(e.exp);
    case "root":
      return hasDecimal(e.arg);
    default:
      return false;
  }
}

const NOWHERE = point(0, new Set(), "e");

/** The value of a real constant. */
export function realValue(e: Expr, budget: Budget): number | undefined {
  if (hasSymbol(e)) return undefined;
  const v = evaluate(e, DOUBLE, NOWHERE, budget);
  return v !== undefined && DOUBLE.isReal(v) ? v.re : undefined;
}

function hasSymbol(e: Expr): boolean {
  switch (e.kind) {
    case "sym":
    case "app":
    case "opaque":
    case "matrix":
    case "pm":
    case "long":
      return true;
    case "series":
      return false;
    case "add":
    case "mul":
    case "call":
    case "ratio":
      return e.args.some(hasSymbol);
    case "neg":
    case "percent":
    case "degree":
      return hasSymbol(e.arg);
    case "div":
      return hasSymbol(e.num) || hasSymbol(e.den);
    case "pow":
      return hasSymbol(e.base) || hasSymbol(e.exp);
    case "root":
      return hasSymbol(e.arg) || hasSymbol(e.index);
    default:
      return false;
  }
}
