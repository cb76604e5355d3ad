/** Turns the text of an answer into tokens: one pass, no backtracking. It names things; what they mean together is the parser's. */
import { type Budget, spend } from "../budget.ts";
import { clean, isDigit, isLetter } from "./clean.ts";
import {
  ACCENT,
  CLOSERS,
  CONSTANTS,
  DOTS,
  DROPPED,
  FONT,
  FUNCTIONS,
  GREEK,
  IGNORED,
  isCommand,
  OPENERS,
  OPERATORS,
  SAME_LETTER,
  STRUCTURE,
  TEXT,
  WRAPPER,
} from "./commands.ts";
import { scanNumber } from "./numbers.ts";

export type TokenKind =
  | "num"
  | "letter"
  | "word"
  | "fn"
  | "const"
  | "cmd"
  | "accent"
  | "op"
  | "open"
  | "close"
  | "text"
  | "sep"
  | "nl"
  | "amp"
  | "begin"
  | "end"
  | "dots"
  | "cur"
  | "set"
  | "empty"
  | "unknown";

export interface Token {
  k: TokenKind;
  /** The canonical spelling: `+`, `sin`, `alpha`, `1234.5`, … */
  s: string;
  /** Whether space stood before it. */
  sp: boolean;
  /** Of a number: the repeating digits after those of `s`, if any. */
  repeat?: string;
  /** Of a number: written with plain commas between groups of three, so that it might be a list. */
  commas?: boolean;
  /** Of a letter: it came from a text or font command. */
  font?: string;
}

/** Environments that hold rows of cells. */
const MATRICES = new Set("matrix pmatrix bmatrix Bmatrix vmatrix Vmatrix smallmatrix array cases".split(" "));

interface State {
  text: string;
  i: number;
  out: Token[];
  sp: boolean;
  /** Open round, square and curly brackets: a comma inside them separates. */
  depth: number;
  matrix: number;
  budget: Budget;
}

/** The tokens of `source`. Never throws but `OutOfBudget`. */
export function tokenize(source: string, budget: Budget): Token[] {
  const state: State = { text: clean(source), i: 0, out: [], sp: false, depth: 0, matrix: 0, budget };
  while (state.i < state.text.length) {
    spend(budget, 1);
    step(state);
  }
  return state.out;
}

function push(state: State, k: TokenKind, s: string, extra?: Partial<Token>): undefined {
  state.out.push({ k, s, sp: state.sp, ...extra });
  state.sp = false;
}

function step(state: State): undefined {
  const { text } = state;
  const ch = text[state.i]!;
  const code = text.charCodeAt(state.i);
  if (ch === " ") {
    state.sp = true;
    state.i++;
  } else if (isDigit(code) || (ch === "." && isDigit(text.charCodeAt(state.i + 1)))) {
    number(state);
  } else if (isLetter(code) || isForeign(state.text, state.i)) {
    letters(state);
  } else if (ch === "\\") {
    command(state);
  } else {
    sign(state, ch);
  }
}

function number(state: State): undefined {
  const found = scanNumber(state.text, state.i, state.depth === state.matrix);
  state.i = found.end;
  push(state, "num", found.digits, {
    ...(found.repeat === undefined ? {} : { repeat: found.repeat }),
    ...(found.commas ? { commas: true } : {}),
  });
}

/** Two-sign operators, longest first. */
const PAIRS: ReadonlyMap<string, string> = new Map(
  Object.entries({
    "<=": "<=",
    ">=": ">=",
    "=<": "<=",
    "!=": "!=",
    "==": "=",
    "~=": "~",
    "=>": "⇒",
    "->": "→",
    "**": "^",
    "+-": "±",
    "-+": "∓",
    "<>": "!=",
    ":=": "=",
  }),
);

