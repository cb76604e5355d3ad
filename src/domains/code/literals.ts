/** Reads values from JSON or from Python literals, without loss. Runs nothing, and compares nothing. */
import type { Value } from "./values.ts";

export type Notation = "json" | "python";

const MAX_DEPTH = 500;

/** The value that a text spells, or undefined if it spells none. Linear in the text's length. */
export function parseValue(text: string, notation: Notation): Value | undefined {
  const reader = new Reader(text, notation);
  try {
    reader.space();
    const value = reader.value(0);
    reader.space();
    return reader.ended() ? value : undefined;
  } catch (error) {
    if (error instanceof NotAValue) return undefined;
    throw error;
  }
}

class NotAValue extends Error {}

const NUMBER =
  /[+-]?(?:0[xX][0-9a-fA-F_]+|0[oO][0-7_]+|0[bB][01_]+|(?:[0-9][0-9_]*)?(?:\.[0-9_]*)?(?:[eE][+-]?[0-9]+)?)/y;
const JSON_NUMBER = /-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?/y;
const WORD = /[A-Za-z]+/y;
const SPACE = /[ \t\r\n\f]*/y;

const WORDS: Record<Notation, Record<string, Value>> = {
  json: {
    null: { kind: "none" },
    true: { kind: "bool", value: true },
    false: { kind: "bool", value: false },
    NaN: { kind: "float", value: Number.NaN },
    Infinity: { kind: "float", value: Number.POSITIVE_INFINITY },
  },
  python: {
    None: { kind: "none" },
    True: { kind: "bool", value: true },
    False: { kind: "bool", value: false },
    nan: { kind: "float", value: Number.NaN },
    inf: { kind: "float", value: Number.POSITIVE_INFINITY },
  },
};

const ESCAPES: Record<string, string> = {
  n: "\n",
  t: "\t",
  r: "\r",
  b: "\b",
  f: "\f",
  v: "\v",
  a: "\x07",
  "\\": "\\",
  "'": "'",
  '"': '"',
  "\n": "",
};

/** A recursive-descent reader of both notations. */
class Reader {
  readonly #text: string;
  readonly #notation: Notation;
  #at = 0;

  constructor(text: string, notation: Notation) {
    this.#text = text;
    this.#notation = notation;
  }

  ended(): boolean {
    return this.#at >= this.#text.length;
  }

  space(): void {
    this.#match(SPACE);
  }

