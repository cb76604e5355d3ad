/** Reads a scalar expression from tokens by recursive descent. Lists, intervals and relations are `answer.ts`'s. */
import type { Budget } from "../budget.ts";
import { spend } from "../budget.ts";
import { integer, type Rational, rational } from "../exact.ts";
import type { Token } from "../latex/tokens.ts";
import { after, closing, deeper, isOp, isOpen, NotUnderstood, peek, type Reader, reader, take } from "./reader.ts";
import { substitute } from "./substitute.ts";
import type { Expr, FunctionName } from "./tree.ts";

/** The expression that `tokens[from..end)` spell as a whole; throws `NotUnderstood`. */
export function parseExpression(tokens: readonly Token[], from: number, end: number, budget: Budget, depth = 0): Expr {
  const r = reader(tokens, from, end, budget, depth);
  const expr = modulo(r);
  if (peek(r) !== undefined) throw new NotUnderstood(`unexpected ${peek(r)!.s}`);
  return expr;
}

export function number(value: Rational): Expr {
  return { kind: "num", value, places: -1, digits: 0 };
}

export function int(n: number | bigint): Expr {
  return number(integer(n));
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

function signOf(r: Reader): string | undefined {
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

function signed(sign: string, arg: Expr): Expr {
  if (sign === "-") return { kind: "neg", arg };
  if (sign === "±" || sign === "∓") return { kind: "pm", arg, flip: sign === "∓" };
  return arg;
}

function term(r: Reader): Expr {
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

function one(product: Expr[]): Expr {
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

function skipSpaces(r: Reader): void {
  while (isOp(peek(r), "quad") || peek(r)?.k === "cur") take(r);
}

function startsFactor(r: Reader, token: Token): boolean {
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
function factor(r: Reader, first: boolean): Expr {
  skipSpaces(r);
  const token = peek(r);
  if (first && token?.k === "num" && isInteger(token)) {
    const mixed = mixedNumber(r);
    if (mixed !== undefined) return mixed;
  }
  if (token?.k === "word") return letters(r, take(r));
  return postfix(r, primary(r));
}

function isInteger(token: Token): boolean {
  return token.repeat === undefined && !token.s.includes(".") && !token.s.includes("e");
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
  if (next?.k === "cmd" && next.s === "frac") {
    const start = r.i;
    const whole = take(r);
    take(r);
    const [a, b] = [argument(r, true), argument(r, true)];
    if (
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

function postfix(r: Reader, base: Expr): Expr {
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
      if (inner.s === "∘" || inner.s === "°") skipScale(r);
      return inner.s === "∘" || inner.s === "°"
        ? { kind: "degree", arg: base }
        : { kind: "app", name: `raised${inner.s}`, args: [base] };
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

/** The C or F of a temperature. */
function skipScale(r: Reader): void {
  const token = peek(r);
  if (token?.k === "letter" && (token.s === "C" || token.s === "F") && r.i === r.end - 1) take(r);
}

function transpose(rows: Expr[][]): Expr[][] {
  return (rows[0] ?? []).map((_, j) => rows.map((row) => row[j]!));
}

/** `{}_5C_2`, `^5P_2`: a choice or an arrangement, its first number before the letter. */
function chosen(r: Reader): Expr | undefined {
  const empty = isOpen(peek(r), "{") && after(r, 1)?.k === "close" ? 2 : 0;
  const [mark, n, letter, under, k] = [0, 1, 2, 3, 4].map((at) => after(r, empty + at));
  if (r.pending !== undefined || !(isOp(mark, "_") || isOp(mark, "^")) || n?.k !== "num" || k?.k !== "num")
    return undefined;
  if (letter?.k !== "letter" || (letter.s !== "C" && letter.s !== "P") || !isOp(under, "_")) return undefined;
  r.i += empty + 5;
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

/** The value of a number token. */
export function literal(token: Token): Expr {
  const text = token.s;
  if (text.length > 1200)
    return /^\d+$/.test(text) ? { kind: "long", text: trimZeros(text) } : fail("a decimal too long to read");
  const [mantissa, exponent] = text.split("e") as [string, string?];
  const [whole, decimals = ""] = mantissa.split(".") as [string, string?];
  const digits = (whole + decimals).replace(/^0+/, "").length;
  let value: Rational = rational(BigInt(whole + decimals || "0"), 10n ** BigInt(decimals.length))!;
  if (token.repeat !== undefined) {
    const block = 10n ** BigInt(token.repeat.length) - 1n;
    const tail = rational(BigInt(token.repeat), block * 10n ** BigInt(decimals.length))!;
    value = rational(value.n * tail.d + tail.n * value.d, value.d * tail.d)!;
    return { kind: "num", value, places: -1, digits: 0 };
  }
  const places = mantissa.includes(".") ? decimals.length : -1;
  if (exponent === undefined) return { kind: "num", value, places, digits };
  const shift = Number(exponent);
  const scaled: Expr = { kind: "pow", base: int(10), exp: int(shift) };
  if (Math.abs(shift) > 600) return { kind: "mul", args: [{ kind: "num", value, places: -1, digits: 0 }, scaled] };
  const power = 10n ** BigInt(Math.abs(shift));
  value = shift >= 0 ? rational(value.n * power, value.d)! : rational(value.n, value.d * power)!;
  return { kind: "num", value, places: Math.max(places, 0) - shift, digits };
}

function fail(what: string): never {
  throw new NotUnderstood(what);
}

function trimZeros(text: string): string {
  let i = 0;
  while (i < text.length - 1 && text[i] === "0") i++;
  return text.slice(i);
}

/** `1101_2`: digits in a base. */
function subscripted(r: Reader, value: Expr, token: Token): Expr {
  if (!isOp(peek(r), "_")) return value;
  take(r);
  const base = argument(r, false);
  if (base.kind !== "num" || base.value.d !== 1n) throw new NotUnderstood("a number with a subscript that is no base");
  return based(token.s, Number(base.value.n));
}

/** The number with these digits, read in `base`. */
export function based(digits: string, base: number): Expr {
  if (!(base >= 2 && base <= 36) || digits.length > 200) throw new NotUnderstood("no such base");
  const upper = digits.toUpperCase();
  let value = 0n;
  for (const ch of upper) {
    const digit = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ".indexOf(ch);
    if (digit < 0 || digit >= base) throw new NotUnderstood("a digit too large for its base");
    value = value * BigInt(base) + BigInt(digit);
  }
  return { kind: "based", value: int(value), digits: trimZeros(upper), base };
}

/** Letters that name functions when a parenthesis follows. */
const CALLED = new Set("f g h F G H".split(" "));

function letter(r: Reader, token: Token): Expr {
  if (isUnitVector(r, token)) return accented("vec", token.s);
  const next = peek(r);
  const marked = isOp(next, "_") || isOp(next, "'");
  if (!marked && token.s === "e") return { kind: "const", name: "e" };
  if (!marked && token.s === "i") return { kind: "const", name: "i" };
  return symbol(r, token.s);
}

/** A symbol with its subscript and primes, and its arguments if it is called. */
function symbol(r: Reader, name: string): Expr {
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
function word(token: Token): Expr {
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
function letters(r: Reader, token: Token): Expr {
  const product = word(token) as Expr & { kind: "mul" };
  const last = token.s.at(-1)!;
  const marked = isOp(peek(r), "_") || isOp(peek(r), "'");
  const end = postfix(r, marked ? symbol(r, last) : product.args.at(-1)!);
  return { kind: "mul", args: [...product.args.slice(0, -1), end] };
}

/** The comma-separated arguments in the brackets that come next. */
function callArguments(r: Reader): Expr[] {
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
  if (open.s === "{") return braces(r);
  if (open.s === "⌊" || open.s === "⌈")
    return { kind: "call", name: open.s === "⌊" ? "floor" : "ceil", args: [group(r)] };
  if (open.s === "\\{" || open.s === "<") throw new NotUnderstood("a set or a vector inside an expression");
  const close = closing(r.tokens, r.i, r.end);
  const token = after(r, 1);
  if (close === r.i + 2 && token?.k === "num" && isOp(r.tokens[close + 1], "_") && close + 1 < r.end) {
    r.i = close + 1;
    return subscripted(r, literal(token), token);
  }
  return group(r);
}

/** `{…}`, with `{a \over b}` and `{n \choose k}`. */
function braces(r: Reader): Expr {
  const close = closing(r.tokens, r.i, r.end);
  if (close < 0) throw new NotUnderstood("a brace that is not closed");
  let depth = 0;
  for (let i = r.i + 1; i < close; i++) {
    const token = r.tokens[i]!;
    if (token.k === "open") depth++;
    else if (token.k === "close") depth--;
    else if (depth === 0 && token.k === "op" && (token.s === "over" || token.s === "choose")) {
      const left = parseExpression(r.tokens, r.i + 1, i, r.budget, r.depth + 1);
      const right = parseExpression(r.tokens, i + 1, close, r.budget, r.depth + 1);
      r.i = close + 1;
      return token.s === "over"
        ? { kind: "div", num: left, den: right }
        : { kind: "call", name: "binomial", args: [left, right] };
    }
  }
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
function argument(r: Reader, digit: boolean): Expr {
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

/** The bounds after `\sum`, `\int`, `\log`: token ranges of the subscript and the superscript. */
function limits(r: Reader): { low?: [number, number]; high?: [number, number] } {
  const found: { low?: [number, number]; high?: [number, number] } = {};
  while (isOp(peek(r), "_") || isOp(peek(r), "^")) {
    const which = take(r).s === "_" ? "low" : "high";
    if (isOpen(peek(r), "{")) {
      const close = closing(r.tokens, r.i, r.end);
      if (close < 0) throw new NotUnderstood("open bounds");
      found[which] = [r.i + 1, close];
      spend(r.budget, close - r.i);
      r.i = close + 1;
    } else {
      const from = r.i;
      if (isOp(peek(r), "-")) take(r);
      take(r);
      found[which] = [from, r.i];
    }
  }
  return found;
}

function series(r: Reader, op: "sum" | "product"): Expr {
  const { low, high } = limits(r);
  if (low === undefined) throw new NotUnderstood("a series without bounds");
  const [index, equals] = [r.tokens[low[0]], r.tokens[low[0] + 1]];
  const body = term(r);
  if (high === undefined || index?.k !== "letter" || !isOp(equals, "=")) {
    const parts = r.tokens.slice(low[0], low[1]).map((t) => t.s);
    return { kind: "opaque", name: `${op} ${parts.join(" ")}`, bound: undefined, args: [body] };
  }
  const from = parseExpression(r.tokens, low[0] + 2, low[1], r.budget, r.depth + 1);
  const to = parseExpression(r.tokens, high[0], high[1], r.budget, r.depth + 1);
  const named =
    index.s === "i" || index.s === "e" ? substitute(body, `const:${index.s}`, { kind: "sym", name: index.s }) : body;
  return { kind: "series", op, index: index.s, from, to, body: named };
}

function integral(r: Reader): Expr {
  const { low, high } = limits(r);
  const from = r.i;
  let depth = 0;
  for (let i = from; i + 1 < r.end; i++) {
    const token = r.tokens[i]!;
    if (token.k === "open") depth++;
    else if (token.k === "close") depth--;
    const variable = token.k === "word" && token.s.length === 2 && token.s[0] === "d" ? token.s[1]! : undefined;
    const spelt =
      token.k === "letter" && token.s === "d" && r.tokens[i + 1]?.k === "letter" ? r.tokens[i + 1]!.s : undefined;
    if (depth === 0 && (variable ?? spelt) !== undefined)
      return integrand(r, from, i, (variable ?? spelt)!, spelt === undefined ? 1 : 2, low, high);
  }
  const last = r.tokens[r.end - 1];
  if (last?.k === "word" && last.s.length === 2 && last.s[0] === "d")
    return integrand(r, from, r.end - 1, last.s[1]!, 1, low, high);
  throw new NotUnderstood("an integral without its variable");
}

function integrand(
  r: Reader,
  from: number,
  at: number,
  variable: string,
  width: number,
  low?: [number, number],
  high?: [number, number],
): Expr {
  const body = at === from ? int(1) : parseExpression(r.tokens, from, at, r.budget, r.depth + 1);
  r.i = at + width;
  const bounds = [low, high].flatMap((range) =>
    range === undefined ? [] : [parseExpression(r.tokens, range[0], range[1], r.budget, r.depth + 1)],
  );
  return {
    kind: "opaque",
    name: bounds.length === 2 ? "definite" : "integral",
    bound: variable,
    args: [body, ...bounds],
  };
}

function limit(r: Reader): Expr {
  const { low } = limits(r);
  const index = low === undefined ? undefined : r.tokens[low[0]];
  const body = term(r);
  if (low === undefined || index?.k !== "letter" || !isOp(r.tokens[low[0] + 1], "→"))
    throw new NotUnderstood("a limit");
  const to = parseExpression(r.tokens, low[0] + 2, low[1], r.budget, r.depth + 1);
  return { kind: "opaque", name: "limit", bound: index.s, args: [body, to] };
}

const TRIGONOMETRIC = new Set("sin cos tan cot sec csc sinh cosh tanh coth sech csch".split(" "));

/** A named function: `\sin^2 x`, `\log_2 8`, `\gcd(4,6)`, `exp(16)`. */
function fn(r: Reader, name: string): Expr {
  let base: Expr | undefined;
  let power: Expr | undefined;
  while (isOp(peek(r), "_") || isOp(peek(r), "^")) {
    if (take(r).s === "_") base = argument(r, false);
    else power = argument(r, false);
  }
  const args = functionArguments(r);
  const value = apply(name, args, base);
  if (power === undefined) return value;
  const inverse =
    power.kind === "neg" && power.arg.kind === "num" && power.arg.value.n === 1n && power.arg.value.d === 1n;
  if (inverse && TRIGONOMETRIC.has(name)) return { kind: "call", name: `arc${name}` as FunctionName, args };
  return { kind: "pow", base: value, exp: power };
}

function functionArguments(r: Reader): Expr[] {
  skipSpaces(r);
  const token = peek(r);
  if (token?.k === "open" && (token.s === "(" || token.s === "{" || token.s === "[")) {
    if (token.s !== "{") return callArguments(r);
    const inner = after(r, 1);
    return isOpen(inner, "(") && closing(r.tokens, r.i + 1, r.end) === closing(r.tokens, r.i, r.end) - 1
      ? bracedCall(r)
      : [braces(r)];
  }
  const sign = signOf(r);
  const parts: Expr[] = [];
  while (true) {
    const next = peek(r);
    if (
      next === undefined ||
      !startsFactor(r, next) ||
      (parts.length > 0 &&
        (next.k === "fn" || next.k === "begin" || (next.k === "cmd" && next.s !== "frac" && next.s !== "sqrt")))
    )
      break;
    if (parts.length > 0 && next.k === "open" && next.s !== "{") break;
    parts.push(factor(r, parts.length === 0));
  }
  if (parts.length === 0) throw new NotUnderstood("a function without its argument");
  return [signed(sign ?? "+", one(parts))];
}

/** `\sin{(x)}`. */
function bracedCall(r: Reader): Expr[] {
  take(r);
  const args = callArguments(r);
  take(r);
  return args;
}

const PLAIN_FUNCTIONS = new Set(
  (
    "sin cos tan cot sec csc arcsin arccos arctan arccot arcsec arccsc sinh cosh tanh coth sech csch arcsinh arccosh arctanh exp ln abs floor ceil " +
    "factorial binomial gcd lcm min max re im arg conjugate sign"
  ).split(" "),
);

function apply(name: string, args: Expr[], base: Expr | undefined): Expr {
  if (name === "log") {
    if (base !== undefined) return { kind: "call", name: "log", args: [args[0]!, base] };
    return { kind: "call", name: "log", args };
  }
  if (name === "cis") {
    const part = (of: "cos" | "sin"): Expr => ({ kind: "call", name: of, args });
    return { kind: "add", args: [part("cos"), { kind: "mul", args: [{ kind: "const", name: "i" }, part("sin")] }] };
  }
  if (name === "lg") return { kind: "call", name: "log", args: [args[0]!, int(10)] };
  if (PLAIN_FUNCTIONS.has(name) && base === undefined) return { kind: "call", name: name as FunctionName, args };
  return { kind: "app", name, args: base === undefined ? args : [...args, base] };
}

/** `\overline{AB}`, `\vec{v}`: a name of its own. */
function accent(r: Reader, mark: string): Expr {
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

/** The rows of an environment, from after its `\begin` to after its `\end`. */
function matrix(r: Reader, name: string): Expr {
  const rows: Expr[][] = [[]];
  let from = r.i;
  let depth = 0;
  for (let i = r.i; i < r.end; i++) {
    const token = r.tokens[i]!;
    const end = depth === 0 && token.k === "end";
    if (end || (depth === 0 && (token.k === "amp" || token.k === "nl"))) {
      if (i > from) rows.at(-1)!.push(parseExpression(r.tokens, from, i, r.budget, r.depth + 1));
      else if (token.k === "amp") throw new NotUnderstood("an empty cell");
      if (token.k === "nl") rows.push([]);
      from = i + 1;
      if (end) {
        r.i = i + 1;
        return shaped(rows, name);
      }
    } else if (token.k === "begin" || token.k === "open") depth++;
    else if (token.k === "end" || token.k === "close") depth--;
  }
  throw new NotUnderstood("an environment that is not closed");
}

function shaped(rows: Expr[][], name: string): Expr {
  if (rows.at(-1)!.length === 0) rows.pop();
  const width = rows[0]?.length ?? 0;
  if (width === 0 || rows.some((row) => row.length !== width)) throw new NotUnderstood("rows of unequal length");
  return { kind: "matrix", rows, style: name === "vmatrix" ? "determinant" : "matrix" };
}
