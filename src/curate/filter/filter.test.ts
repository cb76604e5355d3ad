import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import type { SampleResult, Sampler } from "../../lm/contract.ts";
import { DEFAULT_FILTERS, FILTER_NAMES, type FilterName, FilterSettings, filterChain } from "./chain.ts";
import { type FilterRow, firstRejection } from "./contract.ts";
import { judgeProblems, readJudgement } from "./judge.ts";
import { languageOf } from "./language.ts";

const settings = FilterSettings.parse({});
const only = (name: FilterName, row: FilterRow) => firstRejection(filterChain([name], settings), row);
const FINE = "How many positive divisors does $720$ have?";

describe.each<[FilterName, string | FilterRow, string | FilterRow]>([
  ["incomplete", "Find all integers that satisfy the following conditions:", FINE],
  ["incomplete", "Let $x$ and $y$ be integers such that", "The price rose by $3 and then by $4. What is it?"],
  ["incomplete", "Find $x$ if $\\frac{x}{2} + \\sqrt{", "Compute \\begin{align*} x \\end{align*} for $x = 2$."],
  [
    "incomplete",
    "Numbers meet the following conditions: Please reason step by step.",
    "Use the following facts: 2 is prime and 4 is not. How many primes are below 5?",
  ],
  [
    "proof",
    "Let $n$ be odd. Prove that $n^2 - 1$ is divisible by 8.",
    "It can be shown that $n^2 - 1$ is divisible by 8. Find the quotient for $n = 5$.",
  ],
  ["proof", "Find $x$ and show that it is unique.", "A TV show that lasts 2 hours starts at 7. When does it end?"],
  ["multi-part", "A die is rolled. (a) Find the mean. (b) Find the variance.", "Which is larger? (A) 2 (B) 3 (C) 5"],
  [
    "multi-part",
    "Part 1: compute $a$. Part 2: compute $b$.",
    "On side (a) of the board is 2 and on side (b) is 3. Find the sum.",
  ],
  [
    "missing-figure",
    "Find the area of the triangle shown in the figure.",
    "Find the area. [asy] draw((0,0)--(1,0)); [/asy] The figure shows it.",
  ],
  [
    "missing-figure",
    "As pictured below, two circles touch. Find the radius.",
    "Find the image of the line under the map, and figure out its slope.",
  ],
  ["no-question", "There are 5 apples on the table and 3 pears in the basket.", FINE],
  [
    "answer-leaked",
    { problem: "Compute $2+2$. The answer is 4.", answer: "4" },
    { problem: "Sam has 4 apples and eats 0. How many are left?", answer: "4" },
  ],
  [
    "answer-leaked",
    { problem: "What is $2+2$?\nSolution: add them to get 4." },
    { problem: "Give your answer as \\boxed{answer}. Find $x$." },
  ],
  ["length", "Go.", FINE],
  ["language", "Trouver la somme de tous les nombres entiers qui sont des diviseurs de 30.", FINE],
  ["language", "求所有小于 100 的质数之和。", "Let $\\alpha$ and $β$ be the angles. Find $α + β$."],
  ["no-answer", { problem: FINE, answer: "\\text{No solution.}" }, { problem: FINE, answer: "\\binom{4}{2}" }],
  ["no-answer", { problem: FINE, answer: "  " }, { problem: FINE, answer: "north" }],
  ["no-answer", { problem: FINE, answer: "None" }, { problem: FINE, answer: "0" }],
  ["trivial-answer", { problem: FINE, answer: "$1$" }, { problem: FINE, answer: "10" }],
  [
    "rationale-solves",
    { problem: FINE, rationale: "Factor 720 as 2^4·3^2·5. Therefore, the answer is 30." },
    {
      problem: FINE,
      rationale:
        "Combine prime factorisation with counting: choose a number with three prime factors, then ask for its divisors.",
    },
  ],
  [
    "missing-figure",
    "How many squares does the grid shown below have?",
    "The grid for $n=4$ is shown below: $$\\begin{bmatrix} 1 & 2 \\\\ 3 & 4 \\end{bmatrix}$$ How many odd entries does it have?",
  ],
  [
    "concept-unused",
    {
      problem: "Find the area of a circle of radius 3.",
      concepts: ["Chinese remainder theorem", "Modular arithmetic"],
    },
    { problem: "Find the area of a circle of radius 3.", concepts: ["Area of circles", "Modular arithmetic"] },
  ],
])("the filter %s", (name, bad, good) => {
  const row = (given: string | FilterRow): FilterRow => (typeof given === "string" ? { problem: given } : given);

  it(`drops ${JSON.stringify(bad)}`, () => {
    const rejection = only(name, row(bad));
    expect(rejection).toMatchObject({ filter: name });
    expect(rejection?.reason.length).toBeGreaterThan(5);
  });

  it(`keeps ${JSON.stringify(good)}`, () => {
    expect(only(name, row(good))).toBeUndefined();
  });
});

