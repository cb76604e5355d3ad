/** Reads one number literal: thousands marks, decimals, repeating decimals, scientific notation. Never a sign. */
import { isDigit } from "./clean.ts";

export interface ScannedNumber {
  /** Digits, then `.` and decimals if any, then `e` and an exponent if any. */
  digits: string;
  repeat: string | undefined;
  /** Plain commas stood between groups of three. */
  commas: boolean;
  end: number;
}

/** Marks between groups of three digits that can be nothing else. */
const MARKS = [
  "{,}",
  "\\,",
  "\\!,\\!",
  ",\\!",
  "\\!,",
  "\\!",
  "\\;",
  "\\:",
  "\\ ",
  "~",
  "{,}\\!",
  "{\\,}",
  "{, }",
  "{,\\!}",
  "{ , }",
  "\\text{,}",
  "\\mathord{,}",
  "\\mathpunct{,}",
  "\\thinspace ",
  "_",
  "'",
];

/** What a thousands mark begins with. */
const MARK_STARTS = "{\\,~_'";

/** The number at `from`, where a digit or a decimal point stands. `loose`: no bracket is open in which a plain comma would separate. */
export function scanNumber(text: string, from: number, loose: boolean): ScannedNumber {
  let i = digitsEnd(text, from);
  let digits = text.slice(from, i);
  let commas = false;
  if (digits.length >= 1 && digits.length <= 3) {
    let mark = groupMark(text, i, loose && digits !== "0");
    const first = mark?.text;
    while (mark !== undefined) {
      if (mark.text === ",") commas = true;
      digits += text.slice(mark.end, mark.end + 3);
      i = mark.end + 3;
      const following = groupMark(text, i, loose);
      mark =
        following !== undefined &&
        (following.text === first ||
          (first !== "," && first !== " " && following.text !== "," && following.text !== " "))
          ? following
          : undefined;
    }
  }
  const dotted = dottedGroups(text, from);
  if (dotted !== undefined)
    return { digits: text.slice(from, dotted).replaceAll(".", ""), repeat: undefined, commas, end: dotted };
  let repeat: string | undefined;
  const point = pointAt(text, i);
  if (point > 0 && (isDigit(text.charCodeAt(i + point)) || repeating(text, i + point) !== undefined)) {
    const end = digitsEnd(text, i + point);
    digits += `.${text.slice(i + point, end)}`;
    i = end;
    const bar = repeating(text, i);
    if (bar !== undefined) {
      repeat = bar.digits;
      i = bar.end;
    } else {
      const dots = ellipsis(text, i, digits);
      repeat = dots?.digits;
      i = dots?.end ?? i;
    }
  }
  const exponent = repeat === undefined ? exponentEnd(text, i) : i;
  digits += text.slice(i, exponent).toLowerCase();
  return { digits: digits.startsWith(".") ? `0${digits}` : digits, repeat, commas, end: exponent };
}

/** The length of the decimal point at `at`, which may wear braces; 0 if none stands there. */
function pointAt(text: string, at: number): number {
  if (text[at] === ".") return 1;
  return text[at] === "{" && text[at + 1] === "." && text[at + 2] === "}" ? 3 : 0;
}

/** Whether a decimal begins at the point at `at`: `.5`, `.\overline{27}`. */
export function startsDecimal(text: string, at: number): boolean {
  const next = text[at + 1] ?? "";
  return isDigit(next.charCodeAt(0)) || (next === "\\" && repeating(text, at + 1) !== undefined);
}

/** The end of `1.234.567`, or undefined: two points or more can only mark thousands. */
function dottedGroups(text: string, from: number): number | undefined {
  let i = digitsEnd(text, from);
  if (i === from || i > from + 3) return undefined;
  let groups = 0;
  for (; text[i] === "." && threeDigits(text, i + 1); i += 4) groups++;
  return groups < 2 || text[i] === "." ? undefined : i;
}

function digitsEnd(text: string, from: number): number {
  let i = from;
  while (isDigit(text.charCodeAt(i))) i++;
  return i;
}

function threeDigits(text: string, at: number): boolean {
  return (
    isDigit(text.charCodeAt(at)) &&
    isDigit(text.charCodeAt(at + 1)) &&
    isDigit(text.charCodeAt(at + 2)) &&
    !isDigit(text.charCodeAt(at + 3))
  );
}

