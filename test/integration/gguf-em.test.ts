/** One EM round with llama.cpp in this process: it samples and scores every checkpoint that the embedded engine trains. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { type PocketConfig, resolveConfig } from "../../src/recipes/config.ts";
import { pocketMaterial } from "../../src/recipes/pocket.ts";
import { promptcot } from "../../src/recipes/promptcot.ts";
import { openSession } from "../../src/recipes/session.ts";
import { roundsJournal } from "../../src/stages/em/round.ts";
import { recordsOf } from "../../src/stages/stage.ts";

const WRITTEN = {
  ...{ recipe: "pocket", scale: "tiny", seeds: { count: 20 } },
  backends: { llama: { kind: "gguf", threads: 1, lanes: 2 } },
  roles: { q: { sample: "llama" }, p: { sample: "llama", score: "llama" } },
  em: { rounds: 1, controls: [], pairs: 6, devPairs: 2, testPairs: 2, candidates: 4, measureDraws: 2, testDraws: 2 },
  synthesize: { sets: 3 },
};

test("one EM round sampled and scored by llama.cpp, trained by the embedded engine", {
  timeout: 1_800_000,
}, async () => {
  const folder = await mkdtemp(join(tmpdir(), "promptcot-gguf-em-"));
  const config = resolveConfig(WRITTEN, [], "gguf-em") as PocketConfig;
  const options = { folder: join(folder, "run"), config, inputs: [], ledger: join(folder, "ledger") };
  const session = await openSession({ ...options, onEvent: () => undefined });
  await promptcot(session, config, await pocketMaterial(session, config));
  await session.close("done");
  const [, round] = await Array.fromAsync(recordsOf({ folder: options.folder }, roundsJournal("em")));
  expect(round?.p?.losses.every(Number.isFinite)).toBe(true);
  // Some candidates were scored by the embedded engine too.
  expect(round?.noise?.reference?.perToken).toBeLessThan(1e-3);
  // And some by llama.cpp once more: to the bit the same.
  expect(round?.noise).toMatchObject({ again: { perToken: 0 } });
  await rm(folder, { recursive: true });
});
