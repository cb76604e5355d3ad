/** Reads numbers with what stands around them: units, labels, money, ratios, odds, times of day. */
import type { Token } from "../latex/token.ts";
import { isUnit, LETTER_UNITS } from "../latex/units.ts";
import { type Context, eachTop, isWordy, opIs, spelling } from "./context.ts";
import { parseExpression } from "./expression.ts";
import { based, int, literal } from "./literals.ts";
import { closing, NotUnderstood } from "./reader.ts";
import type { Answer, Expr } from "./tree.ts";

/** `2 hours 30 minutes`: numbers with units of measure, side by side. */
export function compound(c: Context, from: number, end: number): Answer | undefined {
  const starts: number[] = [];
  for (let i = from; i < end; i++) {
    const [token, next] = [c.tokens[i]!, c.tokens[i + 1]];
    if (token.k === "num" && i + 1 < end && next !== undefined && namesUnit(next)) starts.push(i);
  }
  if (starts.length < 2 || starts[0] !== from || end - from !== 2 * starts.length) return undefined;
  return { kind: "list", items: starts.map((i) => quantity(c, i, i + 2)), joiner: "and" };
}

function namesUnit(token: Token): boolean {
  if (isWordy(token)) return isUnit(token.s);
  return token.k === "fn" ? UNIT_FUNCTIONS.has(token.s) : token.font !== undefined && LETTER_UNITS.has(token.s);
}

/** `3:4:5`, `12:30`. */
export function ratio(c: Context, from: number, end: number): Answer | undefined {
  const cuts: number[] = [];
  eachTop(c, from, end, (token, i) => {
    if (opIs(token, ":") || (isWordy(token) && token.s === "to" && i > from && i < end - 1)) cuts.push(i);
  });
  if (cuts.length === 0) return oddsIn(c, from, end);
  const args: Expr[] = [];
  let start = from;
  const [unitAt, meridiem] = afternoon(c, cuts.at(-1)! + 1, end);
  for (const cut of [...cuts, unitAt]) {
    args.push(parseExpression(c.tokens, start, cut, c.budget));
    start = cut + 1;
  }
  const nums = c.tokens.slice(from, unitAt).filter((_, i) => i % 2 === 0);
  const clock =
    nums.length === args.length &&
    nums.every(
      (t, i) =>
        t.k === "num" && /^\d+$/.test(t.s) && (i === 0 ? Number(t.s) < 25 : t.s.length === 2 && Number(t.s) < 60),
    ) &&
    args.length <= 3;
  return {
    kind: "scalar",
    expr: { kind: "ratio", args, clock },
    unit: clock && meridiem !== undefined ? meridiem : undefined,
  };
}

/** `1 in 6`, `1 out of 6`. */
function oddsIn(c: Context, from: number, end: number): Answer | undefined {
  const middle = spelling(c, from + 1, end - 1);
  if (end - from < 3 || end - from > 4 || !/^(?:in|out of)$/.test(middle)) return undefined;
  const [num, den] = [c.tokens[from]!, c.tokens[end - 1]!];
  if (num.k !== "num" || den.k !== "num") return undefined;
  return { kind: "scalar", expr: { kind: "div", num: literal(num), den: literal(den) }, unit: undefined };
}

/** Where `p.m.` begins, and which half of the day it is. */
function afternoon(c: Context, from: number, end: number): [number, string | undefined] {
  for (let i = from + 1; i < end; i++) {
    const rest = c.tokens
      .slice(i, end)
      .map((t) => t.s)
      .join("")
      .toLowerCase()
      .replaceAll(".", "")
      .replaceAll(" ", "");
    if (rest === "pm" || rest === "am") return [i, rest];
  }
  return [end, undefined];
}

const UNIT_FUNCTIONS = new Set(["min", "sec", "deg"]);

