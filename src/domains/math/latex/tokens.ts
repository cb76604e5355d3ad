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
  SIUNITX,
  STACKED,
  STRUCTURE,
  SWITCHES,
  TEXT,
  UNKNOWN_SIGNS,
  WRAPPER,
} from "./commands.ts";
import { scanNumber, startsDecimal } from "./numbers.ts";
import { isForeign, letters } from "./runs.ts";
import { environment, fontCommand, fontSwitch, measuredCommand, stackedCommand, textCommand } from "./texts.ts";
import { push, readGroup, type State, type Token } from "./token.ts";

/** The tokens of `source`. Never throws but `OutOfBudget`. */
export function tokenize(source: string, budget: Budget): Token[] {
  const state: State = { text: clean(source), i: 0, out: [], sp: false, depth: 0, matrix: 0, budget };
  while (state.i < state.text.length) {
    spend(budget, 1);
    step(state);
  }
  return spokenSigns(ungrouped(state.out));
}

/** Without braces around a lone sign, `{-}5`, and without an empty group that only carries a script, `5{}^\circ`. */
function ungrouped(tokens: Token[]): Token[] {
  let kept = 0;
  for (let i = 0; i < tokens.length; i++) {
    const [before, open, next, after] = [tokens[kept - 1], tokens[i]!, tokens[i + 1], tokens[i + 2]];
    const group = open.k === "open" && open.s === "{" && next !== undefined && !takesGroup(before);
    if (group && next.k === "op" && after?.k === "close" && after.s === "}") {
      tokens[kept++] = { ...next, sp: open.sp };
      i += 2;
    } else if (group && next.k === "close" && endsOperand(before) && isScript(after)) i += 1;
    else tokens[kept++] = open;
  }
  tokens.length = kept;
  return tokens;
}

function takesGroup(before: Token | undefined): boolean {
  return isScript(before) || ["cmd", "accent", "fn", "begin"].includes(before?.k ?? "");
}

function endsOperand(before: Token | undefined): boolean {
  return ["num", "letter", "word", "text", "close", "const"].includes(before?.k ?? "");
}

function isScript(token: Token | undefined): boolean {
  return token?.k === "op" && (token.s === "^" || token.s === "_");
}

const SIGN_WORDS: ReadonlyMap<string, string> = new Map(
  Object.entries({ minus: "-", negative: "-", plus: "+", times: "*", x: "*", X: "*" }),
);

/** `minus 5`, `3 times 4`, `1.3 x 10^4`: words that are signs before a number; those for products also need one before them. */
function spokenSigns(tokens: Token[]): Token[] {
  for (let i = 0; i + 1 < tokens.length; i++) {
    const [token, next] = [tokens[i]!, tokens[i + 1]!];
    if (next.k !== "num" || (token.k !== "text" && token.k !== "word" && token.k !== "letter")) continue;
    const sign = SIGN_WORDS.get(token.k === "letter" ? token.s : token.s.toLowerCase());
    if (sign === undefined || (sign === "*" && tokens[i - 1]?.k !== "num")) continue;
    if (token.k === "letter" && !(token.sp && next.sp) && next.s !== "10") continue;
    tokens[i] = { k: "op", s: sign, sp: token.sp };
  }
  return tokens;
}

function step(state: State): undefined {
  const { text } = state;
  const ch = text[state.i]!;
  const code = text.charCodeAt(state.i);
  if (ch === " ") {
    state.sp = true;
    state.i++;
  } else if (isDigit(code) || (ch === "." && startsDecimal(text, state.i))) {
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
      else if (betweenItems(state)) push(state, "sep", "and");
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

/** `20 & 18`: outside rows of cells, a sign between two numbers or brackets joins them. */
function betweenItems(state: State): boolean {
  const [last, next] = [state.out.at(-1)?.k, /^ ?[\d(-]/.test(state.text.slice(state.i, state.i + 2))];
  return next && (last === "num" || last === "close");
}

/** A full stop ends a sentence or a `\left.`: it has no meaning inside an answer. */
function period(state: State): undefined {
  state.sp = true;
}

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
  if (UNKNOWN_SIGNS.has(name)) return push(state, "op", name);
  if (SWITCHES.has(name)) return fontSwitch(state, name);
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
  if (SIUNITX.has(name)) return measuredCommand(state, name);
  if (STACKED.has(name)) return stackedCommand(state);
  if (name === "cr") return push(state, "nl", "\\\\");
  const constant = CONSTANTS.get(name);
  if (constant !== undefined && name !== "Pi") return push(state, "const", constant);
  if (GREEK.has(name) || name === "Pi") return push(state, "letter", SAME_LETTER.get(name) ?? name);
  if (ACCENT.has(name)) return push(state, "accent", name);
  if (DOTS.has(name)) return push(state, "dots", "...");
  if (name === "emptyset" || name === "varnothing") return push(state, "empty", name);
  if (name === "begin" || name === "end") return environment(state, name);
  if (WRAPPER.has(name)) return wrapper(state, name);
  const drop = DROPPED.get(name);
  if (drop !== undefined) {
    for (let n = 0; n < drop; n++) readGroup(state);
    state.sp = true;
    return;
  }
  push(state, "unknown", `\\${name}`);
}

/** `\smash[b]{…}` says which half is flattened. */
function wrapper(state: State, name: string): undefined {
  if (name === "smash" && /^\[[tb]\]/.test(state.text.slice(state.i, state.i + 3))) state.i += 3;
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
