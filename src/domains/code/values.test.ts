import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type Notation, parseValue } from "./literals.ts";
import { equalValues, toJson, withJsonKeys } from "./values.ts";

function same(a: string, b: string, notations: [Notation, Notation] = ["json", "python"]): boolean {
  const [left, right] = [parseValue(a, notations[0]), parseValue(b, notations[1])];
  if (left === undefined || right === undefined) throw new Error(`cannot read ${a} or ${b}`);
  return equalValues(left, right);
}

describe("Python's ==", () => {
  it.each([
    ["3.0", "3"],
    ["[1, 2]", "(1, 2)"],
    ["[1]", "(1,)"],
    ["true", "1"],
    ["null", "None"],
    ['"it\'s \\"ok\\"\\n"', "'it\\'s \"ok\"\\n'"],
    ['"\\ud83d\\ude00"', "'😀'"],
    ['{"a": 1, "b": [2.5]}', "{'b': [2.5], 'a': 1}"],
    ["123456789012345678901234567890", "123456789012345678901234567890"],
    ["1e3", "1000"],
    ["Infinity", "inf"],
    ["-0.0", "0"],
    ["[]", "()"],
    ["0.1", "0.1"],
  ])("%s equals %s", (a, b) => expect(same(a, b)).toBe(true));

  it.each([
    ["9007199254740993", "9007199254740992"],
    ["9007199254740993", "9007199254740992.0"],
    ['"1"', "1"],
    ["[1, 2]", "[2, 1]"],
    ["[1]", "1"],
    ["NaN", "nan"],
    ["0.1", "0.10000000000000002"],
    ["null", "False"],
    ['{"a": 1}', "{'a': 1, 'b': 2}"],
    ["[]", "{}"],
    ['"a"', "b'a'"],
  ])("%s differs from %s", (a, b) => expect(same(a, b)).toBe(false));

  it("sets, dictionaries with other keys, bytes, complex numbers", () => {
    const python: [Notation, Notation] = ["python", "python"];
    expect(same("{1, 2, 3}", "{3, 2, 1}", python)).toBe(true);
    expect(same("{1, 2}", "{1, 2, 3}", python)).toBe(false);
    expect(same("set()", "frozenset()", python)).toBe(true);
    expect(same("{(1, 2): 'x'}", "{(1.0, 2): 'x'}", python)).toBe(true);
    expect(same("b'\\x00a'", "b'\\x00a'", python)).toBe(true);
    expect(same("(1+2j)", "(1+2j)", python)).toBe(true);
    expect(same("(1-2e-05j)", "(1+2j)", python)).toBe(false);
    expect(same("2j", "2j", python)).toBe(true);
    expect(same("(1+0j)", "1", python)).toBe(true);
  });
});

it("spells the keys of dictionaries as JSON does", () => {
  const read = (text: string) => withJsonKeys(parseValue(text, "python") ?? { kind: "none" });
  const spelt = (python: string, json: string) =>
    equalValues(parseValue(json, "json") ?? { kind: "none" }, read(python));
  expect(spelt("[{1: {True: 'a', None: 2.5, 0.5: ()}}]", '[{"1": {"true": "a", "null": 2.5, "0.5": []}}]')).toBe(true);
  expect(spelt("{(1, 2): 3}", '{"[1, 2]": 3}')).toBe(false);
  // Two keys that JSON cannot tell apart are left as they are.
  expect(spelt("{1: 2, '1': 2}", '{"1": 2}')).toBe(false);
});

it("refuses what is no value", () => {
  for (const text of ["", "foo", "[1,", "1 2", "[1,]", "{1: 2}", "'a'", "01", "+1", "NULL", '"\\x41"', "[1]]"])
    expect([text, parseValue(text, "json")]).toEqual([text, undefined]);
  for (const text of ["", "<a value of type deque>", "deque([1])", "[1", "f(1)", "'a", "1..2"])
    expect([text, parseValue(text, "python")]).toEqual([text, undefined]);
  expect(parseValue("[".repeat(100_000), "json")).toBeUndefined();
});

it("keeps every JSON value, through toJson and back", () => {
  fc.assert(
    fc.property(fc.jsonValue({ maxDepth: 4 }), (value) => {
      const read = parseValue(JSON.stringify(value), "json");
      if (read === undefined) throw new Error("not read");
      const again = parseValue(toJson(read) ?? "", "json");
      if (again === undefined) throw new Error("not read again");
      expect(equalValues(read, again)).toBe(true);
    }),
  );
});

it("keeps integers of any size apart", () => {
  fc.assert(
    fc.property(fc.bigInt(), (n) => {
      expect(same(`${n}`, `${n}`)).toBe(true);
      expect(same(`${n}`, `${n + 1n}`)).toBe(false);
    }),
  );
});
