/** Reads equations, inequalities, memberships and congruences, chains of them included. The sides are `answer.ts`'s. */
import { side } from "./answer.ts";
import { type Context, eachTop, opIs, spelling } from "./context.ts";
import { parseExpression } from "./expression.ts";
import { closing, NotUnderstood } from "./reader.ts";
import type { Answer, Expr, RelationOp } from "./tree.ts";

export const RELATIONS = new Set(["=", "!=", "<", "<=", ">", ">=", "in", "notin", "~", "≡"]);

export function item(c: Context, from: number, end: number, level: number): Answer {
  const rule = mapping(c, from, end, level);
  if (rule !== undefined) return rule;
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

/** `f: x \mapsto x^2` is `f(x) = x^2`. */
function mapping(c: Context, from: number, end: number, level: number): Answer | undefined {
  const [name, colon, argument, arrow] = c.tokens.slice(from, from + 4);
  if (!opIs(arrow, "↦") || !opIs(colon, ":") || name?.k !== "letter" || argument?.k !== "letter") return undefined;
  const args: Expr[] = [{ kind: "sym", name: argument.s }];
  const called: Answer = { kind: "scalar", expr: { kind: "app", name: name.s, args }, unit: undefined };
  return { kind: "relation", sides: [called, side(c, from + 4, end, level + 1)], ops: ["="] };
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

/** `x \equiv 3 \pmod 7`, `x \equiv 3 \bmod 7`, `3 (mod 7)`. */
function congruence(c: Context, from: number, end: number): Answer | undefined {
  let at = -1;
  let congruent = false;
  for (let i = from; i < end; i++) {
    const token = c.tokens[i]!;
    congruent ||= opIs(token, "≡");
    if (
      opIs(token, "pmod") ||
      (token.k === "open" && opIs(c.tokens[i + 1], "mod")) ||
      (congruent && opIs(token, "mod"))
    ) {
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
