/**
 * One full EM round over other engines, as a config composes them: a server of real numbers (llama.cpp behind the openai backend),
 * started anew with each checkpoint, samples and scores; TRL trains; both share a device, on which they take turns.
 */
import { spawnSync } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, relative, resolve } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { embedded } from "../../src/lm/embedded/index.ts";
import { type PocketConfig, resolveConfig } from "../../src/recipes/config.ts";
import { pocketMaterial } from "../../src/recipes/pocket.ts";
import { promptcot } from "../../src/recipes/promptcot.ts";
import { openSession } from "../../src/recipes/session.ts";
import { writeSummary } from "../../src/recipes/summary.ts";
import { writeReport } from "../../src/report/html.ts";
import { scoreJointly } from "../../src/stages/em/e-step.ts";
import { Candidate, nats, Pair, TrainingRecord } from "../../src/stages/em/records.ts";
import { roundsJournal } from "../../src/stages/em/round.ts";
import { recordsOf, type StageContext } from "../../src/stages/stage.ts";
import { pythonPath } from "./python.ts";

const SERVER = resolve(import.meta.dirname, "../servers/llama/main.ts");

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "promptcot-em-round-"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** The tiny scale, smaller still, with every role but the oracle's played by other engines. */
function config(): PocketConfig {
  const llama = {
    ...{ kind: "openai", url: "http://127.0.0.1:0/v1", model: "prior", dialect: "vllm", score: true },
    ...{ weights: { kind: "served" }, limits: { inFlight: 4 } },
    server: {
      command: `'${process.execPath}' '${SERVER}' --model {checkpoint} --port {port} --name {model}`,
      devices: [0],
      stopSeconds: 10,
    },
  };
  const trl = { kind: "trl", python: pythonPath(), cpu: true, devices: [0] };
  const written = {
    ...{ recipe: "pocket", scale: "tiny", seeds: { count: 20 }, backends: { llama, trl } },
    roles: {
      q: { sample: "llama", train: "trl" },
      p: { sample: "llama", score: "llama", train: "trl", reference: "embedded" },
    },
    em: { rounds: 1, controls: [], pairs: 6, devPairs: 2, testPairs: 2, candidates: 4, measureDraws: 2, testDraws: 2 },
    synthesize: { sets: 3 },
  };
  return resolveConfig(written, [], "em-round") as PocketConfig;
}

async function run(): Promise<void> {
  const options = { folder: join(folder, "run"), config: config(), inputs: [], ledger: join(folder, "ledger") };
  const session = await openSession({ ...options, onEvent: () => undefined });
  try {
    await promptcot(session, options.config, await pocketMaterial(session, options.config));
  } finally {
    await session.close("done");
  }
}

test("one EM round with a real server as sampler and scorer, and TRL as trainer", { timeout: 1_800_000 }, async () => {
  await run();
  const at = join(folder, "run");
  const context = { folder: at };
  const [start, round] = await Array.fromAsync(recordsOf(context, roundsJournal("em")));
  expect(start?.measure.xNllAnnotated).toBeGreaterThan(0);
  expect(round?.q?.losses.every(Number.isFinite)).toBe(true);
  expect(round?.p?.losses.every(Number.isFinite)).toBe(true);

  // Each checkpoint was handed to the server by starting it anew, and no more often than it must be.
  const log = await readFile(join(at, "servers", "llama.log"), "utf8");
  const starts = [...log.matchAll(/--model (\S+)/g)].map(([, path]) =>
    relative(join(at, "checkpoints"), path as string),
  );
  expect(starts.slice(0, 6)).toEqual([
    "base",
    "coldstart/p",
    "coldstart/q",
    "coldstart/p",
    "em/round-1/q",
    "em/round-1/p",
  ]);

  // The server's scores are those of the embedded engine on the same ids: by our own comparison, and by the run's.
  const kind = { journal: "em/round-1/candidates", schema: Candidate, version: 1 };
  const candidates = (await Array.fromAsync(recordsOf(context, kind))).flatMap((entry) => (entry.ok ? [entry] : []));
  expect(candidates.length).toBeGreaterThan(0);
  const pairs = new Map<string, Pair>();
  for await (const pair of recordsOf(context, { journal: "pairs", schema: Pair, version: 1 })) pairs.set(pair.id, pair);
  const engine = embedded();
  const [p] = await Array.fromAsync(
    recordsOf(context, { journal: "training/coldstart/p", schema: TrainingRecord, version: 1 }),
  );
  const model = await engine.open({ path: join(at, p?.checkpoint ?? ""), hash: p?.hash ?? "" });
  const items = candidates.map(({ id, pairId, z }) => ({ id, z, pair: pairs.get(pairId) as Pair }));
  const own = await scoreJointly({} as StageContext, model, items);
  for (const { id, prior, likelihood } of candidates) {
    const score = own.get(id);
    if (score === undefined || "reason" in score) throw new Error("not scored");
    expect(Math.abs(nats(score.prior) - nats(prior)) / prior.tokens).toBeLessThan(1e-3);
    expect(Math.abs(nats(score.likelihood) - nats(likelihood)) / likelihood.tokens).toBeLessThan(1e-3);
  }
  await model.close();
  await engine.close();
  expect(round?.noise?.reference?.perToken).toBeLessThan(1e-3);

  const summary = await writeSummary(at);
  expect(summary.test).not.toBeNull();
  expect(summary.synthesis.asked).toBe(3);
  await writeReport(at);
  expect(await readFile(join(at, "report.html"), "utf8")).toContain("the reference engine");
  expect(spawnSync("pgrep", ["-f", folder]).stdout.toString()).toBe("");

  // The same command again: everything is there, and no server is started.
  await run();
  expect(await readFile(join(at, "servers", "llama.log"), "utf8")).toBe(log);
});
