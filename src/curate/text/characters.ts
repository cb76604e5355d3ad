/** What every UTF-16 unit is to the tokenizer, and its lower case: two tables that make one pass over a text cheap. */
import { OPERATORS } from "./vocabulary.ts";

const OTHER = 0;
export const LETTER = 1;
export const DIGIT = 2;
/** Scripts written without spaces: every character is a token. */
export const IDEOGRAPH = 3;
export const SPACE = 4;
export const OPERATOR = 5;
export const MINUS = 6;

/** Class of every UTF-16 unit; surrogate halves count as letters. */
export const CLASS = new Uint8Array(0x10000);
/** Lower case of every letter; 0 for whatever is none. */
export const FOLD = new Uint16Array(0x10000);

function fillTables(): void {
  const letter = /[\p{L}\p{M}]/u;
  const digit = /\p{Nd}/u;
  const ideograph = /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}]/u;
  for (let unit = 0; unit < 0x10000; unit++) {
    if (unit >= 0xd800 && unit < 0xe000) {
      CLASS[unit] = LETTER;
      FOLD[unit] = unit;
      continue;
    }
    const char = String.fromCharCode(unit);
    CLASS[unit] = ideograph.test(char)
      ? IDEOGRAPH
      : letter.test(char)
        ? LETTER
        : digit.test(char)
          ? DIGIT
          : /\s/.test(char)
            ? SPACE
            : OTHER;
    const lower = char.toLowerCase();
    if (CLASS[unit] === LETTER) FOLD[unit] = lower.length === 1 ? lower.charCodeAt(0) : unit;
  }
}
fillTables();

for (const unit of OPERATORS.keys()) CLASS[unit] = OPERATOR;
for (const sign of "-−–‐‑") CLASS[sign.charCodeAt(0)] = MINUS;
