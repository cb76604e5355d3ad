/** Problems by the released generation model, hosted: nothing is trained, and every prompt is its own to the letter. */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { type ChatServer, chatServer } from "../../test/servers/chat.ts";
import { recordsOf } from "../stages/stage.ts";
import { writtenJournal } from "../stages/synthesize.ts";
import { resolveConfig, type SeedsConfig } from "./config.ts";
import { ownSeeds } from "./seeds.ts";
import { openSession } from "./session.ts";
import { summarise } from "./summary.ts";

let folder: string;
let server: ChatServer;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "promptcot-writer-"));
  server = await chatServer(({ prompt }) => {
    if (prompt.includes("1. Parity")) return "I would rather not.";
    const concept = /1\. (.*)/.exec(prompt)?.[1];
    return `<!-- BEGIN RATIONALE -->\nAsk about ${concept}.\n<!-- END RATIONALE -->\n<!-- BEGIN PROBLEM -->\nWhat is the ${concept} of seventeen and the least prime above it?\n<!-- END PROBLEM -->`;
  });
});
afterEach(async () => {
  await server.close();
  await rm(folder, { recursive: true, force: true });
});

it("writes from the concept sets of held-out seeds, and rejects what has no marks", async () => {
  const file = join(folder, "seeds.jsonl");
  const concepts = [
    "Parity",
    "Remainder",
    "Divisor",
    "Product",
    "Quotient",
    "Average",
    "Sum",
    "Square",
    "Cube",
    "Root",
  ];
  const seeds = concepts.map((concept, i) => ({
    ...{ id: `s${i}`, problem: `Problem ${i}?`, concepts: [concept, "Numbers"], rationale: "As it is." },
    level: i % 2 === 0 ? "AIME" : "HMMT-Nov",
  }));
  await writeFile(file, seeds.map((seed) => `${JSON.stringify(seed)}\n`).join(""));
  const written = {
    ...{ recipe: "seeds", scale: "tiny", seeds: { file }, concepts: { source: "held-out" } },
    split: { dev: 0.4, test: 0.4 },
    synthesize: { sets: 100, temperature: 0.8, maxTokens: 4096 },
    backends: {
      prior: {
        ...{ kind: "openai", url: server.url, model: "PromptCoT-2.0", dialect: "generic", contextLength: 16384 },
        weights: { kind: "pinned", provider: "here", version: "PromptCoT-2.0" },
      },
    },
    roles: { writer: "prior" },
  };
  const config = resolveConfig(written, [], "test") as SeedsConfig;
  const run = join(folder, "run");
  const session = await openSession({
    folder: run,
    config,
    inputs: [],
    ledger: join(folder, "ledger"),
    onEvent: () => undefined,
  });
  try {
    await ownSeeds(session, config);
  } finally {
    await session.close("done");
  }
  const records = await Array.fromAsync(recordsOf({ folder: run }, writtenJournal));
  expect(records.length).toBeGreaterThan(3);
  expect(server.requests).toHaveLength(records.length);
  for (const { prompt } of server.requests) {
    expect(prompt).toMatch(
      /^Given foundational concepts and difficulty level, identify connections and develop a question that integrates these concepts with appropriate complexity\.\n\nFoundational Concepts:\n1\. \w+\n2\. Numbers\n\nDifficulty Level: (AIME|HMMT-Nov)$/,
    );
  }
  for (const entry of records) {
    if (entry.ok) {
      const [concept] = entry.problem.concepts;
      expect(entry.problem.problem).toBe(`What is the ${concept} of seventeen and the least prime above it?`);
      expect(entry.problem.rationale).toBe(`Ask about ${concept}.`);
    } else expect(entry).toMatchObject({ reason: "no <!-- BEGIN RATIONALE -->", text: "I would rather not." });
  }
  expect((await summarise(run)).synthesis.asked).toBe(records.length);
});
