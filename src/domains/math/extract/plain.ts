/** Finds the last number or short formula in plain text, and tells prose from a bare answer. */
import { isUnit } from "../latex/units.ts";
import { fractionWord, numberWord } from "../latex/words.ts";

export interface Found {
  text: string;
  end: number;
}

const OPERATOR_END = /[+\-*/^=<>,(×÷·]$/;
const OPERATOR_START = /^[+*/^=<>)%×÷·!-]/;

/** Stretches around numbers in `text[from..to)`, last first: a formula written without delimiters is taken whole or not at all. */
export function* numbersFromEnd(text: string, from: number, to: number, limit: number): Generator<Found> {
  let i = to - 1;
  let tries = 0;
  while (i >= from && tries < limit) {
    const c = text.charCodeAt(i);
    if (c < 48 || c > 57) {
      i--;
      continue;
    }
    tries++;
    const [start, end] = wordAround(text, i, from, to);
    const wide = widen(text, start, end, from, to);
    yield { text: stripNumber(text.slice(wide[0], wide[1])), end };
    const mixed = /\d\s+(?:\d+\/\d+|\d{3})$/.test(strip(text.slice(wide[0], wide[1])));
    if (wide[0] < start && !mixed) yield { text: stripNumber(text.slice(start, end)), end };
    i = wide[0] - 1;
  }
}

/** At most this many characters are taken around a number. */
const REACH = 300;

/** Space, or a sign of a script that is written without spaces. */
function isSpace(ch: string | undefined): boolean {
  if (ch === undefined || ch === " " || ch === "\n" || ch === "\t" || ch === "\r") return true;
  return ch > "\u2fff" && /[\u3000-\u30ff\u3400-\u9fff\uac00-\ud7af\uff01\uff0c\uff1a\uff1b\uff1f]/.test(ch);
}

function wordAround(text: string, at: number, from: number, to: number): [number, number] {
  let start = at;
  let end = at + 1;
  while (start > from && start > at - REACH && !isSpace(text[start - 1])) start--;
  while (end < to && end < at + REACH && !isSpace(text[end])) end++;
  return [start, end];
}

