/** What the readers of an answer share: its tokens, and how to walk over them outside brackets. Knows no shape. */
import type { Budget } from "../budget.ts";
import type { Token } from "../latex/token.ts";

export interface Context {
  tokens: readonly Token[];
  budget: Budget;
  /** The text that is parsed, for what stays text. */
  source: string;
  numbersInText: boolean;
  depth: number;
}

export function opIs(token: Token | undefined, s: string): boolean {
  return token !== undefined && token.k === "op" && token.s === s;
}

/** Calls `cut(i)` at each token outside brackets and environments. */
export function eachTop(c: Context, from: number, end: number, visit: (token: Token, i: number) => void): void {
  let depth = 0;
  for (let i = from; i < end; i++) {
    const token = c.tokens[i]!;
    if (token.k === "open" || token.k === "begin") depth++;
    else if (token.k === "close" || token.k === "end") depth--;
    else if (depth <= 0) visit(token, i);
  }
}

export function spelling(c: Context, from: number, end: number): string {
  let out = "";
  for (let i = from; i < end; i++) {
    const token = c.tokens[i]!;
    out += (token.sp || i === from || (isWordy(token) && isWordy(c.tokens[i - 1]!)) ? " " : "") + token.s;
  }
  return out.trim();
}

export function isWordy(token: Token): boolean {
  return token.k === "text" || token.k === "word";
}
