/**
 * One round of self-play over other engines, as a config composes it: a server of real numbers (llama.cpp behind the openai backend)
 * rolls out and scores the reference, TRL trains by DPO, and a round later the server has the new model.
 */
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, relative, resolve } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { Checkpoint } from "../../src/lm/contract.ts";
import { embedded, initCheckpoint, readTokenizer, trainBpe } from "../../src/lm/embedded/index.ts";
import { resolveAny } from "../../src/recipes/config.ts";
import { mathSelfPlay } from "../../src/recipes/math-selfplay.ts";
import { openSession } from "../../src/recipes/session.ts";
import type { MathSelfPlayConfig } from "../../src/recipes/solver-config.ts";
import { row, specialTokens } from "../../src/stages/em/format.ts";
import { selfPlayJournal } from "../../src/stages/selfplay/round.ts";
import { recordsOf } from "../../src/stages/stage.ts";
import { pythonPath } from "./python.ts";

const SERVER = resolve(import.meta.dirname, "../servers/llama/main.ts");

const problems = Array.from({ length: 8 }, (_, i) => ({ problem: `What is ${i} plus ${i + 1}?`, answer: 2 * i + 1 }));
const said = (answer: number) => `The answer is \\boxed{${answer}}.`;

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "promptcot-selfplay-round-"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** A small model that has learned one right and one wrong answer to each problem, and gives each about as often. */
async function undecided(): Promise<Checkpoint> {
  const texts = problems.flatMap(({ problem, answer }) => [problem, said(answer), said(answer + 1)]);
  const files = trainBpe(texts, { vocabSize: 320, specialTokens, eosToken: "<|end|>", padToken: "<|pad|>" });
  const config = {
    ...{ architecture: "llama" as const, hiddenSize: 32, layers: 2, heads: 2, keyValueHeads: 1, intermediateSize: 64 },
    ...{ contextLength: 256, initializerRange: 0.08 },
  };
  const base = await initCheckpoint({ config, tokenizer: files, seed: 1, out: join(folder, "fresh") });
  const tokenizer = readTokenizer(files, "test");
  const rows = problems.flatMap(({ problem, answer }, i) =>
    [answer, answer + 1].map((one) =>
      row(
        `${i}/${one}`,
        tokenizer.encode(`<|given|>${problem}<|solution|>`),
        tokenizer.encode(`${said(one)}<|end|>`),
        1,
      ),
    ),
  );
  const engine = embedded();
  const optimization = {
    ...{
      epochs: 60,
      batchSize: 8,
      learningRate: 1e-2,
      schedule: { kind: "cosine", warmupSteps: 10, floor: 0.05 } as const,
    },
    ...{ weightDecay: 0, beta1: 0.9, beta2: 0.99, epsilon: 1e-8, clipNorm: 1 },
  };
  const job = { from: base, out: join(folder, "model"), rows, optimization, optimizer: "fresh" as const, seed: 1 };
  const { checkpoint } = await engine.trainer.sft(job, {});
  await engine.close();
  return checkpoint;
}

async function configFor(model: Checkpoint): Promise<MathSelfPlayConfig> {
  const file = join(folder, "problems.jsonl");
  const rows = problems.map(({ problem, answer }, i) => ({ id: `sum-${i}`, problem, answer: String(answer) }));
  await writeFile(file, rows.map((one) => `${JSON.stringify(one)}\n`).join(""));
  const llama = {
    ...{ kind: "openai", url: "http://127.0.0.1:0/v1", model: "solver", dialect: "vllm", score: true },
    ...{ weights: { kind: "served" }, limits: { inFlight: 4 } },
    server: {
      command: `'${process.execPath}' '${SERVER}' --model {checkpoint} --port {port} --name {model}`,
      devices: [0],
      stopSeconds: 10,
    },
  };
  const trl = { kind: "trl", python: pythonPath(), cpu: true, devices: [0] };
  const written = {
    ...{ recipe: "math-selfplay", scale: "tiny", family: "solver", problems: { file } },
    ...{ model: { from: model.path, contextLength: 256 }, backends: { llama, trl } },
    roles: { solver: { sample: "llama", score: "llama", train: "trl" } },
    selfPlay: {
      ...{ band: { below: 1 }, validity: { thought: "none", scripts: [] }, rounds: 2, attempts: { temperature: 1 } },
      training: { fit: { batchSize: 4, learningRate: 1e-4 } },
    },
  };
  return resolveAny(written, [], "selfplay-round") as MathSelfPlayConfig;
}

test("a self-play round with a real server as sampler and TRL DPO as trainer", { timeout: 1_800_000 }, async () => {
  const config = await configFor(await undecided());
  const run = async () => {
    const options = { folder: join(folder, "run"), config, inputs: [], ledger: join(folder, "ledger") };
    const session = await openSession({ ...options, onEvent: () => undefined });
    try {
      await mathSelfPlay(session, config);
    } finally {
      await session.close("done");
    }
  };
  await run();
  const at = join(folder, "run");
  const rounds = await Array.fromAsync(recordsOf({ folder: at }, selfPlayJournal("selfplay")));
  expect(rounds).toHaveLength(3);
  const [, first] = rounds;
  expect(first?.work).toMatchObject({ rollouts: 64, unknown: 0, failed: 0 });
  expect(first?.work?.bias.pairs).toBeGreaterThan(0);
  // The reference is where the round starts: the first step's loss is log 2 only if TRL trains on our ids and our references.
  expect(first?.work?.training.losses[0]).toBeCloseTo(Math.log(2), 2);

  const log = await readFile(join(at, "servers", "llama.log"), "utf8");
  const starts = [...log.matchAll(/--model (\S+)/g)].map(([, path]) => relative(at, path as string));
  expect(starts.some((path) => path.includes("selfplay/round-1"))).toBe(true);

  // The same command again: everything is there, nothing is sampled and no server is started.
  await run();
  expect(await readFile(join(at, "servers", "llama.log"), "utf8")).toBe(log);
});