/** Grows over neighbouring words that an operator, a comma or a mixed number ties to the word. */
function widen(text: string, start: number, end: number, from: number, to: number): [number, number] {
  const limit = start - REACH;
  while (start > from && start > limit) {
    let stop = start;
    while (stop > from && (text[stop - 1] === " " || text[stop - 1] === "\t")) stop--;
    let begin = stop;
    while (begin > from && !isSpace(text[begin - 1])) begin--;
    const word = text.slice(begin, stop);
    if (stop < start && /^(?:minus|negative)$/i.test(word) && /^\d/.test(text.slice(start))) {
      start = begin;
      continue;
    }
    if (stop === start || word === "" || !isMathy(word) || /[.:;?]$/.test(word)) break;
    const tied =
      OPERATOR_END.test(word) ||
      OPERATOR_START.test(text.slice(start, start + 1)) ||
      (/^[-+(]?\$?\d[\d,]*$/.test(word) && /^\d/.test(text.slice(start)));
    if (!tied) break;
    start = begin;
  }
  const far = end + REACH;
  while (end < to && end < far) {
    let next = end;
    while (next < to && (text[next] === " " || text[next] === "\t")) next++;
    let stop = next;
    while (stop < to && !isSpace(text[stop])) stop++;
    const word = text.slice(next, stop);
    const percent = /^(?:%|percent|percentage|pct|degrees?)\b|^%/.test(word);
    if (next === end || word === "" || !(percent || isMathy(word)) || /[.:;?]$/.test(text.slice(end - 1, end))) break;
    if (!percent && !OPERATOR_START.test(word) && !/[+\-*/^=<>(×÷·]$/.test(text.slice(end - 1, end))) break;
    end = stop;
  }
  return [start, end];
}

/** The formula or number that a sentence begins with, before its first word of prose. */
export function leadingRun(text: string): string | undefined {
  if (!/^[\d(\\[{$+.-]/.test(text)) return undefined;
  let end = 0;
  while (end < text.length && end < REACH) {
    let stop = end;
    while (stop < text.length && !isSpace(text[stop])) stop++;
    if (stop > end && !isMathy(text.slice(end, stop))) break;
    while (stop < text.length && isSpace(text[stop])) stop++;
    end = stop;
  }
  const run = stripNumber(text.slice(0, end));
  return run === "" ? undefined : run;
}

/** Whether a word can be part of a formula: no run of letters but names of functions and commands. */
function isMathy(word: string): boolean {
  for (const run of word.match(/\\?[a-zA-Z]+/g) ?? []) {
    if (run.startsWith("\\") || run.length === 1) continue;
    if (!/^(?:sin|cos|tan|log|ln|exp|sqrt|pi|cot|sec|csc|arctan|inf|infty)$/.test(run)) return false;
  }
  return word !== "a" && word !== "I" && word !== "A";
}

/** A verb that may lead to a number in words. */
const LEADS = /^(?:is|are|was|were|be|equals|gives|get|gets|makes|has|have|had|exactly|total(?:ing)?|to)$/i;

/** The number that a text's last words name after a verb, with one word at most behind it: "there are twenty-one", "he has two apples". */
export function spelledNumber(text: string): string | undefined {
  const words = text
    .slice(-120)
    .trim()
    .replace(/[.!*\s]+$/, "")
    .split(/\s+/);
  for (const end of [words.length, words.length - 1]) {
    for (let from = Math.max(1, end - 6); from < end; from++) {
      const named = words.slice(from, end).join(" ");
      if (LEADS.test(words[from - 1]!) && (numberWord(named) ?? fractionWord(named)) !== undefined) return named;
    }
  }
  return undefined;
}

/** Without sentence punctuation and bold marks around it. */
export function strip(text: string): string {
  let from = 0;
  let to = text.length;
  while (from < to && ' \t\r\n*_"`~:,;'.includes(text[from]!)) from++;
  while (to > from && ' \t\r\n*_"`~:,;.?'.includes(text[to - 1]!) && !(text[to - 1] === "." && text[to - 2] === "."))
    to--;
  let out = text.slice(from, to);
  if (out.length > 2 && out.startsWith("'") && out.endsWith("'")) out = out.slice(1, -1);
  return out.startsWith("=>") ? out.slice(2) : out.startsWith("=") ? out.slice(1) : out;
}

/** A number cut out of a sentence: without a bracket whose partner stayed behind. */
function stripNumber(text: string): string {
  let out = strip(text);
  while (/^[)\]]/.test(out)) out = out.slice(1);
  if (/[)\]]$/.test(out) && !/[([]/.test(out)) out = out.slice(0, -1);
  if (/^[([]/.test(out) && !/[)\]]/.test(out)) out = out.slice(1);
  while (/[=<>+*/^-]$/.test(out)) out = out.slice(0, -1).trimEnd();
  return strip(out);
}

const GLUE = new Set([
  "and",
  "or",
  "percent",
  "percentage",
  "pct",
  "degrees",
  "mod",
  "sqrt",
  "infinity",
  "pi",
  "inf",
  "union",
  "degree",
  "real",
  "numbers",
  "except",
]);
const FUNCTION =
  /^(?:a?(?:sin|cos|tan|cot|sec|csc)h?|arc(?:sin|cos|tan)|ln|log|exp|sqrt|gcd|lcm|min|max|abs|floor|ceil|binom|det|theta|alpha|beta|gamma|lambda)$/;

/**
 * Words of prose in a text: letters that are no command, unit, function or connective; where a script does not part its words, two signs
 * are one. Stops counting at `enough`.
 */
export function proseWords(text: string, enough: number): number {
  let words = 0;
  let i = 0;
  while (i < text.length && words < enough) {
    const ch = text[i]!;
    if (ch === "\\") {
      while (text[i] === "\\") i++;
      const start = i;
      while (/[a-zA-Z]/.test(text[i] ?? "")) i++;
      if (/^(?:text|mbox|textbf|mathrm|operatorname|begin|end|textit|mathbf)/.test(text.slice(start, i))) {
        while (i < text.length && text[i] !== "}") i++;
      } else if (i === start) i++;
      continue;
    }
    if (!/\p{L}/u.test(ch)) {
      i++;
      continue;
    }
    const start = i;
    while (i < text.length && /[\p{L}'’]/u.test(text[i]!)) i++;
    const word = text.slice(start, i).toLowerCase();
    if (/^[\u2e80-\u9fff\uac00-\ud7af]/.test(word)) words += word.length >> 1;
    else if (word.length >= 2 && !GLUE.has(word) && !FUNCTION.test(word) && !isUnit(word)) words++;
  }
  return words;
}