/** The thousands mark at `at` and where the three digits after it begin. */
function groupMark(text: string, at: number, loose: boolean): { text: string; end: number } | undefined {
  let i = at;
  while (text[i] === " ") i++;
  const candidates = i < text.length && MARK_STARTS.includes(text[i]!) ? MARKS : [];
  for (const mark of candidates) {
    if (!text.startsWith(mark, i)) continue;
    let end = i + mark.length;
    if (text.startsWith("\\!", end)) end += 2;
    while (text[end] === " ") end++;
    if (threeDigits(text, end)) return { text: mark, end };
  }
  if (loose && text[at] === "," && threeDigits(text, at + 1)) return { text: ",", end: at + 1 };
  if (text[at] === " " && threeDigits(text, at + 1) && endsGroup(text, at + 4, loose))
    return { text: " ", end: at + 1 };
  if (text[at] === " " && threeDigits(text, at + 1) && (text[at + 4] ?? "") === "." && isDigit(text.charCodeAt(at + 5)))
    return { text: " ", end: at + 1 };
  return undefined;
}

/** Whether the digits before `at` may end a number that spaces group: not if they begin a fraction, a decimal or a power of their own. */
function endsGroup(text: string, at: number, loose: boolean): boolean {
  const next = text[at] ?? " ";
  return !(loose ? "/.,^_" : "/.^_").includes(next) || /^\^\s?\{?\s?\\circ/.test(text.slice(at, at + 9));
}

const BARS = ["\\overline", "\\bar", "\\dot", "\\overline "];

/** `\overline{142857}`, `\bar{3}`, `\dot{3}`, or digits in parentheses after a decimal point. */
function repeating(text: string, at: number): { digits: string; end: number } | undefined {
  const dotted = betweenDots(text, at);
  if (dotted !== undefined) return dotted;
  if (text[at] === "{" && text[at + 1] === "\\") {
    const inner = repeating(text, at + 1);
    return inner !== undefined && text[inner.end] === "}" ? { digits: inner.digits, end: inner.end + 1 } : undefined;
  }
  for (const bar of BARS) {
    if (!text.startsWith(bar, at)) continue;
    let i = at + bar.length;
    while (text[i] === " ") i++;
    const braced = text[i] === "{";
    if (braced) i++;
    const end = braced ? digitsEnd(text, i) : Math.min(i + 1, digitsEnd(text, i));
    if (end === i || end - i > 60 || (braced && text[end] !== "}")) return undefined;
    return { digits: text.slice(i, end), end: braced ? end + 1 : end };
  }
  if (text[at] === "(") {
    const end = digitsEnd(text, at + 1);
    if (
      end > at + 1 &&
      end - at < 12 &&
      text[end] === ")" &&
      (isDigit(text.charCodeAt(at - 1)) || text[at - 1] === ".") &&
      !/[\d(^*/+]/.test(text[end + 1] ?? " ")
    ) {
      return { digits: text.slice(at + 1, end), end: end + 1 };
    }
  }
  return undefined;
}

/** `\dot{1}4285\dot{7}`: dots over the first and the last of the digits that repeat. */
function betweenDots(text: string, at: number): { digits: string; end: number } | undefined {
  const first = dotted(text, at);
  if (first === undefined) return undefined;
  const middle = digitsEnd(text, first.end);
  const last = middle - first.end > 60 ? undefined : dotted(text, middle);
  return last && { digits: first.digit + text.slice(first.end, middle) + last.digit, end: last.end };
}

/** `\dot{7}` or `\dot7`. */
function dotted(text: string, at: number): { digit: string; end: number } | undefined {
  if (!text.startsWith("\\dot", at)) return undefined;
  const braced = text[at + 4] === "{" ? 1 : 0;
  const digit = text[at + 4 + braced];
  if (digit === undefined || !isDigit(digit.charCodeAt(0)) || (braced === 1 && text[at + 6] !== "}")) return undefined;
  return { digit, end: at + 5 + 2 * braced };
}

/** `0.333...`: the digit that is repeated at least twice before an ellipsis. */
function ellipsis(text: string, at: number, digits: string): { digits: string; end: number } | undefined {
  let i = at;
  while (text[i] === " ") i++;
  const mark = ["...", "\\ldots", "\\dots", "\\cdots"].find((m) => text.startsWith(m, i));
  const last = digits.at(-1)!;
  if (mark === undefined || !digits.endsWith(last + last) || !digits.includes(".")) return undefined;
  return { digits: last, end: i + mark.length };
}

/** The end of `e-7` after a mantissa, or `at` itself. */
function exponentEnd(text: string, at: number): number {
  if (text[at] !== "e" && text[at] !== "E") return at;
  const signed = text[at + 1] === "-" || text[at + 1] === "+" ? at + 2 : at + 1;
  const end = digitsEnd(text, signed);
  if (end === signed || end - signed > 6) return at;
  const after = text[end] ?? " ";
  return /[a-zA-Z^_(]/.test(after) ? at : end;
}
