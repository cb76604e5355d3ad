/** Reads names: letters with subscripts and primes, runs of letters, accents, calls of undefined functions. */
import { spend } from "../budget.ts";
import type { Token } from "../latex/token.ts";
import { parseExpression } from "./expression.ts";
import { callArguments } from "./groups.ts";
import { postfix } from "./powers.ts";
import { closing, isOp, isOpen, NotUnderstood, peek, type Reader, take } from "./reader.ts";
import type { Expr } from "./tree.ts";

/** Letters that name functions when a parenthesis follows. */
const CALLED = new Set("f g h F G H".split(" "));

export function letter(r: Reader, token: Token): Expr {
  if (isUnitVector(r, token)) return accented("vec", token.s);
  const next = peek(r);
  const marked = isOp(next, "_") || isOp(next, "'");
  if (!marked && token.s === "e") return { kind: "const", name: "e" };
  if (!marked && token.s === "i") return { kind: "const", name: "i" };
  return symbol(r, token.s);
}

/** A symbol with its subscript and primes, and its arguments if it is called. */
export function symbol(r: Reader, name: string): Expr {
  let index: Expr[] = [];
  while (true) {
    const token = peek(r);
    if (isOp(token, "'")) {
      take(r);
      name += "'";
    } else if (isOp(token, "_")) {
      take(r);
      const sub = subscript(r);
      if (typeof sub === "string") name += `_${sub}`;
      else {
        name += "_";
        index = [...index, sub];
      }
    } else break;
  }
  if (isOpen(peek(r), "(")) {
    const close = closing(r.tokens, r.i, r.end);
    const plain = name.replaceAll("'", "");
    if (
      close > 0 &&
      (CALLED.has(plain) ||
        name.endsWith("'") ||
        (CALLED.has(plain[0]!) && name.includes("_")) ||
        hasComma(r, r.i + 1, close))
    ) {
      const args = callArguments(r);
      return { kind: "app", name, args: [...index, ...args] };
    }
  }
  return index.length > 0 ? { kind: "app", name, args: index } : { kind: "sym", name };
}

function hasComma(r: Reader, from: number, end: number): boolean {
  let depth = 0;
  for (let i = from; i < end; i++) {
    const token = r.tokens[i]!;
    if (token.k === "open") depth++;
    else if (token.k === "close") depth--;
    else if (token.k === "sep" && depth === 0) return true;
  }
  return false;
}

/** A subscript: text for a fixed name (`x_1`, `x_{max}`), an expression for an index that may vary (`a_{n+1}`, `F_k`). */
function subscript(r: Reader): string | Expr {
  if (!isOpen(peek(r), "{")) {
    const token = take(r);
    if (token.k === "num" || token.k === "text" || token.k === "word") return token.s;
    if (token.k === "letter" && !isUpper(token.s)) return { kind: "sym", name: token.s };
    return token.s;
  }
  const close = closing(r.tokens, r.i, r.end);
  if (close < 0) throw new NotUnderstood("an open subscript");
  const inside = r.tokens.slice(r.i + 1, close);
  const [from] = [r.i + 1];
  r.i = close + 1;
  spend(r.budget, inside.length);
  const fixed = inside.every(
    (t) => t.k === "num" || t.k === "text" || t.k === "word" || t.k === "sep" || (t.k === "letter" && isUpper(t.s)),
  );
  if (fixed) return inside.map((t) => t.s).join("");
  try {
    return parseExpression(r.tokens, from, close, r.budget, r.depth + 1);
  } catch (error) {
    if (!(error instanceof NotUnderstood)) throw error;
    return inside.map((t) => t.s).join("");
  }
}

function isUpper(s: string): boolean {
  return s.length === 1 && s >= "A" && s <= "Z";
}

/** A short run of letters in a formula is a product; a longer one is a word, and no formula. */
export function word(token: Token): Expr {
  if (token.s.length > 3) throw new NotUnderstood(`a word: ${token.s}`);
  return product(token.s);
}

function product(run: string): Expr {
  return {
    kind: "mul",
    args: [...run].map((ch) => (ch === "e" || ch === "i" ? { kind: "const", name: ch } : { kind: "sym", name: ch })),
  };
}

/** `ab^2`: marks after a run of letters belong to the last of them. */
export function letters(r: Reader, token: Token): Expr {
  const product = word(token) as Expr & { kind: "mul" };
  const last = token.s.at(-1)!;
  const marked = isOp(peek(r), "_") || isOp(peek(r), "'");
  const end = postfix(r, marked ? symbol(r, last) : product.args.at(-1)!);
  return { kind: "mul", args: [...product.args.slice(0, -1), end] };
}

/** `\overline{AB}`, `\vec{v}`: a name of its own. */
export function accent(r: Reader, mark: string): Expr {
  const token = peek(r);
  if (isOpen(token, "{")) {
    const close = closing(r.tokens, r.i, r.end);
    if (close < 0) throw new NotUnderstood("an open accent");
    const inside = r.tokens
      .slice(r.i + 1, close)
      .map((t) => t.s)
      .join("");
    spend(r.budget, close - r.i);
    r.i = close + 1;
    if (mark === "overline" && /^[A-Z]{2,4}$/.test(inside)) return product(inside);
    return accented(mark, inside);
  }
  return accented(mark, take(r).s);
}

/** Unit vectors wear arrows or hats. */
function accented(mark: string, inside: string): Expr {
  return { kind: "sym", name: `${mark === "hat" && UNIT_VECTORS.has(inside) ? "vec" : mark}:${inside}` };
}

const UNIT_VECTORS: ReadonlySet<string> = new Set(["i", "j", "k"]);

const BOLD: ReadonlySet<string> = new Set(["mathbf", "boldsymbol", "bm", "pmb", "textbf"]);

/** A bold i, j or k beside another of them. */
function isUnitVector(r: Reader, token: Token): boolean {
  const bold = (t: Token): boolean => t.font !== undefined && BOLD.has(t.font) && UNIT_VECTORS.has(t.s);
  return bold(token) && r.tokens.some((t) => t.s !== token.s && bold(t));
}
