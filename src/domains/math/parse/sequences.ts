/** Writes out a progression that an ellipsis abbreviates: `1, 3, \ldots, 9`. What ends in a letter, or nowhere, is not understood. */
import { addR, compareR, equalR, integer, type Rational, subR } from "../exact.ts";
import { number } from "./literals.ts";
import { NotUnderstood } from "./reader.ts";
import type { Answer, Expr } from "./tree.ts";

/** Stands for the ellipsis among the items of a list. */
export const ELLIPSIS: Answer = { kind: "text", text: "…" };

/** The most items that are written out. */
const LONGEST = 300;

/** `items` with the terms of the arithmetic progression that the ellipsis leaves out. */
export function withoutEllipsis(items: readonly Answer[]): Answer[] {
  const at = items.indexOf(ELLIPSIS);
  const [before, after] = [items.slice(0, at).map(numberOf), items.slice(at + 1).map(numberOf)];
  const [last, next] = [before.at(-1), after[0]];
  if (last === undefined || next === undefined) throw new NotUnderstood("a list without its end");
  const step = before.length > 1 ? subR(last, before.at(-2)!) : integer(compareR(next, last));
  const known = [...before, ...after];
  const even = known.every((x, k) => k === 0 || k === before.length || equalR(subR(x, known[k - 1]!), step));
  if (!even || step.n === 0n) throw new NotUnderstood("a list that is no progression");
  const values = before.slice();
  for (let x = addR(last, step); !equalR(x, next); x = addR(x, step)) {
    values.push(x);
    if (values.length > LONGEST) throw new NotUnderstood("a progression that does not meet its end");
  }
  return [...values, ...after].map((x): Answer => ({ kind: "scalar", expr: number(x), unit: undefined }));
}

function numberOf(a: Answer): Rational {
  const value = a.kind === "scalar" && a.unit === undefined ? literalOf(a.expr) : undefined;
  if (value === undefined) throw new NotUnderstood("an ellipsis among other things than numbers");
  return value;
}

function literalOf(e: Expr): Rational | undefined {
  if (e.kind === "num") return e.value;
  const inner = e.kind === "neg" ? literalOf(e.arg) : undefined;
  return inner && { n: -inner.n, d: inner.d };
}
