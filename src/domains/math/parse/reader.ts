/** A cursor over tokens, and the signals of the parser. Knows no grammar. */
import { type Budget, MAX_DEPTH, spend } from "../budget.ts";
import type { Token } from "../latex/token.ts";

/**
 * Thrown inside the parser when the tokens are not what it knows; the answer is then text or `unparsed`. No `Error`: it never leaves the
 * parser, it is part of the ordinary reading of prose, and a stack trace would cost more than the rest of a verdict.
 */
export class NotUnderstood {
  readonly what: string;

  constructor(what: string) {
    this.what = what;
  }
}

export interface Reader {
  tokens: readonly Token[];
  /** Next token, and one past the last. */
  i: number;
  end: number;
  /** What is left of a number token of which only the first digit was taken (`\frac12`). */
  pending: Token | undefined;
  /** Open absolute-value bars. */
  bars: number;
  depth: number;
  budget: Budget;
}

export function reader(tokens: readonly Token[], from: number, end: number, budget: Budget, depth: number): Reader {
  return { tokens, i: from, end, pending: undefined, bars: 0, depth, budget };
}

export function peek(r: Reader): Token | undefined {
  return r.pending ?? (r.i < r.end ? r.tokens[r.i] : undefined);
}

export function after(r: Reader, n: number): Token | undefined {
  return r.i + n < r.end ? r.tokens[r.i + n] : undefined;
}

export function take(r: Reader): Token {
  spend(r.budget, 1);
  const token = peek(r);
  if (token === undefined) throw new NotUnderstood("the formula ends too early");
  if (r.pending !== undefined) r.pending = undefined;
  r.i++;
  return token;
}

export function isOp(token: Token | undefined, s: string): boolean {
  return token !== undefined && token.k === "op" && token.s === s;
}

export function isOpen(token: Token | undefined, s: string): boolean {
  return token !== undefined && token.k === "open" && token.s === s;
}

/** Runs `read` one level deeper, or refuses. */
export function deeper<T>(r: Reader, read: () => T): T {
  if (r.depth >= MAX_DEPTH) throw new NotUnderstood("brackets nest too deep");
  r.depth++;
  const result = read();
  r.depth--;
  return result;
}

/** The index of the bracket that closes the one at `open`, or -1. Round and square brackets may close each other, as in `[0,1)`. */
export function closing(tokens: readonly Token[], open: number, end: number): number {
  const curly = tokens[open]!.s === "{" && tokens[open]!.k === "open";
  let depth = 0;
  let inner = 0;
  for (let i = open; i < end; i++) {
    const token = tokens[i]!;
    if (token.k === "open") {
      if (token.s === "{") inner++;
      else depth++;
    } else if (token.k === "close") {
      if (token.s === "}") inner--;
      else depth--;
      if (curly ? inner === 0 : depth === 0 && inner === 0) return i;
      if (inner < 0) return -1;
    }
  }
  return -1;
}
