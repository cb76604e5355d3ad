/** Compares vectors and matrices under their several spellings: rows, columns, tuples, nested lists, sums of unit vectors. */
import { int } from "../parse/literals.ts";
import type { Answer, Expr } from "../parse/tree.ts";
import type { Decision } from "./equality.ts";
import { matchInOrder } from "./matching.ts";
import { hasMatrix, matrixValue } from "./matrix.ts";
import { compareScalars, type Setting } from "./scalar.ts";
import { hasUnits, UNIT_VECTORS, unitVector, withUnits } from "./unit-vectors.ts";

type Compare = (gold: Answer, response: Answer, s: Setting) => Decision;

/** Two answers of which one is a tuple, a list or a vector. Undefined if they are not two spellings of vectors or matrices. */
export function compareVectors(g: Answer, r: Answer, s: Setting, compare: Compare): Decision | undefined {
  if (!s.policy.vectorAsTuple || (g.kind === "scalar" && r.kind === "scalar")) return undefined;
  const [m, n] = [nested(g, r), nested(r, g)];
  if (m !== undefined || n !== undefined) return compare(m ?? g, n ?? r, s);
  const [p, q] = [unitSum(g, r), unitSum(r, g)];
  if (p !== undefined && r.kind === "scalar") return compareScalars(p, withUnits(r.expr), s);
  if (q !== undefined && g.kind === "scalar") return compareScalars(withUnits(g.expr), q, s);
  const [a, b] = [entries(g, s), entries(r, s)];
  return a && b && matchInOrder(a, b, (x, y) => compare(x, y, s));
}

/** The entries of a tuple, or of a matrix of one row or column. */
function entries(a: Answer, s: Setting): Answer[] | undefined {
  if (a.kind === "tuple") return a.items;
  if (a.kind === "interval" && !a.lowOpen && !a.highOpen) return [a.low, a.high].map(scalar);
  if (a.kind !== "scalar" || !hasMatrix(a.expr)) return undefined;
  const m = matrixValue(a.expr, s.budget);
  if (m?.kind !== "matrix" || (m.rows.length > 1 && m.rows[0]!.length > 1)) return undefined;
  return m.rows.flat().map(scalar);
}

function scalar(expr: Expr): Answer {
  return { kind: "scalar", expr, unit: undefined };
}

/** `[[1, 2], [3, 4]]` beside a matrix is a matrix. */
function nested(a: Answer, other: Answer): Answer | undefined {
  if (a.kind !== "tuple" || other.kind !== "scalar" || !hasMatrix(other.expr)) return undefined;
  const rows = a.items.map(rowOf);
  if (rows.length === 0 || rows.some((row) => row === undefined || row.length !== rows[0]?.length)) return undefined;
  return scalar({ kind: "matrix", rows: rows as Expr[][], style: "matrix" });
}

function rowOf(a: Answer): Expr[] | undefined {
  if (a.kind === "interval" && !a.lowOpen && !a.highOpen) return [a.low, a.high];
  if (a.kind !== "tuple" || a.bracket !== "[") return undefined;
  const row = a.items.map((it) => (it.kind === "scalar" ? it.expr : undefined));
  return row.includes(undefined) ? undefined : (row as Expr[]);
}

/** A tuple of two or three numbers as a sum of unit vectors, beside a sum that has them. */
function unitSum(a: Answer, other: Answer): Expr | undefined {
  if (a.kind !== "tuple" || a.items.length > 3 || other.kind !== "scalar" || !hasUnits(withUnits(other.expr)))
    return undefined;
  const args: Expr[] = [];
  for (const [k, it] of a.items.entries()) {
    if (it.kind !== "scalar") return undefined;
    args.push({ kind: "mul", args: [it.expr, unitVector(UNIT_VECTORS[k]!)] });
  }
  return { kind: "add", args: [...args, int(0)] };
}
