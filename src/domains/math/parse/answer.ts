/** Reads an answer with its shape: lists, intervals, sets, relations, choices, quantities, text. Scalars inside are `expression.ts`'s. */

import { type Budget, MAX_ANSWER, MAX_DEPTH, OutOfBudget } from "../budget.ts";
import { rational } from "../exact.ts";
import type { Token } from "../latex/token.ts";
import { tokenize } from "../latex/tokens.ts";
import { isUnit } from "../latex/units.ts";
import { fractionWord, numberWord } from "../latex/words.ts";
import { bracketed, halved, setOperator, straightened } from "./brackets.ts";
import { type Context, eachTop, opIs, spelling } from "./context.ts";
import { basedText, int, number } from "./literals.ts";
import { compound, quantity, ratio } from "./quantity.ts";
import { closing, NotUnderstood } from "./reader.ts";
import { item, RELATIONS } from "./relations.ts";
import { allBut, choice, closingAt, declared, otherForm, qualified, remarkAt } from "./remarks.ts";
import { ELLIPSIS, withoutEllipsis } from "./sequences.ts";
import type { Answer, Joiner } from "./tree.ts";

/** The answer that `source` spells. What is no formula becomes `text`; a formula that is not understood, `unparsed`. Throws only `OutOfBudget`. */
export function parseAnswer(source: string, numbersInText: boolean, budget: Budget, depth = 0): Answer {
  const text = source.trim();
  const digits = longInteger(text);
  if (digits !== undefined) return { kind: "scalar", expr: { kind: "long", text: digits }, unit: undefined };
  if (text.length > MAX_ANSWER || depth > 3) return { kind: "unparsed", text };
  const spelt = isSpelt(text) ? spelledQuantity(text) : undefined;
  if (spelt !== undefined) return spelt;
  const read = (part: string): Answer => parseAnswer(part, numbersInText, budget, depth + 1);
  const inBase = basedNumber(text);
  if (inBase !== undefined) return inBase;
  const remark = remarkAt(text);
  if (remark > 0) return declared(read(text.slice(0, remark)), text.slice(remark, remark + 120));
  const forms = otherForm(text, read);
  if (forms !== undefined) return forms;
  const closing = closingAt(text);
  if (closing > 0) return read(text.slice(0, closing));
  const exception =
    /^(?:\\text\s?\{)?\s?(?:x is |x = |for )?(?:all|any) (?:real )?(?:numbers?|values|reals)(?: of [a-z])?,? (?:except|other than|but)(?: for)?\s?\}?/i.exec(
      text,
    );
  if (exception !== null) return allBut(text.slice(exception[0].length), read);
  const formula = qualified(text, read);
  if (formula !== undefined) return formula;
  const lettered = choice(text, read);
  if (lettered !== undefined) return lettered;
  const tokens = straightened(trimmed(tokenize(text, budget)));
  const context: Context = { tokens, budget, source: text, numbersInText, depth };
  try {
    if (tokens.length === 0) throw new NotUnderstood("nothing to read");
    return list(context, 0, tokens.length, 0);
  } catch (error) {
    if (error instanceof OutOfBudget || !(error instanceof NotUnderstood)) throw error;
    return asText(context);
  }
}

/** Only letters, spaces and hyphens: it may name a number. */
function isSpelt(text: string): boolean {
  return text.length < 80 && /^[a-zA-Z][a-zA-Z -]*$/.test(text);
}

/** `twelve`, `ten dollars`. */
function spelledQuantity(text: string): Answer | undefined {
  const whole = numberWord(text);
  if (whole !== undefined) return { kind: "scalar", expr: int(whole), unit: undefined };
  const part = fractionWord(text);
  if (part !== undefined)
    return { kind: "scalar", expr: number(rational(BigInt(part[0]), BigInt(part[1]))!), unit: undefined };
  const cut = text.lastIndexOf(" ");
  const [count, unit] = [text.slice(0, Math.max(cut, 0)), text.slice(cut + 1)];
  const value = cut > 0 && isUnit(unit) ? numberWord(count) : undefined;
  return value === undefined ? undefined : { kind: "scalar", expr: int(value), unit: unit.toLowerCase() };
}