function sign(state: State, ch: string): undefined {
  const { text } = state;
  const three = text.slice(state.i, state.i + 3);
  if (three === "..." || three === "+/-" || three === "<=>") {
    push(state, three === "..." ? "dots" : "op", three === "..." ? "..." : three === "<=>" ? "⇔" : "±");
    state.i += 3;
    while (text[state.i] === ".") state.i++;
    return;
  }
  const pair = PAIRS.get(text.slice(state.i, state.i + 2));
  if (pair !== undefined && !(pair === "±" && !signedPair(state)) && pair !== "∓") {
    push(state, "op", pair);
    state.i += 2;
    return;
  }
  state.i++;
  switch (ch) {
    case "(":
    case "[":
      state.depth++;
      push(state, "open", ch);
      return;
    case ")":
    case "]":
      state.depth = Math.max(0, state.depth - 1);
      push(state, "close", ch);
      return;
    case "{":
      if (text.startsWith(":}", state.i)) {
        state.i += 2;
        push(state, "op", ":");
      } else push(state, "open", "{");
      return;
    case "}":
      push(state, "close", "}");
      return;
    case ",":
    case ";":
      push(state, "sep", ch);
      return;
    case "&":
      if (state.matrix > 0) push(state, "amp", "&");
      return;
    case "$":
      push(state, "cur", "$");
      return;
    case ".":
      period(state);
      return;
    case '"':
    case "`":
    case "#":
    case "@":
    case "~":
    case "?":
      state.sp = true;
      return;
    case "°":
      push(state, "op", "°");
      return;
    case "∪":
      push(state, "op", "∪");
      return;
    default:
      push(state, "+-*/^_=<>!|:%'".includes(ch) ? "op" : "unknown", ch);
  }
}

/** `+-` is ± only where no operand can end between them: `3 +-2` stays a sum with a negative number. */
function signedPair(state: State): boolean {
  const last = state.out.at(-1);
  return last === undefined || last.k === "op" || last.k === "open" || last.k === "sep";
}

/** A full stop ends a sentence or a `\left.`: it has no meaning inside an answer. */
function period(state: State): undefined {
  state.sp = true;
}

function letters(state: State): undefined {
  const { text } = state;
  let end = state.i;
  let foreign = false;
  while (end < text.length) {
    if (isForeign(text, end)) foreign = true;
    else if (!isLetter(text.charCodeAt(end))) break;
    end++;
  }
  const run = text.slice(state.i, end);
  if (foreign) {
    state.i = end;
    return push(state, "text", run);
  }
  const joiner = state.i > 0 && "0123456789)}]".includes(text[state.i - 1]!) ? gluedJoiner(run) : 0;
  state.i = end;
  if (joiner > 0) plainRun(state, run.slice(0, joiner));
  plainRun(state, run.slice(joiner));
}

/** Whether a letter of another script stands at `i`: it is part of a word, never a symbol. */
function isForeign(text: string, i: number): boolean {
  return text.charCodeAt(i) > 191 && /\p{L}|\p{M}/u.test(text[i]!);
}

/** Length of the "or" or "and" that nothing parts from a value before it and a name after it (`x=1orx=2`), or 0. */
function gluedJoiner(run: string): number {
  const length = run.startsWith("or") ? 2 : run.startsWith("and") ? 3 : 0;
  return run.length === length + 1 ? length : 0;
}

const SEPARATORS = new Set(["and", "or", "And", "Or", "AND", "OR"]);
const PERCENT = new Set(["percent", "percentage", "pct", "Percent"]);

function plainRun(state: State, run: string): undefined {
  if (run.length === 1) return push(state, "letter", run);
  if (SEPARATORS.has(run)) return push(state, "sep", run.toLowerCase());
  if (PERCENT.has(run)) return push(state, "op", "%");
  if (run === "degrees" || run === "degree") return push(state, "op", "°");
  if (run === "mod") return push(state, "op", "mod");
  const named = FUNCTIONS.get(run);
  if (named !== undefined) return push(state, named === "sqrt" || named === "cbrt" ? "cmd" : "fn", named);
  const constant = CONSTANTS.get(run);
  if (constant !== undefined) return push(state, "const", constant);
  if (GREEK.has(run) && run.length > 2) return push(state, "letter", SAME_LETTER.get(run) ?? run);
  if (run === "emptyset") return push(state, "empty", run);
  const head = glued(run);
  if (head !== undefined) {
    plainRun(state, run.slice(0, head));
    return plainRun(state, run.slice(head));
  }
  push(state, "word", run);
}

/** Where `sinx`, `lnab` or `pir` divide into a name and one or two letters. */
function glued(run: string): number | undefined {
  for (const n of [3, 2, 4]) {
    const head = run.slice(0, n);
    const tail = run.slice(n);
    if (tail.length < 1 || tail.length > 2) continue;
    if (head === "pi" && tail.length === 1) return n;
    if (
      (head === "sin" ||
        head === "cos" ||
        head === "tan" ||
        head === "cot" ||
        head === "log" ||
        head === "ln" ||
        head === "exp" ||
        head === "sqrt") &&
      !COMMON.has(run)
    )
      return n;
  }
  return undefined;
}

