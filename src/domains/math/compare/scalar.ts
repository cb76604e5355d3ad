/** Compares two scalar expressions under a profile: marks (percent, degrees, bases, ratios), rounding, matrices. `±` is expanded before. */
import { type Budget, spend } from "../budget.ts";
import { int } from "../parse/literals.ts";
import type { Expr } from "../parse/tree.ts";
import type { Policy } from "../profiles.ts";
import { roundsTo } from "./decimals.ts";
import { type Decision, sameValue } from "./equality.ts";
import { hasMatrix, matrixValue } from "./matrix.ts";
import { otherConstants, sameConstant } from "./rename.ts";
import { hasUnits, withUnits } from "./unit-vectors.ts";

export interface Setting {
  policy: Policy;
  budget: Budget;
}

/** Whether `response` is the value `gold` under the profile. */
export function compareScalars(gold: Expr, response: Expr, s: Setting): Decision {
  spend(s.budget, 2);
  if (hasMatrix(gold) || hasMatrix(response)) return compareMatrices(gold, response, s);
  if (gold.kind === "ratio" || response.kind === "ratio") {
    const ratio = compareRatios(gold, response, s);
    if (ratio !== undefined) return ratio;
  }
  const [endless, alike] = [infinity(gold), infinity(response)];
  if (endless !== 0 || alike !== 0) return { same: endless === alike ? "equal" : "different", stage: "exact" };
  let undecided: Decision | undefined;
  let refuted: Decision | undefined;
  for (const [g, r] of readings(gold, response, s.policy)) {
    const decision = compareAsWritten(g, r, s);
    if (decision.same === "equal") return decision;
    if (decision.same === "unknown") undecided ??= decision;
    else refuted ??= decision;
  }
  return undecided ?? refuted ?? { same: "unknown", stage: "undecided" };
}

/** The values with their marks, exactly or as a rounding that the profile allows. */
export function compareAsWritten(gold: Expr, response: Expr, s: Setting): Decision {
  const decision = sameValue(gold, response, s.budget);
  if (decision.same === "equal" || !roundsTo(gold, response, s.policy, s.budget)) return decision;
  return { same: "equal", stage: "rounding" };
}

/** With `C(10, 3)`, `C_{10}^{3}` and `10C3` as numbers of choices, and `\Gamma(n)` as a factorial. */
function withChoices(e: Expr): Expr {
  const whole = (x: Expr | undefined): x is Expr => x !== undefined && isWhole(x);
  if (e.kind === "app" && e.name === "C" && e.args.length === 2 && e.args.every(isWhole))
    return { kind: "call", name: "binomial", args: e.args };
  const below = e.kind === "pow" && e.base.kind === "sym" ? /^C_(\d{1,9})$/.exec(e.base.name)?.[1] : undefined;
  if (below !== undefined && e.kind === "pow" && isWhole(e.exp))
    return { kind: "call", name: "binomial", args: [int(Number(below)), e.exp] };
  const [gamma, argument] = e.kind === "mul" && e.args.length === 2 ? e.args : [];
  if (gamma?.kind === "sym" && gamma.name === "Gamma" && argument !== undefined)
    return { kind: "call", name: "factorial", args: [{ kind: "add", args: [argument, int(-1)] }] };
  if (e.kind === "mul" && e.args.length === 3 && e.args[1]!.kind === "sym" && e.args[1]!.name === "C") {
    const [n, , k] = e.args;
    if (whole(n) && whole(k)) return { kind: "call", name: "binomial", args: [n, k] };
  }
  if (e.kind === "add" || e.kind === "mul") {
    const args = e.args.map(withChoices);
    return args.every((a, k) => a === e.args[k]) ? e : { kind: e.kind, args };
  }
  if (e.kind === "div") {
    const [num, den] = [withChoices(e.num), withChoices(e.den)];
    return num === e.num && den === e.den ? e : { kind: "div", num, den };
  }
  return e;
}

/** The sign of an infinite value, 0 for any other. */
function infinity(e: Expr): number {
  if (e.kind === "neg") return -infinity(e.arg);
  return e.kind === "const" && e.name === "infinity" ? 1 : 0;
}

/** The pairs of readings under which the two may agree. A mark on both sides counts on both; a mark on one may be left out. */
function* readings(gold: Expr, response: Expr, policy: Policy): Generator<[Expr, Expr]> {
  const [g, r] = [markOf(gold), markOf(response)];
  const oneInDegrees = (g === "degree") !== (r === "degree");
  if (policy.degreesAsRadians || !oneInDegrees) yield [gold, response];
  const constant = sameConstant(gold, response);
  if (constant !== undefined) yield [gold, constant];
  for (const renamed of otherConstants(gold, response)) yield [gold, renamed];
  const [chosen, taken] = [withChoices(gold), withChoices(response)];
  if (chosen !== gold || taken !== response) yield [chosen, taken];
  if (hasUnits(gold) !== hasUnits(response)) yield [withUnits(gold), withUnits(response)];
  if (g === r) return;
  for (const mark of ["percent", "degree", "based"] as const) {
    if (g === mark && r === undefined) {
      const bare = face(gold, mark);
      if (bare !== undefined && faceAllowed(mark, bare, response, policy)) yield [bare, response];
    } else if (r === mark && g === undefined) {
      const bare = face(response, mark);
      if (bare !== undefined && faceAllowed(mark, bare, gold, policy)) yield [gold, bare];
    }
  }
}

