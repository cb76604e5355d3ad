/** Takes an answer out of the words around it: remarks, conditions, exceptions, letters of choices. The formula itself is `answer.ts`'s. */
import type { Answer } from "./tree.ts";

/** Reads a part of the text as an answer of its own. */
type Read = (text: string) => Answer;

const REMARK =
  /(?:\\text\s?\{)?\s?\(\s?(?:\\approx|≈|since|because|where|when|for|if|approximately|approx|about|rounded|i\.e|which|as|reject\w*|discard\w*|excluding|ignoring|assuming|taking|not)(?![a-z])/i;

/** A condition or a rejected value in brackets of its own, at the end. */
const ASIDE =
  /(?<=[\d)}a-z\s;,])(?:\\[;, ]|\\q?quad|\s)+(?:\\text\s?\{\s?)?\((?:[^()]{1,40}(?:[<>≤≥≠]|\\(?:[gln]eq?|[gl]eqslant|in|notin|[lg]t)\b)[^()]{1,30}|[^()]{1,60}\b(?:reject|discard|extraneous|invalid|impossible)[^()]{0,30})\)[\s}.]*$/;

/** Where a remark in brackets begins that explains the answer, or -1. */
export function remarkAt(text: string): number {
  if (!text.includes("(")) return -1;
  const at = text.search(REMARK);
  if (at >= 0) return at;
  const end = Math.max(0, text.length - 160);
  const aside = text.slice(end).search(ASIDE);
  return aside <= 0 ? -1 : end + aside;
}

/** "1/2 (or 0.5)": a value and another form of it, which must be right, too. */
export function otherForm(text: string, read: Read): Answer | undefined {
  const found = text.length < 200 ? /^(.*\S)\s*(?:\\text\s?\{\s?)?\(\s?or\s([^()]+)\)[}.\s]*$/.exec(text) : null;
  return found === null ? undefined : { kind: "list", items: [read(found[1]!), read(found[2]!)], joiner: "or" };
}

const CLOSING =
  /(?:[\s,.;]|\\[,;!]|\\q?quad)+(?:\\text\s?\{\s?)?(?:q\.?e\.?d|as (?:desired|required|claimed|needed|requested)|\\blacksquare|\\square|\\Box|∎|□|■)[.}\s]*$/i;

/** Where the words begin that close a proof after the answer, or -1. */
export function closingAt(text: string): number {
  return CLOSING.exec(text.slice(-40)) === null ? -1 : text.slice(-40).search(CLOSING) + Math.max(0, text.length - 40);
}

/** The last kind bounds a letter and ends the text: a case of several is no qualification. */
const QUALIFIED =
  /\b(?:for (?:some|all|any|every|each)|for (?=(?:an )?integers?\b)|where|such that)\b|\\forall\b|∀|\bfor(?=[\s}$]{1,4}[a-z][\s$]{0,2}(?:\\[gln]eq?|[<>=≥≤≠])[\s$]{0,2}-?\d{1,4}[\s}$.]*$)/i;

/** All real numbers without those that `rest` lists. */
export function allBut(rest: string, read: Read): Answer {
  const left = read(rest);
  const points = left.kind === "relation" && left.ops[0] === "=" ? left.sides[1]! : left;
  const items = points.kind === "list" ? points.items : [points];
  return { kind: "setop", op: "minus", left: { kind: "named", name: "R" }, right: { kind: "set", items } };
}

/** How the words after a formula say that a letter is an integer. */
const INTEGER = [
  /\bintegers?[\s}$]+([a-z])\b/,
  /\b([a-z])[\s}$]+(?:\\text\s?\{)?\s?(?:is|are|be)?\s?(?:an?|any|all|some)?\s?integers?\b/,
  /\b([a-z])[\s}$]*\\in[\s{$]*\\mathbb\s?\{?Z/,
];

/** How they say that a letter is arbitrary. */
const ARBITRARY = [
  /^[\s}$]*(?:(?:real|arbitrary|fixed|complex|non-?zero|constants?|numbers?)[\s}$]+){0,3}([a-zA-Z])[\s}$.]*(?:\\in[\s{$]*\\mathbb\s?\{?[RC]\}?|\\in[\s$]*[ℝℂ])?[\s}$.]*$/,
  /^[\s}$]*([a-zA-Z])[\s}$]+(?:\\text\s?\{)?\s?(?:is|are|be)\s(?:an?|any|some)\s(?:(?:arbitrary|real|fixed|complex|non-?zero)\s){0,2}(?:constant|number)/,
];

