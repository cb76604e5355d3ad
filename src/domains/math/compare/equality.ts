/**
 * Whether two expressions are the same value: exact rationals, then fingerprints, then doubles that may refute, then 240-bit numbers that may
 * confirm, then magnitudes. No tolerance here: rounding is `decimals.ts`'s.
 */
import type { Budget } from "../budget.ts";
import type { Arithmetic } from "../evaluate/arithmetic.ts";
import { type BigComplex, bigArithmetic, magnitude } from "../evaluate/bigcomplex.ts";
import { addB, log2Of, negB } from "../evaluate/bigfloat.ts";
import { DOUBLE, type Double } from "../evaluate/double.ts";
import { exactValue } from "../evaluate/exact.ts";
import { fingerprint, sameFingerprint } from "../evaluate/fingerprint.ts";
import { magnitudesDiffer } from "../evaluate/magnitude.ts";
import { evaluate } from "../evaluate/numeric.ts";
import { POINTS, point, type Symbols, symbolsOf } from "../evaluate/points.ts";
import { equalR } from "../exact.ts";
import type { Expr } from "../parse/tree.ts";

export type Same = "equal" | "different" | "unknown";

/** How a comparison ended and what decided it. */
export interface Decision {
  same: Same;
  stage: Stage;
}

export type Stage =
  | "text"
  | "exact"
  | "fingerprint"
  | "numeric"
  | "precise"
  | "magnitude"
  | "shape"
  | "rounding"
  | "undecided";

/** Verdicts that the shapes, or the texts, decide by themselves. */
export const DIFFERENT: Decision = { same: "different", stage: "shape" };
export const UNDECIDED: Decision = { same: "unknown", stage: "undecided" };
export const EQUAL_TEXT: Decision = { same: "equal", stage: "text" };

/** Correct bits that two values must share before they are called equal. */
const AGREEMENT = 130;

/** Whether `a` and `b` are the same value wherever both are defined. */
export function sameValue(a: Expr, b: Expr, budget: Budget): Decision {
  if (a.kind === "long" && b.kind === "long")
    return { same: a.text === b.text ? "equal" : "different", stage: "exact" };
  const [x, y] = [exactValue(a, budget), exactValue(b, budget)];
  if (x !== undefined && y !== undefined) return { same: equalR(x, y) ? "equal" : "different", stage: "exact" };
  const symbols = symbolsOf(a, b);
  const first = decide(a, b, symbols, "e", budget);
  if (first.same === "equal" || !symbols.bareLog) return first;
  const second = decide(a, b, symbols, "10", budget);
  return second.same === "equal" ? second : first;
}

function decide(a: Expr, b: Expr, symbols: Symbols, bareLog: "e" | "10", budget: Budget): Decision {
  const f = fingerprint(a, budget, bareLog);
  const g = f && fingerprint(b, budget, bareLog);
  if (f !== undefined && g !== undefined) {
    if (sameFingerprint(f, g)) return { same: "equal", stage: "fingerprint" };
    if (f.certain && g.certain) return { same: "different", stage: "fingerprint" };
  }
  if (!symbols.opaque) {
    const quick = byDoubles(a, b, symbols, bareLog, budget);
    if (quick !== "unknown") return { same: quick, stage: "numeric" };
    const precise = byBigNumbers(a, b, symbols, bareLog, budget);
    if (precise !== "unknown") return { same: precise, stage: "precise" };
  }
  if (symbols.free.size === 0 && magnitudesDiffer(a, b, budget)) return { same: "different", stage: "magnitude" };
  return { same: "unknown", stage: "undecided" };
}

/** Points to try: one is enough where nothing varies. */
function pointsFor(symbols: Symbols): number {
  return symbols.free.size === 0 ? 1 : POINTS;
}

/** The pairs of values at the points where both exist; off the real line only if the expressions are complex there by nature. */
function* pairs<T>(
  a: Expr,
  b: Expr,
  ar: Arithmetic<T>,
  symbols: Symbols,
  bareLog: "e" | "10",
  budget: Budget,
): Generator<[T, T]> {
  const later: [T, T][] = [];
  let real = 0;
  for (let k = 0; k < pointsFor(symbols); k++) {
    const at = point(k, symbols.whole, bareLog);
    const trace = { strayed: false };
    const x = evaluate(a, ar, at, budget, trace);
    const y = x === undefined ? undefined : evaluate(b, ar, at, budget, trace);
    if (x === undefined || y === undefined) continue;
    if (symbols.complex || symbols.free.size === 0 || !trace.strayed) {
      real++;
      yield [x, y];
    } else later.push([x, y]);
  }
  if (real === 0) yield* later;
}

/** Doubles can only tell values apart. */
function byDoubles(a: Expr, b: Expr, symbols: Symbols, bareLog: "e" | "10", budget: Budget): "different" | "unknown" {
  for (const [x, y] of pairs(a, b, DOUBLE, symbols, bareLog, budget)) if (apart(x, y)) return "different";
  return "unknown";
}

function apart(x: Double, y: Double): boolean {
  return Math.hypot(x.re - y.re, x.im - y.im) > 16 * (x.err + y.err);
}

/** Points at which expressions with symbols must agree. */
const CONFIRMATIONS = 3;

function byBigNumbers(a: Expr, b: Expr, symbols: Symbols, bareLog: "e" | "10", budget: Budget): Same {
  const ar = bigArithmetic(budget);
  let agreed = 0;
  for (const [x, y] of pairs(a, b, ar, symbols, bareLog, budget)) {
    const outcome = compareBig(x, y);
    if (outcome === "different") return "different";
    if (outcome === "equal" && ++agreed >= Math.min(CONFIRMATIONS, pointsFor(symbols))) return "equal";
  }
  return "unknown";
}

function compareBig(x: BigComplex, y: BigComplex): Same {
  const err = Math.max(x.err, y.err) + 6;
  const gap = Math.max(log2Of(addB(x.re, negB(y.re))), log2Of(addB(x.im, negB(y.im))));
  if (gap > err) return "different";
  const size = Math.max(magnitude(x), magnitude(y));
  return size - err >= AGREEMENT || (size <= err && err <= -AGREEMENT) ? "equal" : "unknown";
}