/** Words that begin like a function's name and are none. */
const COMMON = new Set([
  "since",
  "sing",
  "sins",
  "cost",
  "cosy",
  "tank",
  "logs",
  "logic",
  "expo",
  "pig",
  "pin",
  "pit",
  "pie",
  "lane",
]);

function command(state: State): undefined {
  const { text } = state;
  const start = state.i + 1;
  const next = text[start];
  if (next === undefined) {
    state.i = start;
    return;
  }
  if (!isLetter(text.charCodeAt(start))) return signCommand(state, next);
  let end = start + 1;
  while (end < text.length && isLetter(text.charCodeAt(end))) end++;
  let name = text.slice(start, end);
  if (!isCommand(name) && name !== "boxed" && name !== "fbox") {
    const known = knownPrefix(name);
    if (known > 0) {
      end = start + known;
      name = name.slice(0, known);
    }
  }
  state.i = end;
  if (text[end] === "*" && (name === "operatorname" || name === "hspace")) state.i++;
  named(state, name);
}

/** Length of the longest proper prefix of a run-together command (`\quadx`, `\cdotp`) that is a command, or 0. */
function knownPrefix(name: string): number {
  for (let n = Math.min(name.length - 1, 14); n >= 2; n--) if (isCommand(name.slice(0, n))) return n;
  return 0;
}

function signCommand(state: State, next: string): undefined {
  state.i += 2;
  if (next === "\\") {
    push(state, "nl", "\\\\");
    if (state.text[state.i] === "[") skipBracket(state);
  } else if (next === "{" || next === "}") {
    const open = next === "{";
    state.depth = Math.max(0, state.depth + (open ? 1 : -1));
    push(state, open ? "open" : "close", `\\${next}`);
  } else if (next === "|") push(state, "op", "‖");
  else if (next === "%") push(state, "op", "%");
  else if (next === "$") push(state, "cur", "$");
  else if (next === "&") push(state, "sep", "and");
  else if (next === "'" || next === "`" || next === "^" || next === '"') state.sp = true;
  else if (next === "!") return;
  else if (next === "(" || next === ")" || next === "[" || next === "]") state.sp = true;
  else if (isDigit(next.charCodeAt(0))) state.i--;
  else state.sp = true;
}

/** `\\[2pt]`: a distance, if short and closed. */
function skipBracket(state: State): undefined {
  const close = state.text.indexOf("]", state.i);
  const inside = close < 0 ? "" : state.text.slice(state.i + 1, close);
  if (close > 0 && inside.length < 8 && /^[\d.]+ ?(?:pt|ex|em|mm|cm)$/.test(inside)) state.i = close + 1;
}

function named(state: State, name: string): undefined {
  const operator = OPERATORS.get(name);
  if (operator === "cur") return push(state, "cur", name);
  if (operator !== undefined) return push(state, "op", operator);
  if (IGNORED.has(name)) return ignored(state, name);
  const open = OPENERS.get(name);
  if (open !== undefined) return bracket(state, "open", open);
  const close = CLOSERS.get(name);
  if (close !== undefined) return bracket(state, "close", close);
  const structure = STRUCTURE.get(name);
  if (structure !== undefined) return push(state, "cmd", structure);
  const fn = FUNCTIONS.get(name);
  if (fn !== undefined) return push(state, "fn", fn);
  if (TEXT.has(name)) return textCommand(state, name);
  if (FONT.has(name)) return fontCommand(state, name);
  const constant = CONSTANTS.get(name);
  if (constant !== undefined && name !== "Pi") return push(state, "const", constant);
  if (GREEK.has(name) || name === "Pi") return push(state, "letter", SAME_LETTER.get(name) ?? name);
  if (ACCENT.has(name)) return push(state, "accent", name);
  if (DOTS.has(name)) return push(state, "dots", "...");
  if (name === "emptyset" || name === "varnothing") return push(state, "empty", name);
  if (name === "begin" || name === "end") return environment(state, name);
  if (WRAPPER.has(name)) return;
  const drop = DROPPED.get(name);
  if (drop !== undefined) {
    for (let n = 0; n < drop; n++) readGroup(state);
    state.sp = true;
    return;
  }
  push(state, "unknown", `\\${name}`);
}