function faceAllowed(mark: "percent" | "degree" | "based", bare: Expr, other: Expr, policy: Policy): boolean {
  return mark !== "percent" || policy.percentFace === "always" || (isWhole(bare) && isWhole(other));
}

function isWhole(e: Expr): boolean {
  return e.kind === "neg" ? isWhole(e.arg) : e.kind === "num" && e.places < 0 && e.value.d === 1n;
}

type Mark = "percent" | "degree" | "based";

/** The mark that stands on the whole value: through signs, sums and products of which each marked part bears the same. */
export function markOf(e: Expr): Mark | undefined {
  switch (e.kind) {
    case "percent":
    case "degree":
    case "based":
      return e.kind;
    case "neg":
      return markOf(e.arg);
    case "add":
    case "mul":
      return e.args.map(markOf).find((m) => m !== undefined);
    case "div":
      return markOf(e.num);
    default:
      return undefined;
  }
}

/** The value as written, without its mark. */
function face(e: Expr, mark: Mark): Expr | undefined {
  switch (e.kind) {
    case "percent":
    case "degree":
      return e.kind === mark ? e.arg : e;
    case "based":
      return /^\d+$/.test(e.digits) ? int(BigInt(e.digits)) : undefined;
    case "neg": {
      const arg = face(e.arg, mark);
      return arg && { kind: "neg", arg };
    }
    case "add":
    case "mul": {
      const args = e.args.map((a) => face(a, mark));
      return args.every((a) => a !== undefined) ? { kind: e.kind, args } : undefined;
    }
    case "div": {
      const num = face(e.num, mark);
      return num && { kind: "div", num, den: e.den };
    }
    default:
      return e;
  }
}

/** Ratios agree in proportion; two times of day agree to the minute. */
function compareRatios(gold: Expr, response: Expr, s: Setting): Decision | undefined {
  if (gold.kind !== "ratio" || response.kind !== "ratio") {
    const ratio = gold.kind === "ratio" ? gold : (response as Expr & { kind: "ratio" });
    return ratio.args.length === 2 ? undefined : { same: "different", stage: "shape" };
  }
  if (gold.args.length !== response.args.length) return { same: "different", stage: "shape" };
  const clocks = gold.clock && response.clock;
  const [g0, r0] = [gold.args[0]!, response.args[0]!];
  let worst: Decision = { same: "equal", stage: "exact" };
  for (let k = clocks ? 0 : 1; k < gold.args.length; k++) {
    const decision = clocks
      ? sameValue(gold.args[k]!, response.args[k]!, s.budget)
      : sameValue({ kind: "mul", args: [gold.args[k]!, r0] }, { kind: "mul", args: [response.args[k]!, g0] }, s.budget);
    if (decision.same === "different") return decision;
    if (decision.same === "unknown") worst = decision;
  }
  return worst;
}

/** Elementwise, after sums, products and powers of matrices are carried out. */
function compareMatrices(gold: Expr, response: Expr, s: Setting): Decision {
  const [a, b] = [matrixValue(gold, s.budget), matrixValue(response, s.budget)];
  if (a === undefined || b === undefined) return { same: "unknown", stage: "undecided" };
  if (a.kind !== "matrix" || b.kind !== "matrix") {
    const single = (e: Expr): Expr =>
      e.kind === "matrix" && e.rows.length === 1 && e.rows[0]!.length === 1 ? e.rows[0]![0]! : e;
    const [x, y] = [single(a), single(b)];
    return x.kind === "matrix" || y.kind === "matrix" ? { same: "different", stage: "shape" } : compareScalars(x, y, s);
  }
  if (a.rows.length !== b.rows.length || a.rows[0]!.length !== b.rows[0]!.length)
    return { same: "different", stage: "shape" };
  let worst: Decision = { same: "equal", stage: "exact" };
  for (let i = 0; i < a.rows.length; i++) {
    for (let j = 0; j < a.rows[i]!.length; j++) {
      const decision = compareScalars(a.rows[i]![j]!, b.rows[i]![j]!, s);
      if (decision.same === "different") return decision;
      if (decision.same === "unknown" || worst.same === "equal") worst = decision;
    }
  }
  return worst;
}
