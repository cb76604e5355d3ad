/** Compares scalars with units: a unit may be left out, but two must fit. Shapes are `answers.ts`'s. */
import { rational } from "../exact.ts";
import { LETTER_UNITS, measure } from "../latex/units.ts";
import type { Answer, Expr } from "../parse/tree.ts";
import { type Decision, DIFFERENT } from "./equality.ts";
import { compareAsWritten, compareScalars, markOf, type Setting } from "./scalar.ts";

/** The sum of quantities of one dimension whose units become smaller, in the first of them. */
export function inOneUnit(items: readonly Answer[]): Answer | undefined {
  let before = Number.POSITIVE_INFINITY;
  const args: Expr[] = [];
  const first = items[0]!.kind === "scalar" && items[0]!.unit !== undefined ? measure(items[0]!.unit) : undefined;
  for (const it of items) {
    const unit = it.kind === "scalar" && it.unit !== undefined ? measure(it.unit) : undefined;
    if (it.kind !== "scalar" || unit?.dimension !== first?.dimension || unit === undefined || unit.size >= before)
      return undefined;
    before = unit.size;
    args.push({ kind: "div", num: it.expr, den: factor(first!.size / unit.size) });
  }
  return { kind: "scalar", expr: { kind: "add", args }, unit: (items[0] as Scalar).unit };
}

type Scalar = Answer & { kind: "scalar" };

/** Scalars with their units: a unit may be left out, but two must fit. */
export function compareQuantities(gold: Scalar, response: Scalar, s: Setting): Decision {
  const [g, r] = [asMeasured(gold, response), asMeasured(response, gold)];
  const angles = [g, r].some((x) => markOf(x.expr) === "degree") && [g, r].some(inRadians);
  if (angles && s.policy.units === "compatible") return compareAsWritten(g.expr, r.expr, s);
  const bare = compareScalars(g.expr, r.expr, s);
  if (bare.same !== "equal" && (g.expr.kind === "ratio" || r.expr.kind === "ratio")) return clocks(g, r, s) ?? bare;
  const [a, b] = [
    g.unit === undefined ? undefined : measure(g.unit),
    r.unit === undefined ? undefined : measure(r.unit),
  ];
  if (a !== undefined && b !== undefined && s.policy.units === "compatible") {
    if (a.dimension !== b.dimension)
      return isSterling(g.unit!, r.unit!) || isSterling(r.unit!, g.unit!) ? bare : DIFFERENT;
    return a.size === b.size
      ? bare
      : compareScalars(g.expr, { kind: "mul", args: [r.expr, factor(b.size / a.size)] }, s);
  }
  if (bare.same === "equal")
    return g.unit !== undefined && r.unit !== undefined && meridiem(g.unit) && meridiem(r.unit) && g.unit !== r.unit
      ? DIFFERENT
      : bare;
  return letterUnit(g, r, s) ?? bare;
}

/** Whether radians are spelt out: beside degrees they are no unit to leave out. */
function inRadians(a: Scalar): boolean {
  const unit = a.unit === undefined ? undefined : measure(a.unit);
  return unit?.dimension === "angle^1" && unit.size !== 1;
}

/** "pounds" weigh, but not beside £. */
function isSterling(sign: string, word: string): boolean {
  return sign === "£" && /^pounds?$/.test(word);
}

/** `5m` against `500 cm`, `2 m/s` against `7.2 km/h`: beside a measured value letters are units. */
function asMeasured(a: Scalar, other: Scalar): Scalar {
  if (a.unit !== undefined || other.unit === undefined || measure(other.unit) === undefined) return a;
  if (a.expr.kind === "div") {
    const above = measuredProduct(a.expr.num);
    const below = a.expr.den.kind === "pow" ? a.expr.den.base : a.expr.den;
    const power = a.expr.den.kind === "pow" ? a.expr.den.exp : undefined;
    if (above === undefined || below.kind !== "sym" || !LETTER_UNITS.has(below.name)) return a;
    const raised = power?.kind === "num" && power.value.d === 1n ? `^${power.value.n}` : "";
    return power !== undefined && raised === "" ? a : { ...above, unit: `${above.unit}/${below.name}${raised}` };
  }
  return measuredProduct(a.expr) ?? a;
}

function measuredProduct(e: Expr): Scalar | undefined {
  const expr = withoutLetter(e);
  const last = e.kind === "mul" ? e.args.at(-1)! : undefined;
  return expr === undefined || last?.kind !== "sym" ? undefined : { kind: "scalar", expr, unit: last.name };
}

function meridiem(unit: string): boolean {
  return unit === "am" || unit === "pm";
}

/** A conversion factor as an exact rational: both sizes are decimals of few digits. */
function factor(x: number): Expr {
  const scale = 10n ** 12n;
  const value =
    x >= 1 ? rational(BigInt(Math.round(x * 1e6)), 10n ** 6n)! : rational(scale, BigInt(Math.round(1e12 / x)))!;
  return { kind: "num", value, places: -1, digits: 0 };
}

/** `3:30 pm` and `15:30`. */
function clocks(g: Scalar, r: Scalar, s: Setting): Decision | undefined {
  const hours = (a: Scalar): Scalar | undefined => {
    if (a.expr.kind !== "ratio" || !a.expr.clock) return undefined;
    const [hour, ...rest] = a.expr.args;
    if (hour?.kind !== "num") return undefined;
    const h = Number(hour.value.n);
    const value = a.unit === "pm" && h < 12 ? h + 12 : a.unit === "am" && h === 12 ? 0 : h;
    return {
      kind: "scalar",
      expr: { ...a.expr, args: [{ ...hour, value: { n: BigInt(value), d: 1n } }, ...rest] },
      unit: undefined,
    };
  };
  if (g.unit === r.unit) return undefined;
  const [a, b] = [hours(g), hours(r)];
  return a && b && compareScalars(a.expr, b.expr, s);
}

/** `5m` against the gold `5`: where there is no symbol, a letter is a unit. One of gold's is an unknown that the response lacks. */
function letterUnit(g: Scalar, r: Scalar, s: Setting): Decision | undefined {
  const [a, b] = [withoutLetter(g.expr), withoutLetter(r.expr)];
  if (a !== undefined && b === undefined && isNumber(r.expr))
    return s.policy.letterUnits === "either" ? compareScalars(a, r.expr, s) : undefined;
  if (b !== undefined && a === undefined && isNumber(g.expr)) return compareScalars(g.expr, b, s);
  return undefined;
}

function withoutLetter(e: Expr): Expr | undefined {
  if (e.kind !== "mul" || e.args.length < 2) return undefined;
  const last = e.args.at(-1)!;
  const unit = last.kind === "pow" ? last.base : last;
  if (unit.kind !== "sym" || !LETTER_UNITS.has(unit.name)) return undefined;
  const rest = e.args.slice(0, -1);
  if (!rest.every(isNumber)) return undefined;
  return rest.length === 1 ? rest[0]! : { kind: "mul", args: rest };
}

function isNumber(e: Expr): boolean {
  switch (e.kind) {
    case "num":
      return true;
    case "neg":
      return isNumber(e.arg);
    case "div":
      return isNumber(e.num) && isNumber(e.den);
    case "mul":
    case "add":
      return e.args.every(isNumber);
    case "root":
      return isNumber(e.arg);
    case "const":
      return e.name === "pi";
    default:
      return false;
  }
}
