/**
 * What words, numbers, operators and LaTeX commands become as 32-bit tokens: hashes, and which spellings are alike. Reads no text:
 * that is tokens.ts.
 */

export const BASIS = 0x811c9dc5;
export const PRIME = 0x01000193;

/** Murmur3's finaliser: every bit of the result depends on every bit of `h`. */
export function mix32(h: number): number {
  h ^= h >>> 16;
  h = Math.imul(h, 0x85ebca6b);
  h ^= h >>> 13;
  h = Math.imul(h, 0xc2b2ae35);
  h ^= h >>> 16;
  return h >>> 0;
}

export const asWord = (h: number): number => (mix32(h) & ~1) >>> 0;
export const asNumber = (h: number): number => (mix32(h) | 1) >>> 0;

function fnv(text: string): number {
  let h = BASIS;
  for (let i = 0; i < text.length; i++) h = Math.imul(h ^ text.charCodeAt(i), PRIME);
  return h;
}

/** The token of a word in its normal form (lower case). */
export const wordToken = (word: string): number => asWord(fnv(word));
/** The token of a number in its normal form: digits, perhaps a point, perhaps a leading minus. */
export const numberToken = (digits: string): number => asNumber(fnv(digits));
export const isNumberToken = (token: number): boolean => (token & 1) === 1;

/** A small open-addressed map from raw hashes to tokens, with a filter in front: most words are in neither. */
class RawMap {
  readonly #filter = new Uint8Array(4096);
  readonly #map = new Map<number, number>();

  constructor(entries: Iterable<readonly [string, number]>) {
    for (const [text, token] of entries) {
      const raw = fnv(text);
      this.#filter[raw >>> 20] = 1;
      this.#map.set(raw, token);
    }
  }

  get(raw: number): number | undefined {
    return this.#filter[raw >>> 20] === 1 ? this.#map.get(raw) : undefined;
  }
}

const UNITS =
  "zero,,two,three,four,five,six,seven,eight,nine,ten,eleven,twelve,thirteen,fourteen,fifteen,sixteen,seventeen,eighteen,nineteen";
const TENS = ",,twenty,thirty,forty,fifty,sixty,seventy,eighty,ninety";

function numberWords(): [string, number][] {
  const words: [string, number][] = [
    ["hundred", numberToken("100")],
    ["thousand", numberToken("1000")],
    ["million", numberToken("1000000")],
  ];
  for (const [value, word] of UNITS.split(",").entries())
    if (word !== "") words.push([word, numberToken(String(value))]);
  for (const [ten, word] of TENS.split(",").entries())
    if (word !== "") words.push([word, numberToken(String(10 * ten))]);
  return words;
}

/** LaTeX commands that only lay out text: they leave no token. */
const LAYOUT =
  "left,right,bigl,bigr,biggl,biggr,big,bigg,middle,displaystyle,textstyle,scriptstyle," +
  "limits,nolimits,quad,qquad,hspace,vspace,hfill,hskip,hphantom,phantom,text,textrm,textbf,textit,textsf,texttt,textnormal," +
  "emph,mbox,hbox,mathrm,mathbf,mathit,mathsf,mathtt,mathnormal,boldsymbol,bm,rm,bf,it,operatorname,operatornamewithlimits," +
  "begin,end,item,noindent,newline,par,smallskip,medskip,bigskip,centering,label,tag,nonumber,ensuremath,mathstrut," +
  "thinspace,medspace,thickspace,negthinspace,enspace,mathop,mathrel,mathbin,mathord,mathopen,mathclose,mathpunct,strut,allowbreak";

/** Commands with several spellings, and the spelling they count as. */
const SPELLINGS: Readonly<Record<string, string>> = {
  dfrac: "frac",
  tfrac: "frac",
  cfrac: "frac",
  dbinom: "binom",
  tbinom: "binom",
  leq: "≤",
  le: "≤",
  leqslant: "≤",
  geq: "≥",
  ge: "≥",
  geqslant: "≥",
  neq: "≠",
  ne: "≠",
  lt: "<",
  gt: ">",
  times: "×",
  cdot: "×",
  div: "/",
  dots: "ldots",
  cdots: "ldots",
  dotsc: "ldots",
  dotsb: "ldots",
  emptyset: "varnothing",
  to: "rightarrow",
  colon: "",
  lbrace: "",
  rbrace: "",
  vert: "",
  lvert: "",
  rvert: "",
  mid: "",
  ast: "×",
};

export const DROPPED = -1;
export const NUMBER_WORDS = new RawMap(numberWords());
export const COMMANDS = new RawMap([
  ...LAYOUT.split(",").map((name): [string, number] => [name, DROPPED]),
  ...Object.entries(SPELLINGS).map(([name, as]): [string, number] => [name, as === "" ? DROPPED : wordToken(as)]),
]);
/** Commands after which an unbraced digit is one argument: \frac12 is 1 over 2. */
export const PAIRED = new Set(["frac", "dfrac", "tfrac", "binom", "dbinom", "tbinom"].map(fnv));
/** Environments whose name is layout: \begin{align*} and \[ open the same thing. */
export const BEGIN = fnv("begin");
export const END = fnv("end");

export const OPERATORS = new Map<number, number>(
  [..."+=<>/×≤≥≠%"].map((char) => [char.charCodeAt(0), wordToken(char === "%" ? "percent" : char)]),
);
OPERATORS.set("÷".charCodeAt(0), wordToken("/"));
OPERATORS.set("·".charCodeAt(0), wordToken("×"));
OPERATORS.set("⋅".charCodeAt(0), wordToken("×"));
export const LESS_OR_EQUAL = wordToken("≤");
export const GREATER_OR_EQUAL = wordToken("≥");
export const NOT_EQUAL = wordToken("≠");
export const LETTER_MASK = wordToken("\u0001letter");
