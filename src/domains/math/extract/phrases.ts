/** Finds where a response announces its answer in words, and the stretch of text that holds it. */

export interface Phrase {
  /** Where the answer's text begins. */
  from: number;
  /** One past the sentence that the phrase stands in. */
  to: number;
}

/** How much text after a phrase may hold the answer. */
const REACH = 600;

/** Announcements that are no "answer": a set's own mark, an abbreviation. */
const MARKS = "####|ans:|ans.|ans =".split("|");

/** Announcements in other languages. */
const FOREIGN_MARKS = [
  ..."答案是|答案为|答案為|答案选|答案：|答案:|故选|故選|应选|應選|选项是|选项为|结果是|结果为|結果為|结果：|结果:".split(
    "|",
  ),
  ..."答えは|答え：|答え:|정답은|정답:|답은|답:|réponse :|réponse:|réponse est|antwort:|antwort ist|antwort lautet|antwoord:".split(
    "|",
  ),
  ..."respuesta:|respuesta es|resposta:|resposta é|risposta:|risposta è|ответ:|ответ —|odpowiedź:|odpověď:|відповідь:".split(
    "|",
  ),
  ..."svar:|svaret är|cevap:|jawaban:|jawabannya adalah|đáp án:|đáp án là|đáp số:|उत्तर:|उत्तर है|الجواب:|الجواب هو".split(
    "|",
  ),
];

/** One pass tells that a text has none of them, as most have. */
const ANY_FOREIGN_MARK = new RegExp(FOREIGN_MARKS.join("|"));

/** Announcements that count only in the last sentence: earlier they tell of a step. */
const CLOSING =
  /\b(?:solutions?|roots|zeros|values|(?:maximum|minimum)(?: [a-z]{1,12})?)(?: of [^.\n]{1,30})? (?:is|are)[\s:]/gi;

/** The stretches announced as answers, last first: after "answer is", "answer:", "####", inside `<answer>`. */
export function phrases(text: string, limit: number): Phrase[] {
  const lower = text.toLowerCase();
  const starts: number[] = [];
  for (
    let at = lower.lastIndexOf("answer");
    at >= 0 && starts.length < limit;
    at = at === 0 ? -1 : lower.lastIndexOf("answer", at - 1)
  ) {
    const from = afterAnswer(lower, text, at);
    if (from >= 0) starts.push(from);
  }
  const foreign = ANY_FOREIGN_MARK.test(lower) ? FOREIGN_MARKS : [];
  for (const mark of [...MARKS, ...foreign]) {
    const at = lower.lastIndexOf(mark);
    if (at >= 0 && !insideWord(lower, at)) starts.push(at + mark.length);
  }
  const tail = Math.max(0, text.length - REACH);
  for (const closing of text.slice(tail).matchAll(CLOSING)) {
    const start = tail + closing.index + closing[0].length;
    if (text.slice(sentenceEnd(text, start)).trim().length <= 2) starts.push(start);
  }
  starts.sort((a, b) => b - a);
  const found: Phrase[] = [];
  for (const start of starts) {
    const from = skipMarks(text, start);
    const to = valueEnd(text, start) ?? sentenceEnd(text, from);
    if (to > from && found.at(-1)?.from !== from) found.push({ from, to });
  }
  return found;
}

/** Whether the mark at `at` goes on with a word, in a script that parts its words. */
function insideWord(lower: string, at: number): boolean {
  return at > 0 && lower.charCodeAt(at) < 0x2e80 && /\p{L}/u.test(lower[at]!) && /\p{L}/u.test(lower[at - 1]!);
}

/** Where the answer begins after the word at `at`, or -1 if the word announces nothing. */
function afterAnswer(lower: string, text: string, at: number): number {
  if (at > 0 && /[a-z]/.test(lower[at - 1]!)) return -1;
  let i = at + 6;
  if (lower[i] === "s") i++;
  if (/[a-z]/.test(lower[i] ?? " ")) return -1;
  if (lower[i] === ">" && lower[at - 1] === "<") return i + 1;
  if (lower[at - 1] === "/") return -1;
  const window = lower.slice(i, i + 120);
  const direct = /^[*_\s}"'`]*(?::|=|→|[-–—] |is\b|are\b|would be\b|will be\b|was\b|\n)/.exec(window);
  if (direct !== null) return i + direct[0].length;
  const later = /^[^.\n$\\]{0,80}?\s(?:is|are|:)[\s:]/.exec(window);
  if (later !== null) return i + later[0].length;
  return /^\s*[\\$\d(*-]/.test(text.slice(i, i + 4)) ? i : -1;
}

const LEAD =
  /^(?:[\s:=*_#>"']|is\b|are\b|therefore\b|thus\b|hence\b|simply\b|approximately\b|equal to\b|indeed\b|,|(?:\\boxed)?\{\s*\})+/i;

/** Past colons, bold marks and filler words. */
function skipMarks(text: string, at: number): number {
  const lead = LEAD.exec(text.slice(at, at + 60));
  return at + (lead?.[0].length ?? 0);
}

/** Where a value of JSON ends, if `at` is past the colon of a key: `{"answer": "7", …}`. */
function valueEnd(text: string, at: number): number | undefined {
  if (!/["']\s*:$/.test(text.slice(Math.max(0, at - 8), at))) return undefined;
  const value = /^\s*(?:"(?:[^"\\\n]|\\.){0,400}(?=")|[^",}\n]{1,400}(?=[,}\n]|$))/.exec(text.slice(at, at + 500));
  return value === null ? undefined : at + value[0].length;
}

/** The end of the sentence that begins at `from`: a full stop before a space and no formula, a line's end, or a closing tag. */
export function sentenceEnd(text: string, from: number): number {
  const limit = Math.min(text.length, from + REACH);
  const lastDollar = text.slice(from, limit).lastIndexOf("$") + from;
  let display = false;
  let dollar = false;
  for (let i = from; i < limit; i++) {
    const ch = text[i]!;
    if (ch === "\\" && (text[i + 1] === "[" || text[i + 1] === "(")) display = true;
    else if (ch === "\\" && (text[i + 1] === "]" || text[i + 1] === ")")) display = false;
    else if (ch === "$" && text[i - 1] !== "\\") dollar = !dollar;
    else if (!display && !(dollar && i < lastDollar)) {
      if (ch === "\n" && text.slice(from, i).trim() !== "") return i;
      if ((ch === "。" || ch === "！" || ch === "？") && i > from) return i;
      if (
        (ch === "." || ch === "?" || ch === "!") &&
        /^(?:\s|$|\*\*|<|I hope)/.test(text.slice(i + 1, i + 8)) &&
        !/\b(?:p|a)\.m$/i.test(text.slice(Math.max(0, i - 3), i))
      ) {
        if (ch === "!" && /(?:\d|\d\)|\\,) ?$/.test(text.slice(from, i))) continue;
        return i;
      }
      if (ch === "<" && text.startsWith("</", i)) return i;
    }
    if (ch === "\\") i++;
  }
  return limit;
}
