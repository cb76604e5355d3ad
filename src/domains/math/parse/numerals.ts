/** Reads numbers that are more than their digits: mixed numbers, digits in a base, numbers of choices `{}_5C_2`. */
import { spend } from "../budget.ts";
import { rational } from "../exact.ts";
import type { Token } from "../latex/token.ts";
import { numberWord } from "../latex/words.ts";
import { argument } from "./expression.ts";
import { based, isInteger, literal, number } from "./literals.ts";
import { postfix } from "./powers.ts";
import { after, closing, isOp, isOpen, NotUnderstood, peek, type Reader, take } from "./reader.ts";
import type { Expr } from "./tree.ts";

/** `4 4/9` and `4\frac49`. In plain text the fraction must be proper, else the answer means nothing certain. */
export function mixedNumber(r: Reader): Expr | undefined {
  if (r.pending !== undefined) return undefined;
  const next = after(r, 1);
  if (
    next?.k === "num" &&
    isInteger(next) &&
    isOp(after(r, 2), "/") &&
    after(r, 3)?.k === "num" &&
    isInteger(after(r, 3)!)
  ) {
    const [whole, , ,] = [r.tokens[r.i]!];
    const [n, d] = [BigInt(next.s), BigInt(after(r, 3)!.s)];
    if (d === 0n || n >= d) throw new NotUnderstood("a mixed number with an improper fraction");
    r.i += 4;
    spend(r.budget, 4);
    return postfix(r, number(rational(BigInt(whole.s) * d + n, d)!));
  }
  const braced = isOpen(next, "{") && isFraction(after(r, 2)) ? closing(r.tokens, r.i + 1, r.end) : -1;
  if (isFraction(next) || braced > 0) {
    const start = r.i;
    const whole = take(r);
    r.i += braced > 0 ? 2 : 1;
    const [a, b] = [argument(r, true), argument(r, true)];
    const alone = braced < 0 || (r.pending === undefined && r.i === braced);
    if (alone) r.i += braced > 0 ? 1 : 0;
    if (
      alone &&
      a.kind === "num" &&
      b.kind === "num" &&
      a.value.d === 1n &&
      b.value.d === 1n &&
      a.value.n >= 0n &&
      b.value.n > 0n &&
      a.places < 0 &&
      whole.s.length < 40
    ) {
      return postfix(r, number(rational(BigInt(whole.s) * b.value.n + a.value.n, b.value.n)!));
    }
    r.i = start;
    r.pending = undefined;
  }
  return undefined;
}

function isFraction(token: Token | undefined): boolean {
  return token?.k === "cmd" && token.s === "frac";
}

/** `1101_2`: digits in a base. */
export function subscripted(r: Reader, value: Expr, token: Token): Expr {
  if (!isOp(peek(r), "_")) return value;
  take(r);
  const inner = isOpen(peek(r), "{") ? after(r, 1) : undefined;
  const spelt = inner?.k === "text" ? numberWord(inner.s) : undefined;
  if (spelt !== undefined) {
    r.i += 3;
    return based(token.s, spelt);
  }
  const labelled = (inner?.k === "text" || inner?.k === "word") && inner.s === "base" && after(r, 2)?.k === "num";
  if (labelled && after(r, 3)?.k === "close") {
    r.i += 4;
    return based(token.s, Number(r.tokens[r.i - 2]!.s));
  }
  const base = argument(r, false);
  if (base.kind !== "num" || base.value.d !== 1n) throw new NotUnderstood("a number with a subscript that is no base");
  return based(token.s, Number(base.value.n));
}

/** `{}_5C_2`, `^5P_2`: a choice or an arrangement, its first number before the letter. */
export function chosen(r: Reader): Expr | undefined {
  const empty = isOpen(peek(r), "{") && after(r, 1)?.k === "close" ? 2 : 0;
  const wide = isOpen(after(r, empty + 1), "{") ? 1 : 0;
  const broad = isOpen(after(r, empty + 2 * wide + 4), "{") ? 1 : 0;
  const [mark, n] = [after(r, empty), after(r, empty + wide + 1)];
  const [letter, under, k] = [2, 3, 4 + broad].map((at) => after(r, empty + 2 * wide + at));
  if (r.pending !== undefined || !(isOp(mark, "_") || isOp(mark, "^")) || n?.k !== "num" || k?.k !== "num")
    return undefined;
  if (letter?.k !== "letter" || (letter.s !== "C" && letter.s !== "P") || !isOp(under, "_")) return undefined;
  r.i += empty + 5 + 2 * (wide + broad);
  const [a, b] = [literal(n), literal(k)];
  if (letter.s === "C") return { kind: "call", name: "binomial", args: [a, b] };
  const factorial = (arg: Expr): Expr => ({ kind: "call", name: "factorial", args: [arg] });
  return { kind: "div", num: factorial(a), den: factorial({ kind: "add", args: [a, { kind: "neg", arg: b }] }) };
}