  value(depth: number): Value {
    if (depth > MAX_DEPTH) throw new NotAValue();
    const next = this.#text[this.#at];
    if (next === "[") return { kind: "sequence", items: this.#items("[", "]", depth) };
    if (next === "{") return this.#braces(depth);
    if (next === '"') return { kind: "str", value: this.#string(false) };
    if (this.#notation === "python") {
      if (next === "'") return { kind: "str", value: this.#string(false) };
      if (next === "(") return this.#parentheses(depth);
    }
    if (next === "-" || next === "+" || next === "." || (next !== undefined && next >= "0" && next <= "9"))
      return this.#number();
    return this.#word(depth);
  }

  #match(pattern: RegExp): string {
    pattern.lastIndex = this.#at;
    const found = pattern.exec(this.#text)?.[0] ?? "";
    this.#at += found.length;
    return found;
  }

  #take(character: string): boolean {
    if (this.#text[this.#at] !== character) return false;
    this.#at++;
    return true;
  }

  #demand(character: string): void {
    if (!this.#take(character)) throw new NotAValue();
  }

  /** Items up to `close`; Python allows a comma after the last. */
  #items(open: string, close: string, depth: number): Value[] {
    this.#demand(open);
    const items: Value[] = [];
    this.space();
    while (!this.#take(close)) {
      items.push(this.value(depth + 1));
      this.space();
      if (this.#take(close)) break;
      this.#demand(",");
      this.space();
      if (this.#notation === "json" && this.#text[this.#at] === close) throw new NotAValue();
    }
    return items;
  }

  #braces(depth: number): Value {
    this.#demand("{");
    this.space();
    if (this.#take("}")) return { kind: "dict", entries: [] };
    const first = this.value(depth + 1);
    this.space();
    if (this.#text[this.#at] !== ":") {
      if (this.#notation === "json") throw new NotAValue();
      const items = [first];
      while (!this.#take("}")) {
        this.#demand(",");
        this.space();
        if (this.#take("}")) break;
        items.push(this.value(depth + 1));
        this.space();
      }
      return { kind: "set", items };
    }
    return this.#dict(first, depth);
  }

  #dict(first: Value, depth: number): Value {
    const entries: [Value, Value][] = [];
    let key = first;
    for (;;) {
      if (this.#notation === "json" && key.kind !== "str") throw new NotAValue();
      this.#demand(":");
      this.space();
      entries.push([key, this.value(depth + 1)]);
      this.space();
      if (this.#take("}")) return { kind: "dict", entries };
      this.#demand(",");
      this.space();
      if (this.#notation === "python" && this.#take("}")) return { kind: "dict", entries };
      key = this.value(depth + 1);
      this.space();
    }
  }

  /** A tuple, a bracketed value, or a complex number as `repr` writes it. */
  #parentheses(depth: number): Value {
    const start = this.#at;
    const complex = /\(([^()\s,jJ]+?)([+-][^()\s,+-]*(?:e[+-]?\d+)?)j\)/y;
    const found = this.#match(complex);
    if (found !== "") {
      const parts = /^\((.*?[^e(])([+-].*)j\)$/.exec(found);
      const real = floatOf(parts?.[1]);
      const imaginary = floatOf(parts?.[2]);
      if (real !== undefined && imaginary !== undefined) return { kind: "complex", real, imaginary };
      this.#at = start;
    }
    const before = this.#at;
    const items = this.#items("(", ")", depth);
    const trailing = /,\s*\)$/.test(this.#text.slice(Math.max(before, this.#at - 64), this.#at));
    const only = items[0];
    return items.length === 1 && only !== undefined && !trailing ? only : { kind: "sequence", items };
  }

  #number(): Value {
    if (this.#notation === "json") return this.#jsonNumber();
    const sign = this.#text[this.#at] === "-" ? -1 : 1;
    const rest = this.#text.slice(this.#at + 1, this.#at + 4);
    if (sign === -1 && (rest === "inf" || rest === "nan")) {
      this.#at += 4;
      return { kind: "float", value: rest === "inf" ? Number.NEGATIVE_INFINITY : Number.NaN };
    }
    const found = this.#match(NUMBER);
    const text = found.replaceAll("_", "");
    if (!/[0-9]/.test(text)) throw new NotAValue();
    if (this.#take("j") || this.#take("J")) return { kind: "complex", real: 0, imaginary: Number(text) };
    if (/^[+-]?0[xXoObB]/.test(text)) {
      const magnitude = BigInt(text.replace(/^[+-]/, ""));
      return { kind: "int", value: sign === -1 ? -magnitude : magnitude };
    }
    return numberOf(text);
  }

  #jsonNumber(): Value {
    if (this.#text.startsWith("-Infinity", this.#at)) {
      this.#at += 9;
      return { kind: "float", value: Number.NEGATIVE_INFINITY };
    }
    const found = this.#match(JSON_NUMBER);
    if (found === "") throw new NotAValue();
    return numberOf(found);
  }

  #word(depth: number): Value {
    const start = this.#at;
    const word = this.#match(WORD);
    const known = WORDS[this.#notation][word];
    if (known !== undefined) return known;
    if (this.#notation === "python") {
      if ((word === "b" || word === "B") && /['"]/.test(this.#text[this.#at] ?? ""))
        return { kind: "bytes", value: this.#string(true) };
      if (word === "set" || word === "frozenset") return this.#setCall(depth);
    }
    this.#at = start;
    throw new NotAValue();
  }

  #setCall(depth: number): Value {
    this.#demand("(");
    this.space();
    if (this.#take(")")) return { kind: "set", items: [] };
    const inner = this.value(depth + 1);
    this.space();
    this.#demand(")");
    if (inner.kind !== "set" && inner.kind !== "sequence") throw new NotAValue();
    return { kind: "set", items: inner.items };
  }

  #string(bytes: boolean): string {
    const stop = this.#text[this.#at++] === "'" ? /[^'\\]*/y : /[^"\\]*/y;
    const parts: string[] = [];
    for (;;) {
      parts.push(this.#match(stop));
      const end = this.#text[this.#at++];
      if (end === undefined) throw new NotAValue();
      if (end !== "\\") return parts.join("");
      parts.push(this.#escape(bytes));
    }
  }

  #escape(bytes: boolean): string {
    const letter = this.#text[this.#at++];
    if (letter === undefined) throw new NotAValue();
    if (letter === "u" && !bytes) return String.fromCharCode(this.#hex(4));
    if (this.#notation === "json") {
      const plain = letter === "/" ? "/" : 'bfnrt"\\'.includes(letter) ? ESCAPES[letter] : undefined;
      if (plain === undefined) throw new NotAValue();
      return plain;
    }
    if (letter === "x") return String.fromCharCode(this.#hex(2));
    if (letter === "U" && !bytes) {
      const point = this.#hex(8);
      if (point > 0x10ffff) throw new NotAValue();
      return String.fromCodePoint(point);
    }
    if (letter >= "0" && letter <= "7") {
      this.#at--;
      return String.fromCharCode(Number.parseInt(this.#match(/[0-7]{1,3}/y), 8));
    }
    return ESCAPES[letter] ?? `\\${letter}`;
  }

  #hex(digits: number): number {
    const text = this.#text.slice(this.#at, this.#at + digits);
    if (text.length !== digits || !/^[0-9a-fA-F]+$/.test(text)) throw new NotAValue();
    this.#at += digits;
    return Number.parseInt(text, 16);
  }
}

function numberOf(text: string): Value {
  if (/[.eE]/.test(text)) return { kind: "float", value: Number(text) };
  return { kind: "int", value: BigInt(text.startsWith("+") ? text.slice(1) : text) };
}

function floatOf(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const plain = text.replace(/^[+-]/, "");
  const sign = text.startsWith("-") ? -1 : 1;
  if (plain === "inf") return sign * Number.POSITIVE_INFINITY;
  if (plain === "nan") return Number.NaN;
  const value = Number(plain);
  return plain === "" || Number.isNaN(value) ? undefined : sign * value;
}
