/** Divides a response into formulas and the text between them: one pass, whatever is left open. Decides nothing about answers. */

export interface Segment {
  math: boolean;
  /** Range of the content, without delimiters. */
  from: number;
  to: number;
  /** Where the segment ends, with its delimiter. */
  end: number;
  /** An inline formula that spans lines where the rules forbid it: it holds no answer. */
  dead?: true;
}

/** Environments that are display formulas of their own. */
const DISPLAY = [
  "align",
  "align*",
  "equation",
  "equation*",
  "gather",
  "gather*",
  "eqnarray",
  "eqnarray*",
  "multline",
  "multline*",
  "alignat",
  "flalign",
];

/** What may open or close a formula. */
const MARK = /[\\$]/g;

export interface SegmentRules {
  /** Whether `$ … $` may hold line breaks. */
  inlineOverLines: boolean;
}

/** The segments of `text`, in order. A `$` that is money, or that nothing closes, stays text. */
export function segments(text: string, rules: SegmentRules): Segment[] {
  const out: Segment[] = [];
  /** Closing marks that do not occur any more: each is searched in vain at most once. */
  const gone = new Set<string>();
  let i = 0;
  let start = 0;
  const math = (from: number, to: number, end: number, dead = false): void => {
    const open = from - (text.startsWith("$$", from - 2) || text[from - 1] !== "$" ? 2 : 1);
    if (open > start) out.push({ math: false, from: start, to: open, end: open });
    out.push(dead ? { math: true, from, to, end, dead } : { math: true, from, to, end });
    i = end;
    start = end;
  };
  const find = (mark: string, from: number): number => {
    if (gone.has(mark)) return -1;
    const at = text.indexOf(mark, from);
    if (at < 0) gone.add(mark);
    return at;
  };
  while (i < text.length) {
    const ch = text[i]!;
    if (ch === "\\") {
      const next = text[i + 1];
      if (next === "[" || next === "(") {
        const at = find(next === "[" ? "\\]" : "\\)", i + 2);
        if (at >= 0 && text[i - 1] !== "\\") {
          math(i + 2, at, at + 2, next === "(" && !rules.inlineOverLines && hasNewline(text, i, at));
          continue;
        }
      } else if (next === "b" && text.startsWith("\\begin{", i)) {
        const name = DISPLAY.find((d) => text.startsWith(`${d}}`, i + 7));
        const at = name === undefined ? -1 : find(`\\end{${name}}`, i);
        if (name !== undefined && at >= 0) {
          if (i > start) out.push({ math: false, from: start, to: i, end: i });
          out.push({ math: true, from: i, to: at + 6 + name.length, end: at + 6 + name.length });
          i = at + 6 + name.length;
          start = i;
          continue;
        }
      }
      i += 2;
    } else if (ch === "$") {
      const double = text[i + 1] === "$";
      const at = double ? find("$$", i + 2) : nextDollar(text, i + 1);
      if (double && at > i + 2) math(i + 2, at, at + 2);
      else if (!double && at > i + 1 && closes(text, i, at))
        math(i + 1, at, at + 1, !rules.inlineOverLines && hasNewline(text, i, at));
      else i += double ? 2 : 1;
    } else {
      MARK.lastIndex = i;
      i = MARK.exec(text)?.index ?? text.length;
    }
  }
  if (start < text.length) out.push({ math: false, from: start, to: text.length, end: text.length });
  return out;
}

function hasNewline(text: string, from: number, to: number): boolean {
  return text.slice(from, to).includes("\n");
}

/** The next `$` that no backslash escapes. Callers move on to it, so the scan stays linear. */
function nextDollar(text: string, from: number): number {
  let at = text.indexOf("$", from);
  while (at > 0 && text[at - 1] === "\\" && text[at - 2] !== "\\") at = text.indexOf("$", at + 1);
  return at;
}

/** Whether the `$` at `at` closes the one at `open`: not across a blank line, and not where the two are prices. */
function closes(text: string, open: number, at: number): boolean {
  if (isDigitAt(text, open - 1)) return false;
  if (isDigitAt(text, at + 1) && isDigitAt(text, open + 1)) return false;
  if (text.slice(open, at).includes("\n\n")) return false;
  return !(isDigitAt(text, open + 1) && countWords(text, open, at) >= 2);
}

function isDigitAt(text: string, i: number): boolean {
  const c = text.charCodeAt(i);
  return c >= 48 && c <= 57;
}

/** Runs of three letters or more that are no command and stand in no braces: words of a sentence. Looks at most 400 characters far. */
function countWords(text: string, from: number, to: number): number {
  let words = 0;
  let run = 0;
  let braces = 0;
  let command = false;
  for (let i = from; i <= Math.min(to, from + 400); i++) {
    const c = text.charCodeAt(i);
    const small = c | 32;
    if (small >= 97 && small <= 122 && i < to) {
      if (run === 0) command = text[i - 1] === "\\";
      run++;
    } else {
      if (run >= 3 && !command && braces === 0) words++;
      run = 0;
      if (text[i] === "{") braces++;
      else if (text[i] === "}" && braces > 0) braces--;
    }
  }
  return words;
}
