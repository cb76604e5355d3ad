/**
 * Text to 32-bit tokens for comparison: words, numbers, a few operators. Case, whitespace, LaTeX spacing and wrappers,
 * and punctuation leave no trace; numbers and their signs do. Compares texts; never gives them back.
 *
 * A token is a hash of its normal form. Its lowest bit says whether it is a number, so that "which numbers does this
 * text hold" needs nothing but the tokens. Number words from two to ninety, hundred, thousand and million are numbers
 * (three = 3); "one" is not, since it is as often a pronoun.
 */

import { CLASS, DIGIT, FOLD, IDEOGRAPH, LETTER, MINUS, OPERATOR, SPACE } from "./characters.ts";
import {
  asNumber,
  asWord,
  BASIS,
  BEGIN,
  COMMANDS,
  DROPPED,
  END,
  GREATER_OR_EQUAL,
  LESS_OR_EQUAL,
  LETTER_MASK,
  NOT_EQUAL,
  NUMBER_WORDS,
  OPERATORS,
  PAIRED,
  PRIME,
} from "./vocabulary.ts";

/** Tokens of one text. The arrays belong to the tokenizer and are overwritten by its next call. */
export interface TokenView {
  count: number;
  /** [token] hash; bit 0 is set where the token is a number. */
  tokens: Uint32Array;
  /** [token] first UTF-16 unit of the token in the normalised text; valid only if spans were asked for. */
  starts: Uint32Array;
  /** [token] one past its last unit. */
  ends: Uint32Array;
  /** The text that starts and ends refer to: the input, in NFKC if it was not ASCII. */
  text: string;
}

export type Tokenize = (text: string) => TokenView;

const BACKSLASH = 92;
const COMMA = 44;
const POINT = 46;
const BANG = 33;
const EQUALS = 61;
const BRACE = 123;
const CLOSING_BRACE = 125;
const DOLLAR = 36;
const APOSTROPHE = 39;
const CURLY_APOSTROPHE = 0x2019;

export interface TokenOptions {
  /** Single letters count as one and the same token, so that renaming a variable changes nothing. */
  maskLetters?: boolean;
  /** Also record where each token stands. */
  spans?: boolean;
}