/** A scalar with the unit or label after it. */
export function quantity(c: Context, from: number, end: number): Answer {
  let first = from;
  let money: string | undefined;
  while (first < end && c.tokens[first]!.k === "cur") money = currency(c.tokens[first++]!.s);
  let last = end;
  while (last > first && c.tokens[last - 1]!.k === "cur") money = currency(c.tokens[--last]!.s);
  if (first < last && opIs(c.tokens[first], "-") && c.tokens[first + 1]?.k === "cur")
    money = currency(c.tokens[first + 1]!.s);
  const fraction = unitFraction(c, first, last);
  if (fraction !== undefined) return fraction;
  const begin = unitStart(c, first, last);
  const lead = first < begin && isLabel(c.tokens[first]!) ? leadingLabel(c, first, begin) : first;
  const scaled = scaleAt(c, first, last);
  if (scaled !== undefined)
    return { kind: "scalar", expr: parseExpression(c.tokens, first, last - 1, c.budget), unit: scaled };
  const unit = begin < last ? spelling(c, begin, last).toLowerCase() : undefined;
  const hex = lead === begin - 3 ? basedWord(c, lead) : undefined;
  const expr = hex ?? parseExpression(c.tokens, lead, begin, c.budget);
  const scale = MULTIPLES.get(unit?.split(" ")[0] ?? "");
  if (scale !== undefined)
    return {
      kind: "scalar",
      expr: { kind: "mul", args: [expr, int(scale)] },
      unit: unit!.split(" ").slice(1).join(" ") || money,
    };
  return { kind: "scalar", expr, unit: unit ?? money };
}

/** The scale of a temperature, `20^\circ\text{C}`: the letter after a sign for degrees. */
function scaleAt(c: Context, from: number, end: number): string | undefined {
  const letter = c.tokens[end - 1]!;
  const sign = c.tokens[end - 2]?.k === "close" ? c.tokens[end - 3] : c.tokens[end - 2];
  if (end - 2 <= from || letter.k !== "letter" || !(opIs(sign, "°") || opIs(sign, "∘"))) return undefined;
  return letter.s === "C" ? "celsius" : letter.s === "F" ? "fahrenheit" : undefined;
}

/** `5\,\frac{\text{km}}{\text{h}}`: a fraction of units after a number. */
function unitFraction(c: Context, from: number, end: number): Answer | undefined {
  if (end - from < 8 || c.tokens[end - 1]!.s !== "}") return undefined;
  const wordyBetween = (open: number, close: number): boolean =>
    c.tokens[open]?.k === "open" &&
    (c.tokens[open + 1]?.k === "text" || c.tokens[open + 1]?.font !== undefined) &&
    c.tokens[close]?.k === "close";
  for (let i = from + 1; i <= end - 7; i++) {
    const token = c.tokens[i]!;
    if (token.k !== "cmd" || token.s !== "frac" || c.tokens[i + 1]!.s !== "{") continue;
    const middle = closing(c.tokens, i + 1, end);
    if (!wordyBetween(i + 1, middle) || !wordyBetween(middle + 1, end - 1)) continue;
    const unit = `${spelling(c, i + 2, middle)}/${spelling(c, middle + 2, end - 1)}`.replaceAll(/[{}]/g, "");
    return { kind: "scalar", expr: parseExpression(c.tokens, from, i, c.budget), unit: unit.toLowerCase() };
  }
  return undefined;
}

/** Words that multiply the number before them. */
const MULTIPLES: ReadonlyMap<string, bigint> = new Map([
  ["hundred", 100n],
  ["thousand", 1000n],
  ["million", 1_000_000n],
  ["billion", 1_000_000_000n],
  ["trillion", 1_000_000_000_000n],
]);

const CURRENCIES: ReadonlyMap<string, string> = new Map(
  Object.entries({ euro: "€", EUR: "€", pounds: "£", GBP: "£", INR: "inr", RMB: "yuan", CNY: "yuan" }),
);

function currency(sign: string): string {
  return CURRENCIES.get(sign) ?? "$";
}

function isLabel(token: Token): boolean {
  return token.k === "text" || (token.k === "word" && (token.s.length > 3 || SHORT_WORDS.has(token.s.toLowerCase())));
}

/** Words that are no product of letters. */
const SHORT_WORDS: ReadonlySet<string> = new Set(
  "it is so we are was the for his her its has had get all any how may can you our ans val no nr num sum ist est und les des".split(
    " ",
  ),
);

/** Past the words before a number: `\text{about } 5`. */
function leadingLabel(c: Context, from: number, end: number): number {
  let i = from;
  while (i < end && (isLabel(c.tokens[i]!) || c.tokens[i]!.k === "word" || opIs(c.tokens[i], ":"))) i++;
  const next = c.tokens[i];
  if (i >= end || (next!.k !== "num" && next!.k !== "cmd" && !opIs(next, "-"))) throw new NotUnderstood("words");
  return i;
}

