/** The places where a response may hold its answer, best first. Which of them counts is `read.ts`'s, by what they parse to. */
import { MAX_RESPONSE } from "../budget.ts";
import { withAsciiDigits } from "../latex/clean.ts";
import { type Box, boxes, lastGroup, signBefore, undenied, withdrawnAt } from "./boxes.ts";
import { phrases } from "./phrases.ts";
import { leadingRun, numbersFromEnd, proseWords, spelledNumber, strip } from "./plain.ts";
import { type Segment, type SegmentRules, segments } from "./segments.ts";
import { afterThought } from "./thought.ts";

export type How = "boxed" | "whole" | "phrase" | "formula" | "bold" | "number";

export interface Candidate {
  text: string;
  how: How;
  /** It stood between math delimiters or in a box. */
  math: boolean;
}

/** How many phrases, formulas and numbers are looked at before the response is said to hold no answer. */
const TRIES = 8;

/** The candidates of a response, best first. `gold`: the text is an answer, so it is first tried as a whole. */
export function* candidates(response: string, rules: SegmentRules, gold: boolean): Generator<Candidate> {
  const text = repaired(gold ? response : afterThought(response));
  const found = boxes(text);
  const all = found.filter((b) => b.content.trim() !== "");
  if (found.length > 0 && all.length === 0) {
    yield* later(text.slice(found.at(-1)!.end), rules);
    return;
  }
  if (all.length > 0) {
    yield* boxed(text, all, rules);
    return;
  }
  const parts = segments(text, rules);
  const whole = bare(text, parts, gold);
  const announced =
    !gold &&
    phrases(text, TRIES).some(({ from }) =>
      /^[\P{L}\s]*\p{L}{0,12}[\P{L}\s]*$/u.test(text.slice(0, Math.min(from, 40))),
    );
  if (announced) yield* spoken(text, rules);
  if (whole !== undefined) yield whole;
  if (!announced) yield* spoken(text, rules);
  yield* letters(text, CONCLUDED);
  yield* rightmost(text, parts);
  yield* letters(text, LONE);
  const spelt = spelledNumber(text);
  if (spelt !== undefined) yield { text: spelt, how: "phrase", math: false };
}

/** With ASCII digits. Form feeds, backspaces and their like never stand in text: they are the `\f` of `\frac` and the `\b` of `\boxed`, read as escapes. */
function repaired(response: string): string {
  const text = response.length > MAX_RESPONSE ? response : withoutMarkup(withAsciiDigits(response));
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is looked for
  if (!/[\f\v\x07\x08]/.test(text)) return text;
  return text.replaceAll("\f", "\\f").replaceAll("\v", "\\v").replaceAll("\x07", "\\a").replaceAll("\b", "\\b");
}

/** Without tags of HTML around a short text, and with raised and lowered text as LaTeX has it. */
function withoutMarkup(text: string): string {
  if (!text.includes("</")) return text;
  return text
    .replaceAll(/<(b|i|u|p|em|strong|span|div|mark|code|boxed)>([^<>]{0,300})<\/\1>/gi, "$2")
    .replaceAll(
      /<(su[bp])>([^<>]{1,40})<\/\1>/gi,
      (_, tag: string, inside: string) => `${tag.toLowerCase() === "sup" ? "^" : "_"}{${inside}}`,
    );
}

/** A letter that the end of a response chooses in so many words. */
const CONCLUDED = [
  /\b(?:choose|choosing|pick|select|go with) (?:option |choice )?\(?([A-J])\)?(?=[\s.,;]|$)(?! (?!because|since|as\b)[a-z])/,
  /\b(?:option|choice|answer) (?:is|would be|must be)[\s:*(]{1,4}(?:option |choice )?\(?([A-J])\)?(?=[).:,*\n]|\s*$)/,
  /\b(?:option|choice|answer)\b[^.\n]{0,30}[\s(:*]([A-J])[\s.)}*]*$/,
  /\b(?:option|choice|answer)[\s*(]{1,4}([A-J])[)*]{0,3} is (?:the )?(?:correct|right|best|answer)\b/i,
];

/** A letter at the end in parentheses, at the beginning with a mark after it, or said to be it at the end. */
const LONE = [
  /\(([A-J])\)[\s.}*]*$/,
  /^[\s*_("]{0,4}([A-J])(?:[).:*]+(?=\s|$)|(?=[^\x20-\u2fff]))/,
  /(?<!n't |not |never )(?:\b(?:is|be)|'s)[\s*(]+([A-J])[\s.)}*]*$/,
];

function* letters(text: string, patterns: readonly RegExp[]): Generator<Candidate> {
  for (const pattern of patterns) {
    const found = pattern.exec(pattern.source.startsWith("^") ? text.slice(0, 20) : text.slice(-80));
    if (found !== null) yield { text: `(${found[1]})`, how: "phrase", math: false };
  }
}

