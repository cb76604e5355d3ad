/**
 * Reads a scalar expression from tokens by recursive descent: sums, products, operands. What an operand may be is divided by subject: brackets
 * (`groups.ts`), numbers (`numerals.ts`), names (`symbols.ts`), what takes arguments (`operators.ts`), what follows an operand (`powers.ts`).
 * They call each other, as the grammar does. Lists, intervals and relations are `answer.ts`'s.
 */
import type { Budget } from "../budget.ts";
import type { Token } from "../latex/token.ts";
import { bars, braces, enclosed, group } from "./groups.ts";
import { int, isInteger, literal } from "./literals.ts";
import { chosen, mixedNumber, subscripted } from "./numerals.ts";
import { fn, integral, limit, matrix, series } from "./operators.ts";
import { postfix } from "./powers.ts";
import { deeper, isOp, isOpen, NotUnderstood, peek, type Reader, reader, take } from "./reader.ts";
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

export function sum(r: Reader): Expr {
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

export function primary(r: Reader): Expr {
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
