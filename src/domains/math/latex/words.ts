/** Plain words that matter: numbers and fractions in words, and what two texts have in common. */

const SMALL =
  "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen".split(
    " ",
  );
const TENS = "twenty thirty forty fifty sixty seventy eighty ninety".split(" ");

const SCALES: ReadonlyMap<string, number> = new Map([
  ["thousand", 1e3],
  ["million", 1e6],
  ["billion", 1e9],
]);

/** The number that `text` names in English ("twenty-one", "one hundred and five"), up to a million, or undefined. */
export function numberWord(text: string): number | undefined {
  const words = text
    .toLowerCase()
    .replaceAll("-", " ")
    .split(" ")
    .filter((w) => w !== "" && w !== "and");
  if (words.length === 0 || words.length > 9) return undefined;
  let total = 0;
  let current = 0;
  let any = false;
  for (const word of words) {
    const small = SMALL.indexOf(word);
    const ten = TENS.indexOf(word);
    if (small >= 0) current += small;
    else if (ten >= 0) current += 20 + 10 * ten;
    else if (word === "hundred" && any) current *= 100;
    else if (SCALES.has(word) && any) {
      total += current * SCALES.get(word)!;
      current = 0;
    } else return undefined;
    any = true;
  }
  return total + current;
}

const PARTS: ReadonlyMap<string, number> = new Map(
  Object.entries({
    half: 2,
    halves: 2,
    third: 3,
    quarter: 4,
    fourth: 4,
    fifth: 5,
    sixth: 6,
    seventh: 7,
    eighth: 8,
    ninth: 9,
    tenth: 10,
  }),
);

/** The fraction that `text` names: "two thirds", "one-half", "a quarter", "two and a half"; `[numerator, denominator]`. */
export function fractionWord(text: string): [number, number] | undefined {
  const words = text.toLowerCase().replaceAll("-", " ").split(" ");
  const last = words.pop()!;
  const den = PARTS.get(last) ?? PARTS.get(last.replace(/s$/, ""));
  if (den === undefined || words.length > 7) return undefined;
  const count = words.pop();
  const num = count === undefined || count === "a" || count === "an" ? 1 : numberWord(count);
  if (words.length === 0) return num === undefined ? undefined : [num, den];
  const whole = words.pop() === "and" ? numberWord(words.join(" ")) : undefined;
  return whole === undefined || num === undefined || num >= den ? undefined : [whole * den + num, den];
}

/** Longer texts are compared as they are. */
const LONGEST_TEXT = 4000;

/** Answers in words that say the same, in the spelling of the first. */
const SAME_WORDS: ReadonlyMap<string, string> = new Map(
  [
    ["yes", "true"],
    ["no", "false"],
    [
      "infinity",
      "infinite",
      "infinitely many",
      "infinitely many solutions",
      "diverges to infinity",
      "tends to infinity",
    ],
    ["diverges", "divergent", "diverge"],
    ["converges", "convergent", "converge"],
    ["does not exist", "dne", "doesn t exist", "doesnt exist"],
    ["cannot be determined", "can t be determined", "cannot determine", "not enough information"],
  ].flatMap((all) => all.map((text): [string, string] => [text, all[0]!])),
);

/** The spelling under which an answer in words is compared. */
export function sameWords(text: string): string {
  const plain = plainText(text);
  return SAME_WORDS.get(plain) ?? plain;
}

const ARTICLES = new Set(["the", "a", "an", "is", "are", "it", "its"]);

/** What remains of a text when case, marks, commands and articles are gone: two answers in words are equal if this is. */
export function plainText(text: string): string {
  if (text.length > LONGEST_TEXT) return text.trim();
  let out = "";
  let space = false;
  for (let i = 0; i < text.length; i++) {
    const ch = text[i]!;
    if (ch === "\\") {
      let end = i + 1;
      while (/[a-zA-Z]/.test(text[end] ?? "")) end++;
      const name = text.slice(i + 1, end);
      const silent = /^(?:text|mbox|math|rm|bf|it|left|right|displaystyle|quad|hbox|emph)/.test(name) || name === "";
      if (!silent) out += `\\${name}`;
      space = true;
      i = Math.max(end - 1, i + (name === "" ? 1 : 0));
      continue;
    }
    if (/[\p{L}\p{N}]/u.test(ch) || (ch === "." && /\d/.test(text[i + 1] ?? "")) || "+-*/^=<>%".includes(ch)) {
      if (space && out !== "") out += " ";
      out += ch.toLowerCase();
      space = false;
    } else space = true;
  }
  const words = out.split(" ");
  const kept = words.filter((w) => !ARTICLES.has(w));
  return (kept.length > 0 ? kept : words).join(" ");
}