function bracket(state: State, k: "open" | "close", s: string): undefined {
  state.depth = Math.max(0, state.depth + (k === "open" ? 1 : -1));
  push(state, k, s);
}

function ignored(state: State, name: string): undefined {
  if ((name === "left" || name === "right") && state.text[state.i] === ".") state.i++;
  if (name.includes("quad") || name === "space" || name === "hfill") state.sp = true;
  if (name === "quad" || name === "qquad") push(state, "op", "quad");
}

/** The text of the braces that follow, or undefined if none do; leaves the position after them. */
function readGroup(state: State): string | undefined {
  const { text } = state;
  let i = state.i;
  while (text[i] === " ") i++;
  if (text[i] !== "{") return undefined;
  let depth = 0;
  for (let j = i; j < text.length; j++) {
    const ch = text[j];
    if (ch === "\\") j++;
    else if (ch === "{") depth++;
    else if (ch === "}" && --depth === 0) {
      state.i = j + 1;
      spend(state.budget, (j - i) >> 2);
      return text.slice(i + 1, j);
    }
  }
  state.i = text.length;
  return text.slice(i + 1);
}

function textCommand(state: State, name: string): undefined {
  const raw = readGroup(state);
  if (raw === undefined) return;
  const content = raw.replaceAll("~", " ").replaceAll("$", "").trim();
  const lower = content.toLowerCase().replaceAll("\\", "").trim();
  const word = trimPunctuation(lower);
  const joined = /^(.*\S)\s+(and|or)$/i.exec(content);
  if (joined !== null) {
    push(state, "text", joined[1]!);
    return push(state, "sep", joined[2]!.toLowerCase());
  }
  if (content === "") {
    state.sp = true;
  } else if (word === "and" || word === "or") push(state, "sep", word);
  else if (lower === "," || lower === ";") push(state, "sep", lower);
  else if (lower === "%" || PERCENT.has(word)) push(state, "op", "%");
  else if (word === "degrees" || word === "degree" || lower === "°") push(state, "op", "°");
  else if (content.length === 1 && isLetter(content.charCodeAt(0))) push(state, "letter", content, { font: name });
  else if (FUNCTIONS.has(content)) plainRun(state, content);
  else push(state, "text", content);
}

function trimPunctuation(s: string): string {
  let from = 0;
  let to = s.length;
  while (from < to && ",;. ".includes(s[from]!)) from++;
  while (to > from && ",;. ".includes(s[to - 1]!)) to--;
  return s.slice(from, to);
}

const SETS: ReadonlyMap<string, string> = new Map(Object.entries({ R: "R", Z: "Z", N: "N", Q: "Q", C: "C" }));

function fontCommand(state: State, name: string): undefined {
  const raw = readGroup(state);
  if (raw === undefined) return;
  const content = raw.trim();
  if ((name === "mathbb" || name === "Bbb") && SETS.has(content)) return push(state, "set", content);
  if (content.length === 1 && isLetter(content.charCodeAt(0))) return push(state, "letter", content, { font: name });
  const bare = content.startsWith("\\") ? content.slice(1) : content;
  if (FUNCTIONS.has(bare)) return plainRun(state, bare);
  const inner = content.replaceAll("~", " ").replaceAll("\\,", " ").replaceAll("\\ ", " ");
  if (isWords(inner)) {
    const word = inner.trim().toLowerCase();
    if (word === "and" || word === "or") return push(state, "sep", word);
    if (PERCENT.has(word)) return push(state, "op", "%");
    return push(state, "text", inner.trim());
  }
  for (const token of tokenize(content, state.budget)) push(state, token.k, token.s, token);
}

function isWords(s: string): boolean {
  for (let i = 0; i < s.length; i++)
    if (!isLetter(s.charCodeAt(i)) && s[i] !== " " && s[i] !== "." && s[i] !== "-") return false;
  return s.trim().length > 1;
}

function environment(state: State, which: "begin" | "end"): undefined {
  const name = (readGroup(state) ?? "").replace("*", "");
  if (!MATRICES.has(name)) {
    state.sp = true;
    return;
  }
  if (which === "begin") {
    state.matrix++;
    if (name === "array") readGroup(state);
  } else state.matrix = Math.max(0, state.matrix - 1);
  state.depth = Math.max(0, state.depth + (which === "begin" ? 1 : -1));
  push(state, which, name);
}