describe("the chain", () => {
  it("gives the first reason in a fixed order, whatever order was asked for", () => {
    const row = { problem: "Prove that the figure" };
    const names: FilterName[] = ["proof", "incomplete", "missing-figure"];
    expect(firstRejection(filterChain(names, settings), row)).toEqual(
      firstRejection(filterChain(names.toReversed(), settings), row),
    );
  });

  it("keeps the answers 0 and 1 by default", () => {
    expect(DEFAULT_FILTERS).not.toContain("trivial-answer");
    for (const answer of ["0", "1"])
      expect(firstRejection(filterChain(DEFAULT_FILTERS, settings), { problem: FINE, answer })).toBeUndefined();
  });

  it("has a test for every filter", () => {
    expect(FILTER_NAMES).toHaveLength(12);
  });
});

const DATA = join(import.meta.dirname, "../../../../shared/data");
const there = existsSync(DATA);
describe.skipIf(!there)(`real problems${there ? "" : " (skipped: ../shared/data is absent)"}`, () => {
  it.each([
    ["math500", 0],
    ["gsm8k-test", 1],
    ["aime25", 0],
    ["hmmt-feb-25", 0],
  ])("of %s pass, all but %i", (name, allowed) => {
    const chain = filterChain(DEFAULT_FILTERS, settings);
    const rows = readFileSync(join(DATA, `${name}.jsonl`), "utf8")
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line) as FilterRow);
    const rejections = rows.flatMap((row) => firstRejection(chain, row) ?? []);
    expect(rejections.length, JSON.stringify(rejections)).toBeLessThanOrEqual(allowed);
  });
});

describe("languages", () => {
  it.each([
    ["de", "Bestimme die Summe aller Zahlen, die durch 3 und nicht durch 5 teilbar sind."],
    ["es", "Hallar la suma de los números enteros que son divisores de 30 y cuántos hay."],
    ["pt", "Encontre a soma dos números que são divisores de 30 e não de 7."],
    ["it", "Trova la somma dei numeri che sono divisori di 30 e non di 7, più quanti sono."],
    ["ru", "Найдите сумму всех чисел."],
    ["ja", "次の方程式を解け。"],
    [undefined, "Compute $x$."],
  ])("%s: %s", (language, text) => {
    expect(languageOf(text)).toBe(language);
  });
});

describe("the model judge", () => {
  it.each([
    ["well-posed", "well-posed"],
    [" **Well-posed.** ", "well-posed"],
    ["<think>hm</think>ill-posed", "ill-posed"],
    ["not well-posed", "unknown"],
    ["well-posed, I think", "unknown"],
    ["perfect", "unknown"],
    ["", "unknown"],
  ])("reads %j as %s", (text, judgement) => {
    expect(readJudgement(text).judgement).toBe(judgement);
  });

  it("counts cut-off answers and failed requests as unknown", async () => {
    const usage = { promptTokens: 1, completionTokens: 1 };
    const sampler: Sampler = {
      async *sample(requests) {
        const results: ((id: string) => SampleResult)[] = [
          (id) => ({ ok: true, id, text: "well-posed", finish: "stop", usage }),
          (id) => ({ ok: true, id, text: "well-posed", finish: "length", usage }),
          (id) => ({ ok: false, id, boundary: "backend", reason: "HTTP 500" }),
        ];
        for (const [i, { id }] of requests.entries()) yield (results[i] as (id: string) => SampleResult)(id);
      },
    };
    const problems = ["a", "b", "c"].map((id) => ({ id, problem: FINE }));
    const judged: string[] = [];
    for await (const { id, judgement } of judgeProblems(sampler, problems, {
      maxTokens: 8,
      temperature: 0,
      seedOf: () => 1,
    }))
      judged.push(`${id} ${judgement}`);
    expect(judged).toEqual(["a well-posed", "b unknown", "c unknown"]);
  });
});
