/** Seeds annotated by two hosted models, through the config: who is asked what, what is kept, and what a second run pays. */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { type ChatServer, chatServer } from "../../test/servers/chat.ts";
import { toyServer } from "../../test/servers/toy-server.ts";
import { annotationsJournal } from "../stages/annotate.ts";
import { recordsOf } from "../stages/stage.ts";
import { annotateSeeds, annotatorJournal } from "./annotation.ts";
import { resolveConfig, type SeedsConfig } from "./config.ts";
import { seedsMaterial } from "./seeds.ts";
import { openSession } from "./session.ts";

let folder: string;
let server: ChatServer;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "promptcot-annotate-"));
  server = await chatServer(({ model, prompt }) => answer(model, prompt));
});
afterEach(async () => {
  await server.close();
  await rm(folder, { recursive: true, force: true });
});

/** One model words concepts in the plural; the other cannot stop talking about the third seed. */
function answer(model: string, prompt: string): string {
  if (model === "chatty" && prompt.includes("third")) return "What a nice problem!";
  if (!prompt.includes("JSON array")) return `<rationale>${"Choose a number, and ask for it. ".repeat(5)}</rationale>`;
  return JSON.stringify(
    model === "terse"
      ? ["Prime number", "Divisor", "Parity", "Sum", "Product"]
      : ["Prime numbers", "Divisors", "Parity", "Sums", "Products"],
  );
}

async function annotated(run: string, { bare = ["first", "second", "third"], models = ["terse", "chatty"] } = {}) {
  const hosted = (model: string) => ({
    ...{ kind: "openai", url: server.url, model, dialect: "generic", contextLength: 8192 },
    weights: { kind: "pinned", provider: "here", version: `${model}-1` },
  });
  const file = join(folder, "seeds.jsonl");
  const rows = bare.map((id) => ({ id, problem: `The ${id} problem?` }));
  const given = { id: "given", problem: "Known?", concepts: ["Prime number"], rationale: "As the author says." };
  await writeFile(
    file,
    [...rows, ...(models.includes("terse") ? [given] : [])].map((seed) => `${JSON.stringify(seed)}\n`).join(""),
  );
  const written = {
    ...{ recipe: "seeds", scale: "tiny", seeds: { file }, concepts: { source: "held-out" } },
    ...{ backends: { terse: hosted("terse"), chatty: hosted("chatty") }, roles: { annotators: models } },
  };
  const config = resolveConfig(written, [], "test") as SeedsConfig;
  const options = { config, inputs: [], ledger: join(folder, "ledger"), onEvent: () => undefined };
  const session = await openSession({ ...options, folder: join(folder, run) });
  try {
    return (await seedsMaterial(session, config)).annotations;
  } finally {
    await session.close("done");
  }
}

it("bare seeds go to both models, given ones keep what they have, and wordings are merged", async () => {
  const annotations = await annotated("one");
  const good = annotations.flatMap((entry) => (entry.ok ? [entry.triple] : []));
  expect(good.map(({ seedId, annotator }) => `${seedId} by ${annotator}`).sort()).toEqual([
    "first by chatty",
    "first by terse",
    "given by given",
    "second by chatty",
    "second by terse",
    "third by terse",
  ]);
  // "Prime number" occurs more often than "Prime numbers" ("given" has it too), "Divisor" than "Divisors".
  for (const { annotator, concepts } of good) {
    if (annotator !== "given") expect(concepts).toEqual(["Prime number", "Divisor", "Parity", "Sum", "Product"]);
  }
  const failed = annotations.flatMap((entry) => (entry.ok ? [] : [entry]));
  expect(failed).toHaveLength(1);
  expect(failed[0]).toMatchObject({ seedId: "third", annotator: "chatty" });
  expect(failed[0]?.reason).toContain("asked for twice");
  const own = await Array.fromAsync(
    recordsOf({ folder: join(folder, "one") }, { ...annotationsJournal, journal: annotatorJournal("chatty") }),
  );
  expect(own.find((entry) => entry.ok)).toMatchObject({
    triple: { concepts: expect.arrayContaining(["Prime numbers"]) },
  });
  // Two seeds well by each, two requests a seed; the third seed: two from the terse model, asked twice of the chatty one.
  expect(server.requests).toHaveLength(2 * 2 * 2 + 2 + 2);
  expect(server.requests.slice(0, 6).every(({ model }) => model === "terse")).toBe(true);
});

it("the same run again asks nothing, and another run of the project pays nothing", async () => {
  const first = await annotated("one");
  const asked = server.requests.length;
  expect(await annotated("one")).toEqual(first);
  expect(await annotated("two")).toEqual(first);
  expect(server.requests).toHaveLength(asked);
});

it("a model that annotates nothing is not asked about all seeds, and the reason is told", async () => {
  const bare = Array.from({ length: 200 }, (_, i) => `third-${i}`);
  const vain = annotated("vain", { bare, models: ["chatty"] });
  await expect(vain).rejects.toMatchObject({
    code: "nothing-annotated",
    message: expect.stringMatching(/^50 seeds in a row were not annotated by chatty; .*asked for twice/),
  });
  expect(server.requests.length).toBeLessThan(2 * 100);
  const few = annotated("few", { bare: bare.slice(0, 3), models: ["chatty"] });
  await expect(few).rejects.toMatchObject({ message: expect.stringMatching(/^none of the 3 seeds was annotated; /) });
});

it("a batch endpoint gets all seeds in one batch, and all repairs in another", { timeout: 60_000 }, async () => {
  const toy = await toyServer({ dialect: "generic" });
  const file = join(folder, "many.jsonl");
  const seeds = Array.from({ length: 12 }, (_, i) => ({ id: `s${i}`, problem: `What is ${i} + ${i}?` }));
  await writeFile(file, seeds.map((seed) => `${JSON.stringify(seed)}\n`).join(""));
  const hosted = {
    ...{ kind: "openai", url: toy.url, model: "toy", dialect: "generic", contextLength: 8192 },
    ...{ weights: { kind: "pinned", provider: "here", version: "toy" }, batch: { pollSeconds: 0.01 } },
  };
  const written = {
    ...{ recipe: "seeds", scale: "tiny", seeds: { file }, backends: { hosted }, roles: { annotators: ["hosted"] } },
    shardSize: 2,
  };
  const config = resolveConfig(written, [], "test") as SeedsConfig;
  const options = { config, inputs: [], ledger: join(folder, "ledger"), onEvent: () => undefined };
  const session = await openSession({ ...options, folder: join(folder, "batches") });
  try {
    const annotations = await annotateSeeds(session, config, seeds);
    expect(annotations).toHaveLength(12); // rejected, all of them: the toy writes letters by chance
    expect(toy.batches.created).toHaveLength(2);
    expect(toy.batches.answered.size).toBe(24);
  } finally {
    await session.close("done");
    await toy.close();
  }
});
