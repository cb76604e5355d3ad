/** Reads what stands in brackets: tuples, intervals, sets, groups; and names of sets with what joins them. Items are `answer.ts`'s. */
import type { Token } from "../latex/token.ts";
import { list, spread } from "./answer.ts";
import { type Context, eachTop, opIs } from "./context.ts";
import { int } from "./literals.ts";
import { closing } from "./reader.ts";
import { item } from "./relations.ts";
import type { Answer, Expr } from "./tree.ts";

/** `]2, 5[`: intervals whose open ends wear a bracket turned away, as intervals of the other school. The tokens themselves where brackets match. */
export function straightened(tokens: Token[]): Token[] {
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

/** The operator between two sets that `token` is, if it is one. */
export function setOperator(
  c: Context,
  token: Token,
  i: number,
  from: number,
  end: number,
): "union" | "intersection" | "minus" | undefined {
  if (i === from || i === end - 1) return undefined;
  if (token.k === "op" && token.s !== "-")
    return token.s === "∪" ? "union" : token.s === "∩" ? "intersection" : token.s === "∖" ? "minus" : undefined;
  const between = c.tokens[i - 1]!.k === "close" && c.tokens[i + 1]!.k === "open";
  if (
    between &&
    ((token.k === "letter" && token.s === "U" && (token.sp || c.tokens[i + 1]!.sp || opensPair(c, i + 1, end))) ||
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

/** Whether the bracket at `open` holds items that a comma separates. */
function opensPair(c: Context, open: number, end: number): boolean {
  const close = closing(c.tokens, open, end);
  return c.tokens.slice(open, Math.max(close, open)).some((t) => t.k === "sep");
}

/** A whole bracketed group: tuple, interval, set, or just a group. */
export function bracketed(c: Context, from: number, end: number, level: number): Answer | undefined {
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

const ENDLESS: Expr = { kind: "const", name: "infinity" };

/** `\mathbb{R}^+`, `\mathbb{R}_{\ge 0}`, `\mathbb{Z}^-`: a set with a name, cut at zero. Undefined where the marks are others. */
export function halved(c: Context, from: number, end: number): Answer | undefined {
  const name = c.tokens[from]!.s;
  const marks = c.tokens
    .slice(from + 1, end)
    .filter((t) => t.s !== "{" && t.s !== "}")
    .map((t) => t.s)
    .join("");
  const [positive, open] = [/^(?:\^\+|_\+|_>0|_>=0|_0\^\+|\^\+_0)$/.test(marks), !/=|0\^|_0/.test(marks)];
  if (/^\^\*$/.test(marks) && name !== "R") return { kind: "named", name: `${name}^*` };
  if (!positive && !/^(?:\^-|_-|_<0|_<=0)$/.test(marks)) return undefined;
  if (name !== "R") return { kind: "named", name: `${name}${marks}` };
  const zero = int(0);
  return positive
    ? { kind: "interval", low: zero, high: ENDLESS, lowOpen: open, highOpen: true }
    : { kind: "interval", low: { kind: "neg", arg: ENDLESS }, high: zero, lowOpen: true, highOpen: open };
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

/** `\{…\}`: a list of elements, or `\{x : condition\}`, or `\{n\pi : n \in \mathbb{Z}\}`. */
function setBraces(c: Context, from: number, end: number, level: number): Answer {
  if (end - from === 2) return { kind: "set", items: [] };
  let bar = -1;
  eachTop(c, from + 1, end - 1, (token, i) => {
    if (bar < 0 && (opIs(token, "|") || opIs(token, ":"))) bar = i;
  });
  const headIsName = bar === from + 2 || (bar > 0 && c.tokens.slice(from + 1, bar).some((t) => opIs(t, "in")));
  if (bar > 0 && headIsName) return list(c, bar + 1, end - 1, level + 1);
  if (bar > 0 && c.tokens.slice(bar + 1, end - 1).some((t) => opIs(t, "in"))) {
    const [head, condition] = [item(c, from + 1, bar, level + 1), item(c, bar + 1, end - 1, level + 1)];
    return { kind: "list", items: [head, condition], joiner: "comma" };
  }
  const inner = list(c, from + 1, end - 1, level + 1);
  return { kind: "set", items: inner.kind === "list" ? inner.items : [inner] };
}