/** A formula followed by what its letters are: read without that, but for a letter that is an integer. Undefined where no formula comes first. */
export function qualified(text: string, read: Read): Answer | undefined {
  const found = text.length < 1000 ? QUALIFIED.exec(text) : null;
  if (found === null || found.index === 0) return undefined;
  const before = beforeRemark(text.slice(0, found.index));
  if (before === "" || unclosed(before)) return undefined;
  const head = read(before);
  if (head.kind === "text" || head.kind === "unparsed") return undefined;
  return declared(head, text.slice(found.index + found[0].length, found.index + found[0].length + 120));
}

/** `head` with what `rest` says of its letters. */
export function declared(head: Answer, rest: string): Answer {
  const name = INTEGER.map((pattern) => pattern.exec(rest)?.[1]).find((n) => n !== undefined);
  const free = name === undefined ? ARBITRARY.map((p) => p.exec(rest)?.[1]).find((n) => n !== undefined) : undefined;
  const letter = name ?? free;
  if (letter === undefined) return head;
  const parameter: Answer = {
    kind: "relation",
    sides: [
      { kind: "scalar", expr: { kind: "sym", name: letter }, unit: undefined },
      { kind: "named", name: name === undefined ? "arbitrary" : "Z" },
    ],
    ops: ["in"],
  };
  return { kind: "list", items: [...(head.kind === "list" ? head.items : [head]), parameter], joiner: "comma" };
}

const REMARK_ENDS = ["\\text{", "\\text {", "\\quad", "\\qquad", "\\,", "\\;", "\\ ", ",", ";", " ", "\n", "$"];

/** Without the spaces, commas and the opening of a text that lead over to a remark. */
function beforeRemark(text: string): string {
  let out = text;
  while (true) {
    const end = REMARK_ENDS.find((mark) => out.endsWith(mark));
    if (end === undefined) return out;
    out = out.slice(0, -end.length);
  }
}

/** Whether a brace stands open at the end of `text`. */
function unclosed(text: string): boolean {
  let depth = 0;
  for (let i = 0; i < text.length; i++) {
    if (text[i] === "\\") i++;
    else if (text[i] === "{") depth++;
    else if (text[i] === "}") depth--;
  }
  return depth > 0;
}

/** `(B)`, `B.`, `(B) 12`, `B) 12`: a letter from A to J that is marked as a choice. */
export function choice(text: string, read: Read): Answer | undefined {
  const dressed = /^\\(?:text|textbf|mathrm|mathbf|textrm|textit)\s*\{\s*(\([A-J]\)|[A-J][.):])\s*\}(?:\\ )?/.exec(
    text.slice(0, 30),
  );
  if (dressed !== null) text = `${dressed[1]} ${text.slice(dressed[0].length)}`;
  const worded = /^\\text\s*\{\s*([A-J][.):]\s[^{}]*)\}$/.exec(text.slice(0, 400));
  if (worded !== null) text = worded[1]!;
  const named = /^(?:option\s+|choice\s+|answer\s+|<)\(?([A-J])[)>]?[.:]?$/i.exec(text.slice(0, 24));
  if (named !== null) return { kind: "choice", letter: named[1]!.toUpperCase(), option: undefined };
  const head = /^(?:option|choice)?\s*(?:\(\s*([A-Ja-j])\s*\)|([A-J])\s*[.):](?=\s|$|\\|[^\d\s]))\s*/i.exec(
    text.slice(0, 24),
  );
  const letter = (head?.[1] ?? head?.[2])?.toUpperCase();
  if (head === null || letter === undefined || (head[1] === undefined && !/[A-J]/.test(head[2]!))) return undefined;
  const rest = text.slice(head[0].length).trim();
  if (rest === "" || rest === ".") return { kind: "choice", letter, option: undefined };
  if (
    /^(?:[*+/^=_<>,&-]|(?:\\text\s?\{\s*)?(?:and|or)\b)/.test(rest) ||
    /^\([A-Ja-j]\)/.test(rest) ||
    (head[1] !== undefined && /^[a-z\d(]/.test(text.slice(head[0].trimEnd().length)))
  )
    return undefined;
  return { kind: "choice", letter, option: read(rest) };
}
