/** The base of a run: a folder that is there already, named by its content. */
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { rng } from "../core/rng.ts";
import { inline } from "../exec/inline.ts";
import { initCheckpoint, trainBpe } from "../lm/embedded/index.ts";
import { formatFor } from "../stages/em/format.ts";
import type { StageContext } from "../stages/stage.ts";
import { resolveConfig } from "./config.ts";
import { foundation } from "./foundation.ts";

let folder: string;
let from: string;
let context: StageContext;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "promptcot-base-"));
  from = join(folder, "given");
  context = { folder: join(folder, "run"), rng: rng(1), executor: inline() };
  const tokenizer = trainBpe(["one two three", "four five"], {
    vocabSize: 300,
    specialTokens: ["</s>"],
    eosToken: "</s>",
  });
  const sizes = { hiddenSize: 16, intermediateSize: 32, layers: 1, heads: 2, contextLength: 128 };
  await initCheckpoint({ config: { architecture: "llama", ...sizes }, tokenizer, seed: 1, out: from });
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const of = (contextLength: number) => resolveConfig({ model: { from, contextLength } }, [], "test");

it("starts from the folder as it is, and writes with text marks where the tokenizer lacks our tokens", async () => {
  const { base, tokenizer } = await foundation(context, of(128), []);
  expect(base.path).toBe(from);
  expect(formatFor(tokenizer).spelling).toBe("markers");
  expect((await foundation(context, of(128), [])).base).toEqual(base);
});

it("refuses a context that the model does not have, and another model when the run goes on", async () => {
  await expect(foundation(context, of(256), [])).rejects.toMatchObject({ code: "context-too-long" });
  await foundation(context, of(128), []);
  const config = join(from, "generation_config.json");
  await writeFile(config, `${(await readFile(config, "utf8")).trimEnd()}\n\n`);
  await expect(foundation(context, of(128), [])).rejects.toMatchObject({ code: "base-changed" });
});
