/** Repairs an answer's text before it is read: Unicode signs, lost and doubled backslashes. Knows signs, not structure. */
import { isCommand } from "./commands.ts";
import { subscript, superscript, UNICODE } from "./unicode.ts";

/** What an escape sequence of a programming language left of `\f`, `\b`, `\v`, `\a`, `\t`, `\r`, `\n` at the head of a command. */
const LOST: ReadonlyMap<string, string> = new Map([
  ["\f", "f"],
  ["\b", "b"],
  ["\v", "v"],
  ["\x07", "a"],
  ["\t", "t"],
  ["\r", "r"],
  ["\n", "n"],
]);

/** The longest command name that is looked for when text is repaired. */
const LONGEST = 16;

/** ASCII LaTeX that means what `text` means. Linear. */
export function clean(source: string): string {
  let text = source.includes("&") ? withoutEntities(source) : source;
  if (isPlain(text)) return undouble(text);
  text = withAsciiDigits(text);
  let out = "";
  let script = "";
  for (const ch of text) {
    const raised = superscript(ch);
    const lowered = raised === undefined ? subscript(ch) : undefined;
    const mode = raised !== undefined ? "^" : lowered !== undefined ? "_" : "";
    if (mode !== script) {
      if (script !== "") out += "}";
      if (mode !== "") out += `${mode}{`;
      script = mode;
    }
    if (mode !== "") out += raised ?? lowered;
    else if (ch >= " " && ch <= "~") out += ch;
    else out += LOST.has(ch) ? `\u0000${LOST.get(ch)}` : (UNICODE.get(ch) ?? (PICTURE.test(ch) ? " " : wide(ch)));
  }
  if (script !== "") out += "}";
  return undouble(restoreLost(out));
}

/** Signs as web pages escape them. */
const ENTITIES: ReadonlyMap<string, string> = new Map(
  Object.entries({ lt: "<", gt: ">", le: "≤", ge: "≥", ne: "≠", amp: "&", nbsp: " ", minus: "-", times: "×" }),
);

function withoutEntities(text: string): string {
  return text.replaceAll(/&(lt|gt|le|ge|ne|amp|nbsp|minus|times);/g, (_, name: string) => ENTITIES.get(name)!);
}

/** The text with the digits of every script as ASCII ones: `૨` is 2. */
export function withAsciiDigits(text: string): string {
  return ASCII_ONLY.test(text) ? text : text.replaceAll(/(?![0-9])\p{Nd}/gu, digitOf);
}

const ASCII_ONLY = /^[\0-\x7f]*$/;

/** Digits met so far: there are some seven hundred in Unicode. */
const DIGITS = new Map<string, string>();

/** A script's ten digits stand in a row, and rows only touch whole. */
function digitOf(ch: string): string {
  const known = DIGITS.get(ch);
  if (known !== undefined) return known;
  const code = ch.codePointAt(0)!;
  let before = 0;
  while (/\p{Nd}/u.test(String.fromCodePoint(code - 1 - before))) before++;
  const digit = String(before % 10);
  DIGITS.set(ch, digit);
  return digit;
}

function isPlain(text: string): boolean {
  for (let i = 0; i < text.length; i++) {
    const c = text.charCodeAt(i);
    if (c < 32 || c > 126) return false;
  }
  return true;
}

/** A picture, a tick, or a mark that chooses between its forms. */
const PICTURE = /\p{Extended_Pictographic}|\u2713|\u2717|\ufe0f|\u200d/u;

/** Full-width and mathematical letters. */
function wide(ch: string): string {
  const code = ch.codePointAt(0)!;
  if (code >= 0xff01 && code <= 0xff5e) return String.fromCharCode(code - 0xfee0);
  if (code >= 0x1d400 && code <= 0x1d6a3) {
    const at = (code - 0x1d400) % 52;
    return String.fromCharCode(at < 26 ? 65 + at : 71 + at);
  }
  return ch;
}

/** A control character becomes a backslash where that spells a command, and a space elsewhere. */
function restoreLost(text: string): string {
  if (!text.includes("\u0000")) return text;
  const parts = text.split("\u0000");
  let out = parts[0]!;
  for (const part of parts.slice(1)) {
    const name = part.slice(0, lettersFrom(part, 0));
    const fits = name.length > 1 && part.length > 1 && (isCommand(name) || name === "boxed" || name === "fbox");
    out += fits ? `\\${part}` : ` ${part.slice(1)}`;
  }
  return out;
}

function lettersFrom(text: string, from: number): number {
  let i = from;
  while (i < text.length && i < from + LONGEST && isLetter(text.charCodeAt(i))) i++;
  return i;
}

export function isLetter(code: number): boolean {
  return (code >= 97 && code <= 122) || (code >= 65 && code <= 90);
}

export function isDigit(code: number): boolean {
  return code >= 48 && code <= 57;
}

/**
 * `\\frac` is `\frac` whose backslash was escaped twice. Inside a matrix `\\` ends a row, so there the whole text must be doubled
 * (it then says `\\begin`) before any pair is halved.
 */
function undouble(text: string): string {
  if (!text.includes("\\\\")) return text;
  if (text.includes("\\\\begin{")) return text.replaceAll("\\\\", "\\");
  if (text.includes("\\begin{")) return text;
  let out = "";
  let i = 0;
  while (i < text.length) {
    const at = text.indexOf("\\\\", i);
    if (at < 0) break;
    let end = at;
    while (text[end] === "\\") end++;
    const name = text.slice(end, lettersFrom(text, end));
    const bracket = "{}()[]%$,;:! ".includes(text[end] ?? " ") && text[end] !== " " && text[end] !== undefined;
    const command = name.length > 1 && startsCommand(name);
    out += text.slice(i, at) + (command || bracket ? "\\" : text.slice(at, end));
    i = end;
  }
  return out + text.slice(i);
}

function startsCommand(name: string): boolean {
  for (let n = name.length; n >= 2; n--) if (isCommand(name.slice(0, n)) || name.startsWith("boxed")) return true;
  return false;
}
