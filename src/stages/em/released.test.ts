/** The released generation model's interface, to the letter, and the marker spelling of models of ours. */
import { existsSync, readFileSync } from "node:fs";
import { resolve } from "node:path";
import { describe, expect, it } from "vitest";
import { toyTokenizer } from "../../../test/servers/toy-model.ts";
import { formatFor, releasedPrompt } from "./format.ts";
import { releasedWriter } from "./released.ts";

const given = {
  concepts: ["Modular arithmetic", "Counting", "Parity", "Graph colouring", "Induction"],
  level: "HMMT-Feb",
};

const PROMPT = [
  "Given foundational concepts and difficulty level, identify connections and develop a question that integrates these concepts with appropriate complexity.",
  "",
  "Foundational Concepts:",
  "1. Modular arithmetic",
  "2. Counting",
  "3. Parity",
  "4. Graph colouring",
  "5. Induction",
  "",
  "Difficulty Level: HMMT-Feb",
].join("\n");

const OUTPUT = [
  "<!-- BEGIN RATIONALE -->",
  "Colour the vertices by parity.",
  "<!-- END RATIONALE -->",
  "",
  "<!-- BEGIN PROBLEM -->",
  "How many colourings are there?",
  "<!-- END PROBLEM -->",
].join("\n");

describe("the released generation model", () => {
  it("is asked in its own words, to the letter, by messages or by text", () => {
    expect(releasedPrompt(given)).toBe(PROMPT);
    expect(releasedWriter("text").prompt(given)).toEqual({ kind: "text", text: PROMPT });
    expect(releasedWriter("chat").prompt(given)).toEqual({
      kind: "messages",
      messages: [{ role: "user", content: PROMPT }],
    });
  });

  const paper = resolve(import.meta.dirname, "../../../../shared/PAPER.md");
  const there = existsSync(paper);
  it.skipIf(!there)(`PAPER.md §4 says the same${there ? "" : " (skipped: ../shared is not here)"}`, () => {
    const text = readFileSync(paper, "utf8");
    const block = text.slice(text.indexOf("    Given foundational concepts"), text.indexOf("(difficulty levels seen"));
    const lines = block
      .trimEnd()
      .split("\n")
      .map((line) => line.replace(/^ {4}/, ""));
    const own = releasedPrompt({ concepts: ["…", "…", "…", "…", "…"], level: "HMMT-Feb" }).split("\n");
    // The page leaves concepts 2 to 4 out.
    expect(own.filter((line) => !/^[2-4]\. /.test(line))).toEqual(lines);
    for (const mark of OUTPUT.match(/<!--.*-->/g) ?? []) expect(text).toContain(mark);
  });

  it("its two parts are read, whatever stands around them", () => {
    const { parse } = releasedWriter("chat");
    const parts = { rationale: "Colour the vertices by parity.", problem: "How many colourings are there?" };
    expect(parse({ text: OUTPUT, finish: "stop" })).toEqual({ ok: true, ...parts });
    expect(parse({ text: `Sure.\n${OUTPUT}\n\nGood luck!`, finish: "length" })).toEqual({ ok: true, ...parts });
  });

  it.each([
    ["no marks", "A problem.", "stop", "no <!-- BEGIN RATIONALE -->"],
    ["an open end", OUTPUT.replace("<!-- END PROBLEM -->", ""), "stop", "no <!-- END PROBLEM -->"],
    ["an end cut off", OUTPUT.replace("<!-- END PROBLEM -->", ""), "length", "cut off at the token limit"],
    ["two problems", `${OUTPUT}\n${OUTPUT}`, "stop", "more than one <!-- BEGIN RATIONALE -->"],
    ["parts in the wrong order", OUTPUT.split("\n").reverse().join("\n"), "stop", "out of place"],
    ["an empty problem", OUTPUT.replace("How many colourings are there?", " "), "stop", "empty problem"],
  ] as const)("%s is refused", (_, text, finish, reason) => {
    const parsed = releasedWriter("text").parse({ text, finish });
    expect(parsed.ok ? "" : parsed.reason).toContain(reason);
  });
});

describe("markers, for tokenizers without our special tokens", () => {
  const format = formatFor(toyTokenizer);
  const z = "Ask for parity.";
  const ended = `${z}\n<!-- END RATIONALE -->`;

  it("what q sampled is what is scored: its own ids, without the mark", () => {
    expect(format.spelling).toBe("markers");
    const ids = toyTokenizer.encode(ended);
    const parsed = format.parseQ({ ids, text: `${z}\n`, finish: "stop" });
    expect(parsed).toEqual({ ok: true, text: z, z: ids.slice(0, z.length) });
    // Where the server gives no ids, or spelt it in another way, the text is encoded.
    expect(format.parseQ({ text: `${z}\n`, finish: "stop" })).toMatchObject({ z: toyTokenizer.encode(z) });
    expect(format.parseQ({ ids: [1, 1, 1], text: `${z}\n`, finish: "stop" })).toMatchObject({
      z: toyTokenizer.encode(z),
    });
  });

  it("p reads back what a row teaches", () => {
    const row = format.rowOfP("r", given, toyTokenizer.encode(z), "How many?");
    const taught = toyTokenizer.decode(row.ids.filter((_, i) => row.targets[i] === 1));
    expect(taught).toBe(`${ended}\n\n<!-- BEGIN PROBLEM -->\nHow many?\n<!-- END PROBLEM -->`);
    expect(format.parseP({ text: taught, finish: "stop" })).toEqual({ ok: true, rationale: z, problem: "How many?" });
    const [prompt] = [toyTokenizer.decode(format.promptOfP(given))];
    expect(prompt).toBe(`${PROMPT}\n\n<!-- BEGIN RATIONALE -->\n`);
  });
});