function* boxed(text: string, all: readonly Box[], rules: SegmentRules): Generator<Candidate> {
  const group = lastGroup(text, undenied(text, all));
  const last = group.at(-1)!;
  const withdrawn = withdrawnAt(text, last);
  if (withdrawn >= 0) {
    const rest = text.slice(withdrawn);
    yield* spoken(rest, rules);
    yield* rightmost(rest, segments(rest, rules));
    return;
  }
  const after = text.slice(last.end);
  if (/final answer(?: is|:)|(?:^|\n)\W{0,6}answer\W{0,4}:/i.test(after.slice(-2000))) yield* later(after, rules);
  const suffix = percentAfter(text, last.end);
  const contents = group.map((b) => signBefore(text, b) + undelimited(b.content));
  yield { text: contents.join(", ") + suffix, how: "boxed", math: true };
}

/** A final answer that is announced after the last box outranks it, if it is a formula or a number. */
function* later(after: string, rules: SegmentRules): Generator<Candidate> {
  for (const candidate of spoken(after, rules)) {
    if (candidate.math || /\d|^\W*[A-J]\W*$/.test(candidate.text)) yield candidate;
    return;
  }
}

/** `\%` if a percent word follows at once, outside the delimiters. */
function percentAfter(text: string, at: number): string {
  let i = at;
  while (i < text.length && (" \n}$".includes(text[i]!) || text.startsWith("\\)", i) || text.startsWith("\\]", i)))
    i += text[i] === "\\" ? 2 : 1;
  return /^(?:\\?%|percent\b|percentage\b|pct\b)/i.test(text.slice(i, i + 12)) ? "\\%" : "";
}

/** Without math delimiters inside, as in `\boxed{12$ and $13}`. */
function undelimited(boxed: string): string {
  const content = withoutBold(boxed);
  let out = "";
  for (let i = 0; i < content.length; i++) {
    const ch = content[i]!;
    if (ch === "\\") {
      const next = content[i + 1] ?? "";
      if (!"()[]".includes(next) || next === "") out += ch + next;
      else out += " ";
      i++;
    } else out += ch === "$" && !/\d/.test(content[i + 1] ?? "") ? " " : ch;
  }
  return content.includes("$") && content.trim().startsWith("$") && content.trim().endsWith("$")
    ? out.trim().replace(/^\$/, "")
    : out;
}

/** Longest text that is read as one bare answer. */
const BARE = 300;

/** Words of prose that a bare answer may hold: a label, a unit in words, a name. */
const LABELS = 3;

function bare(text: string, parts: readonly Segment[], gold: boolean): Candidate | undefined {
  const trimmed = text.trim();
  if (trimmed === "") return undefined;
  if (parts.some((p) => p.dead)) return undefined;
  const digits = /^[+-]?[\d,.]+$/.test(trimmed);
  if (!digits && !gold && (trimmed.length > BARE || (trimmed.includes("\n") && !trimmed.includes("\\begin"))))
    return undefined;
  const formulas = parts.some((p) => p.math);
  if (!digits && !gold && formulas && parts.some((p) => !p.math && proseWords(text.slice(p.from, p.to), 1) > 0))
    return undefined;
  if (!digits && proseWords(trimmed, LABELS + 1) > (gold ? wordsOfGold(formulas, trimmed) : LABELS - 1))
    return undefined;
  return { text: joined(text, parts), how: "whole", math: formulas };
}

/** A gold answer in words may be long, unless it holds formulas: then it is a sentence about an answer. */
function wordsOfGold(formulas: boolean, trimmed: string): number {
  return formulas || trimmed.length > BARE ? LABELS : Number.POSITIVE_INFINITY;
}

/** The text with its math delimiters removed. */
function joined(text: string, parts: readonly Segment[]): string {
  return strip(parts.map((p) => withoutBold(text.slice(p.from, p.to))).join(" ")) || text.trim();
}

