/** Plain words that matter: numbers in words, units of measure, and what two texts have in common. */

const SMALL =
  "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen".split(
    " ",
  );
const TENS = "twenty thirty forty fifty sixty seventy eighty ninety".split(" ");

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
    else if (word === "thousand" && any) {
      total += current * 1000;
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

/** A unit's dimension and its size in the dimension's base unit. */
interface Unit {
  dimension: string;
  size: number;
}

const UNITS = new Map<string, Unit>();
function define(dimension: string, size: number, names: string): void {
  for (const name of names.split(" ")) UNITS.set(name, { dimension, size });
}
define("length", 1, "m meter meters metre metres");
define("length", 0.01, "cm centimeter centimeters centimetre centimetres");
define("length", 0.001, "mm millimeter millimeters millimetre millimetres");
define("length", 0.1, "dm decimeter decimeters decimetre decimetres");
define("length", 1000, "km kilometer kilometers kilometre kilometres");
define("length", 0.0254, "in inch inches");
define("length", 0.3048, "ft foot feet");
define("length", 0.9144, "yd yard yards");
define("length", 1609.344, "mi mile miles");
define("mass", 1, "g gram grams gm");
define("mass", 1000, "kg kilogram kilograms kgs");
define("mass", 0.001, "mg milligram milligrams");
define("mass", 453.59237, "lb lbs pound pounds");
define("mass", 28.349523125, "oz ounce ounces");
define("mass", 1e6, "ton tons tonne tonnes");
define("time", 1, "s sec secs second seconds");
define("time", 60, "min mins minute minutes");
define("time", 3600, "h hr hrs hour hours");
define("time", 86400, "day days");
define("time", 604800, "week weeks wk");
define("month", 1, "month months");
define("month", 12, "year years yr yrs");
define("volume", 1, "l L liter liters litre litres");
define("volume", 0.001, "ml mL milliliter milliliters millilitre millilitres cc");
define("volume", 3.785411784, "gal gallon gallons");
define("money", 1, "$ dollar dollars usd bucks");
define("money", 0.01, "cent cents");
define("euro", 1, "€ euro euros eur");
define("pound sterling", 1, "£ gbp");
define("yuan", 1, "yuan rmb");
define("rupee", 1, "rs rupee rupees inr");
define("yen", 1, "¥ yen");
define("speed", 1, "mph");
define("speed", 0.621371192, "kmh kmph kph");
define("angle", 1, "degree degrees deg °");
define("angle", 57.29577951308232, "rad radian radians");
define("frequency", 1, "hz hertz");
define("energy", 1, "j joule joules");
define("force", 1, "n newton newtons");
define("power", 1, "w watt watts");
define("voltage", 1, "v volt volts");
define("resistance", 1, "ohm ohms");
define("area", 1, "acre acres");
define("area", 2.47105381, "hectare hectares ha");

/** Units that are also letters of algebra: `5m` may be five metres or five times m. */
export const LETTER_UNITS: ReadonlySet<string> = new Set(["m", "s", "g", "h", "L", "l"]);

/** Whether `word` names a unit of measure. */
export function isUnit(word: string): boolean {
  return UNITS.has(word) || UNITS.has(word.toLowerCase());
}

/** Words before or after a number that qualify it and are no unit. */
const FILLER = new Set(
  "square sq cubic cu per of total about approximately approx exactly only units unit p.m. a.m. the a an and each in all".split(
    " ",
  ),
);

/** How a unit's text measures: its dimension with powers, and its size. Undefined for a label such as "apples". */
export function measure(unit: string): Unit | undefined {
  const words = unit
    .toLowerCase()
    .replaceAll("^{", "^")
    .replaceAll("}", "")
    .replaceAll("{", "")
    .replaceAll("/", " per ")
    .replaceAll("\\", " ")
    .replaceAll(".", "")
    .split(" ");
  let dimension = "";
  let size = 1;
  let power = 1;
  let sign = 1;
  for (const word of words) {
    if (word === "") continue;
    if (word === "square" || word === "sq") power = 2;
    else if (word === "cubic" || word === "cu") power = 3;
    else if (word === "per") sign = -1;
    else {
      const [name, raised] = word.split("^") as [string, string?];
      const found = UNITS.get(name);
      if (found === undefined) {
        if (FILLER.has(name)) continue;
        return undefined;
      }
      const exponent = sign * (raised === undefined ? power : Number(raised) || 1);
      dimension += ` ${found.dimension}^${exponent}`;
      size *= found.size ** exponent;
      power = 1;
    }
  }
  return dimension === "" ? undefined : { dimension, size };
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