/** A tokenizer with buffers of its own: use one per loop, never two views of it at once. */
export function createTokenizer(options: TokenOptions = {}): Tokenize {
  const maskLetters = options.maskLetters ?? false;
  const spans = options.spans ?? false;
  let units = new Uint16Array(4096);
  let unitBytes = Buffer.from(units.buffer);
  let tokens = new Uint32Array(4096);
  let starts = new Uint32Array(spans ? 4096 : 0);
  let ends = new Uint32Array(spans ? 4096 : 0);

  /** Leaves the text's UTF-16 units in `units`, a zero behind them; says whether all are ASCII. */
  function load(text: string): boolean {
    const length = text.length;
    if (units.length <= length) {
      units = new Uint16Array(2 * length + 2);
      unitBytes = Buffer.from(units.buffer);
      // No character yields more than one token.
      tokens = new Uint32Array(units.length);
      if (spans) {
        starts = new Uint32Array(units.length);
        ends = new Uint32Array(units.length);
      }
    }
    unitBytes.write(text, "utf16le");
    units[length] = 0;
    let all = 0;
    for (let i = 0; i < length; i++) all |= units[i] as number;
    return all < 0x80;
  }

  // One pass with explicit state is what makes a million problems take seconds; hence its length.
  return function tokenize(raw: string): TokenView {
    // NFKC makes x² into x2: as in x^2, the exponent is a number of its own.
    const text = load(raw) ? raw : raw.normalize("NFKC");
    if (text !== raw) load(text);
    const length = text.length;
    let count = 0;
    let i = 0;
    let single = 0; // unbraced one-digit arguments still expected after \frac
    let negative = -1; // where a minus directly before a number stands
    while (i < length) {
      const unit = units[i] as number;
      const kind = CLASS[unit] as number;
      const start = i;
      let token = 0;
      if (kind === SPACE) {
        i++;
        continue;
      }
      if (kind === LETTER) {
        let h = BASIS;
        for (;;) {
          for (let c = FOLD[units[i] as number]; c !== 0; c = FOLD[units[++i] as number])
            h = Math.imul(h ^ (c as number), PRIME);
          // don't, Janet's: an apostrophe between letters joins them
          const c = units[i] as number;
          if ((c !== APOSTROPHE && c !== CURLY_APOSTROPHE) || FOLD[units[i + 1] as number] === 0) break;
          i++;
        }
        single = 0;
        token = maskLetters && i === start + 1 ? LETTER_MASK : (NUMBER_WORDS.get(h) ?? asWord(h));
      } else if (kind === DIGIT) {
        let h = negative >= 0 ? Math.imul(BASIS ^ 45, PRIME) : BASIS;
        if (single > 0) {
          h = Math.imul(h ^ unit, PRIME);
          i++;
          single--;
        } else {
          i = numberEnd(units, i);
          for (let k = start; k < i; k++) {
            const c = units[k] as number;
            if (CLASS[c] === DIGIT || c === POINT) h = Math.imul(h ^ c, PRIME);
          }
        }
        token = asNumber(h);
      } else if (kind === IDEOGRAPH) {
        token = asWord(Math.imul(BASIS ^ unit, PRIME));
        i++;
      } else if (unit === BACKSLASH) {
        i++;
        let h = BASIS;
        // Folded, so that a text in capitals, commands and all, leaves the same tokens.
        for (let c = units[i] as number; c < 0x80 && FOLD[c] !== 0; c = units[++i] as number) {
          h = Math.imul(h ^ (FOLD[c] as number), PRIME);
        }
        if (i === start + 1) {
          i++; // \, \; \{ \\ and the like
          continue;
        }
        if (h === BEGIN || h === END) {
          i = pastGroup(units, i);
          continue;
        }
        if (PAIRED.has(h)) single = 2;
        const known = COMMANDS.get(h);
        if (known === DROPPED) continue;
        token = known ?? asWord(h);
      } else if (kind === OPERATOR) {
        i++;
        token = OPERATORS.get(unit) as number;
        if ((units[i] as number) === EQUALS && (unit === 60 || unit === 62)) {
          token = unit === 60 ? LESS_OR_EQUAL : GREATER_OR_EQUAL;
          i++;
        }
      } else if (unit === BANG) {
        i++;
        if ((units[i] as number) === EQUALS) {
          token = NOT_EQUAL;
          i++;
        } else continue;
      } else if (kind === MINUS) {
        i++;
        if (numberFollows(units, i)) negative = count;
        continue;
      } else {
        if (unit === BRACE && single > 0) single--;
        i++;
        continue;
      }
      negative = -1;
      tokens[count] = token;
      if (spans) {
        starts[count] = start;
        ends[count] = i;
      }
      count++;
    }
    return { count, tokens, starts, ends, text };
  };
}

/** The end of the number that starts at `i`: digits, groups of thousands (1,000 and 1{,}000 and 1\,000), a decimal part. */
function numberEnd(units: Uint16Array, i: number): number {
  const start = i;
  while (CLASS[units[i] as number] === DIGIT) i++;
  if (i - start <= 3) {
    for (;;) {
      let next = i;
      if (
        (units[next] as number) === BRACE &&
        (units[next + 1] as number) === COMMA &&
        (units[next + 2] as number) === CLOSING_BRACE
      )
        next += 3;
      else if ((units[next] as number) === COMMA) next += 1;
      else break;
      if (!threeDigits(units, next)) break;
      i = next + 3;
    }
  }
  if ((units[i] as number) === POINT && CLASS[units[i + 1] as number] === DIGIT) {
    i++;
    while (CLASS[units[i] as number] === DIGIT) i++;
  }
  return i;
}

function threeDigits(units: Uint16Array, i: number): boolean {
  return (
    CLASS[units[i] as number] === DIGIT &&
    CLASS[units[i + 1] as number] === DIGIT &&
    CLASS[units[i + 2] as number] === DIGIT &&
    CLASS[units[i + 3] as number] !== DIGIT
  );
}

/** Whether a number starts at `i`, spaces, opening braces and dollar signs aside. */
function numberFollows(units: Uint16Array, i: number): boolean {
  for (;;) {
    const unit = units[i] as number;
    if (CLASS[unit] === DIGIT) return true;
    if (CLASS[unit] !== SPACE && unit !== BRACE && unit !== DOLLAR) return false;
    i++;
  }
}

function pastGroup(units: Uint16Array, i: number): number {
  while (CLASS[units[i] as number] === SPACE) i++;
  if ((units[i] as number) !== BRACE) return i;
  // Behind the text stands a zero, and behind that what an earlier text left.
  for (let end = i; units[end] !== 0; end++) if (units[end] === CLOSING_BRACE) return end + 1;
  return i;
}
