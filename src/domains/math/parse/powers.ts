/** Reads what follows an operand: factorials, percent and degree signs, powers, transposes, the endings of ordinals. */
import { primary, signed, signOf } from "./expression.ts";
import { group } from "./groups.ts";
import { after, isOp, isOpen, peek, type Reader, take } from "./reader.ts";
import type { Expr } from "./tree.ts";

export function postfix(r: Reader, base: Expr): Expr {
  while (true) {
    const token = peek(r);
    if (token?.k !== "op") return base;
    if (token.s === "!") {
      take(r);
      const double = isOp(peek(r), "!");
      if (double) take(r);
      base = { kind: "call", name: double ? "doublefactorial" : "factorial", args: [base] };
    } else if (token.s === "%") {
      take(r);
      base = { kind: "percent", arg: base };
    } else if (token.s === "°") {
      take(r);
      base = { kind: "degree", arg: base };
    } else if (token.s === "^") {
      take(r);
      base = raised(r, base);
    } else return base;
  }
}

const ORDINALS = new Set(["th", "st", "nd", "rd"]);

/** What a `^` after `base` means: degrees, an ordinal's ending, a transpose, or a power. */
function raised(r: Reader, base: Expr): Expr {
  const braced = isOpen(peek(r), "{");
  const inner = braced ? after(r, 1) : peek(r);
  const alone = !braced || after(r, 2)?.k === "close";
  if (inner !== undefined && alone) {
    const skip = braced ? 3 : 1;
    if (inner.k === "op" && (inner.s === "∘" || inner.s === "°" || inner.s === "*" || inner.s === "'")) {
      r.i += skip;
      return inner.s === "∘" || inner.s === "°"
        ? { kind: "degree", arg: base }
        : { kind: "app", name: `raised${inner.s}`, args: [base] };
    }
    if (inner.k === "letter" && inner.s === "o" && base.kind === "num") {
      r.i += skip;
      return { kind: "degree", arg: base };
    }
    if ((inner.k === "word" || inner.k === "text") && ORDINALS.has(inner.s)) {
      r.i += skip;
      return base;
    }
    if (base.kind === "matrix" && inner.k === "letter" && (inner.s === "T" || inner.s === "t")) {
      r.i += skip;
      return { ...base, rows: transpose(base.rows) };
    }
  }
  const sign = braced ? undefined : signOf(r);
  const exp = braced || isOpen(peek(r), "(") ? group(r) : signed(sign ?? "+", primary(r));
  const next = peek(r);
  if (isOp(next, "^")) {
    take(r);
    return { kind: "pow", base, exp: raised(r, exp) };
  }
  return { kind: "pow", base, exp };
}

function transpose(rows: Expr[][]): Expr[][] {
  return (rows[0] ?? []).map((_, j) => rows.map((row) => row[j]!));
}