/** `1A3_{16}` arrives as a number, letters and a subscript; only digits before letters are read here. */
function basedWord(c: Context, from: number): Expr | undefined {
  const [a, b, s] = [c.tokens[from]!, c.tokens[from + 1]!, c.tokens[from + 2]!];
  if (!opIs(b, "_") || (a.k !== "word" && a.k !== "letter") || s.k !== "num" || !/^[A-F]+$/.test(a.s)) return undefined;
  return based(a.s, Number(s.s));
}

/** The index where the unit at the end of `from..end` begins; `end` if there is none. */
function unitStart(c: Context, from: number, end: number): number {
  let i = end;
  let begin = end;
  while (i > from) {
    const token = c.tokens[i - 1]!;
    if (token.k === "text" || isLetterUnit(token)) begin = --i;
    else if (begin === end && letterApart(c, i, from)) begin = --i;
    else if (
      token.k === "word" &&
      (isUnit(token.s) || token.s.length > 3 || ORDINAL.has(token.s) || begin < end) &&
      token.s.length < 30
    )
      begin = --i;
    else if (i === end && perLetter(c, i, from)) begin = --i;
    else if (token.k === "fn" && UNIT_FUNCTIONS.has(token.s) && i === end) begin = --i;
    else if (token.k === "num" && opIs(c.tokens[i - 2], "^") && unitBefore(c, i - 3, from)) i -= 2;
    else if (bracedPower(c, i) > 0 && unitBefore(c, i - bracedPower(c, i) - 1, from)) i -= bracedPower(c, i);
    else if ((opIs(token, "/") || opIs(token, "*")) && begin < end && i - 2 >= from && isWordy(c.tokens[i - 2]!)) i--;
    else if (
      token.k === "letter" &&
      begin < end &&
      i - 2 >= from &&
      (opIs(c.tokens[i], "/") || c.tokens[i]!.k === "word") &&
      i - 1 > from
    )
      begin = --i;
    else break;
  }
  if (begin === from) return wordsAlone(c, from, end);
  const before = c.tokens[begin - 1]!;
  return before.k === "op" && !"!%°'".includes(before.s) ? end : begin;
}

/** How many tokens a `^{2}` or `^{-1}` before `end` has, or 0. */
function bracedPower(c: Context, end: number): number {
  const [close, digits] = [c.tokens[end - 1], c.tokens[end - 2]];
  if (close?.k !== "close" || close.s !== "}" || digits?.k !== "num") return 0;
  const length = opIs(c.tokens[end - 3], "-") ? 5 : 4;
  return opIs(c.tokens[end - length], "^") ? length : 0;
}

/** The `h` of `km/h`, which stands before `end`. */
function perLetter(c: Context, end: number, from: number): boolean {
  const [unit, slash, letter] = [c.tokens[end - 3], c.tokens[end - 2], c.tokens[end - 1]!];
  const fits = letter.k === "letter" && LETTER_UNITS.has(letter.s) && opIs(slash, "/") && end - 3 > from;
  return fits && unit?.k === "word" && isUnit(unit.s);
}

const ORDINAL = new Set(["th", "st", "nd", "rd"]);

function unitBefore(c: Context, i: number, from: number): boolean {
  const token = c.tokens[i];
  if (i <= from || token === undefined) return false;
  return (
    token.k === "text" || (token.k === "word" && isUnit(token.s)) || isLetterUnit(token) || letterApart(c, i + 1, from)
  );
}

/** A letter set as units are: `\mathrm{m}`. */
function isLetterUnit(token: Token): boolean {
  return token.k === "letter" && token.font !== undefined && LETTER_UNITS.has(token.s);
}

/** The `m` of `5 m`, which stands before `end`: one letter, apart from a number in digits. In `5m` it is a factor. */
function letterApart(c: Context, end: number, from: number): boolean {
  const letter = c.tokens[end - 1];
  if (letter?.k !== "letter" || !letter.sp || !LETTER_UNITS.has(letter.s) || end - 2 < from) return false;
  return c.tokens.slice(from, end - 1).every((token, i) => token.k === "num" || (i === 0 && opIs(token, "-")));
}

/** Only words: no number to measure. A short run of letters may still be a product. */
function wordsAlone(c: Context, from: number, end: number): number {
  if (c.tokens.slice(from, end).every((t) => t.k === "word" && t.s.length <= 3 && !t.sp)) return end;
  throw new NotUnderstood("words");
}
