/**
 * Python values without loss, compared as Python's `==` does, and written as JSON. literals.ts reads them.
 * Integers stay whole and floats stay floats; nothing passes through JavaScript's numbers but what is a double.
 */

export type Value =
  | { kind: "none" }
  | { kind: "bool"; value: boolean }
  | { kind: "int"; value: bigint }
  | { kind: "float"; value: number }
  | { kind: "complex"; real: number; imaginary: number }
  | { kind: "str"; value: string }
  /** Code points 0–255. */
  | { kind: "bytes"; value: string }
  /** Lists and tuples: the reference harness does not tell them apart, as JSON cannot. */
  | { kind: "sequence"; items: Value[] }
  | { kind: "dict"; entries: [key: Value, value: Value][] }
  | { kind: "set"; items: Value[] };

export interface Tolerance {
  absolute: number;
  relative: number;
}

/** Whether two floats are equal, exactly or within `tolerance` (relative to the expected one). */
export function closeEnough(expected: number, actual: number, tolerance: Tolerance | undefined): boolean {
  if (expected === actual) return true;
  if (tolerance === undefined || !Number.isFinite(expected) || !Number.isFinite(actual)) return false;
  return Math.abs(expected - actual) <= Math.max(tolerance.absolute, tolerance.relative * Math.abs(expected));
}

/** Python's `==`, with lists equal to tuples, and floats within `tolerance` where one is given. */
export function equalValues(expected: Value, actual: Value, tolerance?: Tolerance): boolean {
  switch (expected.kind) {
    case "none":
      return actual.kind === "none";
    case "str":
    case "bytes":
      return actual.kind === expected.kind && actual.value === expected.value;
    case "sequence":
      if (actual.kind !== "sequence" || actual.items.length !== expected.items.length) return false;
      return expected.items.every((item, index) => {
        const other = actual.items[index];
        return other !== undefined && equalValues(item, other, tolerance);
      });
    case "set":
      return actual.kind === "set" && equalSets(expected.items, actual.items);
    case "dict":
      return actual.kind === "dict" && equalDicts(expected.entries, actual.entries, tolerance);
    case "bool":
    case "int":
    case "float":
    case "complex":
      return equalNumbers(expected, actual, tolerance);
    default:
      return expected satisfies never;
  }
}

function equalNumbers(expected: Value, actual: Value, tolerance: Tolerance | undefined): boolean {
  const left = integerOf(expected);
  const right = integerOf(actual);
  if (left !== undefined && right !== undefined) return left === right;
  const a = complexOf(expected);
  const b = complexOf(actual);
  if (a === undefined || b === undefined) return false;
  // Reached with exact equality only if one side is a true fraction, an infinity or NaN: comparing doubles is exact.
  if (tolerance === undefined) return left === undefined && right === undefined && a.re === b.re && a.im === b.im;
  return closeEnough(a.re, b.re, tolerance) && closeEnough(a.im, b.im, tolerance);
}

/** The integer that a number equals exactly, if it equals one. */
function integerOf(value: Value): bigint | undefined {
  if (value.kind === "int") return value.value;
  if (value.kind === "bool") return value.value ? 1n : 0n;
  if (value.kind === "float" && Number.isInteger(value.value)) return BigInt(value.value);
  if (value.kind === "complex" && value.imaginary === 0 && Number.isInteger(value.real)) return BigInt(value.real);
  return undefined;
}

function complexOf(value: Value): { re: number; im: number } | undefined {
  if (value.kind === "float") return { re: value.value, im: 0 };
  if (value.kind === "complex") return { re: value.real, im: value.imaginary };
  const whole = integerOf(value);
  return whole === undefined ? undefined : { re: Number(whole), im: 0 };
}

function equalSets(expected: Value[], actual: Value[]): boolean {
  const left = new Set(expected.map(keyOf));
  const right = new Set(actual.map(keyOf));
  return left.size === right.size && [...left].every((key) => right.has(key));
}

function equalDicts(expected: [Value, Value][], actual: [Value, Value][], tolerance: Tolerance | undefined): boolean {
  const left = new Map(expected.map(([key, value]) => [keyOf(key), value]));
  const right = new Map(actual.map(([key, value]) => [keyOf(key), value]));
  if (left.size !== right.size) return false;
  return [...left].every(([key, value]) => {
    const other = right.get(key);
    return other !== undefined && equalValues(value, other, tolerance);
  });
}

/** A text that is the same for values that are equal as dictionary keys. */
export function keyOf(value: Value): string {
  const whole = integerOf(value);
  if (whole !== undefined) return `n${whole}`;
  switch (value.kind) {
    case "none":
      return "-";
    case "bool":
    case "int":
      return `n${value.value}`;
    case "float":
      return `f${value.value}`;
    case "complex":
      return `c${value.real},${value.imaginary}`;
    case "str":
      return JSON.stringify(value.value);
    case "bytes":
      return `b${JSON.stringify(value.value)}`;
    case "sequence":
      return `[${value.items.map(keyOf).join(",")}]`;
    case "set":
      return `{${value.items.map(keyOf).sort().join(",")}}`;
    case "dict":
      return `{${value.entries
        .map(([k, v]) => `${keyOf(k)}:${keyOf(v)}`)
        .sort()
        .join(",")}}`;
    default:
      return value satisfies never;
  }
}

/** The value with the keys of its dictionaries as `json.dumps` writes them: texts. */
export function withJsonKeys(value: Value): Value {
  if (value.kind === "sequence") return { ...value, items: value.items.map(withJsonKeys) };
  if (value.kind !== "dict") return value;
  const entries = value.entries.map(([key, inner]): [Value, Value] => [jsonKey(key), withJsonKeys(inner)]);
  const distinct = new Set(entries.map(([key]) => keyOf(key))).size === entries.length;
  return distinct ? { kind: "dict", entries } : value;
}

function jsonKey(key: Value): Value {
  const text = key.kind === "sequence" || key.kind === "dict" ? undefined : toJson(key);
  return key.kind === "str" || text === undefined ? key : { kind: "str", value: text };
}

/** The value as JSON in Python's dialect (`NaN` and `Infinity` allowed), or undefined if JSON cannot hold it. */
export function toJson(value: Value): string | undefined {
  switch (value.kind) {
    case "none":
      return "null";
    case "bool":
      return String(value.value);
    case "int":
      return String(value.value);
    case "float":
      return Number.isInteger(value.value) && Math.abs(value.value) < 1e16
        ? value.value.toFixed(1)
        : String(value.value);
    case "str":
      return JSON.stringify(value.value);
    case "sequence": {
      const items = value.items.map(toJson);
      return items.includes(undefined) ? undefined : `[${items.join(", ")}]`;
    }
    case "dict": {
      const members = value.entries.map(([key, inner]) => {
        const text = toJson(inner);
        return key.kind !== "str" || text === undefined ? undefined : `${JSON.stringify(key.value)}: ${text}`;
      });
      return members.includes(undefined) ? undefined : `{${members.join(", ")}}`;
    }
    case "complex":
    case "bytes":
    case "set":
      return undefined;
    default:
      return value satisfies never;
  }
}
