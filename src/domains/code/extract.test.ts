import { expect, it } from "vitest";
import { withoutThought } from "../../core/thought.ts";
import { programCandidates } from "./extract.ts";

const best = (response: string) => programCandidates(response)[0];
const F = "```";

it("takes the last fence tagged as Python, not the sample output after it", () => {
  const response = `First:\n${F}python\nprint(1)\n${F}\nBetter:\n${F}python\nprint(2)\n${F}\nIt prints:\n${F}\n2\n${F}\n`;
  expect(best(response)).toEqual({ program: "print(2)", source: "tagged" });
});

it("looks only after the thought", () => {
  expect(best(`<think>${F}python\nprint(1)\n${F}</think>\n${F}python\nprint(2)\n${F}`)?.program).toBe("print(2)");
  expect(programCandidates(`<think>${F}python\nprint(1)\n${F}`)).toEqual([]);
  expect(programCandidates(`${F}python\nprint(1)\n${F}\n</think>\nI give up.`)[0]?.source).toBe("whole-text");
  expect(withoutThought("a</think>b</think>c")).toBe("c");
});

it("knows other spellings of the tag, indentation, longer fences and tildes", () => {
  expect(best(`${F}py\nx = 1\n${F}`)?.program).toBe("x = 1");
  expect(best(`${F}Python3 title="a.py"\nx = 1\n${F}`)?.program).toBe("x = 1");
  expect(best(`1. Do:\n   ${F}python\n   if x:\n       y()\n   ${F}`)?.program).toBe("if x:\n    y()");
  expect(best(`${F}${F}python\ns = """\n${F}\n"""\n${F}${F}`)?.program).toBe(`s = """\n${F}\n"""`);
  expect(best("~~~python\nx = 1\n~~~")?.program).toBe("x = 1");
  expect(best(`${F}python\r\nx = 1\r\n${F}\r\n`)?.program).toBe("x = 1");
});

it("offers doubtful candidates in order: open fence, tagged, untagged last first", () => {
  const response = `${F}\na = 1\n${F}\n${F}\nb = 2\n${F}\n${F}python\nc = 3\n${F}\n${F}python\nd = 4`;
  expect(programCandidates(response).map((c) => [c.program, c.source])).toEqual([
    ["d = 4", "open-tagged"],
    ["c = 3", "tagged"],
    ["b = 2", "untagged"],
    ["a = 1", "untagged"],
  ]);
});

it("leaves other languages and empty fences alone", () => {
  expect(programCandidates(`${F}cpp\nint x;\n${F}\n${F}python\n\n${F}`)).toEqual([]);
});

it("is linear in malice", () => {
  const response = `${F}python\n`.repeat(100_000);
  expect(programCandidates(response).length).toBeLessThanOrEqual(1);
  expect(programCandidates("<think>".repeat(100_000))).toEqual([]);
});
