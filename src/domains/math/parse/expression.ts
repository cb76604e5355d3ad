/**
 * Reads a scalar expression from tokens by recursive descent: sums, products, powers, brackets. Names are `symbols.ts`'s, what takes
 * arguments `operators.ts`'s: the three call each other, as the grammar does. Lists, intervals and relations are `answer.ts`'s.
 */
import type { Budget } from "../budget.ts";
import { spend } from "../budget.ts";
import { rational } from "../exact.ts";
import type { Token } from "../latex/token.ts";
import { numberWord } from "../latex/words.ts";
import { based, int, isInteger, literal, number } from "./literals.ts";
import { fn, integral, limit, matrix, series } from "./operators.ts";
import { after, closing, deeper, isOp, isOpen, NotUnderstood, peek, type Reader, reader, take } from "./reader.ts";
import { accent, letter, letters, symbol, word } from "./symbols.ts";
import type { Expr } from "./tree.ts";

/** The expression that `tokens[from..end)` spell as a whole; throws `NotUnderstood`. */
export function parseExpression(tokens: readonly Token[], from: number, end: number, budget: Budget, depth = 0): Expr {
  const halves = infix(tokens, from, end, budget, depth);
  if (halves !== undefined) return halves;
  const r = reader(tokens, from, end, budget, depth);
  const expr = modulo(r);
  if (peek(r) !== undefined) throw new NotUnderstood(`unexpected ${peek(r)!.s}`);
  return expr;
}

/** `a \over b` and `n \choose k`: the whole of a group on either side. Undefined if neither stands there. */
function infix(tokens: readonly Token[], from: number, end: number, budget: Budget, depth: number): Expr | undefined {
  let level = 0;
  for (let i = from; i < end; i++) {
    const token = tokens[i]!;
    if (token.k === "open") level++;
    else if (token.k === "close") level--;
    else if (level === 0 && token.k === "op" && (token.s === "over" || token.s === "choose")) {
      const left = parseExpression(tokens, from, i, budget, depth + 1);
      const right = parseExpression(tokens, i + 1, end, budget, depth + 1);
      return token.s === "over"
        ? { kind: "div", num: left, den: right }
        : { kind: "call", name: "binomial", args: [left, right] };
    }
  }
  return undefined;
}

function modulo(r: Reader): Expr {
  const left = sum(r);
  if (!isOp(peek(r), "mod")) return left;
  take(r);
  return { kind: "call", name: "mod", args: [left, sum(r)] };
}

function sum(r: Reader): Expr {
  return deeper(r, () => {
    const args: Expr[] = [];
    let sign = signOf(r);
    args.push(signed(sign ?? "+", term(r)));
    while ((sign = signOf(r)) !== undefined) args.push(signed(sign, term(r)));
    return args.length === 1 ? args[0]! : { kind: "add", args };
  });
}

export function signOf(r: Reader): string | undefined {
  let sign: string | undefined;
  let token = peek(r);
  while (token?.k === "op" && (token.s === "+" || token.s === "-" || token.s === "±" || token.s === "∓")) {
    take(r);
    if (token.s === "-") sign = sign === "-" ? "+" : sign === "±" ? "∓" : sign === "∓" ? "±" : "-";
    else if (token.s === "+") sign ??= "+";
    else sign = sign === "-" ? (token.s === "±" ? "∓" : "±") : token.s;
    token = peek(r);
  }
  return sign;
}

export function signed(sign: string, arg: Expr): Expr {
  if (sign === "-") return { kind: "neg", arg };
  if (sign === "±" || sign === "∓") return { kind: "pm", arg, flip: sign === "∓" };
  return arg;
}

export function term(r: Reader): Expr {
  let product: Expr[] = [factor(r, true)];
  while (true) {
    skipSpaces(r);
    const token = peek(r);
    if (token === undefined) break;
    if (token.k === "op" && token.s === "*") {
      take(r);
      product.push(signedFactor(r));
    } else if (token.k === "op" && (token.s === "/" || token.s === "∖")) {
      if (token.s === "∖") throw new NotUnderstood("set difference in a number");
      take(r);
      product = [quotient(one(product), signedFactor(r))];
    } else if (startsFactor(r, token)) {
      if (token.k === "num" && r.tokens[r.i - 1]?.k === "num") throw new NotUnderstood("two numbers side by side");
      product.push(factor(r, false));
    } else break;
  }
  return one(product);
}

export function one(product: Expr[]): Expr {
  return product.length === 1 ? product[0]! : { kind: "mul", args: product };
}

/** `139/50°` and `1/2 %` mark the fraction, not its denominator. */
function quotient(num: Expr, den: Expr): Expr {
  if ((den.kind !== "degree" && den.kind !== "percent") || num.kind !== "num" || den.arg.kind !== "num")
    return { kind: "div", num, den };
  return { kind: den.kind, arg: { kind: "div", num, den: den.arg } };
}

