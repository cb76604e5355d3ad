/** Reads an answer with its shape: lists, intervals, sets, relations, choices, quantities, text. Scalars inside are `expression.ts`'s. */

import { type Budget, MAX_ANSWER, MAX_DEPTH, OutOfBudget } from "../budget.ts";
import { rational } from "../exact.ts";
import type { Token } from "../latex/token.ts";
import { tokenize } from "../latex/tokens.ts";
import { isUnit } from "../latex/units.ts";
import { fractionWord, numberWord } from "../latex/words.ts";
import { type Context, eachTop, opIs, spelling } from "./context.ts";
import { parseExpression } from "./expression.ts";
import { basedText, int, number } from "./literals.ts";
import { compound, quantity, ratio } from "./quantity.ts";
import { closing, NotUnderstood } from "./reader.ts";
import { allBut, choice, closingAt, qualified, remarkAt } from "./remarks.ts";
import type { Answer, Expr, Joiner, RelationOp } from "./tree.ts";

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
  if (remark > 0) return read(text.slice(0, remark));
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
    ) ?? /^\(?([0-9A-Fa-f]+)\)?,? \(?(?:in )?base[ -](\w+)\)?$/.exec(short);
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
  while (from < to && (tokens[from]!.k === "sep" || IDLE_OPERATORS.some((s) => opIs(tokens[from], s)))) from++;
  while (to > from && endsIdle(tokens, to)) to--;
  return from === 0 && to === tokens.length ? tokens : tokens.slice(from, to);
}

/** `]2, 5[`: intervals whose open ends wear a bracket turned away, as intervals of the other school. The tokens themselves where brackets match. */
function straightened(tokens: Token[]): Token[] {
  const flat = (t: Token): boolean => (t.k === "open" || t.k === "close") && "()[]".includes(t.s);
  if (!tokens.some((t) => t.s === "[" || t.s === "]") || !unmatched(tokens.filter(flat))) return tokens;
  let inside = false;
  let refused = false;
  const turned = tokens.map((t): Token => {
    if (!flat(t)) return t;
    inside = !inside;
    refused ||= inside ? t.s === ")" : t.s === "(";
    const s = inside ? (t.s === "[" ? "[" : "(") : t.s === "]" ? "]" : ")";
    return { ...t, k: inside ? "open" : "close", s };
  });
  return refused || inside ? tokens : turned;
}

/** Whether a bracket closes that is not open, or stays open. */
function unmatched(brackets: readonly Token[]): boolean {
  let depth = 0;
  for (const t of brackets) if ((depth += t.k === "open" ? 1 : -1) < 0) return true;
  return depth !== 0;
}

const IDLE_OPERATORS = ["=", "~", ":", "⇒", "→", "quad"];

/** Whether the token before `to` says nothing: punctuation, or an ellipsis after a number that was cut off there. */
function endsIdle(tokens: readonly Token[], to: number): boolean {
  const last = tokens[to - 1]!;
  if (last.k === "dots") return tokens[to - 2]?.k === "num" && tokens.slice(0, to).every((t) => t.k !== "sep");
  return last.k === "sep" || last.k === "nl" || IDLE_OPERATORS.some((s) => opIs(last, s));
}

function list(c: Context, from: number, end: number, level: number): Answer {
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
    if (cut > start) items.push(item(c, start, cut, level));
    start = cut + 1;
  }
  if (items.length === 0) throw new NotUnderstood("a list of nothing");
  if (items.length === 1) return items[0]!;
  return { kind: "list", items: spread(items), joiner };
}

