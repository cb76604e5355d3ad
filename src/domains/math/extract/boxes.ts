/** Finds `\boxed{…}` groups and says which of them are the answer. */

export interface Box {
  /** Where `\boxed` begins. */
  at: number;
  content: string;
  /** One past its closing brace. */
  end: number;
}

/** Commands that draw a box, and how models misspell them. */
const NAMES = ["\\boxed", "\\fbox", "\\framebox", "\\ovalbox", "\\beginboxed"];

/** A box whose backslash was lost. */
const LOST = "boxed{";

/** All boxes that lie in no other box, in order. Braces are matched once for the whole text. */
export function boxes(text: string): Box[] {
  const starts: number[] = [];
  for (const name of NAMES) {
    for (let at = text.indexOf(name); at >= 0; at = text.indexOf(name, at + name.length)) starts.push(at);
  }
  for (let at = text.indexOf(LOST); at >= 0; at = text.indexOf(LOST, at + 1))
    if (!/[\\a-zA-Z]/.test(text[at - 1] ?? " ") && text[at + LOST.length] !== "}") starts.push(at);
  if (starts.length === 0) return [];
  starts.sort((a, b) => a - b);
  const close = matchBraces(text);
  const found: Box[] = [];
  for (const at of starts) {
    if (found.length > 0 && at < found.at(-1)!.end) continue;
    let i = at + (NAMES.find((name) => text.startsWith(name, at))?.length ?? LOST.length - 1);
    while (text[i] === " " || text[i] === "\n") i++;
    if (text[i] === "{") {
      const end = close.get(i);
      if (end === undefined) found.push(openBox(text, at, i + 1));
      else found.push({ at, content: text.slice(i + 1, end), end: end + 1 });
    } else if (i < text.length) found.push(bareBox(text, at, i));
  }
  return found;
}

const DENIED = /\b(?:not|rather than|instead of)[\s$\\([]{0,4}$/i;

/** Boxes without those that a "not" stands before, if others are left. */
export function undenied(text: string, all: readonly Box[]): readonly Box[] {
  const kept = all.filter((box) => !DENIED.test(text.slice(Math.max(0, box.at - 16), box.at)));
  return kept.length > 0 ? kept : all;
}

/** `-` if one stands before a box as its sign. */
export function signBefore(text: string, box: Box): string {
  return /(?:^|[=$([{,])\s*[-−]\s*$/.test(text.slice(Math.max(0, box.at - 8), box.at)) ? "-" : "";
}

/** The closing brace of each opening one. */
function matchBraces(text: string): Map<number, number> {
  const close = new Map<number, number>();
  const stack: number[] = [];
  for (let i = 0; i < text.length; i++) {
    const ch = text[i];
    if (ch === "\\") i++;
    else if (ch === "{") stack.push(i);
    else if (ch === "}" && stack.length > 0) close.set(stack.pop()!, i);
  }
  return close;
}

/** A box that nothing closes ends with its line or its formula. */
function openBox(text: string, at: number, from: number): Box {
  let end = from;
  while (end < text.length && end < from + 2000 && text[end] !== "\n" && text[end] !== "$") end++;
  return { at, content: text.slice(from, end), end };
}

/** `\boxed 5`, `\boxed5`. */
function bareBox(text: string, at: number, from: number): Box {
  let end = from;
  while (end < text.length && end < from + 200 && !" \n$".includes(text[end]!)) end++;
  return { at, content: text.slice(from, end), end };
}

/** How far apart two boxes of one answer may stand. */
const NEAR = 70;

/** Boxes of one answer. */
const MAX_GROUP = 40;

const INFERENCE =
  /\b(?:so|thus|hence|therefore|then|gives?|which|means|implies|now|next|but|wait|finally|answer)\b|[.!?] +[A-Z]/i;

/**
 * The last group of boxes that form one answer: joined by commas, "and", "or", or standing side by side in one formula.
 * A chain of reasoning between two boxes parts them; so does a repeated content.
 */
export function lastGroup(text: string, all: readonly Box[]): Box[] {
  const group: Box[] = [];
  for (let k = all.length - 1; k >= 0 && all.length - k <= MAX_GROUP; k--) {
    const box = all[k]!;
    const next = group[0];
    if (next !== undefined && !belong(text.slice(box.end, next.at))) break;
    if (next !== undefined && box.content.trim() === next.content.trim()) continue;
    group.unshift(box);
  }
  return group;
}

/** A line drawn between two boxes: one sign, three times or more. */
const RULER = /^[\s$]*([-+*=~_.|])\1{2,}[\s$\\]*$/;

function belong(between: string): boolean {
  if (between.length <= NEAR && RULER.test(between)) return true;
  if (between.length > NEAR || INFERENCE.test(between) || between.includes("\n\n")) return false;
  const bare = between.replaceAll("\\quad", " ").replaceAll("\\text", " ").replaceAll("\\,", " ");
  if (/(?:\b(?:and|or)\b|[,;&])/.test(bare)) return true;
  return bare.trim() === "" && !between.includes("$") && !between.includes("\\)");
}

const WITHDRAWN =
  /\b(?:wait,? no\b|no,? wait|that(?:'s| is) (?:wrong|incorrect|not right|not correct)|this is (?:wrong|incorrect)|scratch that|i made (?:a|an) (?:mistake|error)|correction\b|not \\?boxed|should (?:actually )?be|let me (?:correct|redo|fix))/i;

/** Where the text after the last box takes it back, or -1. Only what follows at once counts. */
export function withdrawnAt(text: string, box: Box): number {
  const found = WITHDRAWN.exec(text.slice(box.end, box.end + 300));
  return found === null ? -1 : box.end + found.index + found[0].length;
}