function signedFactor(r: Reader): Expr {
  const sign = signOf(r);
  return signed(sign ?? "+", factor(r, false));
}

export function skipSpaces(r: Reader): void {
  while (isOp(peek(r), "quad") || peek(r)?.k === "cur") take(r);
}

export function startsFactor(r: Reader, token: Token): boolean {
  switch (token.k) {
    case "num":
    case "letter":
    case "word":
    case "fn":
    case "const":
    case "cmd":
    case "accent":
    case "open":
    case "begin":
    case "unknown":
      return true;
    case "op":
      return (token.s === "|" || token.s === "‖") && r.bars === 0;
    default:
      return false;
  }
}

/** A power with its postfix marks; `first`: nothing stands before it in its term, so a mixed number may begin. */
export function factor(r: Reader, first: boolean): Expr {
  skipSpaces(r);
  const token = peek(r);
  if (first && token?.k === "num" && isInteger(token)) {
    const mixed = mixedNumber(r);
    if (mixed !== undefined) return mixed;
  }
  if (token?.k === "word") return letters(r, take(r));
  return postfix(r, primary(r));
}

/** `4 4/9` and `4\frac49`. In plain text the fraction must be proper, else the answer means nothing certain. */
function mixedNumber(r: Reader): Expr | undefined {
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

/** `{}_5C_2`, `^5P_2`: a choice or an arrangement, its first number before the letter. */
function chosen(r: Reader): Expr | undefined {
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

function primary(r: Reader): Expr {
  return deeper(r, () => {
    skipSpaces(r);
    const choice = chosen(r);
    if (choice !== undefined) return choice;
    const token = take(r);
    switch (token.k) {
      case "num":
        return subscripted(r, literal(token), token);
      case "letter":
        return letter(r, token);
      case "word":
        return word(token);
      case "const":
        return { kind: "const", name: token.s === "infinity" ? "infinity" : "pi" };
      case "fn":
        return fn(r, token.s);
      case "cmd":
        return structure(r, token.s);
      case "accent":
        return accent(r, token.s);
      case "open":
        r.i--;
        return enclosed(r, token);
      case "begin":
        return matrix(r, token.s);
      case "text":
        if (/^\d+(?:\.\d+)?$/.test(token.s)) return literal(token);
        break;
      case "unknown":
        if (token.s.length > 1) return symbol(r, token.s);
        break;
      case "op":
        if (token.s === "|" || token.s === "‖") return bars(r, token.s);
        break;
      default:
    }
    throw new NotUnderstood(`unexpected ${token.s}`);
  });
}

/** `1101_2`: digits in a base. */
function subscripted(r: Reader, value: Expr, token: Token): Expr {
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
function group(r: Reader): Expr {
  const args = callArguments(r);
  if (args.length !== 1) throw new NotUnderstood("a list inside an expression");
  return args[0]!;
}

function enclosed(r: Reader, open: Token): Expr {
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

function bars(r: Reader, bar: string): Expr {
  r.bars++;
  const arg = sum(r);
  if (!isOp(peek(r), bar)) throw new NotUnderstood("a bar that is not closed");
  take(r);
  r.bars--;
  return { kind: "call", name: "abs", args: [arg] };
}

/** An argument of a command: braces, brackets, or one sign; `digit`: of a bare number only its first digit. */
export function argument(r: Reader, digit: boolean): Expr {
  skipSpaces(r);
  const token = peek(r);
  if (token === undefined) throw new NotUnderstood("a command without its argument");
  if (token.k === "open" && (token.s === "{" || token.s === "(")) return token.s === "{" ? braces(r) : group(r);
  if (token.k === "num") {
    if (digit && token.s.length > 1 && isInteger(token)) {
      r.pending = { ...token, s: token.s.slice(1), sp: false };
      return int(Number(token.s[0]));
    }
    return literal(take(r));
  }
  if (token.k === "letter") {
    take(r);
    return token.s === "e" || token.s === "i" ? { kind: "const", name: token.s } : { kind: "sym", name: token.s };
  }
  if (isOp(token, "-")) {
    take(r);
    return { kind: "neg", arg: argument(r, digit) };
  }
  return primary(r);
}

function structure(r: Reader, name: string): Expr {
  switch (name) {
    case "frac": {
      const num = argument(r, true);
      return { kind: "div", num, den: argument(r, true) };
    }
    case "binom": {
      const n = argument(r, true);
      return { kind: "call", name: "binomial", args: [n, argument(r, true)] };
    }
    case "sqrt": {
      const index = isOpen(peek(r), "[") ? group(r) : int(2);
      return { kind: "root", arg: argument(r, false), index };
    }
    case "cbrt":
      return { kind: "root", arg: argument(r, false), index: int(3) };
    case "sum":
    case "prod":
      return series(r, name === "sum" ? "sum" : "product");
    case "int":
      return integral(r);
    case "lim":
      return limit(r);
    default:
      throw new NotUnderstood(`\\${name}`);
  }
}
