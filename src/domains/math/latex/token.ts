/** Tokens, and the state of the pass that makes them. Decides nothing about what a sign means. */
import { type Budget, spend } from "../budget.ts";

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

/** The pass over an answer's text. */
export interface State {
  text: string;
  i: number;
  out: Token[];
  sp: boolean;
  /** Open round, square and curly brackets: a comma inside them separates. */
  depth: number;
  matrix: number;
  budget: Budget;
}

export function push(state: State, k: TokenKind, s: string, extra?: Partial<Token>): undefined {
  state.out.push({ k, s, sp: state.sp, ...extra });
  state.sp = false;
}

/** The text of the braces that follow, or undefined if none do; leaves the position after them. */
export function readGroup(state: State): string | undefined {
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
