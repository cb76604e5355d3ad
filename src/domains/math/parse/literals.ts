/** Values of number tokens, and numbers in a base. */
import { integer, type Rational, rational } from "../exact.ts";
import type { Token } from "../latex/token.ts";
import { NotUnderstood } from "./reader.ts";
import type { Expr } from "./tree.ts";

export function number(value: Rational): Expr {
  return { kind: "num", value, places: -1, digits: 0 };
}

export function int(n: number | bigint): Expr {
  return number(integer(n));
}

export function isInteger(token: Token): boolean {
  return token.repeat === undefined && !token.s.includes(".") && !token.s.includes("e");
}

/** The value of a number token. */
export function literal(token: Token): Expr {
  const text = token.s;
  if (text.length > 1200)
    return /^\d+$/.test(text) ? { kind: "long", text: trimZeros(text) } : fail("a decimal too long to read");
  if (token.repeat === undefined && /^\d+$/.test(text)) {
    const value = integer(BigInt(text));
    return { kind: "num", value, places: -1, digits: trimZeros(text) === "0" ? 0 : trimZeros(text).length };
  }
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

/** The same, or undefined where the digits are none of that base. */
export function basedText(digits: string, base: number): Expr | undefined {
  try {
    return based(digits, base);
  } catch (error) {
    if (error instanceof NotUnderstood) return undefined;
    throw error;
  }
}