/** `1A_{16}`, `1101 base 2`, `(2B)_{\text{twelve}}`: digits with their base. Digits alone under a subscript are left to the expression. */
function basedNumber(text: string): Answer | undefined {
  const short = text.length < 80 ? text : "";
  const found =
    /^\(?(?:\\(?:text|mathrm)\{)?((?=\w*\d)(?=\w*[A-Za-z])[0-9A-Za-z]+)\}?\)?_\{?(?:\\text\{)?([0-9a-z]+)\}{0,2}$/.exec(
      short,
    ) ??
    /^([A-F]{2,8})_\{?(1[1-6])\}?$/.exec(short) ??
    /^\(?([0-9A-Fa-f]+)\)?,? \(?(?:in )?base[ -](\w+)\)?$/.exec(short);
  const base = found === null ? undefined : /^\d+$/.test(found[2]!) ? Number(found[2]) : numberWord(found[2]!);
  const expr = base === undefined ? undefined : basedText(found![1]!, base);
  return expr && { kind: "scalar", expr, unit: undefined };
}

/** An integer too long to compute with. */
function longInteger(text: string): string | undefined {
  if (text.length <= 1200 || !/^[+-]?[\d,]+$/.test(text)) return undefined;
  const digits = text.replaceAll(",", "");
  let i = digits[0] === "+" || digits[0] === "-" ? 1 : 0;
  while (i < digits.length - 1 && digits[i] === "0") i++;
  return (digits[0] === "-" ? "-" : "") + digits.slice(i);
}

/** Without the punctuation and signs around an answer that say nothing. */
function trimmed(tokens: Token[]): Token[] {
  let from = 0;
  let to = tokens.length;
  if (tokens[0]?.k === "dots" && opIs(tokens[1], "=")) from++;
  while (from < to && (tokens[from]!.k === "sep" || IDLE_OPERATORS.some((s) => opIs(tokens[from], s)))) from++;
  while (to > from && endsIdle(tokens, to)) to--;
  return from === 0 && to === tokens.length ? tokens : tokens.slice(from, to);
}

const IDLE_OPERATORS = ["=", "~", ":", "⇒", "→", "↦", "quad"];

/** Whether the token before `to` says nothing: punctuation, or an ellipsis after a number that was cut off there. */
function endsIdle(tokens: readonly Token[], to: number): boolean {
  const last = tokens[to - 1]!;
  if (last.k === "dots") return tokens[to - 2]?.k === "num" && tokens.slice(0, to).every((t) => t.k !== "sep");
  return last.k === "sep" || last.k === "nl" || IDLE_OPERATORS.some((s) => opIs(last, s));
}

export function list(c: Context, from: number, end: number, level: number): Answer {
  if (level > MAX_DEPTH / 4) throw new NotUnderstood("brackets nest too deep");
  const cuts: number[] = [];
  let joiner: Joiner = "comma";
  eachTop(c, from, end, (token, i) => {
    if (
      token.k !== "sep" &&
      !(token.k === "nl" && !continues(c.tokens[i + 1])) &&
      !(opIs(token, "quad") && !opensCondition(c, i + 1)) &&
      !opIs(token, "∧") &&
      !opIs(token, "∨")
    )
      return;
    cuts.push(i);
    if (token.s === "or" || token.s === "∨") joiner = "or";
    else if ((token.s === "and" || token.s === "∧") && joiner === "comma") joiner = "and";
  });
  if (cuts.length === 0) return item(c, from, end, level);
  const groups = grouped(c, from, end, level, cuts);
  if (groups !== undefined) return groups;
  const items: Answer[] = [];
  let start = from;
  for (const cut of [...cuts, end]) {
    if (cut === start + 1 && c.tokens[start]!.k === "dots") items.push(ELLIPSIS);
    else if (cut > start) items.push(item(c, start, cut, level));
    start = cut + 1;
  }
  const logical = cuts.some((cut) => c.tokens[cut]!.k === "op" && !opIs(c.tokens[cut], "quad"));
  if (logical && !items.some((it) => it.kind === "relation")) throw new NotUnderstood("a statement of logic");
  if (items.includes(ELLIPSIS)) return { kind: "list", items: withoutEllipsis(items), joiner };
  if (items.length === 0) throw new NotUnderstood("a list of nothing");
  if (items.length === 1) return items[0]!;
  return { kind: "list", items: spread(items), joiner };
}

/** `p = 5, q = 2; p = 7, q = 2`: semicolons, or else "or", between groups of equations, commas inside each. */
function grouped(c: Context, from: number, end: number, level: number, cuts: readonly number[]): Answer | undefined {
  const at = (marks: readonly string[]): number[] => cuts.filter((cut) => marks.includes(c.tokens[cut]!.s));
  const semicolons = at([";"]);
  const outer = semicolons.length > 0 ? semicolons : at(["or", "∨"]);
  if (outer.length === 0 || outer.length === cuts.length) return undefined;
  const items: Answer[] = [];
  let start = from;
  for (const cut of [...outer, end]) {
    if (cut > start) items.push(list(c, start, cut, level + 1));
    start = cut + 1;
  }
  const whole = semicolons.length > 0 ? areRelations : areUnknowns;
  return items.length > 1 && items.every(whole) ? { kind: "list", items, joiner: "or" } : undefined;
}

function areRelations(a: Answer): boolean {
  return a.kind === "list" && a.items.every((it) => it.kind === "relation");
}

/** Values of several unknowns, each named once. */
function areUnknowns(a: Answer): boolean {
  if (a.kind !== "list") return false;
  const names = a.items.map((it) => {
    const left = it.kind === "relation" && it.ops[0] === "=" ? it.sides[0]! : it;
    return left.kind === "scalar" && left.expr.kind === "sym" && left !== it ? left.expr.name : undefined;
  });
  return !names.includes(undefined) && new Set(names).size === names.length;
}

/** A line that begins with a relation goes on with the one before: `x &= 1 + 2 \\ &= 3`. */
function continues(next: Token | undefined): boolean {
  return next?.k === "op" && RELATIONS.has(next.s);
}

/** `\quad (mod 7)` and `\quad \text{for } x > 0` qualify what stands before them. */
function opensCondition(c: Context, at: number): boolean {
  const token = c.tokens[at];
  return opIs(token, "pmod") || (token?.k === "open" && opIs(c.tokens[at + 1], "mod"));
}

/** `n = 1, 2, 3` gives each value the name: as items, `n = 1`, `2`, `3` all belong to `n`. */
export function spread(items: Answer[]): Answer[] {
  const first = items[0]!;
  if (first.kind !== "relation" || first.ops.length !== 1 || first.ops[0] !== "=") return items;
  if (items.slice(1).some((it) => it.kind === "relation")) return items;
  return items.map((it, i) => (i === 0 ? it : { kind: "relation", sides: [first.sides[0]!, it], ops: ["="] }));
}

export function side(c: Context, from: number, end: number, level: number): Answer {
  let cut = -1;
  let op: "union" | "intersection" | "minus" | undefined;
  eachTop(c, from, end, (token, i) => {
    const found = setOperator(c, token, i, from, end);
    if (found !== undefined && (found === "union" || op !== "union")) {
      cut = i;
      op = found;
    }
  });
  if (op === undefined) return atom(c, from, end, level);
  return { kind: "setop", op, left: side(c, from, cut, level + 1), right: side(c, cut + 1, end, level + 1) };
}

function atom(c: Context, from: number, end: number, level: number): Answer {
  while (end > from && (opIs(c.tokens[end - 1], "quad") || c.tokens[end - 1]!.k === "nl")) end--;
  while (end > from && opIs(c.tokens[from], "quad")) from++;
  if (end <= from) throw new NotUnderstood("an empty answer");
  const first = c.tokens[from]!;
  if (end === from + 1) {
    if (first.k === "empty") return { kind: "set", items: [] };
    if (first.k === "set") return { kind: "named", name: first.s };
    if (first.k === "letter" && /^[RZNQ]$/.test(first.s) && opIs(c.tokens[from - 1], "in"))
      return { kind: "named", name: first.s };
    if (first.k === "text") return textAnswer(c, first.s);
  }
  if (first.k === "set") {
    const cut = halved(c, from, end);
    if (cut !== undefined) return cut;
  }
  const label = labelEnd(c, from, end);
  if (label > from) return atom(c, label, end, level);
  if (isTransposed(c, from, end)) end -= 2;
  const close = first.k === "open" ? closing(c.tokens, from, end) : -1;
  if (close === end - 1 || (close > from && isUnitText(c, close + 1, end))) {
    const shaped = bracketed(c, from, close + 1, level);
    if (shaped !== undefined && (close === end - 1 || shaped.kind !== "scalar")) return shaped;
  }
  const system = equations(c, from, end, level);
  if (system !== undefined) return system;
  if (opIs(first, "<") === false && first.k === "op" && first.s === "<") throw new NotUnderstood("an open bracket");
  return ratio(c, from, end) ?? compound(c, from, end) ?? quantity(c, from, end);
}

/** Where the bracket begins that words lead up to, as in `\text{the point } (1, 2)`; `from` if none do. */
function labelEnd(c: Context, from: number, end: number): number {
  let i = from;
  while (i < end && (c.tokens[i]!.k === "text" || (c.tokens[i]!.k === "word" && c.tokens[i]!.s.length > 2))) i++;
  const bracket = c.tokens[i];
  const whole = i > from && bracket?.k === "open" && bracket.s !== "{" && closing(c.tokens, i, end) === end - 1;
  return whole && hasSeparator(c, i, end) ? i : from;
}

/** `(1, 2)^T`: a tuple is a column as it is a row. */
function isTransposed(c: Context, from: number, end: number): boolean {
  const [close, mark, letter] = [c.tokens[end - 3], c.tokens[end - 2], c.tokens[end - 1]];
  if (end - from < 6 || close?.k !== "close" || !opIs(mark, "^") || letter?.k !== "letter" || letter.s !== "T")
    return false;
  return c.tokens[from]!.k === "open" && closing(c.tokens, from, end) === end - 3 && hasSeparator(c, from, end);
}

function hasSeparator(c: Context, from: number, end: number): boolean {
  return c.tokens.slice(from, end).some((t) => t.k === "sep");
}

/** Only words: the unit after a point or an interval. */
function isUnitText(c: Context, from: number, end: number): boolean {
  return from < end && c.tokens.slice(from, end).every((t) => t.k === "text" || (t.k === "word" && isUnit(t.s)));
}

/** `\begin{cases} x = 1 \\ y = 2 \end{cases}`, also as an array behind a brace: a list of its rows; a row of two cells is a pair. */
function equations(c: Context, from: number, end: number, level: number): Answer | undefined {
  const brace = c.tokens[from]!.k === "open" && c.tokens[from]!.s === "\\{" ? 1 : 0;
  const [begin, last] = [c.tokens[from + brace], c.tokens[end - 1]];
  if (begin?.k !== "begin" || last?.k !== "end" || (begin.s !== "cases" && !(brace === 1 && begin.s === "array")))
    return undefined;
  const rows: Answer[][] = [[]];
  let start = from + brace + 1;
  eachTop(c, start, end - 1, (token, i) => {
    if (token.k !== "nl" && token.k !== "amp") return;
    if (i > start) rows.at(-1)!.push(list(c, start, i, level + 1));
    if (token.k === "nl") rows.push([]);
    start = i + 1;
  });
  if (end - 1 > start) rows.at(-1)!.push(list(c, start, end - 1, level + 1));
  const items = rows
    .filter((row) => row.length > 0)
    .map((row): Answer => (row.length === 1 ? row[0]! : { kind: "tuple", items: row, bracket: "(" }));
  return items.length === 0 ? undefined : { kind: "list", items, joiner: "and" };
}

function textAnswer(c: Context, text: string): Answer {
  const spelt = isSpelt(text) ? spelledQuantity(text) : undefined;
  if (spelt !== undefined) return spelt;
  const labelled = /^(?:the )?(?:final )?answer(?: is|:| =)\s*(?=\S)/i.exec(text);
  if (labelled !== null) return textAnswer(c, text.slice(labelled[0].length));
  if (/^(?:option|choice|answer) \(?[A-J]\)?$/i.test(text))
    return parseAnswer(text, c.numbersInText, c.budget, c.depth + 1);
  const letters = /^[A-J](?:(?:,| and|, and|&) ?[A-J])+$/.test(text);
  if (letters) return parseAnswer(text, c.numbersInText, c.budget, c.depth + 1);
  const readable = c.numbersInText ? /\d/.test(text) || /^\(?[A-Z]\)?\.?$/.test(text) : /^\(?[A-Z]\)?\.?$/.test(text);
  return readable ? parseAnswer(text, c.numbersInText, c.budget, c.depth + 1) : { kind: "text", text };
}

/** What could not be read as a formula: words are text, formulas are `unparsed`. */
function asText(c: Context): Answer {
  const words = c.tokens.filter((t) => t.k === "word" || t.k === "text" || t.k === "letter");
  const signs = c.tokens.filter(
    (t) => t.k === "op" || t.k === "cmd" || t.k === "num" || t.k === "fn" || t.k === "begin" || t.k === "unknown",
  );
  const spelt = numberWord(
    c.tokens.every((t) => t.k === "word" || t.k === "text" || opIs(t, "-"))
      ? spelling(c, 0, c.tokens.length).replaceAll("- ", "-")
      : "",
  );
  if (spelt !== undefined) return { kind: "scalar", expr: int(spelt), unit: undefined };
  const isWords = words.some((t) => t.k !== "letter") && words.length > signs.length;
  return { kind: isWords ? "text" : "unparsed", text: c.source };
}
