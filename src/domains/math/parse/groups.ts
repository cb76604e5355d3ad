/** Reads what stands in brackets inside an expression: groups, arguments of a call, absolute values, whole parts, composed functions. */
import { spend } from "../budget.ts";
import type { Token } from "../latex/token.ts";
import { parseExpression, sum } from "./expression.ts";
import { literal } from "./literals.ts";
import { subscripted } from "./numerals.ts";
import { after, closing, isOp, isOpen, NotUnderstood, peek, type Reader, take } from "./reader.ts";
import type { Expr } from "./tree.ts";

/** The comma-separated arguments in the brackets that come next. */
export function callArguments(r: Reader): Expr[] {
  const close = closing(r.tokens, r.i, r.end);
  if (close < 0) throw new NotUnderstood("a bracket that is not closed");
  const args: Expr[] = [];
  let from = r.i + 1;
  let depth = 0;
  for (let i = from; i <= close; i++) {
    const token = r.tokens[i]!;
    if (i === close || (token.k === "sep" && depth === 0)) {
      if (i > from) args.push(parseExpression(r.tokens, from, i, r.budget, r.depth + 1));
      from = i + 1;
    } else if (token.k === "open") depth++;
    else if (token.k === "close") depth--;
  }
  spend(r.budget, close - r.i);
  r.i = close + 1;
  return args;
}

/** One bracketed expression, whatever the bracket. */
export function group(r: Reader): Expr {
  const args = callArguments(r);
  if (args.length !== 1) throw new NotUnderstood("a list inside an expression");
  return args[0]!;
}

export function enclosed(r: Reader, open: Token): Expr {
  if (open.s === "{" && !isBased(r)) return braces(r);
  if (open.s === "⌊" || open.s === "⌈")
    return { kind: "call", name: open.s === "⌊" ? "floor" : "ceil", args: [group(r)] };
  if (open.s === "\\{" || open.s === "<") throw new NotUnderstood("a set or a vector inside an expression");
  const composed = composition(r);
  if (composed !== undefined) return composed;
  if (!isBased(r)) return group(r);
  const digits = after(r, 1)!;
  r.i += 3;
  return subscripted(r, literal(digits), digits);
}

/** `(f \circ g)(2)`. */
function composition(r: Reader): Expr | undefined {
  const [f, sign, g, close, open] = [1, 2, 3, 4, 5].map((n) => after(r, n));
  if (!isOp(sign, "∘") || f?.k !== "letter" || g?.k !== "letter" || close?.k !== "close" || !isOpen(open, "("))
    return undefined;
  r.i += 5;
  return { kind: "app", name: `${f.s}∘${g.s}`, args: callArguments(r) };
}

/** Whether `(1101)_2` or `{1101}_2` stands next: digits in brackets of their own, with a base. */
function isBased(r: Reader): boolean {
  return after(r, 1)?.k === "num" && after(r, 2)?.k === "close" && isOp(after(r, 3), "_");
}

/** `{…}`. */
export function braces(r: Reader): Expr {
  const close = closing(r.tokens, r.i, r.end);
  if (close < 0) throw new NotUnderstood("a brace that is not closed");
  spend(r.budget, close - r.i);
  return group(r);
}

export function bars(r: Reader, bar: string): Expr {
  r.bars++;
  const arg = sum(r);
  if (!isOp(peek(r), bar)) throw new NotUnderstood("a bar that is not closed");
  take(r);
  r.bars--;
  return { kind: "call", name: "abs", args: [arg] };
}