/** `p = 5, q = 2; p = 7, q = 2`: semicolons between groups of equations, commas inside each. */
function grouped(c: Context, from: number, end: number, level: number, cuts: readonly number[]): Answer | undefined {
  const outer = cuts.filter((cut) => c.tokens[cut]!.s === ";");
  if (outer.length === 0 || outer.length === cuts.length) return undefined;
  const items: Answer[] = [];
  let start = from;
  for (const cut of [...outer, end]) {
    if (cut > start) items.push(list(c, start, cut, level + 1));
    start = cut + 1;
  }
  const equations = (a: Answer): boolean => a.kind === "list" && a.items.every((it) => it.kind === "relation");
  return items.length > 1 && items.every(equations) ? { kind: "list", items, joiner: "or" } : undefined;
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
function spread(items: Answer[]): Answer[] {
  const first = items[0]!;
  if (first.kind !== "relation" || first.ops.length !== 1 || first.ops[0] !== "=") return items;
  if (items.slice(1).some((it) => it.kind === "relation")) return items;
  return items.map((it, i) => (i === 0 ? it : { kind: "relation", sides: [first.sides[0]!, it], ops: ["="] }));
}

const RELATIONS = new Set(["=", "!=", "<", "<=", ">", ">=", "in", "notin", "~", "≡"]);

function item(c: Context, from: number, end: number, level: number): Answer {
  let last = from;
  eachTop(c, from, end, (token, i) => {
    if (opIs(token, "⇒") || opIs(token, "⇔")) last = i + 1;
  });
  from = last;
  const cuts: number[] = [];
  eachTop(c, from, end, (token, i) => {
    if (token.k === "op" && RELATIONS.has(token.s)) cuts.push(i);
  });
  const modulus = congruence(c, from, end);
  if (modulus !== undefined) return modulus;
  if (cuts.length === 0) return side(c, from, end, level);
  const sides: Answer[] = [];
  const ops: RelationOp[] = [];
  let start = from;
  for (const cut of [...cuts, end]) {
    if (cut === start) throw new NotUnderstood("a relation without a side");
    sides.push(relationSide(c, start, cut, level, cut < end && start === from));
    if (cut < end) ops.push(c.tokens[cut]!.s === "≡" ? "=" : (c.tokens[cut]!.s as RelationOp));
    start = cut + 1;
  }
  return { kind: "relation", sides, ops };
}

/** A side may be a function that is defined, `P(x) = …`, or words: `\text{Area} = 5`; the first also a name around what is no formula: `P(X = 3) = 7`. */
function relationSide(c: Context, from: number, end: number, level: number, first = false): Answer {
  const called = defined(c, from, end);
  if (called !== undefined) return called;
  try {
    return side(c, from, end, level);
  } catch (error) {
    if (!(error instanceof NotUnderstood)) throw error;
    const named = first && /^(?:fn|letter|set)$/.test(c.tokens[from]!.k);
    if (!named && !c.tokens.slice(from, end).some((t) => t.k === "text" || t.k === "word" || t.k === "unknown"))
      throw error;
    return { kind: "text", text: spelling(c, from, end) };
  }
}

/** A letter with letters in parentheses, and nothing else, is a function wherever it is one side of a relation. */
function defined(c: Context, from: number, end: number): Answer | undefined {
  const [name, open, close] = [c.tokens[from]!, c.tokens[from + 1], c.tokens[end - 1]!];
  if (name.k !== "letter" || open?.k !== "open" || open.s !== "(" || close.k !== "close" || close.s !== ")")
    return undefined;
  const inside = c.tokens.slice(from + 2, end - 1);
  if (inside.length === 0 || !inside.every((t, k) => t.k === (k % 2 === 0 ? "letter" : "sep"))) return undefined;
  const args = inside.filter((t) => t.k === "letter").map((t): Expr => ({ kind: "sym", name: t.s }));
  return { kind: "scalar", expr: { kind: "app", name: name.s, args }, unit: undefined };
}

/** `x \equiv 3 \pmod 7`, `3 (mod 7)`. */
function congruence(c: Context, from: number, end: number): Answer | undefined {
  let at = -1;
  for (let i = from; i < end; i++) {
    const token = c.tokens[i]!;
    if (opIs(token, "pmod") || (token.k === "open" && opIs(c.tokens[i + 1], "mod"))) {
      at = i;
      break;
    }
  }
  if (at <= from) return undefined;
  const bracketed = c.tokens[at]!.k === "open";
  const close = bracketed ? closing(c.tokens, at, end) : end;
  if (close < 0) return undefined;
  const modulus = parseExpression(c.tokens, bracketed ? at + 2 : at + 1, close, c.budget);
  let relation = -1;
  eachTop(c, from, at, (token, i) => {
    if (opIs(token, "≡") || opIs(token, "=")) relation = i;
  });
  const quad = opIs(c.tokens[at - 1], "quad") ? at - 1 : at;
  const value = side(c, relation < 0 ? from : relation + 1, quad, 1);
  const sides: Answer[] = [relation < 0 ? { kind: "text", text: "" } : relationSide(c, from, relation, 1), value];
  return {
    kind: "relation",
    sides: [...sides, { kind: "scalar", expr: modulus, unit: undefined }],
    ops: ["==mod", "==mod"],
  };
}

function side(c: Context, from: number, end: number, level: number): Answer {
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

function setOperator(
  c: Context,
  token: Token,
  i: number,
  from: number,
  end: number,
): "union" | "intersection" | "minus" | undefined {
  if (i === from || i === end - 1) return undefined;
  if (token.k === "op")
    return token.s === "∪" ? "union" : token.s === "∩" ? "intersection" : token.s === "∖" ? "minus" : undefined;
  const between = c.tokens[i - 1]!.k === "close" && c.tokens[i + 1]!.k === "open";
  if (
    between &&
    ((token.k === "letter" && token.s === "U" && (token.sp || c.tokens[i + 1]!.sp)) ||
      (token.k === "word" && token.s.toLowerCase() === "union"))
  )
    return "union";
  if (
    opIs(token, "-") &&
    (c.tokens[i - 1]!.k === "set" || (c.tokens[i + 1]!.k === "open" && c.tokens[i + 1]!.s === "\\{"))
  )
    return "minus";
  return undefined;
}

function atom(c: Context, from: number, end: number, level: number): Answer {
  while (end > from && (opIs(c.tokens[end - 1], "quad") || c.tokens[end - 1]!.k === "nl")) end--;
  while (end > from && opIs(c.tokens[from], "quad")) from++;
  if (end <= from) throw new NotUnderstood("an empty answer");
  const first = c.tokens[from]!;
  if (end === from + 1) {
    if (first.k === "empty") return { kind: "set", items: [] };
    if (first.k === "set") return { kind: "named", name: first.s };
    if (first.k === "text") return textAnswer(c, first.s);
  }
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
  const letters = /^[A-J](?:(?:,| and|, and|&) ?[A-J])+$/.test(text);
  if (letters) return parseAnswer(text, c.numbersInText, c.budget, c.depth + 1);
  const readable = c.numbersInText ? /\d/.test(text) || /^\(?[A-Z]\)?\.?$/.test(text) : /^\(?[A-Z]\)?\.?$/.test(text);
  return readable ? parseAnswer(text, c.numbersInText, c.budget, c.depth + 1) : { kind: "text", text };
}

/** A whole bracketed group: tuple, interval, set, or just a group. */
function bracketed(c: Context, from: number, end: number, level: number): Answer | undefined {
  const open = c.tokens[from]!.s;
  const close = c.tokens[end - 1]!.s;
  if (open === "⌊" || open === "⌈") return undefined;
  if (open === "\\{") return setBraces(c, from, end, level);
  const pieces: [number, number][] = [];
  let start = from + 1;
  eachTop(c, from + 1, end - 1, (token, i) => {
    if (token.k !== "sep") return;
    if (i > start) pieces.push([start, i]);
    start = i + 1;
  });
  if (end - 1 > start) pieces.push([start, end - 1]);
  if (pieces.length === 0) return open === "{" ? { kind: "set", items: [] } : undefined;
  if (pieces.length === 1) {
    if (open === "[" && close === "]" && c.tokens[pieces[0]![0]]!.k !== "begin")
      return { kind: "tuple", items: [item(c, pieces[0]![0], pieces[0]![1], level + 1)], bracket: "[" };
    if (open !== "{" && isNumeric(c, pieces[0]!)) return undefined;
    if (open === "{" && c.tokens.slice(from, end).some((t) => opIs(t, "over") || opIs(t, "choose"))) return undefined;
    return list(c, from + 1, end - 1, level + 1);
  }
  const items = pieces.map(([a, b]) => item(c, a, b, level + 1));
  if (open === "{") return { kind: "list", items: spread(items), joiner: "comma" };
  const interval = open === "<" ? undefined : asInterval(items, open, close);
  return interval ?? { kind: "tuple", items, bracket: open === "<" ? "<" : open === "[" ? "[" : "(" };
}

/** Whether a parenthesised piece is one plain number, whose subscript or power might follow. */
function isNumeric(c: Context, [from, end]: [number, number]): boolean {
  return end === from + 1 && c.tokens[from]!.k === "num";
}

function asInterval(items: Answer[], open: string, close: string): Answer | undefined {
  const [low, high] = items;
  if (items.length !== 2 || low?.kind !== "scalar" || high?.kind !== "scalar") return undefined;
  const endless = isInfinite(low.expr) || isInfinite(high.expr);
  if (open === "(" && close === ")" && !endless) return undefined;
  return { kind: "interval", low: low.expr, high: high.expr, lowOpen: open === "(", highOpen: close === ")" };
}

export function isInfinite(e: Expr): boolean {
  return e.kind === "neg" || e.kind === "pm" ? isInfinite(e.arg) : e.kind === "const" && e.name === "infinity";
}

/** `\{…\}`: a list of elements, or `\{x : condition\}`. */
function setBraces(c: Context, from: number, end: number, level: number): Answer {
  if (end - from === 2) return { kind: "set", items: [] };
  let bar = -1;
  eachTop(c, from + 1, end - 1, (token, i) => {
    if (bar < 0 && (opIs(token, "|") || opIs(token, ":"))) bar = i;
  });
  const headIsName = bar === from + 2 || (bar > 0 && c.tokens.slice(from + 1, bar).some((t) => opIs(t, "in")));
  if (bar > 0 && headIsName) return list(c, bar + 1, end - 1, level + 1);
  const inner = list(c, from + 1, end - 1, level + 1);
  return { kind: "set", items: inner.kind === "list" ? inner.items : [inner] };
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