/** "for sure D, it can't be …": a letter that a sentence begins with, and a mark or a reason after it. */
const CHOSEN = /^(?:[a-z']+ ){0,3}(?:\(([A-J])\)|([A-J]))(?=[,.;:]|\s*$|\s+(?:because|since|as)\b)/;

/** What follows "the answer is" and its like. */
function* spoken(text: string, rules: SegmentRules): Generator<Candidate> {
  for (const { from, to } of phrases(text, TRIES)) {
    const region = asserted(text.slice(from, to));
    const parts = segments(region, rules);
    const first = parts.find((p) => p.math || region.slice(p.from, p.to).trim() !== "");
    if (first?.dead) continue;
    if (first?.math) {
      yield { text: connected(region, parts, parts.indexOf(first)), how: "phrase", math: true };
      continue;
    }
    const open = region.trim();
    const letter = CHOSEN.exec(open.slice(0, 80));
    if (letter !== null) yield { text: `(${letter[1] ?? letter[2]})`, how: "phrase", math: false };
    if (proseWords(open, LABELS) < LABELS) yield { text: joined(region, parts), how: "phrase", math: false };
    const lead = leadingRun(open);
    if (lead !== undefined) yield { text: lead, how: "phrase", math: false };
    const after = afterVerb(region);
    if (after !== undefined && proseWords(after, LABELS) < LABELS)
      yield { text: joined(after, segments(after, rules)), how: "phrase", math: after.includes("$") };
    yield* rightmost(region, parts, "phrase");
  }
}

/** A sentence without what it denies: "5, not 6", "not 6 but 5". */
function asserted(region: string): string {
  const instead = /^\s*(?:not|n't)\s[^.\n]{1,60}?(?:,\s*but|\sbut|[;,]\s*it(?:'s| is))\s+/i.exec(region);
  if (instead !== null) return region.slice(instead[0].length);
  const denied = /,?\s(?:(?:and|but)\s)?(?:not|rather than|instead of)\s/i.exec(region);
  if (denied !== null && denied.index > 0) return region.slice(0, denied.index);
  const place = PLACE.exec(region);
  return place === null || /\b(?:when|if)\b/i.test(region.slice(0, place.index))
    ? region
    : region.slice(0, place.index);
}

/** Where a value is taken, at the end of a sentence: ", attained at $x = 3$". */
const PLACE =
  /,?\s(?:(?:which is )?(?:attained|achieved|reached|obtained) )?(?:when|at|if)\s\$?[a-z]\s?=\s?[^\s,;$]{1,20}\$?[.\s]*$/i;

/** The text after the last "is", "are" or "=" of a sentence. */
function afterVerb(region: string): string | undefined {
  let at = -1;
  for (const verb of [" is ", " are ", " equals ", " be ", " of exactly "]) {
    const found = region.lastIndexOf(verb);
    if (found >= 0) at = Math.max(at, found + verb.length);
  }
  return at < 0 ? undefined : region.slice(at);
}

/** A formula with those that "and", "or" or a comma tie to it. */
function connected(text: string, parts: readonly Segment[], k: number): string {
  let out = text.slice(parts[k]!.from, parts[k]!.to);
  let j = k;
  while (j + 2 < parts.length && !parts[j + 1]!.math && parts[j + 2]!.math) {
    const between = joiner(text, parts[j + 1]!);
    if (between === undefined) break;
    out += `${between.endsWith("or") ? " or " : ", "}${text.slice(parts[j + 2]!.from, parts[j + 2]!.to)}`;
    j += 2;
  }
  return out + percentAfter(text, parts[j]!.end);
}

/** What joins two formulas into one answer, if that is all that stands between them. */
function joiner(text: string, part: Segment): string | undefined {
  if (part.to - part.from > 24) return undefined;
  const between = text.slice(part.from, part.to).trim().toLowerCase();
  return /^(?:[,;] ?)?(?:and|or)$|^[,;]$/.test(between) ? between : undefined;
}

/** What stands between a formula and the condition or definition that follows it. */
const QUALIFIER = /^[\s,]{0,3}(?:for (?:some|all|any|every|each)|where|with|such that)\b[^.\n]{0,40}$/i;

/** Formulas, bold text and numbers from the end backwards. */
function* rightmost(text: string, parts: readonly Segment[], how?: How): Generator<Candidate> {
  let tries = 0;
  for (let k = parts.length - 1; k >= 0 && tries < 2 * TRIES; k--) {
    const part = parts[k]!;
    if (part.dead) continue;
    if (!part.math) {
      const content = withoutBold(text.slice(part.from, part.to));
      const bold = lastBold(text, part);
      let given = false;
      for (const found of numbersFromEnd(content, 0, content.length, TRIES)) {
        if (!given && bold !== undefined && bold.at >= part.from + found.end) {
          given = true;
          yield { text: bold.text, how: how ?? "bold", math: false };
        }
        tries++;
        yield { text: found.text, how: how ?? "number", math: false };
      }
      if (!given && bold !== undefined) yield { text: bold.text, how: how ?? "bold", math: false };
      continue;
    }
    tries++;
    if (k >= 2 && parts[k - 2]!.math && QUALIFIER.test(text.slice(parts[k - 1]!.from, parts[k - 1]!.to)))
      yield { text: text.slice(parts[k - 2]!.from, parts[k - 2]!.to), how: how ?? "formula", math: true };
    let first = k;
    while (first - 2 >= 0 && parts[first - 2]!.math && joiner(text, parts[first - 1]!) !== undefined) first -= 2;
    yield { text: connected(text, parts, first), how: how ?? "formula", math: true };
    if (first < k)
      yield { text: text.slice(part.from, part.to) + percentAfter(text, part.end), how: how ?? "formula", math: true };
    k = first;
  }
}

/** A segment's text with bold marks blanked, so that `**73**` is a number and `2**3` a power. */
function withoutBold(content: string): string {
  return content.includes("**") ? content.replaceAll(/(?<![\d)a-z])\*\*|\*\*(?![\d(a-z-])/gi, "  ") : content;
}

/** The last `**…**` of a segment, if short. */
function lastBold(text: string, part: Segment): { text: string; at: number } | undefined {
  const close = text.lastIndexOf("**", part.to - 2);
  if (close < part.from) return undefined;
  const open = text.lastIndexOf("**", close - 2);
  if (open < part.from || close - open > 80 || close - open < 3) return undefined;
  const content = strip(text.slice(open + 2, close));
  return content === "" || /answer|solution|step|note|conclusion|final/i.test(content)
    ? undefined
    : { text: content, at: open };
}
